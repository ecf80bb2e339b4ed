"""Refuse settings of `NDDVValuator` that cannot train, before anything is trained."""

import torch

from .nddv_net import NDDVNet
from .settings import check_net_settings, make_module, output_shape
from .utilities import CrossEntropy


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
