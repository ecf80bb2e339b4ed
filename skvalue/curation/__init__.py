"""Meta-estimators that act on values: fit on the rows that are worth it."""

from ._curated_estimator import CuratedEstimator
from ._value_sampler import ValueSampler

__all__ = ["CuratedEstimator", "ValueSampler"]
