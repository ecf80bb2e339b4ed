"""Values from the first-order effect of a row on a fitted model."""

from ._boosting_influence import BoostingInfluence
from ._influence_function import InfluenceFunction

__all__ = ["BoostingInfluence", "InfluenceFunction"]
