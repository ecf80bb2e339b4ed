"""Values of nearest-neighbour games summed over a few held-out rows at a time.

Pure functions of a game and a chunk of held-out rows, for workers in parallel.
"""

from typing import NamedTuple

import numpy as np

from . import _recursions as recursions
from ._order import NeighbourOrder

# Neighbours that tell the class probabilities of a held-out row, at least.
N_VOTERS = 20


class Problem(NamedTuple):
    """The training rows of one game and its utility."""

    order: NeighbourOrder
    target: np.ndarray
    utility: str
    n_neighbors: int
    weighted: bool
    n_classes: int | None
    radius: float | None

    @property
    def chance(self):
        """What no neighbours predict, in classification."""
        return 1 / self.n_classes

    @property
    def origin(self):
        """What no neighbours predict, in regression."""
        return self.target.mean()


def chunk_values(problem, X_test, y_test, max_rank):
    """Values of all training rows, summed over a few held-out rows, and the latter's
    numbers of neighbours by class, of shape (n_test, n_classes); None in regression.
    """
    order, k = problem.order, problem.n_neighbors
    wanted = y_test[:, None]
    if problem.utility == "threshold":
        inside = order.within(X_test, problem.radius)
        values = recursions.threshold_values(
            problem.target == wanted, inside, problem.chance
        )
        return values.sum(axis=0), _counts(problem.target, inside, problem.n_classes)
    keys = order.sorted_keys(X_test, max_rank)
    if problem.weighted:
        weights = _distance_weights(order.distances(keys))
    keys &= order.row_mask
    targets = problem.target[keys]
    if problem.utility == "regression":
        origin = problem.origin
        values = recursions.regression_values(targets - origin, wanted - origin, k)
    else:
        scores = (targets == wanted).view(np.int8)
        if problem.weighted:
            scores = scores * weights
        if problem.utility == "soft":
            values = recursions.soft_values(scores, k, problem.chance)
        else:
            values = recursions.hard_values(scores, k, n_rows=order.n_samples)
    counts = None
    if problem.utility != "regression":
        counts = _counts(targets[:, : max(k, N_VOTERS)], True, problem.n_classes)
    return np.bincount(keys.ravel(), values.ravel(), order.n_samples), counts


def _counts(targets, counted, n_classes):
    """Number of the counted labels of each row that are of each class."""
    counts = [(counted & (targets == code)).sum(axis=1) for code in range(n_classes)]
    return np.stack(counts, axis=1)


def _distance_weights(distances, nearest=None):
    """Nearest distance over each distance, at most 1; 1 for an equal row."""
    nearest = distances[:, :1] if nearest is None else nearest
    equal = distances == 0
    return np.minimum(1, np.where(equal, 1.0, nearest / np.where(equal, 1, distances)))


def chunk_newcomers(problem, X_test, y_test, X_new, y_new):
    """Sum over a few held-out rows of the values of rows that join one at a time."""
    order, k = problem.order, problem.n_neighbors
    wanted = y_test[:, None]
    if problem.utility == "threshold":
        return recursions.threshold_newcomer(
            problem.target == wanted,
            order.within(X_test, problem.radius),
            y_new == wanted,
            order.within(X_test, problem.radius, X_new),
            problem.chance,
        ).sum(axis=0)
    keys = order.sorted_keys(X_test)
    new_keys = order.newcomer_keys(X_test, X_new)
    places = np.stack(
        [np.searchsorted(*pair) for pair in zip(keys, new_keys, strict=True)]
    )
    test = np.arange(len(y_test))[:, None]
    targets = problem.target[order.rows(keys)]
    if problem.utility == "regression":
        origin = problem.origin
        constant, slope, curvature = recursions.regression_newcomer(
            targets - origin, wanted - origin, k
        )
        new = y_new - origin
        slope = slope[test, places] + curvature[test, places] * new
        return (constant[test, places] + slope * new).sum(axis=0)
    scores = targets == wanted
    new_scores = y_new == wanted
    if problem.weighted:
        distances = order.distances(keys)
        scores = scores * _distance_weights(distances)
        new_scores = new_scores * _distance_weights(
            order.distances(new_keys), distances[:, :1]
        )
    if problem.utility == "soft":
        constant, slope = recursions.soft_newcomer(scores, k, problem.chance)
    else:
        constant, slope = recursions.hard_newcomer(scores.astype(float), k)
    return (constant[test, places] + slope[places] * new_scores).sum(axis=0)
