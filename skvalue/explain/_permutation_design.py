r"""Permutation sampling: columns join one after the other.

.. math:: \hat\phi_i = \frac{1}{M} \sum_{m=1}^{M}
          \big[ f(x_{\rho_m(i) \cup i}) - f(x_{\rho_m(i)}) \big]

with :math:`\rho_m(i)` the columns before i in the m-th order. Orders come in pairs, an
order and its reverse, which gives every column a contribution to a large coalition for
each one to a small coalition (Mitchell et al., "Sampling Permutations for Shapley Value
Estimation", JMLR 2022).
"""

import numpy as np

from ._designs import Design


class PermutationDesign(Design):
    """Orders of the players in antithetic pairs; the last one may be alone.

    Parameters
    ----------
    orders : ndarray of shape (n_orders, n_players), dtype int
        Players in the order in which they join.

    unit : ndarray of shape (n_orders,), dtype int
        Number of the independent draw that each order belongs to.
    """

    def __init__(self, orders, unit):
        self.orders, self.unit = orders, unit
        n_orders, n_players = orders.shape
        self._position = orders.argsort(axis=1)
        steps = np.arange(n_players - 1)
        masks = self._position[:, None, :] <= steps[:, None]
        self.masks = masks.reshape(n_orders * (n_players - 1), n_players)

    @classmethod
    def draw(cls, n_players, n_samples, rng):
        n_orders = n_samples // (n_players - 1)
        n_units = (n_orders + 1) // 2
        first = np.array([rng.permutation(n_players) for _ in range(n_units)])
        pairs = np.stack([first, first[:, ::-1]], axis=1).reshape(-1, n_players)
        return cls(pairs[:n_orders], np.repeat(np.arange(n_units), 2)[:n_orders])

    @classmethod
    def least_samples(cls, n_players):
        return n_players - 1

    def joined(self, other):
        unit = np.concatenate([self.unit, self.unit[-1] + 1 + other.unit])
        return PermutationDesign(np.concatenate([self.orders, other.orders]), unit)

    def _gains(self, worth, total):
        """What each player adds, ``(n_orders, n_players, n_games)``."""
        n_orders, n_players = self.orders.shape
        walks = np.empty((n_orders, n_players + 1, worth.shape[1]))
        walks[:, 0], walks[:, -1] = 0.0, total
        walks[:, 1:-1] = worth.reshape(n_orders, n_players - 1, -1)
        gains = np.diff(walks, axis=1)
        return np.take_along_axis(gains, self._position[:, :, None], axis=1)

    def estimate(self, worth, total):
        return self._gains(worth, total).mean(axis=0)

    def variance(self, worth, total, values):
        n_units = self.unit[-1] + 1
        if n_units == 1:
            return np.full_like(values, np.nan)
        sums = np.zeros((n_units, *values.shape))
        np.add.at(sums, self.unit, self._gains(worth, total) - values)
        # Half a pair weighs as half a unit.
        scale = n_units / (n_units - 1) / len(self.orders) ** 2
        return scale * np.sum(sums**2, axis=0)
