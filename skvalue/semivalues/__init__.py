"""Semivalues of training rows: weighted means of what a row adds to coalitions."""

from ._beta_shapley import BetaShapley
from ._data_banzhaf import DataBanzhaf
from ._data_shapley import DataShapley
from ._distributional import DistributionalShapley
from ._semivalue import Semivalue

__all__ = [
    "BetaShapley",
    "DataBanzhaf",
    "DataShapley",
    "DistributionalShapley",
    "Semivalue",
]
