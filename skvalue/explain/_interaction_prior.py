r"""A Gaussian process over games, whose Shapley values have a closed form.

With :math:`s_i = 1` for members and :math:`-1` for others, the covariance of the worth
of two coalitions is

.. math:: k(s, t) = \frac{\lambda}{d} \sum_i s_i t_i
          + c \Big[ \prod_i (1 + \rho_i s_i t_i) - \prod_i (1 - \rho_i s_i t_i) \Big],

c such that the second part is 1 at :math:`s = t`. It weighs an interaction by the
product of the :math:`\rho_i` of its players: the higher its order, the less is expected
of it, and the less of players that matter little. Interactions of even order add
nothing to a Shapley value, and cancel in the difference of a coalition and its
complement, which is all that is looked at. The Shapley value of a product of functions
of one player each is the integral of a polynomial (Owen, "Multilinear Extensions of
Games", Management Science 1972), which Gauss-Legendre quadrature solves exactly.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

# Prior variance of the linear part: large, so that additive games are fitted well.
LINEAR = 10.0

# Sum of the rho of all players, and variance of what is no such game, that are tried.
TOTALS = (0.05, 0.25, 0.6, 1.5, 3.0, 6.0)
NOISES = (1e-6, 1e-4, 1e-2, 1e-1, 1.0)
LARGEST = 0.9

# What nothing is known of: no player matters more than another.
TYPICAL = (1.5, 1e-2)

# Of one variable, smooth: more nodes change nothing.
MOST_NODES = 32


@dataclass(frozen=True, eq=False)
class InteractionPrior:
    """What is expected of a game before it is played.

    Parameters
    ----------
    rho : ndarray of shape (n_players,)
        Shrinkage of the interactions of each player, in (0, 1).

    noise : float
        Variance of what is not smooth, beside 1 for what is.
    """

    rho: np.ndarray
    noise: float

    @classmethod
    def typical(cls, n_players):
        """The prior of games that nothing is known of."""
        total, noise = TYPICAL
        return cls(np.full(n_players, _capped(total / n_players)), noise)

    @property
    def _log_all(self):
        return np.log1p(self.rho).sum()

    @property
    def _scale(self):
        """The bracket at s = t, over the first product."""
        return 1 - np.exp(np.log1p(-self.rho).sum() - self._log_all)

    def covariance(self, first, second):
        """Covariances of the odd parts of the worth of coalitions.

        Parameters
        ----------
        first, second : ndarray of shape (n_first or n_second, n_players)
            Members as 1, others as -1.

        Returns
        -------
        covariance : ndarray of shape (n_first, n_second)
            1 + `LINEAR` on the diagonal.
        """
        same, other = np.log1p(self.rho), np.log1p(-self.rho)
        centre = (same + other).sum() / 2
        swing = (first * ((same - other) / 2)) @ second.T
        products = np.exp(centre - self._log_all + swing)
        products -= np.exp(centre - self._log_all - swing)
        return products / self._scale + LINEAR / len(self.rho) * (first @ second.T)

    def shapley_covariance(self, signs):
        """Covariance of each player's Shapley value with the worth of coalitions.

        Parameters
        ----------
        signs : ndarray of shape (n_coalitions, n_players)
            Members as 1, others as -1.

        Returns
        -------
        covariance : ndarray of shape (n_players, n_coalitions)
            Exact.
        """
        # On members and others, what is expected of s is 2 q - 1, for q in (0, 1).
        return self._value_covariance(signs, *_quadrature(len(self.rho)))

    def banzhaf_covariance(self, signs):
        """The same, of each player's Banzhaf value."""
        return self._value_covariance(signs, [0.0], [1.0])

    def _value_covariance(self, signs, points, weights):
        slopes = self.rho * signs
        total = np.zeros_like(slopes)
        for point, weight in zip(points, weights, strict=True):
            logs = np.log1p(point * slopes)
            rest = logs.sum(axis=1, keepdims=True) - logs - self._log_all
            total += weight * np.exp(rest)
        # Twice the odd part is the bracket; a player's own factor swings by 2 slopes.
        return (4 * slopes * total / self._scale + 2 * LINEAR / len(self.rho) * signs).T

    def shapley_variance(self):
        """Prior variance of the Shapley value of each player, ``(n_players,)``."""
        points, weights = _quadrature(len(self.rho))
        products = np.outer(points, points).ravel()
        logs = np.log1p(products[:, None] * self.rho)
        rest = np.exp(logs.sum(axis=1, keepdims=True) - logs - self._log_all)
        total = np.outer(weights, weights).ravel() @ rest
        return 8 * self.rho * total / self._scale + 4 * LINEAR / len(self.rho)

    def noise_of(self, weights):
        """Variance of the noise of pairs of these weights; they sum to one."""
        return self.noise / (len(weights) * weights)

    def inverse(self, signs, weights):
        """Inverse covariance of the worth of coalitions and of the full one, the last.

        Parameters
        ----------
        signs : ndarray of shape (n_pairs + 1, n_players)
            Members as 1, others as -1; all players last.

        weights : ndarray of shape (n_pairs + 1,)
            Those of the pairs sum to one; the noise of one is as that of the mean of
            as many as its weight stands for. The last one is not used.

        Returns
        -------
        inverse : ndarray of shape (n_pairs + 1, n_pairs + 1)
            The full coalition has no noise.
        """
        covariance = self.covariance(signs, signs)
        noise = self.noise_of(weights[:-1])
        diagonal = np.diag_indices(len(covariance))
        covariance[diagonal] += np.append(noise, 1e-9)
        return linalg.inv(covariance, assume_a="pos")


def learn_prior(signs, weights, halves):
    """The prior that foretells left out coalitions of some games best.

    Parameters
    ----------
    signs : ndarray of shape (n_pairs + 1, n_players)
        Members as 1, others as -1; all players last.

    weights : ndarray of shape (n_pairs + 1,)
        Of the squared errors of pairs, and 0.

    halves : ndarray of shape (n_pairs + 1, n_games)
        Half of the worth of each coalition less that of its complement.

    Returns
    -------
    prior : InteractionPrior
        Common to all rows that will be explained.
    """
    n_players = signs.shape[1]
    if not halves.any():
        return InteractionPrior.typical(n_players)
    relevance = np.ones(n_players)
    for _ in range(2):
        best = (np.inf, None)
        for total in TOTALS:
            rho = _capped(total / n_players * relevance)
            for noise in NOISES:
                prior = InteractionPrior(rho, noise)
                inverse = prior.inverse(signs, weights)
                solved = inverse @ halves
                left_out = solved / np.diag(inverse)[:, None]
                error = weights @ np.mean(left_out**2, axis=1)
                if error < best[0]:
                    best = (error, prior, solved)
        _, prior, solved = best
        values = prior.shapley_covariance(signs) @ solved
        # Players differ less in interactions than alone: the root of their share.
        relevance = np.sqrt(np.sqrt(np.mean(values**2, axis=1)))
        relevance /= max(np.sqrt(np.mean(relevance**2)), 1e-300)
    return prior


def _capped(rho):
    return np.clip(rho, 1e-6, LARGEST)


def _quadrature(n_players):
    """Points in (-1, 1), and weights that sum to one."""
    n_nodes = min(n_players // 2 + 1, MOST_NODES)
    points, weights = np.polynomial.legendre.leggauss(n_nodes)
    return points, weights / 2
