"""Refuse settings of `NDDVValuator` that cannot train, before anything is trained."""

import torch
from skorch.callbacks import Callback

from .nddv_net import NDDVNet
from .utilities import CrossEntropy


def check_settings(settings, n_features):
    """Raise where a setting that only torch or skorch can judge is not usable."""
    # Constructors of the user's modules draw from the global generator.
    with torch.random.fork_rng(devices=[]):
        _check_device(settings["device"])
        _check_module(settings["module"], n_features)
        _check_optimizer(settings["optimizer"], settings["lr"])
        _check_callbacks(settings["callbacks"])
        _check_net_params(settings)


def _check_device(device):
    try:
        torch.zeros(1, device=torch.device(device)).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device={device!r} cannot be used here ({reason}); use "
            '"cpu", or "cuda" where torch sees a GPU.'
        ) from error


def _check_module(module, n_features):
    if module is None:
        return
    if isinstance(module, torch.nn.Module):
        raise ValueError(
            "module must be a class or a function that returns a new torch module for "
            "`module(n_features)`, because each time step and member has its own; got "
            f"the instance {type(module).__name__}."
        )
    try:
        control = module(n_features)
    except TypeError as error:
        raise TypeError(
            f"module({n_features}) failed ({error}); it is called with the number of "
            "features."
        ) from error
    if not isinstance(control, torch.nn.Module):
        raise TypeError(
            f"module({n_features}) returned {type(control).__name__}; it must return a "
            "torch module."
        )
    state = torch.zeros(2, n_features)
    shape = tuple(control.eval()(state).shape)
    if shape != tuple(state.shape):
        raise ValueError(
            f"module maps (batch, {n_features}) to {shape} for a batch of 2; a control "
            "must have the shape of its state."
        )


def _check_optimizer(optimizer, lr):
    if optimizer is None:
        return
    try:
        made = optimizer([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"optimizer={optimizer!r} cannot be called as a torch optimizer class is, "
            f"with parameters and lr: {error}"
        ) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer={optimizer!r} made {type(made).__name__}; it must make a torch "
            "optimizer."
        )


def _check_callbacks(callbacks):
    for item in callbacks or []:
        callback = item[-1] if isinstance(item, tuple) and len(item) == 2 else item
        is_class = isinstance(callback, type) and issubclass(callback, Callback)
        if not (is_class or isinstance(callback, Callback)):
            raise TypeError(
                "callbacks must hold skorch callbacks or pairs (name, callback); got "
                f"{item!r}."
            )


def _check_net_params(settings):
    net_params = settings["net_params"]
    if not net_params:
        return
    try:
        NDDVNet(
            torch.nn.Linear,
            module__in_features=1,
            module__out_features=1,
            **{"criterion": CrossEntropy}
            | {"optimizer": settings["optimizer"] or torch.optim.Adam}
            | {"verbose": 0}
            | net_params,
        ).initialize()
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"net_params={net_params!r} are no parameters of the skorch net: {error}"
        ) from error
