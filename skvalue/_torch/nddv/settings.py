"""Refuse settings of `NDDVValuator` that cannot train, before anything is trained."""

import torch

from ..checks import check_net_settings, make_module, output_shape
from .net import NDDVNet
from .utilities import CrossEntropy


def resolve_settings(parameters, *, n_samples, n_classes, has_held_out):
    """Parameters with "auto" resolved, checked against each other and the data.

    Parameters
    ----------
    parameters : dict
        Of `NDDVValuator`; left as it is.

    n_samples, n_classes : int
        Of the training data; no classes is regression.

    has_held_out : bool
        Whether there are clean rows to re-weight by.

    Returns
    -------
    settings : dict
        The parameters and `n_outputs`.
    """
    settings = dict(parameters)
    interaction, n_steps = settings["interaction"], settings["n_steps"]
    if interaction / n_steps >= 2:
        raise ValueError(
            f"interaction={interaction} is too large for n_steps={n_steps}: explicit "
            "Euler diverges unless interaction / n_steps is below 2."
        )
    batch_size = settings["batch_size"]
    if batch_size == "auto":
        settings["batch_size"] = min(n_samples, max(32, min(n_samples // 32, 1000)))
    elif batch_size > n_samples:
        raise ValueError(
            f"batch_size={batch_size} is more than the {n_samples} rows of X; lower "
            'it, or use "auto".'
        )
    if settings["reweight"] == "auto":
        settings["reweight"] = has_held_out
    elif settings["reweight"] and not has_held_out:
        raise ValueError(
            "reweight=True needs clean rows: pass X_val and y_val to fit, or use "
            'reweight="auto".'
        )
    if settings["utility"] == "auto":
        settings["utility"] = "cost" if n_classes else "state"
    if settings["utility_epochs"] == "auto":
        # Of real targets the state utility is the residual at the end of training.
        residual = settings["utility"] == "state" and not n_classes
        settings["utility_epochs"] = "last" if residual else "all"
    settings["n_outputs"] = n_classes or 1
    return settings


def check_settings(settings, n_features):
    """Raise where a setting that only torch or skorch can judge is not usable."""
    # Constructors of the user's modules draw from the global generator.
    with torch.random.fork_rng(devices=[]):
        check_net_settings(settings, NDDVNet, CrossEntropy)
        _check_module(settings["module"], n_features)


def _check_module(module, n_features):
    if module is None:
        return
    control = make_module(module, n_features, "number of features")
    shape = output_shape(control, (n_features,))
    if shape != (2, n_features):
        raise ValueError(
            f"module maps (batch, {n_features}) to {shape} for a batch of 2; a control "
            "must have the shape of its state."
        )
