"""What moved a prediction: attributions to training rows."""

from ._datamodels import Datamodels

__all__ = ["Datamodels"]
