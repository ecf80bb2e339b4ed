"""Attribution of predictions to the columns of their rows."""

from ._feature_attribution import FeatureAttribution

__all__ = ["FeatureAttribution"]
