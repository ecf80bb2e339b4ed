r"""Banzhaf values and LIME: coalitions that hold every column with probability 1/2.

Banzhaf by maximum sample reuse (Wang & Jia, "Data Banzhaf: A Robust Data Valuation
Framework for Machine Learning", AISTATS 2023),

.. math:: \hat\phi_i = \frac{1}{|\{S \ni i\}|} \sum_{S \ni i} f(x_S)
          - \frac{1}{|\{S \not\ni i\}|} \sum_{S \not\ni i} f(x_S),

and LIME by weighted least squares with an intercept (Ribeiro, Singh & Guestrin, "Why
Should I Trust You?: Explaining the Predictions of Any Classifier", KDD 2016),

.. math:: \min_{a_0, \phi} \sum_S \pi(S) \Big( f(x_S) - a_0 - \sum_{i \in S} \phi_i
          \Big)^2, \qquad
          \pi(S) = \exp\Big( -\frac{(1 - \sqrt{|S| / d})^2}{0.25} \Big).
"""

import numpy as np
from scipy import linalg

from ._designs import Design, differences, with_complements
from ._kernel_design import MOST_LEVERAGE

# Coalitions to a player from which LIME's come in pairs.
PAIRED_FROM = 4

# Width of LIME's kernel, squared, and what keeps its equations solvable.
WIDTH = 0.25
TINY = 1e-10


class BanzhafDesign(Design):
    """Pairs of complementary coalitions: each player is in one of every two.

    Parameters
    ----------
    halves : ndarray of shape (n_pairs, n_players), dtype bool
        One coalition of each pair.
    """

    is_efficient = False

    def __init__(self, halves):
        self.halves = halves
        self.masks = with_complements(halves)

    @classmethod
    def draw(cls, n_players, n_samples, rng):
        return cls(rng.random((n_samples // 2, n_players)) < 0.5)

    def joined(self, other):
        return BanzhafDesign(np.concatenate([self.halves, other.halves]))

    def estimate(self, worth, total):
        signs = np.where(self.halves.T, 1.0, -1.0)
        return signs @ differences(worth) / len(self.halves)

    def variance(self, worth, total, values):
        n_pairs = len(self.halves)
        if n_pairs == 1:
            return np.full_like(values, np.nan)
        spread = np.mean(differences(worth) ** 2, axis=0) - values**2
        return np.maximum(spread, 0.0) / (n_pairs - 1)


class LimeDesign(Design):
    """Random coalitions, and least squares weighted by closeness to the row.

    Parameters
    ----------
    masks : ndarray of shape (n_coalitions, n_players), dtype bool
        The coalitions.

    is_paired : bool
        Whether each second one is the complement of the one before.
    """

    is_efficient = False

    def __init__(self, masks, is_paired):
        self.masks, self.is_paired = masks, is_paired
        self._members = np.column_stack([np.ones(len(masks)), masks])
        weighted = (self._members * lime_kernel(masks)[:, None]).T
        moments = weighted @ self._members
        moments[np.diag_indices(len(moments))] += TINY
        self._weights = linalg.solve(moments, weighted, assume_a="pos")
        leverage = np.sum(self._members * self._weights.T, axis=1)
        self._inflation = 1 / (1 - np.minimum(leverage, MOST_LEVERAGE))

    @classmethod
    def draw(cls, n_players, n_samples, rng):
        # Pairs halve the error where they are many; else they hardly have a solution.
        if n_samples < PAIRED_FROM * n_players:
            return cls(rng.random((n_samples, n_players)) < 0.5, False)
        return cls(
            with_complements(rng.random((n_samples // 2, n_players)) < 0.5), True
        )

    @classmethod
    def least_samples(cls, n_players):
        return n_players + 2

    def joined(self, other):
        return LimeDesign(np.concatenate([self.masks, other.masks]), self.is_paired)

    def estimate(self, worth, total):
        return self._weights[1:] @ worth

    def variance(self, worth, total, values):
        residuals = worth - self._members @ (self._weights @ worth)
        residuals *= self._inflation[:, None]
        weights = self._weights[1:]
        variance = weights**2 @ residuals**2
        if self.is_paired:
            both = weights[:, 0::2] * weights[:, 1::2]
            variance += 2 * both @ (residuals[0::2] * residuals[1::2])
        return np.maximum(variance, 0.0)


def lime_kernel(masks):
    """Weights of coalitions in LIME's least squares."""
    share = masks.mean(axis=1)
    return np.exp(-((1 - np.sqrt(share)) ** 2) / WIDTH)


def exact_banzhaf_weights(masks):
    """Weight of each of all coalitions in each player's Banzhaf value."""
    return np.where(masks.T, 1.0, -1.0) / 2 ** (masks.shape[1] - 1)


def exact_lime_weights(masks):
    """The same, in LIME's coefficients."""
    members = np.column_stack([np.ones(len(masks)), masks])
    weighted = (members * lime_kernel(masks)[:, None]).T
    return np.linalg.solve(weighted @ members, weighted)[1:]
