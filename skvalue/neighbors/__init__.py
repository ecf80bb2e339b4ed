"""Values for nearest-neighbour models, in closed form."""

from ._knn_shapley import KNNShapley

__all__ = ["KNNShapley"]
