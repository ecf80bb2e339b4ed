"""Data with known truth, known wrong rows, and the tables of the papers."""

from ._feature_noise import make_feature_noise
from ._label_noise import make_label_noise
from ._mixed_table import make_mixed_table
from ._paper_tables import (
    fetch_2dplanes,
    fetch_adult,
    fetch_electricity,
    fetch_fried,
    fetch_miniboone,
    fetch_nomao,
    fetch_pol,
)
from ._two_planes import make_two_planes, two_planes_posterior

__all__ = [
    "fetch_2dplanes",
    "fetch_adult",
    "fetch_electricity",
    "fetch_fried",
    "fetch_miniboone",
    "fetch_nomao",
    "fetch_pol",
    "make_feature_noise",
    "make_label_noise",
    "make_mixed_table",
    "make_two_planes",
    "two_planes_posterior",
]
