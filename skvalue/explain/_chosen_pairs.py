r"""Coalitions that tell most about the Shapley values, before any is evaluated.

How uncertain a Gaussian process leaves the values does not depend on what the
coalitions are worth. So they are chosen one after the other, each the one that leaves
least,

.. math:: S_{m + 1} = \arg\max_S \frac{\sum_i \operatorname{cov}(\phi_i, D(S) \mid S_1,
          \dots, S_m)^2}{\operatorname{var}(D(S) \mid S_1, \dots, S_m) + \sigma^2}

(Huszár & Duvenaud, "Optimally-Weighted Herding Is Bayesian Quadrature", UAI 2012), from
candidates that the Shapley kernel draws. Coalitions of one player and of all but one
come first: they are exact for games of two-way interactions.
"""

import numpy as np

from .._coalitions.enumeration import coalitions
from ._kernel_design import kernel_pairs

# Candidates: so many, or this multiple of what is chosen; at most half of all pairs, so
# that another seed chooses others.
CANDIDATES, A_PAIR = 2048, 4

# Pairs that are chosen; more are drawn from the candidates.
MOST_CHOSEN = 512

# Pairs that are all candidates.
FEW = 31


def chosen_pairs(prior, n_pairs, rng):
    """One coalition of each pair that is to be evaluated.

    Parameters
    ----------
    prior : InteractionPrior
        What is expected of the games.

    n_pairs : int
        How many, fewer than there are.

    rng : numpy.random.Generator
        Of the candidates.

    Returns
    -------
    halves : ndarray of shape (n_pairs, n_players), dtype bool
        All different, none the complement of another.
    """
    n_players = len(prior.rho)
    halves = _candidates(n_players, n_pairs, rng)
    signs = np.where(np.vstack([halves, np.ones(n_players, bool)]), 1.0, -1.0)
    all_players = len(halves)
    n_chosen = min(n_pairs, MOST_CHOSEN)
    first = [all_players, *range(min(n_players, n_chosen) * (n_pairs >= n_players))]
    factor = np.empty((n_chosen + 1, len(signs)))
    shared = prior.shapley_covariance(signs)
    variance = np.full(len(signs), prior.covariance(signs[:1], signs[:1]).item())
    noise = np.full(len(signs), prior.noise)
    noise[all_players] = 0.0
    is_left = np.ones(len(signs), bool)
    order = []
    for step in range(n_chosen + 1):
        if step < len(first):
            place = first[step]
        else:
            told = np.sum(shared**2, axis=0) / (np.maximum(variance, 1e-12) + noise)
            place = int(np.argmax(np.where(is_left, told, -1.0)))
        row = prior.covariance(signs[place : place + 1], signs)[0]
        row -= factor[:step, place] @ factor[:step]
        scale = np.sqrt(max(row[place], 1e-12) + noise[place])
        row /= scale
        factor[step] = row
        variance -= row**2
        shared -= np.outer(shared[:, place] / scale, row)
        is_left[place] = False
        order.append(place)
    is_left[all_players] = False
    rest = rng.permutation(np.flatnonzero(is_left))[: n_pairs - n_chosen]
    return halves[np.concatenate([order[1:], rest]).astype(int)]


def _candidates(n_players, n_pairs, rng):
    """Coalitions of one player, then others, of pairs that all differ."""
    ones = np.eye(n_players, dtype=bool)
    n_all = 2 ** (n_players - 1) - 1
    count = max(n_pairs, min(max(CANDIDATES, A_PAIR * n_pairs), n_all // 2))
    if n_all <= FEW or 4 * n_pairs > 3 * n_all:
        others = coalitions(n_players)[1 : n_all + 1]
    else:
        others, _, _ = kernel_pairs(n_players, count, rng)
    halves = np.concatenate([ones, others])
    keys = np.packbits(np.where(halves[:, :1], halves, ~halves), axis=1)
    _, places = np.unique(keys, axis=0, return_index=True)
    return halves[np.sort(places)]
