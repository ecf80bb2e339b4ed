"""Sampler of permutations: players join one after the other."""

from dataclasses import dataclass

import numpy as np

from .draws import unit_rngs
from .moments import RatioMoments


@dataclass(frozen=True, eq=False)
class PermutationWalks:
    """Walks along permutations; a unit is a permutation, by default with its reverse.

    The reverse gives every player a contribution to a large coalition for each one to a
    small coalition, which lowers the variance, and it values the players that the first
    ``min_size`` places leave out (Mitchell et al., "Sampling Permutations for Shapley
    Value Estimation", JMLR 2022). Without it each of those players joins a random
    coalition of its own.
    """

    relative_weight: np.ndarray
    min_size: int
    truncation_tol: float = 0.0
    antithetic: bool = True

    new_accumulator = staticmethod(lambda n_players: RatioMoments(1, n_players))

    def unit_cost(self, game):
        # Truncation compares with the worth of all players.
        whole = int(self._truncates(game))
        if self.antithetic:
            return 2 * self._walk_cost(game.n_players) + whole
        return self._walk_cost(game.n_players) + 2 * self.min_size + whole

    def _truncates(self, game):
        # The engine's walks have no fits to save.
        return self.truncation_tol > 0 and not game.is_batched

    def _walk_cost(self, n_players):
        # The empty coalition is not fitted.
        return n_players - max(self.min_size, 1) + 1

    def block_size(self, game):
        return max(1, game.block_size("walk") // self._walks_a_unit)

    @property
    def _walks_a_unit(self):
        return 2 if self.antithetic else 1

    def run(self, game, seeds, start, n_units):
        moments = self.new_accumulator(game.n_players)
        rngs = unit_rngs(seeds, start, n_units)
        orders = np.array([rng.permutation(game.n_players) for rng in rngs])
        permutations = orders
        if self.antithetic:
            permutations = np.stack([orders, orders[:, ::-1]], axis=1)
            permutations = permutations.reshape(2 * n_units, game.n_players)
        if self._truncates(game):
            contributions, n_evaluations = self._truncated_walks(game, permutations)
        else:
            contributions = game.walk(permutations, self.min_size)
            n_evaluations = len(permutations) * self._walk_cost(game.n_players)
        weights = np.empty(permutations.shape)
        joined = np.where(
            np.arange(game.n_players) < self.min_size, 0.0, self.relative_weight
        )
        np.put_along_axis(weights, permutations, joined[None], axis=1)
        if not self.antithetic and self.min_size:
            firsts = orders[:, : self.min_size]
            alone, sizes = self._contributions_alone(game, firsts, rngs)
            np.put_along_axis(contributions, firsts, alone, axis=1)
            np.put_along_axis(weights, firsts, self.relative_weight[sizes], axis=1)
            n_evaluations += 2 * firsts.size
        numerators = np.where(weights > 0, weights * contributions, 0.0)
        for unit in range(n_units):
            walks = slice(self._walks_a_unit * unit, self._walks_a_unit * (unit + 1))
            moments.add(
                numerators[walks].sum(axis=0)[None], weights[walks].sum(axis=0)[None]
            )
        return moments, n_evaluations

    def _contributions_alone(self, game, players, rngs):
        """Contribution of each player to a random coalition, and the size of that.

        The sizes are as likely as those that the other players of a permutation meet.
        """
        n_players = game.n_players
        sizes = np.empty(players.shape, dtype=int)
        masks = np.zeros((*players.shape, n_players), dtype=bool)
        for mask, size, joined, rng in zip(masks, sizes, players, rngs, strict=True):
            size[:] = rng.integers(self.min_size, n_players, size=len(joined))
            for place, player in enumerate(joined):
                others = rng.permutation(n_players)
                mask[place, others[others != player][: size[place]]] = True
        masks = masks.reshape(-1, n_players)
        before = game.scores(masks)
        masks[np.arange(len(masks)), players.ravel()] = True
        return (game.scores(masks) - before).reshape(players.shape), sizes

    def _truncated_walks(self, game, permutations):
        """Walks that end where the coalition is worth as much as all players."""
        contributions = np.zeros(permutations.shape)
        full_value = game.value(np.arange(game.n_players))
        n_evaluations = 1
        for contribution, permutation in zip(contributions, permutations, strict=True):
            size = self.min_size
            before = game.value(np.sort(permutation[:size]))
            n_evaluations += size > 0
            while (
                size < game.n_players and abs(full_value - before) > self.truncation_tol
            ):
                after = game.value(np.sort(permutation[: size + 1]))
                contribution[permutation[size]] = after - before
                before = after
                size += 1
                n_evaluations += 1
        return contributions, n_evaluations
