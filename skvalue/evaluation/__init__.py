"""Experiments that compare valuators, over data sets, kinds of noise and seeds."""

from ._curves import addition_experiment, removal_experiment
from ._detection import detection_experiment
from ._downstream import downstream_experiment
from ._stability import stability_experiment

__all__ = [
    "addition_experiment",
    "detection_experiment",
    "downstream_experiment",
    "removal_experiment",
    "stability_experiment",
]
