r"""Running sums from which a value and its standard error are estimated.

A player's value is a difference of ratios of means over batches :math:`b` of
coalitions,

.. math:: \hat\phi = \sum_r \pm \frac{\sum_b s_{rb}}{\sum_b c_{rb}},

with one ratio (a weighted mean of marginal contributions) or two (mean utility with the
player minus mean utility without it). Batches are what is drawn independently: a
subset, or a permutation with its reverse. The delta method gives the error from what is
left of each batch,

.. math:: z_b = \sum_r \pm \frac{s_{rb} - \hat\phi_r c_{rb}}{C_r}, \qquad
          C_r = \sum_b c_{rb}, \qquad
          \mathrm{se}^2 = \sum_h \frac{B_h}{B_h - 1} \sum_{b \in h} (z_b - \bar z_h)^2

with strata :math:`h` of :math:`B_h` batches: sizes of coalitions are spread evenly, so
that what differs between sizes is no error. All of it is quadratic in sums and sums of
products. Only those are kept: merging is addition. What few batches lack is in
`few_batches`. Source: Cochran, "Sampling Techniques", 1977, chapters 5 and 6.
"""

import numpy as np

from .few_batches import (
    error_scale,
    few_that_count,
    merge_strata,
    moderate,
    pool_degrees,
)


class RatioMoments:
    """Sums and sums of products of numerators and denominators, for every player.

    Parameters
    ----------
    n_ratios : {1, 2}
        Ratios that make up a value; the second one is subtracted.

    n_players : int
        Number of players.

    n_strata : int, default=1
        Strata that batches are drawn from.

    Attributes
    ----------
    totals : ndarray of shape (2 * n_ratios, n_players)
        Sums over batches: the numerators, then the denominators.

    sums : ndarray of shape (n_strata, 2 * n_ratios, n_players)
        The same for each stratum.

    products : ndarray of shape (n_strata, 2 * n_ratios, 2 * n_ratios, n_players)
        Sums over the batches of a stratum of products of two of them.

    counts : ndarray of shape (n_strata,)
        Batches of each stratum.
    """

    has_errors = True

    def __init__(self, n_ratios, n_players, n_strata=1):
        self.totals = np.zeros((2 * n_ratios, n_players))
        self.sums = np.zeros((n_strata, 2 * n_ratios, n_players))
        self.products = np.zeros((n_strata, 2 * n_ratios, 2 * n_ratios, n_players))
        self.counts = np.zeros(n_strata, dtype=int)

    @property
    def n_batches(self):
        """Batches added so far."""
        return int(self.counts.sum())

    def add(self, numerators, denominators, stratum=0):
        """Add one batch.

        Parameters
        ----------
        numerators, denominators : ndarray of shape (n_ratios, n_players)
            Sums over the batch.

        stratum : int, default=0
            Where the batch was drawn.
        """
        self.add_all(numerators[None], denominators[None], [stratum])

    def add_all(self, numerators, denominators, strata):
        """Add several batches.

        Parameters
        ----------
        numerators, denominators : ndarray of shape (n_batches, n_ratios, n_players)
            Sums over each batch.

        strata : array-like of int, shape (n_batches,)
            Where each was drawn.
        """
        batches = np.concatenate([numerators, denominators], axis=1)
        self.totals += batches.sum(axis=0)
        for stratum, batch in zip(strata, batches, strict=True):
            self.sums[stratum] += batch
            self.products[stratum] += batch[:, None] * batch[None]
            self.counts[stratum] += 1

    def merge(self, other):
        """Add everything that `other` has seen."""
        self.totals += other.totals
        self.sums += other.sums
        self.products += other.products
        self.counts += other.counts

    def copy(self):
        """Independent copy."""
        return self.from_arrays({k: v.copy() for k, v in self.to_arrays().items()})

    def estimate(self):
        """Value of each player; NaN where one has nothing to be estimated from.

        Returns
        -------
        values : ndarray of shape (n_players,)
            In units of the numerators.
        """
        ratios, _ = self._ratios()
        return ratios[0] if len(ratios) == 1 else ratios[0] - ratios[1]

    def standard_error(self):
        """Standard error of `estimate`; NaN where fewer than two batches count.

        Returns
        -------
        errors : ndarray of shape (n_players,)
            In units of the numerators. Two of them cover as often as two standard
            deviations of a normal estimate, however few the batches.
        """
        variances, degrees = moderate(*self.variance())
        return np.sqrt(variances) * error_scale(degrees)

    def variance(self):
        """Variance of `estimate`, and how well it is known.

        Returns
        -------
        variances : ndarray of shape (n_players,)
            In squared units of the numerators; NaN where fewer than two batches count.

        degrees : ndarray of shape (n_players,)
            Their degrees of freedom, at least 1; NaN where the variance is.
        """
        ratios, denominators = self._ratios()
        n_ratios = len(ratios)
        if self.n_batches < 2:
            return np.full((2, ratios.shape[1]), np.nan)
        signs = np.array([[1.0], [-1.0]])[:n_ratios]
        slopes = np.concatenate([signs / denominators, -signs * ratios / denominators])
        whole, parts, spread, degrees = [], 0.0, 0.0, []
        for members in merge_strata(self.counts):
            count = self.counts[members].sum()
            sums, products = self.sums[members].sum(0), self.products[members].sum(0)
            products = products - sums[:, None] * sums[None] / count
            products *= count / (count - 1)
            terms = slopes[:, None] * products * slopes[None]
            # The forms are sums of squares; rounding may leave them just below zero.
            whole.append(np.maximum(terms.sum(axis=(0, 1)), 0))
            terms = terms.reshape(2, n_ratios, 2, n_ratios, -1).sum(axis=(0, 2))
            parts = parts + np.maximum(np.einsum("rrn->rn", terms), 0)
            spread = spread + np.einsum("rrn->rn", products[n_ratios:, n_ratios:])
            degrees.append(np.full(whole[-1].shape, count - 1.0))
        squares = np.einsum("srrn->rn", self.products[:, n_ratios:, n_ratios:])
        n_counting, correction = few_that_count(denominators, squares, spread)
        corrected = parts * correction
        plain = parts.sum(axis=0)
        some = plain > 0
        inflation = corrected.sum(axis=0) / np.where(some, plain, 1)
        inflation = np.where(some, inflation, correction.max(axis=0))
        degrees = np.minimum(
            pool_degrees(np.array(whole), np.array(degrees)),
            pool_degrees(corrected, np.maximum(n_counting - 1, 1)),
        )
        return inflation * np.sum(whole, axis=0), np.maximum(degrees, 1)

    def _ratios(self):
        numerators, denominators = np.split(self.totals, 2)
        denominators = np.where(denominators > 0, denominators, np.nan)
        return numerators / denominators, denominators

    def to_arrays(self):
        """What a checkpoint saves."""
        return {
            "totals": self.totals,
            "sums": self.sums,
            "products": self.products,
            "counts": self.counts,
        }

    @classmethod
    def from_arrays(cls, arrays):
        """Moments that `to_arrays` described."""
        n_strata, n_sums, n_players = arrays["sums"].shape
        moments = cls(n_sums // 2, n_players, n_strata)
        for name in moments.to_arrays():
            setattr(moments, name, arrays[name])
        return moments


class ScoreRecord:
    """The utilities themselves, in the order of the coalitions.

    For methods that regress on the coalitions, which the seed gives again.

    Attributes
    ----------
    scores : ndarray of shape (n_coalitions,)
        Utilities, in units of the scoring.
    """

    n_batches = 0
    has_errors = False

    def __init__(self, scores=()):
        self.scores = np.array(scores, dtype=np.float64)

    def merge(self, other):
        """Append what `other` has recorded."""
        self.scores = np.concatenate([self.scores, other.scores])

    def copy(self):
        """Independent copy."""
        return ScoreRecord(self.scores)

    def to_arrays(self):
        """What a checkpoint saves."""
        return {"scores": self.scores}

    @classmethod
    def from_arrays(cls, arrays):
        """Record that `to_arrays` described."""
        return cls(arrays["scores"])
