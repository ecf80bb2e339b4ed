"""Data with known truth: a generator with a known posterior, and known wrong rows."""

from ._feature_noise import make_feature_noise
from ._label_noise import make_label_noise
from ._mixed_table import make_mixed_table
from ._two_planes import make_two_planes, two_planes_posterior

__all__ = [
    "make_feature_noise",
    "make_label_noise",
    "make_mixed_table",
    "make_two_planes",
    "two_planes_posterior",
]
