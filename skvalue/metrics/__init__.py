"""How good values and attributions are."""

from ._datamodeling import linear_datamodeling_score, retrained_outputs
from ._removal import removal_curve
from ._values import agreement, detection, detection_curve

__all__ = [
    "agreement",
    "detection",
    "detection_curve",
    "linear_datamodeling_score",
    "removal_curve",
    "retrained_outputs",
]
