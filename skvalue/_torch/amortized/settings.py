"""Refuse settings of `AmortizedShapley` that cannot train, before labels are drawn."""

import torch

from ..checks import check_net_settings, make_module, output_shape
from .amortizer import AmortizerNet, OwnClassError


def check_settings(settings, input_shape, n_outputs):
    """Raise where a setting that only torch or skorch can judge is not usable.

    Parameters
    ----------
    settings : dict
        Parameters of `AmortizedShapley` with every "auto" resolved.

    input_shape : tuple of int
        Shape of a row.

    n_outputs : int
        Outputs that a module of the user's must have.
    """
    # Constructors of the user's modules draw from the global generator.
    with torch.random.fork_rng(devices=[]):
        check_net_settings(settings, AmortizerNet, OwnClassError)
        if settings["module"] is not None:
            _check_module(settings["module"], input_shape, n_outputs)


def _check_module(module, input_shape, n_outputs):
    made = make_module(module, n_outputs, "number of outputs")
    if not any(isinstance(layer, torch.nn.Linear) for layer in made.modules()):
        raise ValueError(
            f"module({n_outputs}) has no torch.nn.Linear; the last one is where values "
            "are learned."
        )
    shape = output_shape(made, input_shape)
    if shape != (2, n_outputs):
        raise ValueError(
            f"module({n_outputs}) maps two rows of shape {tuple(input_shape)} to "
            f"{shape}; expected (2, {n_outputs})."
        )
