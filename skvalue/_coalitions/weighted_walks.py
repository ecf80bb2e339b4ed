r"""Walks in pieces, for semivalues that weigh some sizes of coalitions far more.

A whole walk meets every size once. Where the weight :math:`p(k)` is on few sizes, most
of its contributions hardly count, and a player may not meet the sizes that do. So the
permutation is bent into a circle and cut into pieces of :math:`L` players. Those of a
piece join, one after the other, the :math:`s` players before it on the circle, and
:math:`s` is drawn such that the sizes met, :math:`m(k)`, come close to :math:`p(k)`:
a contribution weighs :math:`p(k) / m(k)`, and every player gets one from every circle.

A piece of :math:`L` players costs :math:`L + 1` coalitions. Longer pieces cost less but
stray further from :math:`p`; :math:`L` minimises the coalitions over Kish's number of
contributions that count, :math:`(1 + 1/L) \sum_k p(k)^2 / m(k)`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .draws import spread_uniforms, unit_rngs
from .moments import RatioMoments
from .sizes import size_probabilities

# Whole walks are left where fewer than this share of their contributions count.
EVEN_ENOUGH = 0.6

# Lengths of pieces that are compared.
N_LENGTHS = 24


def weighs_unevenly(relative_weight, min_size):
    """Whether so few contributions of a whole walk count that pieces are better.

    Parameters
    ----------
    relative_weight : ndarray of shape (n_players,)
        Weight of a marginal contribution to a coalition of 0, 1, ... players.

    min_size : int
        Contributions to smaller coalitions do not count.

    Returns
    -------
    uneven : bool
        Never with equal weights.
    """
    weight = relative_weight[min_size:]
    return bool(weight.sum() ** 2 < EVEN_ENOUGH * len(weight) * (weight**2).sum())


@dataclass(frozen=True, eq=False)
class WeightedWalks:
    """Walks in pieces; a unit is a permutation, by default with its reverse.

    In the reverse the same pieces are walked backwards, and sizes are drawn at the
    mirrored points of their distribution function: where that is symmetric, a player
    joins a coalition and then those that it left out.
    """

    relative_weight: np.ndarray
    min_size: int
    antithetic: bool = True

    new_accumulator = staticmethod(lambda n_players: RatioMoments(1, n_players))

    def unit_cost(self, game):
        return self._walks_a_unit * (game.n_players + len(self._pieces))

    def block_size(self, game):
        return max(1, game.block_size("walk") // self._walks_a_unit)

    @property
    def _walks_a_unit(self):
        return 2 if self.antithetic else 1

    def run(self, game, seeds, start, n_units):
        walks = []
        for unit, rng in enumerate(unit_rngs(seeds, start, n_units)):
            walks += self._draw(game.n_players, rng, seeds, start + unit)
        orders = np.array([order for order, _, _ in walks])
        steps = np.array([steps for _, _, steps in walks])
        sizes = np.array([sizes for _, sizes, _ in walks])
        worth = self._worth(game, orders, steps, sizes)
        moments = self.new_accumulator(game.n_players)
        for first in range(0, len(walks), self._walks_a_unit):
            numerators, denominators = np.zeros((2, game.n_players))
            for walk in range(first, first + self._walks_a_unit):
                # The first coalition of a piece is the one that its first player joins.
                joins = np.flatnonzero(steps[walk])
                weights = self._weight[sizes[walk, joins - 1]]
                gains = worth[walk, joins] - worth[walk, joins - 1]
                numerators[orders[walk]] += weights * gains
                denominators[orders[walk]] += weights
            moments.add(numerators[None], denominators[None])
        # The empty coalition is not fitted.
        return moments, int(np.count_nonzero(sizes))

    def _draw(self, n_players, rng, seeds, unit):
        """Walks of a unit: the order, and size and step of each coalition."""
        order, pieces = rng.permutation(n_players), self._pieces
        offsets = rng.integers(pieces)
        uniforms = spread_uniforms(seeds, unit * len(pieces), len(pieces))
        circles = [(order, pieces, uniforms, offsets)]
        if self.antithetic:
            mirrored = (order, pieces, 1 - uniforms, pieces - 1 - offsets)
            circles.append(tuple(part[::-1] for part in mirrored))
        walks = []
        for order, lengths, uniforms, offsets in circles:
            met = np.searchsorted(self._edges, uniforms, side="right")
            starts = np.minimum(met, n_players - 1) - offsets
            starts = np.clip(starts, self.min_size, n_players - lengths)
            steps = np.concatenate([np.arange(length + 1) for length in lengths])
            walks.append((order, np.repeat(starts, lengths + 1) + steps, steps))
        return walks

    def _worth(self, game, orders, steps, sizes):
        """Worth of the coalitions of the players before a place, a few at a time."""
        n_players = game.n_players
        places = np.empty_like(orders)
        np.put_along_axis(places, orders, np.arange(n_players)[None], axis=1)
        # A piece of L players has L + 1 coalitions: its first one takes no place.
        ends = np.cumsum(steps > 0, axis=1)
        worth, at_once = [], game.block_size("scores")
        for first in range(0, sizes.size, at_once):
            few = slice(first, first + at_once)
            walk = np.arange(sizes.size)[few] // sizes.shape[1]
            beyond = ends.ravel()[few, None] - 1 - places[walk]
            masks = beyond % n_players < sizes.ravel()[few, None]
            worth.append(game.scores(masks))
        return np.concatenate(worth).reshape(sizes.shape)

    # ------------------------------------------------------------------ the lengths

    @cached_property
    def _probabilities(self):
        return size_probabilities(self.relative_weight, self.min_size)

    @cached_property
    def _edges(self):
        return np.cumsum(self._probabilities)

    @cached_property
    def _pieces(self):
        """Players of each piece: equal but for the last one."""
        longest = len(self._probabilities) - self.min_size
        lengths = np.geomspace(1, longest, N_LENGTHS).round().astype(int)
        plans = [self._cut(length) for length in np.unique(lengths)]
        return min(plans, key=self._cost_of_a_contribution)

    @cached_property
    def _weight(self):
        """p(k) over how often a player meets a coalition of k others."""
        met = self._met(self._pieces)
        wanted = self._probabilities
        return np.divide(wanted, met, out=np.zeros(len(met)), where=wanted > 0)

    def _cut(self, length):
        n_players = len(self._probabilities)
        pieces = np.full(-(-n_players // length), length)
        pieces[-1] -= pieces.sum() - n_players
        return pieces

    def _cost_of_a_contribution(self, pieces):
        met, wanted = self._met(pieces), self._probabilities
        counting = wanted > 0
        kish = (wanted[counting] ** 2 / met[counting]).sum()
        return (1 + len(pieces) / len(wanted)) * kish

    def _met(self, pieces):
        """How likely a player meets a coalition of k others, for every k."""
        n_players = len(self._probabilities)
        met = np.zeros(n_players)
        for length, count in zip(*np.unique(pieces, return_counts=True), strict=True):
            evenly = np.full(length, 1 / length)
            # A size drawn is met by any player of the piece, within the game's bounds.
            start = np.convolve(self._probabilities, evenly)
            at = np.arange(len(start)) - (length - 1)
            at = np.clip(at, self.min_size, n_players - length)
            start = np.bincount(at, weights=start)
            share = length * count / n_players
            met[: len(start) + length - 1] += share * np.convolve(start, evenly)
        return met
