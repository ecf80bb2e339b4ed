"""Data valuation for scikit-learn: what is each training row worth?"""

__version__ = "0.1.0"
