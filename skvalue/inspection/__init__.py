"""Pictures of values and attributions, with scikit-learn's conventions.

They need matplotlib (``pip install "skvalue[plot]"``).
"""

from ._attribution import AttributionDisplay
from ._convergence import ConvergenceDisplay
from ._detection_curve import DetectionCurveDisplay
from ._group_values import GroupValuesDisplay
from ._removal_curve import RemovalCurveDisplay
from ._rows import RowsDisplay
from ._trajectory import TrajectoryDisplay
from ._value_distribution import ValueDistributionDisplay

__all__ = [
    "AttributionDisplay",
    "ConvergenceDisplay",
    "DetectionCurveDisplay",
    "GroupValuesDisplay",
    "RemovalCurveDisplay",
    "RowsDisplay",
    "TrajectoryDisplay",
    "ValueDistributionDisplay",
]
