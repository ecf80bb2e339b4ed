"""Data valuation for scikit-learn: what is each training row worth?"""

from .ame import AME, SubsampleInfluence
from .amortized import AmortizedShapley
from .confidence import SelfConfidence
from .consensus import ConsensusValuator
from .curation import CuratedEstimator, ValueSampler
from .data_oob import DataOOB
from .dvrl import DVRL
from .feature_confidence import FeatureConfidence
from .influence import InfluenceFunction
from .knn_shapley import KNNShapley
from .lava import LAVA
from .loo import LeaveOneOut
from .nddv import NDDVValuator
from .outliers import OutlierValuator
from .semivalues import (
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    Semivalue,
)

__all__ = [
    "AME",
    "DVRL",
    "LAVA",
    "AmortizedShapley",
    "BetaShapley",
    "ConsensusValuator",
    "CuratedEstimator",
    "DataBanzhaf",
    "DataOOB",
    "DataShapley",
    "DistributionalShapley",
    "FeatureConfidence",
    "InfluenceFunction",
    "KNNShapley",
    "LeaveOneOut",
    "NDDVValuator",
    "OutlierValuator",
    "SelfConfidence",
    "Semivalue",
    "SubsampleInfluence",
    "ValueSampler",
]

__version__ = "0.1.0"
