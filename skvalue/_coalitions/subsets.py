"""Samplers of random subsets, each of which says something about every player."""

from dataclasses import dataclass

import numpy as np

from .draws import random_masks, spread_uniforms, unit_rngs
from .moments import RatioMoments, ScoreRecord
from .sizes import STRATA, SubsetSizes

# Consecutive subsets whose contributions are added up at once.
SUBSETS_A_BATCH = 4


@dataclass(frozen=True, eq=False)
class SharedSubsets:
    """Every player's contribution to each subset, in or out; a unit is a subset.

    The weighted mean of a player's contributions is the semivalue. A player's
    contribution to a coalition smaller than ``min_size`` has weight zero.
    """

    sizes: SubsetSizes

    new_accumulator = staticmethod(
        lambda n_players: RatioMoments(1, n_players, len(STRATA) + 1)
    )

    def unit_cost(self, game):
        return 1 if game.shares_subsets else game.n_players + 1

    def unit_operations(self, game):
        return game.in_out_operations

    def block_size(self, game):
        return game.block_size("in_out")

    def run(self, game, seeds, start, n_units):
        sizes, masks, weights = self._drawn(game, seeds, start, n_units)
        contributions = game.in_out(masks)
        numerators = np.where(weights > 0, weights * contributions, 0.0)
        strata = self.sizes.strata[sizes]
        moments = self.new_accumulator(game.n_players)
        for first in range(0, n_units, SUBSETS_A_BATCH):
            batch = slice(first, first + SUBSETS_A_BATCH)
            moments.add_all(
                numerators[batch, None], weights[batch, None], strata[batch]
            )
        return moments, n_units * self.unit_cost(game)

    def sums_by_row(self, game, seeds, start, n_units):
        """Numerators and denominators of a block, from a game by row.

        Parameters
        ----------
        game : RowUtility
            That shares subsets.

        seeds, start, n_units
            As `run` has them: the same subsets.

        Returns
        -------
        numerators : ndarray of shape (n_players, n_val)
            Sums of weighted contributions.

        denominators : ndarray of shape (n_players,)
            Sums of the weights.
        """
        _, masks, weights = self._drawn(game, seeds, start, n_units)
        return game.in_out_sums(masks, weights), weights.sum(axis=0)

    def _drawn(self, game, seeds, start, n_units):
        """Sizes and masks of subsets, and the weight of each player's contribution."""
        sizes = self.sizes.draw(spread_uniforms(seeds, start, n_units))
        masks = random_masks(seeds, start, sizes, game.n_players)
        return sizes, masks, self.sizes.contribution_weight[sizes[:, None] - masks]


@dataclass(frozen=True, eq=False)
class ReusedSubsets:
    """Mean utility with a player minus mean utility without it; a unit is a subset.

    Every utility serves every player: maximum sample reuse (Wang & Jia, "Data Banzhaf:
    A Robust Data Valuation Framework for Machine Learning", AISTATS 2023).
    """

    sizes: SubsetSizes

    new_accumulator = staticmethod(lambda n_players: RatioMoments(2, n_players))

    def unit_cost(self, game):
        return 1

    def block_size(self, game):
        return game.block_size("scores")

    def run(self, game, seeds, start, n_units):
        sizes = self.sizes.draw(spread_uniforms(seeds, start, n_units))
        masks = random_masks(seeds, start, sizes, game.n_players)
        scores = game.scores(masks)
        weights = np.where(
            masks,
            self.sizes.member_weight[sizes][:, None],
            self.sizes.outsider_weight[sizes][:, None],
        )
        moments = self.new_accumulator(game.n_players)
        for first in range(0, n_units, SUBSETS_A_BATCH):
            batch = slice(first, first + SUBSETS_A_BATCH)
            sides = np.stack([masks[batch], ~masks[batch]], axis=1)
            sides = sides * weights[batch, None]
            utilities = scores[batch, None, None]
            # Which players are in varies more than the worth of a size: one stratum.
            moments.add_all(sides * utilities, sides, np.zeros(len(sides), dtype=int))
        return moments, n_units


@dataclass(frozen=True, eq=False)
class BernoulliSubsets:
    """Subsets that hold each player with one of several probabilities, in turn.

    Records the utilities; `masks` gives the subsets again. A unit is a subset.
    """

    inclusion_probabilities: tuple

    new_accumulator = staticmethod(lambda n_players: ScoreRecord())

    def unit_cost(self, game):
        return 1

    def block_size(self, game):
        return game.block_size("scores")

    def run(self, game, seeds, start, n_units):
        masks = self.masks(game.n_players, seeds, start, n_units)
        return ScoreRecord(game.scores(masks)), n_units

    def masks(self, n_players, seeds, start, n_units):
        """Subsets of the units from `start` on."""
        probability = self.probability(start, n_units)
        rngs = unit_rngs(seeds, start, n_units)
        pairs = zip(rngs, probability, strict=True)
        return np.array([rng.random(n_players) < p for rng, p in pairs])

    def probability(self, start, n_units):
        """Inclusion probability of each subset from `start` on."""
        turn = np.arange(start, start + n_units) % len(self.inclusion_probabilities)
        return np.asarray(self.inclusion_probabilities)[turn]
