"""How good values and attributions are."""

from ._datamodeling import linear_datamodeling_score, retrained_outputs
from ._values import agreement, detection

__all__ = [
    "agreement",
    "detection",
    "linear_datamodeling_score",
    "retrained_outputs",
]
