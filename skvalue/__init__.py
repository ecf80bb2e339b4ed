"""Data valuation for scikit-learn: what is each training row worth?"""

from .confidence import SelfConfidence
from .consensus import ConsensusValuator
from .curation import CuratedEstimator, ValueSampler
from .data_oob import DataOOB
from .dvrl import DVRL
from .feature_confidence import FeatureConfidence
from .influence import InfluenceFunction
from .knn_shapley import KNNShapley
from .lava import LAVA
from .nddv import NDDVValuator
from .outliers import OutlierValuator

__all__ = [
    "DVRL",
    "LAVA",
    "ConsensusValuator",
    "CuratedEstimator",
    "DataOOB",
    "FeatureConfidence",
    "InfluenceFunction",
    "KNNShapley",
    "NDDVValuator",
    "OutlierValuator",
    "SelfConfidence",
    "ValueSampler",
]

__version__ = "0.1.0"
