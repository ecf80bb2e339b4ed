r"""A function of the coalition that is learned from utilities and valued exactly.

.. math:: f(T) = g(|T|) + \sum_k \beta_k h_k(T)
                 + \frac{1}{\sqrt{|T|}} \sum_{i \in T} c_i, \qquad \sum_i c_i = 0

with g piecewise linear in the logarithm of the size, and few games h, or none, whose
semivalues are known. Their slopes are ridge estimates whose penalty is the best of a
grid at predicting each coalition from the others (Allen, "The Relationship Between
Variable Selection and Data Augmentation and a Method for Prediction", Technometrics
1974): generalised cross-validation took more damage from a few coalitions that are
worth far less than the rest.

The c are learned from what is left. To a larger coalition a player makes less of a
difference, and on trees the root of the size explained more than no power of it, or the
size itself. They are ridge estimates, too, whose penalty is the ratio of the variances
of noise and coefficients, estimated by the method of moments (Haseman & Elston, "The
Investigation of Linkage between a Quantitative Trait and a Marker Locus", Behavior
Genetics 1972): where utilities are mostly noise, as those of trees are, they shrink to
nothing instead of fitting it.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

# Knots of g, at most, and coalitions to each.
MOST_KNOTS = 10
COALITIONS_A_KNOT = 10

# Random vectors that estimate the trace of a squared matrix, to a few per cent.
N_PROBES = 16

# With fewer coalitions a column, slopes cost more than they are worth.
COALITIONS_A_COLUMN = 5

# Penalties of the slopes, in mean squares of a column, a coalition.
PENALTIES = np.append(np.logspace(-4, 2, 13), np.inf)

# What is left of a coalition that has a coefficient of its own, or of a column that g
# explains, is rounding.
ROUNDING = 1e-6

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

    columns : ndarray of shape (n_coalitions, n_columns) or None, default=None
        The games h of the coalitions.

    Attributes
    ----------
    by_size : ndarray of shape (n_players + 1,)
        The function g, of each size.

    slopes : ndarray of shape (n_columns,)
        The beta.

    coefficients : ndarray of shape (n_players,)
        The c, which sum to zero.
    """

    def __init__(self, masks, scores, weights, columns=None):
        self._masks = masks
        self._columns = np.zeros((len(masks), 0)) if columns is None else columns
        self._sizes = masks.sum(axis=1).astype(int)
        n_players = masks.shape[1]
        self._power = 1 / np.sqrt(np.maximum(np.arange(n_players + 1), 1))
        self.slopes = self._fit_columns(scores, weights)
        scores = scores - self._columns @ self.slopes
        self.by_size = self._fit_sizes(scores, weights)
        self._roots = np.sqrt(weights) * self._power[self._sizes]
        self.coefficients = self._fit_members(
            np.sqrt(weights) * (scores - self.by_size[self._sizes])
        )

    def predict(self):
        """The function of the coalitions that were given; ``(n_coalitions,)``."""
        members = self._masks @ self.coefficients.astype(np.float32)
        known = self.by_size[self._sizes] + self._columns @ self.slopes
        return known + self._power[self._sizes] * members

    def semivalue(self, probabilities, column_values=None):
        r"""Exact semivalue of the function.

        A member's own coefficient counts when it joins; those of the others, of mean
        :math:`-c_i / (n - 1)`, count for what the size changes of them.

        Parameters
        ----------
        probabilities : ndarray of shape (n_players,)
            Of coalitions of 0, 1, ... others.

        column_values : ndarray of shape (n_columns, n_players) or None, default=None
            Semivalues of the games h, where there are any.

        Returns
        -------
        values : ndarray of shape (n_players,)
            In units of the scores.
        """
        others = np.arange(len(probabilities))
        joined = probabilities @ self._power[1:]
        changed = (probabilities * others) @ np.diff(self._power)
        share = joined - changed / max(len(others) - 1, 1)
        value = probabilities @ np.diff(self.by_size) + share * self.coefficients
        return value if column_values is None else value + self.slopes @ column_values

    def _fit_columns(self, scores, weights):
        """Slopes of the columns, beside a g that is free."""
        learned = weights > 0
        n_columns = self._columns.shape[1]
        if not n_columns or learned.sum() < COALITIONS_A_COLUMN * n_columns:
            return np.zeros(n_columns)
        roots = np.sqrt(weights[learned])
        hats = self._hats(learned)[:, self._sizes[learned]]
        free, _ = np.linalg.qr((hats * roots).T)
        columns = self._columns[learned] * roots[:, None]
        scales = np.sqrt(np.mean(columns**2, axis=0))
        columns -= free @ (free.T @ columns)
        target = scores[learned] * roots
        left = np.sqrt(np.mean(columns**2, axis=0)) > ROUNDING * scales
        slopes = np.zeros(n_columns)
        if not left.any():
            return slopes
        columns, scales = columns[:, left], scales[left]
        target -= free @ (free.T @ target)
        slopes[left] = _ridge(columns / scales, target, free) / scales
        return slopes

    def _fit_sizes(self, scores, weights):
        """g by least squares."""
        learned = weights > 0
        if not learned.any():
            return np.zeros(self._masks.shape[1] + 1)
        hats = self._hats(learned)
        roots = np.sqrt(weights[learned])
        columns = hats[:, self._sizes[learned]] * roots
        heights = np.linalg.lstsq(columns.T, roots * scores[learned])[0]
        return heights @ hats

    def _hats(self, learned):
        """What g is made of, at knots that hold as many of the coalitions each."""
        n_players = self._masks.shape[1]
        log_sizes = np.log(np.maximum(np.arange(n_players + 1), 0.5))
        seen = log_sizes[self._sizes[learned]]
        n_knots = 1 + min(MOST_KNOTS, learned.sum() // COALITIONS_A_KNOT)
        knots = np.unique(np.quantile(seen, np.linspace(0, 1, n_knots)))
        return np.array(
            [np.interp(log_sizes, knots, hat) for hat in np.eye(len(knots))]
        )

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


def _ridge(columns, target, free):
    """Ridge estimates, the penalty chosen by leaving out each row in turn.

    Parameters
    ----------
    columns : ndarray of shape (n_rows, n_columns)
        Without what is free.

    target : ndarray of shape (n_rows,)
        Without what is free.

    free : ndarray of shape (n_rows, n_free)
        Orthonormal columns that are not penalised.

    Returns
    -------
    slopes : ndarray of shape (n_columns,)
        Zero where that predicts the rows that are left out best.
    """
    left, sizes, right = np.linalg.svd(columns, full_matrices=False)
    explained = left.T @ target
    penalties = len(target) * PENALTIES[:, None]
    kept = sizes**2 / (sizes**2 + penalties)
    residuals = target[:, None] - left @ (kept * explained).T
    leverage = np.sum(free**2, axis=1)[:, None] + left**2 @ kept.T
    # A row that has a coefficient of its own says nothing when it is left out.
    residuals /= np.maximum(1 - leverage, ROUNDING)
    best = np.argmin(np.sum(residuals**2, axis=0))
    weights = kept[best] / np.where(sizes > 0, sizes, 1.0)
    return right.T @ (weights * explained)
