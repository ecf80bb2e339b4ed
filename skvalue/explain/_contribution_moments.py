r"""Sums of what rows add to subsets, all rows from one fit a subset.

.. math:: a_i = \mathbb{E}\big[v(T \cup i) - v(T \setminus i)\big],

Proposition 1 of Covert et al. 2024 itself, where the batched engine reads the
contributions of all rows off one model.
"""

import numpy as np


class ContributionMoments:
    """Sums over subsets; a stand-in for `OutputMoments` of the same draws.

    Parameters
    ----------
    draws : SubsetDraws
        Where the subsets come from; their size is not fixed.

    n_targets : int
        Number of outputs of a subset.

    origin : ndarray of shape (n_targets,)
        What outputs are counted from.
    """

    # What adds up over subsets.
    summed = "n_subsets", "outputs", "sums", "squares"

    def __init__(self, draws, n_targets, origin):
        self.draws, self.origin = draws, origin
        self.n_subsets, self.outputs = 0, np.zeros(n_targets)
        self.sums, self.squares = np.zeros((2, draws.n_samples, n_targets))

    def add(self, masks, outputs, sums, squares):
        """Add subsets, their outputs, and sums over them of the contributions."""
        self.n_subsets += len(masks)
        self.outputs += (outputs - self.origin).sum(axis=0)
        self.sums += sums
        self.squares += squares

    def joined(self, other):
        """Sums of these and of other subsets, of the same origin."""
        both = ContributionMoments(self.draws, len(self.origin), self.origin)
        for name in self.summed:
            setattr(both, name, getattr(self, name) + getattr(other, name))
        return both

    @property
    def expected_outputs(self):
        """Mean of the outputs of each target."""
        return self.origin + self.outputs / self.n_subsets

    def coefficients(self):
        """Coefficient of each row for each target, (n_samples, n_targets)."""
        return self.sums / self.n_subsets

    def errors(self, coefficients):
        """Standard errors of `coefficients`, which are those of these sums."""
        variance = self.squares / self.n_subsets
        variance -= coefficients**2
        np.maximum(variance, 0, out=variance)
        return np.sqrt(variance / (self.n_subsets - 1))
