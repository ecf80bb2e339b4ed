r"""The random subsets of the training rows that datamodels are fitted to.

With :math:`p_1 = P(i \in T)` and :math:`p_2 = P(i, j \in T)`, indicators of rows have
covariances that all of the estimates need, :math:`p_3 = p_1 - p_2`:

- each row by itself with probability q: :math:`p_1 = q`, :math:`p_3 = q (1 - q)`;
- k of n rows: :math:`p_1 = k / n`, :math:`p_2 = k (k - 1) / (n (n - 1))` and
  :math:`p_3 = k (n - k) / (n (n - 1))`.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from .._coalitions.draws import random_masks
from .._coalitions.subsets import BernoulliSubsets


@dataclass(frozen=True)
class SubsetDraws:
    """Subsets of rows, of any size or of a fixed one.

    Parameters
    ----------
    n_samples : int
        Rows to draw from.

    inclusion_probability : float
        Of each row, where there is no fixed size.

    subset_size : int or None
        Rows of a subset; None: not fixed.
    """

    n_samples: int
    inclusion_probability: float
    subset_size: int | None

    @property
    def share(self):
        """Probability of a row to be in, p1."""
        if self.subset_size is None:
            return self.inclusion_probability
        return self.subset_size / self.n_samples

    @property
    def scale(self):
        """What a covariance with a row's indicator is divided by, p3."""
        if self.subset_size is None:
            return self.share * (1 - self.share)
        n, k = self.n_samples, self.subset_size
        return k * (n - k) / (n * (n - 1))

    def masks(self, seed, start, n_subsets):
        """Subsets from the one numbered `start` on, (n_subsets, n_samples) of bool."""
        seeds = (seed,)
        if self.subset_size is None:
            sampler = BernoulliSubsets((self.inclusion_probability,))
            return sampler.masks(self.n_samples, seeds, start, n_subsets)
        sizes = np.full(n_subsets, self.subset_size)
        return random_masks(seeds, start, sizes, self.n_samples)


def draws_of(n_samples, inclusion_probability, subset_size):
    """Draws that the parameters of `Datamodels` ask for.

    Parameters
    ----------
    n_samples : int
        Rows to draw from.

    inclusion_probability : float
        Of each row.

    subset_size : int, float or None
        Rows, or their share.

    Returns
    -------
    draws : SubsetDraws
        Of subsets that have a row, and lack one, where their size is fixed.
    """
    size = subset_size
    if size is not None and not isinstance(size, Integral):
        size = min(max(round(size * n_samples), 1), n_samples - 1)
    if size is not None and size >= n_samples:
        raise ValueError(
            f"subset_size={size} must be below the number of rows, {n_samples}."
        )
    return SubsetDraws(n_samples, float(inclusion_probability), size)
