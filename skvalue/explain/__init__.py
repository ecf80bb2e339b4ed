"""Attribution of predictions to the columns of their rows."""

from ._amortized_attribution import AmortizedAttribution
from ._feature_attribution import FeatureAttribution

__all__ = ["AmortizedAttribution", "FeatureAttribution"]
