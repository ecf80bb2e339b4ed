"""Games among training rows, and the values that come of them.

Semivalues are weighted means of what a row adds to coalitions of the others.
"""

from ._ame import AME
from ._beta_shapley import BetaShapley
from ._data_banzhaf import DataBanzhaf
from ._data_shapley import DataShapley
from ._distributional import DistributionalShapley
from ._leave_one_out import LeaveOneOut
from ._semivalue import Semivalue
from ._subsample_influence import SubsampleInfluence

__all__ = [
    "AME",
    "BetaShapley",
    "DataBanzhaf",
    "DataShapley",
    "DistributionalShapley",
    "LeaveOneOut",
    "Semivalue",
    "SubsampleInfluence",
]
