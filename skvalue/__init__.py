"""Data valuation for scikit-learn: what is each training row worth?"""

from .curation import CuratedEstimator, ValueSampler
from .nddv import NDDVValuator

__all__ = ["CuratedEstimator", "NDDVValuator", "ValueSampler"]

__version__ = "0.1.0"
