"""Values from the first-order effect of a row on a fitted model."""

from ._influence_function import InfluenceFunction

__all__ = ["InfluenceFunction"]
