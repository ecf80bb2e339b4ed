"""Attribution of predictions to the columns of their rows, and to training rows."""

from ._amortized_attribution import AmortizedAttribution
from ._datamodels import Datamodels
from ._feature_attribution import FeatureAttribution

__all__ = ["AmortizedAttribution", "Datamodels", "FeatureAttribution"]
