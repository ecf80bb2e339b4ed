"""Data valuation for scikit-learn: what is each training row worth?"""

from .nddv import NDDVValuator

__all__ = ["NDDVValuator"]

__version__ = "0.1.0"
