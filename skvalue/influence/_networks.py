"""What kind of model the user gave, told without importing torch or skorch."""

import sys


def is_network(estimator):
    """Whether this is a torch module or a skorch net."""
    torch, skorch = sys.modules.get("torch"), sys.modules.get("skorch")
    return (torch is not None and isinstance(estimator, torch.nn.Module)) or (
        skorch is not None and isinstance(estimator, skorch.NeuralNet)
    )


def is_trained(estimator):
    """Whether a network is used as it is: a module, or a fitted skorch net."""
    if not is_network(estimator):
        return False
    return getattr(estimator, "initialized_", not hasattr(estimator, "criterion"))
