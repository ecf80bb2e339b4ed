r"""SGD-Shapley: projected stochastic gradient descent on KernelSHAP's problem.

.. math:: \phi \leftarrow \Pi\Big( \phi - \frac{\eta}{|B|} \sum_{S \in B} z_S
          \big( z_S^\top \phi - u(S) \big) \Big)

with :math:`\Pi` the projection to :math:`\sum_i \phi_i = u(N)`; the estimate is the
mean of the iterates. It starts from equal shares and, at the step of the paper, is
still near them when the budget is spent: a bias that no number of rows averages away.
Source: Simon & Vincent, "A Projected Stochastic Gradient Algorithm for Estimating
Shapley Value Applied in Attribute Importance", CD-MAKE 2020.
"""

import numpy as np

from ._designs import Design, random_coalitions, with_complements

STEP = 5e-4
PAIRS_A_STEP = 16


class SGDDesign(Design):
    """Pairs of complementary coalitions in the order of the steps.

    Parameters
    ----------
    halves : ndarray of shape (n_pairs, n_players), dtype bool
        One coalition of each pair.
    """

    def __init__(self, halves):
        self.halves = halves
        self.masks = with_complements(halves)

    @classmethod
    def draw(cls, n_players, n_samples, rng):
        sizes = np.arange(1, n_players)
        kernel = 1 / (sizes * (n_players - sizes))
        drawn = rng.choice(sizes, n_samples // 2, p=kernel / kernel.sum())
        return cls(random_coalitions(drawn, n_players, rng))

    def joined(self, other):
        return SGDDesign(np.concatenate([self.halves, other.halves]))

    def estimate(self, worth, total):
        n_players = self.masks.shape[1]
        values = np.tile(total / n_players, (n_players, 1))
        mean = np.zeros_like(values)
        starts = range(0, len(self.masks), 2 * PAIRS_A_STEP)
        for start in starts:
            batch = slice(start, start + 2 * PAIRS_A_STEP)
            members = self.masks[batch].astype(float)
            gradient = members.T @ (members @ values - worth[batch]) / len(members)
            values = values - STEP * gradient
            values -= (values.sum(axis=0) - total) / n_players
            mean += values / len(starts)
        return mean
