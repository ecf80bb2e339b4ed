"""Data valuation for scikit-learn: what is each training row worth?"""

from .ame import AME, SubsampleInfluence
from .curation import CuratedEstimator, ValueSampler
from .loo import LeaveOneOut
from .nddv import NDDVValuator
from .semivalues import (
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    Semivalue,
)

__all__ = [
    "AME",
    "BetaShapley",
    "CuratedEstimator",
    "DataBanzhaf",
    "DataShapley",
    "DistributionalShapley",
    "LeaveOneOut",
    "NDDVValuator",
    "Semivalue",
    "SubsampleInfluence",
    "ValueSampler",
]

__version__ = "0.1.0"
