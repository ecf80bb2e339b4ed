"""Data valuation for scikit-learn: what is each training row worth?"""

from .amortized import AmortizedShapley
from .confidence import SelfConfidence
from .consensus import ConsensusValuator
from .curation import CuratedEstimator, ValueSampler
from .data_oob import DataOOB
from .dvrl import DVRL
from .explain import AmortizedAttribution, Datamodels, FeatureAttribution
from .feature_confidence import FeatureConfidence
from .influence import BoostingInfluence, InfluenceFunction
from .kairos import KAIROS
from .lava import LAVA
from .nddv import NDDVValuator
from .neighbors import KNNShapley
from .outliers import OutlierValuator
from .semivalues import (
    AME,
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    LeaveOneOut,
    Semivalue,
    SubsampleInfluence,
)

__all__ = [
    "AME",
    "DVRL",
    "KAIROS",
    "LAVA",
    "AmortizedAttribution",
    "AmortizedShapley",
    "BetaShapley",
    "BoostingInfluence",
    "ConsensusValuator",
    "CuratedEstimator",
    "DataBanzhaf",
    "DataOOB",
    "DataShapley",
    "Datamodels",
    "DistributionalShapley",
    "FeatureAttribution",
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
