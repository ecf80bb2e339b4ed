r"""A function of the coalition that is learned from utilities and valued exactly.

.. math:: f(T) = g(|T|) + \frac{1}{\sqrt{|T|}} \sum_{i \in T} c_i, \qquad \sum_i c_i = 0

with g piecewise linear in the logarithm of the size. To a larger coalition a player
makes less of a difference, and on trees the root of the size explained more than no
power of it, or the size itself. The coefficients are ridge estimates whose penalty is
the ratio of the variances of noise and coefficients, estimated by the method of moments
(Haseman & Elston, "The Investigation of Linkage between a Quantitative Trait and a
Marker Locus", Behavior Genetics 1972): where utilities are mostly noise, as those of
trees are, they shrink to nothing instead of fitting it.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

# Knots of g, at most, and coalitions to each.
MOST_KNOTS = 10
COALITIONS_A_KNOT = 10

# Random vectors that estimate the trace of a squared matrix, to a few per cent.
N_PROBES = 16

# Whatever the coefficients, the values stay unbiased: a few digits do.
TOLERANCE = 1e-3
MOST_STEPS = 50


class SizeRegression:
    """Utilities as a function of size, and of members by size.

    Parameters
    ----------
    masks : ndarray of shape (n_coalitions, n_players), dtype float32
        1 for the members of each coalition.

    scores : ndarray of shape (n_coalitions,)
        Their utilities.

    weights : ndarray of shape (n_coalitions,)
        Of their squared residuals; those of weight zero are not learned from.

    Attributes
    ----------
    by_size : ndarray of shape (n_players + 1,)
        The function g, of each size.

    coefficients : ndarray of shape (n_players,)
        The c, which sum to zero.
    """

    def __init__(self, masks, scores, weights):
        self._masks = masks
        self._sizes = masks.sum(axis=1).astype(int)
        n_players = masks.shape[1]
        self._power = 1 / np.sqrt(np.maximum(np.arange(n_players + 1), 1))
        self.by_size = self._fit_sizes(scores, weights)
        self._roots = np.sqrt(weights) * self._power[self._sizes]
        self.coefficients = self._fit_members(
            np.sqrt(weights) * (scores - self.by_size[self._sizes])
        )

    def predict(self):
        """The function of the coalitions that were given; ``(n_coalitions,)``."""
        members = self._masks @ self.coefficients.astype(np.float32)
        return self.by_size[self._sizes] + self._power[self._sizes] * members

    def semivalue(self, probabilities):
        r"""Exact semivalue of the function.

        A member's own coefficient counts when it joins; those of the others, of mean
        :math:`-c_i / (n - 1)`, count for what the size changes of them.

        Parameters
        ----------
        probabilities : ndarray of shape (n_players,)
            Of coalitions of 0, 1, ... others.

        Returns
        -------
        values : ndarray of shape (n_players,)
            In units of the scores.
        """
        others = np.arange(len(probabilities))
        joined = probabilities @ self._power[1:]
        changed = (probabilities * others) @ np.diff(self._power)
        share = joined - changed / max(len(others) - 1, 1)
        return probabilities @ np.diff(self.by_size) + share * self.coefficients

    def _fit_sizes(self, scores, weights):
        """g by least squares, at knots that hold as many of the coalitions each."""
        learned = weights > 0
        n_players = self._masks.shape[1]
        if not learned.any():
            return np.zeros(n_players + 1)
        log_sizes = np.log(np.maximum(np.arange(n_players + 1), 0.5))
        seen = log_sizes[self._sizes[learned]]
        n_knots = 1 + min(MOST_KNOTS, learned.sum() // COALITIONS_A_KNOT)
        knots = np.unique(np.quantile(seen, np.linspace(0, 1, n_knots)))
        hats = np.array(
            [np.interp(log_sizes, knots, hat) for hat in np.eye(len(knots))]
        )
        roots = np.sqrt(weights[learned])
        columns = hats[:, self._sizes[learned]] * roots
        heights = np.linalg.lstsq(columns.T, roots * scores[learned])[0]
        return heights @ hats

    def _fit_members(self, target):
        """Ridge estimates of c from what g leaves, weighted."""
        n_players = self._masks.shape[1]
        onto_players = self._transposed(target)
        probes = np.random.default_rng(0).choice([-1.0, 1.0], (n_players, N_PROBES))
        images = self._product(probes)
        share = self._sizes / n_players
        trace = np.sum(self._roots**2 * self._sizes * (1 - share))
        squared = np.mean(np.sum(self._transposed(images) ** 2, axis=0))
        # E|target|² = m noise + trace spread,  E|A' target|² = trace noise + squared ..
        n_learned = np.count_nonzero(self._roots)
        determinant = n_learned * squared - trace**2
        spread = n_learned * (onto_players @ onto_players) - trace * (target @ target)
        noise = squared * (target @ target) - trace * (onto_players @ onto_players)
        if determinant <= 0 or spread <= 0:
            return np.zeros(n_players)
        penalty = max(noise, 0.0) / spread + 1e-6 * trace / n_players
        normal = LinearOperator(
            (n_players, n_players),
            lambda c: self._transposed(self._product(c)) + penalty * c.ravel(),
            dtype=np.float64,
        )
        coefficients, _ = cg(normal, onto_players, rtol=TOLERANCE, maxiter=MOST_STEPS)
        return coefficients - coefficients.mean()

    # A: members less the share of all players, by size and weight; one row a coalition.

    def _product(self, coefficients):
        """A times coefficients that need not sum to zero."""
        centred = (coefficients - coefficients.mean(axis=0)).astype(np.float32)
        product = self._masks @ centred
        return (self._roots * product.T.astype(np.float64)).T

    def _transposed(self, values):
        """The transpose of A times one value a coalition, or a column of them."""
        weighted = (self._roots * values.T).astype(np.float32)
        product = (weighted @ self._masks).T.astype(np.float64)
        return product - product.mean(axis=0)
