r"""Running sums from which a value and its standard error are estimated.

A player's value is a difference of ratios of means over batches :math:`b` of
coalitions,

.. math:: \hat\phi = \sum_r \pm \frac{\sum_b s_{rb}}{\sum_b c_{rb}},

with one ratio (a weighted mean of marginal contributions) or two (mean utility with the
player minus mean utility without it). Batches are independent, so the delta method
gives

.. math:: \mathrm{se}^2 = \frac{B}{B-1} \sum_b \Big(\sum_r \pm
          \frac{s_{rb} - \hat\phi_r c_{rb}}{C_r}\Big)^2, \qquad C_r = \sum_b c_{rb},

which is a quadratic form of sums of products. Only sums are kept: merging is addition.
Source: Cochran, "Sampling Techniques", 1977, chapter 6 (ratio estimators).
"""

import numpy as np


class RatioMoments:
    """Sums and sums of products of numerators and denominators, for every player.

    Parameters
    ----------
    n_ratios : {1, 2}
        Ratios that make up a value; the second one is subtracted.

    n_players : int
        Number of players.

    Attributes
    ----------
    totals : ndarray of shape (2 * n_ratios, n_players)
        Sums over batches: the numerators, then the denominators.

    products : ndarray of shape (2 * n_ratios, 2 * n_ratios, n_players)
        Sums over batches of products of two of them.

    n_batches : int
        Batches added so far.
    """

    def __init__(self, n_ratios, n_players):
        self.totals = np.zeros((2 * n_ratios, n_players))
        self.products = np.zeros((2 * n_ratios, 2 * n_ratios, n_players))
        self.n_batches = 0

    def add(self, numerators, denominators):
        """Add one batch.

        Parameters
        ----------
        numerators, denominators : ndarray of shape (n_ratios, n_players)
            Sums over the batch.
        """
        sums = np.concatenate([numerators, denominators])
        self.totals += sums
        self.products += sums[:, None] * sums[None]
        self.n_batches += 1

    def merge(self, other):
        """Add everything that `other` has seen."""
        self.totals += other.totals
        self.products += other.products
        self.n_batches += other.n_batches

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
        """Standard error of `estimate`; NaN with fewer than two batches.

        Returns
        -------
        errors : ndarray of shape (n_players,)
            In units of the numerators.
        """
        ratios, denominators = self._ratios()
        if self.n_batches < 2:
            return np.full(ratios.shape[1], np.nan)
        signs = np.array([[1.0], [-1.0]])[: len(ratios)]
        slopes = np.concatenate([signs / denominators, -signs * ratios / denominators])
        variance = np.einsum("in,ijn,jn->n", slopes, self.products, slopes)
        correction = self.n_batches / (self.n_batches - 1)
        # The form is a sum of squares; rounding may leave it just below zero.
        return np.sqrt(correction * np.maximum(variance, 0))

    def _ratios(self):
        numerators, denominators = np.split(self.totals, 2)
        denominators = np.where(denominators > 0, denominators, np.nan)
        return numerators / denominators, denominators

    def to_arrays(self):
        """What a checkpoint saves."""
        return {
            "totals": self.totals,
            "products": self.products,
            "n_batches": np.array(self.n_batches),
        }

    @classmethod
    def from_arrays(cls, arrays):
        """Moments that `to_arrays` described."""
        moments = cls(len(arrays["totals"]) // 2, arrays["totals"].shape[1])
        moments.totals = arrays["totals"]
        moments.products = arrays["products"]
        moments.n_batches = int(arrays["n_batches"])
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
