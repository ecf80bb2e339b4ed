r"""Shapley values of nearest-neighbour games, in closed form.

Rows are in the order of their distance to one test row, nearest first, at places
:math:`i = 1..n`. Two neighbours in that order differ in value by

.. math:: \phi_i - \phi_{i+1} = \frac{1}{n-1} \sum_{k=0}^{n-2} \binom{n-2}{k}^{-1}
   \sum_{|S|=k} [U(S \cup i) - U(S \cup \{i+1\})],

a difference that only matters while fewer than K rows of S are nearer, and the value
of the furthest row only counts coalitions of fewer than K rows. Both sums are closed
expressions in i, so one reversed cumulative sum over the places gives every value.
The number of nearer rows in S, over coalitions of every size, is uniform on 0..i-1:
that is where :math:`\min(K, i)/i` comes from.

Sources: Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor
Algorithms", VLDB 2019 (hard labels, regression); Wang, Jia, "A Note on 'Efficient
Task-Specific Data Valuation for Nearest Neighbor Algorithms'", 2023 (soft labels);
Wang et al., "Threshold KNN-Shapley", NeurIPS 2023. Derived anew here for K > n and
for a row that joins a game.

Each ``*_values`` takes all n rows and returns their values; each ``*_newcomer``
returns the value of one more row at every place 1..n+1, given the n rows.
"""

import numpy as np


def suffix_sum(differences):
    """Sum of each place and those behind it, in place."""
    reverse = differences[..., ::-1]
    np.cumsum(reverse, axis=-1, out=reverse)
    return differences


# ------------------------------------------------- hard: U = sum of the K scores / K


def hard_weights(n_rows, n_neighbors):
    """Weights of the differences for places 1..n-1, and of the furthest row."""
    # min(K, i) / (i K) in both cases.
    weights = 1.0 / np.maximum(np.arange(1, n_rows + 1), n_neighbors)
    return weights[:-1], weights[-1]


def hard_values(scores, n_neighbors, *, n_rows=None):
    """Values for the utility (sum of the scores of the K nearest) / K.

    Parameters
    ----------
    scores : ndarray of shape (n_test, n_ranks)
        What each row adds as a neighbour, nearest first.

    n_neighbors : int
        K.

    n_rows : int or None
        Rows in the game where `scores` holds only the nearest: the value at place
        n_ranks, at most 1 / n_ranks, then counts as 0.

    Returns
    -------
    values : ndarray of shape (n_test, n_ranks)
        Shapley values, nearest first.
    """
    n_ranks = scores.shape[1]
    weights, last = hard_weights(n_ranks, n_neighbors)
    values = np.empty(scores.shape)
    np.subtract(scores[:, :-1], scores[:, 1:], out=values[:, :-1], dtype=np.float64)
    values[:, :-1] *= weights
    exact = n_rows is None or n_ranks == n_rows
    values[:, -1] = scores[:, -1] * last if exact else 0.0
    return suffix_sum(values)


def hard_newcomer(scores, n_neighbors):
    """Value a newcomer of score 0 would have at each place, and its gain per score."""
    n_test, n_rows = scores.shape
    weights, last = hard_weights(n_rows + 1, n_neighbors)
    return _from_pairs(scores, weights, np.zeros((n_test, 1)), last)


def _from_pairs(scores, weights, at_end, last):
    """Assemble (constant, slope) over places 1..n+1 from the weights of the pairs.

    The newcomer at place r pairs with the row behind it (weight of place r); the rows
    behind pair among themselves at places one further back than without it. `at_end`
    is the furthest row's value without its own score's share `last`.
    """
    behind = np.zeros((len(scores), scores.shape[1] + 1))
    behind[:, :-2] = (scores[:, :-1] - scores[:, 1:]) * weights[1:]
    behind[:, -2] = scores[:, -1] * last
    constant = suffix_sum(behind) + at_end
    constant[:, :-1] -= scores * weights
    slope = np.append(weights, last)
    return constant, slope


# ------------------------------------- soft: U = mean score of the min(K, |S|) nearest


def soft_weights(n_rows, n_neighbors):
    """Weights of the differences, and H = 1 + 1/2 + ... of the furthest row."""
    place = np.arange(1, n_rows)
    k = min(n_neighbors, n_rows - 1)
    if k == 0:
        return np.empty(0), 1.0
    crowded = ((n_rows - 1) * np.minimum(k, place) / place - k) / k
    weights = (_harmonic(k) + crowded) / (n_rows - 1)
    return weights, _harmonic(min(n_neighbors, n_rows))


def _harmonic(n):
    return np.sum(1.0 / np.arange(1, n + 1))


def soft_values(scores, n_neighbors, chance):
    """Values for the mean score of the min(K, |S|) nearest; U(empty) = chance."""
    n_rows = scores.shape[1]
    scores = scores.astype(np.float64)
    weights, harmonic = soft_weights(n_rows, n_neighbors)
    values = np.empty_like(scores)
    values[:, :-1] = (scores[:, :-1] - scores[:, 1:]) * weights
    others = scores[:, :-1].sum(axis=1) / max(1, n_rows - 1)
    values[:, -1] = ((scores[:, -1] - others) * harmonic + others - chance) / n_rows
    return suffix_sum(values)


def soft_newcomer(scores, n_neighbors, chance):
    """As `hard_newcomer`, for the soft utility."""
    scores = scores.astype(np.float64)
    n_rows = scores.shape[1] + 1
    weights, harmonic = soft_weights(n_rows, n_neighbors)
    total = scores.sum(axis=1, keepdims=True)
    # Furthest row without its own score: (others (1 - H) - chance) / n.
    share = (1 - harmonic) / (n_rows * (n_rows - 1))
    at_end = np.repeat(-chance / n_rows + share * total, n_rows, axis=1)
    at_end[:, :-1] -= share * scores[:, -1:]
    constant, slope = _from_pairs(scores, weights, at_end, harmonic / n_rows)
    # A newcomer that is not the furthest row is one of the others.
    slope[:-1] += share
    return constant, slope


# ------------------------------- threshold: U = mean score of the rows within a radius


def threshold_values(scores, inside, chance):
    """Values for the utility mean score of the rows of S inside; U(empty) = chance.

    Every row inside plays the soft game with K at least the number of rows, where
    order does not matter; the others are null players. Needs no sort.
    """
    count = inside.sum(axis=1, keepdims=True)
    mean = (scores * inside).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    return inside * _threshold_value(scores, mean, count, chance)


def threshold_newcomer(scores, inside, new_scores, new_inside, chance):
    """Value of each newcomer, of shape (n_test, n_new)."""
    count = inside.sum(axis=1, keepdims=True)
    total = (scores * inside).sum(axis=1, keepdims=True)
    mean = (total + new_scores) / (count + 1)
    return new_inside * _threshold_value(new_scores, mean, count + 1, chance)


def _threshold_value(scores, mean, count, chance):
    # phi_i - phi_j = (score_i - score_j) H_{m-1} / (m - 1); sum phi = mean - chance.
    harmonic = np.append(0.0, np.cumsum(1.0 / np.arange(1, max(2, count.max()))))
    spread = harmonic[np.maximum(count - 1, 0)] / np.maximum(count - 1, 1)
    return (mean - chance) / np.maximum(count, 1) + (scores - mean) * spread


# ------------------------------ regression: U = -(sum of the K targets / K - target)^2


def _pair_terms(n_rows, n_neighbors):
    """P(slot open), share of each nearer row and of each further one, by place.

    At place i with M = min(K, i): fewer than K of the rows drawn are nearer with
    probability M / i; a nearer row is drawn then, too, with M (M - 1) / (2 i (i - 1));
    a row at place l behind the pair fills one of the K - 1 other slots with
    m (m + 1) / (2 (l - 1)(l - 2)), m = min(K - 1, l - 2).
    """
    place = np.arange(1, n_rows + 1, dtype=np.float64)
    slots = np.minimum(n_neighbors, place)
    is_open = slots / place
    nearer = slots * (slots - 1) / (2 * place * np.maximum(place - 1, 1))
    filled = np.minimum(n_neighbors - 1, np.maximum(place - 2, 0))
    further = np.zeros(n_rows)
    further[2:] = (filled * (filled + 1))[2:] / (2 * (place - 1) * (place - 2))[2:]
    return is_open, nearer, further


def regression_values(targets, wanted, n_neighbors):
    """Values for the utility -(sum of the K nearest targets / K - wanted)^2.

    Parameters
    ----------
    targets : ndarray of shape (n_test, n_rows)
        Training targets, nearest first, measured from what no neighbour predicts.

    wanted : ndarray of shape (n_test, 1)
        Target of each test row, measured from the same origin.

    n_neighbors : int
        K.

    Returns
    -------
    values : ndarray of shape (n_test, n_rows)
        Shapley values, nearest first.
    """
    k = n_neighbors
    is_open, nearer, further = _pair_terms(targets.shape[1], k)
    ahead = np.cumsum(targets, axis=1) - targets
    behind = suffix_sum(targets * further)
    own, following = targets[:, :-1], targets[:, 1:]
    others = nearer[:-1] * ahead[:, :-1]
    others[:, :-1] += behind[:, 2:]
    values = np.empty_like(targets)
    gap = (2 * wanted - (own + following) / k) * is_open[:-1] - 2 * others / k
    values[:, :-1] = (own - following) * gap / k
    alone = (2 * wanted - targets[:, -1:] / k) * is_open[-1]
    alone -= 2 * nearer[-1] * ahead[:, -1:] / k
    values[:, -1:] = targets[:, -1:] * alone / k
    return suffix_sum(values)


def regression_newcomer(targets, wanted, n_neighbors):
    """Coefficients of a newcomer's value in its target, at places 1..n+1.

    Returns
    -------
    constant, slope, curvature : ndarray of shape (n_test, n_rows + 1)
        The value is ``constant + slope * target + curvature * target ** 2``.
    """
    k, (n_test, n_rows) = n_neighbors, targets.shape
    is_open, nearer, further = _pair_terms(n_rows + 1, k)
    ahead = np.cumsum(targets, axis=1) - targets
    # Rows behind the newcomer stand one place further back than among themselves.
    behind = np.zeros((n_test, n_rows + 2))
    behind[:, :n_rows] = suffix_sum(targets * further[1:])
    constant = np.zeros((n_test, n_rows + 1))
    slope = np.zeros((n_test, n_rows + 1))
    # Pairs behind the newcomer, then the furthest row.
    own, following = targets[:, :-1], targets[:, 1:]
    others = nearer[1:-1] * ahead[:, :-1] + behind[:, 2 : n_rows + 1]
    gap = (2 * wanted - (own + following) / k) * is_open[1:-1] - 2 * others / k
    constant[:, : n_rows - 1] = (own - following) * gap / k
    slope[:, : n_rows - 1] = -2 * (own - following) * nearer[1:-1] / k**2
    last = targets[:, -1:]
    alone = (2 * wanted - last / k) * is_open[-1] - 2 * nearer[-1] * ahead[:, -1:] / k
    constant[:, n_rows - 1 : n_rows] = last * alone / k
    slope[:, n_rows - 1 : n_rows] = -2 * last * nearer[-1] / k**2
    suffix_sum(constant)
    suffix_sum(slope)
    # The newcomer's pair with the row behind it, or the newcomer as furthest row.
    others = nearer[:-1] * ahead + behind[:, 1 : n_rows + 1]
    pull = 2 * wanted * is_open[:-1] - 2 * others / k
    constant[:, :-1] += (targets**2 / k * is_open[:-1] - targets * pull) / k
    slope[:, :-1] += pull / k
    total = targets.sum(axis=1, keepdims=True)
    slope[:, -1:] += (2 * wanted * is_open[-1] - 2 * nearer[-1] * total / k) / k
    curvature = np.broadcast_to(-is_open / k**2, slope.shape)
    return constant, slope, curvature
