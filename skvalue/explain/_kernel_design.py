r"""KernelSHAP: the Shapley value as a constrained weighted least squares problem.

.. math:: \hat\phi = \arg\min_{\phi} \sum_S \mu(S) \Big( u(S) - \sum_{i \in S} \phi_i
          \Big)^2 \quad \text{s.t.}\ \sum_i \phi_i = u(N), \qquad
          \mu(S) = \frac{d - 1}{\binom{d}{|S|} |S| (d - |S|)}

Coalitions come with their complements (Covert & Lee, "Improving KernelSHAP: Practical
Shapley Value Estimation via Linear Regression", AISTATS 2021). Then the sum of a pair
does not matter, and with :math:`D = u(S) - u(\bar S)` and :math:`s_i = \pm 1` the
solution of the normal equations with one Lagrange multiplier is

.. math:: \hat\phi = A^{-1} \big( b - \lambda 1 \big), \quad
          A = \sum w\, s s^\top + \epsilon I, \quad b = \sum w\, s D.

Sizes of which the budget would draw as many coalitions as there are, are enumerated;
the others are drawn without replacement, as many of each size as is expected.
"""

from math import comb

import numpy as np
from scipy import linalg

from ._designs import Design, differences, random_coalitions, with_complements

# Ridge where coalitions are fewer than this many to a player.
FEW_A_PLAYER = 4
RIDGE = 1e-3

# A pair that decides a coefficient alone says nothing about its error.
MOST_LEVERAGE = 0.95


class KernelDesign(Design):
    """Pairs of complementary coalitions, and least squares.

    Parameters
    ----------
    halves : ndarray of shape (n_pairs, n_players), dtype bool
        One coalition of each pair.

    weights : ndarray of shape (n_pairs,)
        Of the squared residual of a pair.

    is_drawn : ndarray of shape (n_pairs,), dtype bool
        False for those of sizes that are enumerated, which add no error.
    """

    def __init__(self, halves, weights, is_drawn):
        self.halves, self.weights, self.is_drawn = halves, weights, is_drawn
        self.masks = with_complements(halves)
        n_pairs, n_players = halves.shape
        weights = weights / weights.sum()
        signs = np.where(halves, 1.0, -1.0)
        moments = (signs.T * weights) @ signs
        is_few = 2 * n_pairs < FEW_A_PLAYER * n_players
        # Members count as 1, not as +-1, where the ridge is defined: a factor of 4.
        ridge = 4 * RIDGE if is_few else 1e-10
        moments[np.diag_indices(n_players)] += ridge
        right = np.column_stack([signs.T * weights, np.ones(n_players)])
        solved = linalg.solve(moments, right, assume_a="pos")
        free, toward_all = solved[:, :-1], solved[:, -1] / solved[:, -1].sum()
        self._weight_of_all = toward_all
        self._weights = free - np.outer(toward_all, free.sum(axis=0))
        self._signs = signs
        leverage = np.sum(signs * self._weights.T, axis=1)
        self._inflation = 1 / (1 - np.minimum(leverage, MOST_LEVERAGE))

    @classmethod
    def draw(cls, n_players, n_samples, rng):
        return cls(*kernel_pairs(n_players, n_samples // 2, rng))

    def joined(self, other):
        return KernelDesign(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("halves", "weights", "is_drawn")
            )
        )

    def estimate(self, worth, total):
        toward_all = np.outer(self._weight_of_all, total)
        return self._weights @ differences(worth) + toward_all

    def variance(self, worth, total, values):
        n_pairs, n_players = self.halves.shape
        if n_pairs <= n_players:
            return np.full_like(values, np.nan)
        residuals = differences(worth) - self._signs @ values
        # Residuals of a fit are too small: those of the pair left out (HC3).
        residuals *= self._inflation[:, None]
        drawn, residuals = self._weights[:, self.is_drawn], residuals[self.is_drawn]
        count = max(len(residuals), 1)
        variance = drawn**2 @ residuals**2 - (drawn @ residuals) ** 2 / count
        return np.maximum(variance, 0.0)


def kernel_pairs(n_players, n_pairs, rng, *, independent=False, singles=False):
    """Pairs by the Shapley kernel, see the module.

    Parameters
    ----------
    n_players : int
        At least 2.

    n_pairs : int
        How many, at least 1.

    rng : numpy.random.Generator
        Moves on.

    independent : bool, default=False
        Whether the sizes of pairs that are not enumerated are drawn independently of
        each other, instead of evenly. No pair is drawn twice, so that fewer than
        `n_pairs` may be drawn where nearly all of a size are.

    singles : bool, default=False
        Whether all coalitions of one player are known anyway. Of `n_pairs` then as many
        are drawn as would have been larger, at least two.

    Returns
    -------
    halves : ndarray of shape (n_drawn, n_players), dtype bool
        One coalition of each pair.

    weights : ndarray of shape (n_drawn,)
        They sum to one.

    is_drawn : ndarray of shape (n_drawn,), dtype bool
        False for those of sizes that are enumerated.
    """
    sizes = np.arange(1, n_players // 2 + 1)
    is_middle = 2 * sizes == n_players
    mass = np.where(is_middle, 1.0, 2.0) / (sizes * (n_players - sizes))
    mass /= mass.sum()
    counts = [
        comb(n_players, size) // (2 if middle else 1)
        for size, middle in zip(sizes.tolist(), is_middle, strict=True)
    ]
    halves, weights, is_drawn = [], [], []
    left, rest = n_pairs, 1.0
    first = 0
    if singles and left * mass[0] < counts[0]:
        halves.append(all_of_size(n_players, 1, is_middle[0]))
        weights.append(np.full(counts[0], mass[0] / counts[0]))
        is_drawn.append(np.zeros(counts[0], dtype=bool))
        left, rest = max(2, round(left * (1 - mass[0]))), rest - mass[0]
        first = 1
    while first < len(sizes) and left * mass[first] >= rest * counts[first] * (
        1 - 1e-9
    ):
        halves.append(all_of_size(n_players, sizes[first], is_middle[first]))
        weights.append(np.full(counts[first], mass[first] / counts[first]))
        is_drawn.append(np.zeros(counts[first], dtype=bool))
        left, rest = left - counts[first], rest - mass[first]
        first += 1
    if first < len(sizes) and left > 0:
        edges = np.cumsum(mass[first:]) / mass[first:].sum()
        # Evenly spread over the distribution of the sizes, with one random shift.
        uniforms = (np.arange(left) + rng.random()) / left
        if independent:
            uniforms = rng.random(left)
        places = np.searchsorted(edges, uniforms)
        drawn = np.bincount(np.minimum(places, len(edges) - 1), minlength=len(edges))
        for offset, count in enumerate(drawn):
            place = first + offset
            count = min(count, counts[place])
            if count:
                size, middle = sizes[place], is_middle[place]
                halves.append(distinct_of_size(n_players, size, middle, count, rng))
                weights.append(np.full(count, rest / left))
                is_drawn.append(np.ones(count, dtype=bool))
    return np.concatenate(halves), np.concatenate(weights), np.concatenate(is_drawn)


def all_of_size(n_players, size, is_middle):
    """All coalitions of a size, or one of each pair where complements have it too."""
    masks = np.zeros((1, 0), dtype=bool)
    for _ in range(n_players):
        masks = np.concatenate(
            [np.insert(masks, masks.shape[1], member, axis=1) for member in (1, 0)]
        )
        count = masks.sum(axis=1)
        missing = n_players - masks.shape[1]
        masks = masks[(count <= size) & (count + missing >= size)]
        if is_middle:
            masks = masks[masks[:, 0]]
    return masks


def random_of_size(n_players, size, is_middle, count, rng):
    """Random coalitions of a size; where complements have it too, with player 0."""
    masks = random_coalitions(np.full(count, size), n_players, rng)
    return np.where(masks[:, :1], masks, ~masks) if is_middle else masks


def distinct_of_size(n_players, size, is_middle, count, rng):
    """Random coalitions of a size, no two of them the same or complements."""
    masks = np.zeros((0, n_players), dtype=bool)
    while len(masks) < count:
        missing = count - len(masks)
        more = random_of_size(n_players, size, is_middle, missing, rng)
        masks = np.concatenate([masks, more])
        _, places = np.unique(np.packbits(masks, axis=1), axis=0, return_index=True)
        masks = masks[np.sort(places)]
    return masks
