"""A run of blocks of coalitions, in rounds, that can be cut short and gone on with.

A game's coalitions come in blocks of fixed size. A round is the next block of every
game; workers compute blocks anywhere, the run adds them up in order and looks at the
result after whole rounds only. So the values depend on the seed alone: neither on the
number of workers, nor on where a run was stopped and continued. A last block that the
budget cuts short counts for the values, but it is not part of the state that a later
run continues: that one computes the whole block.
"""

from dataclasses import dataclass

import numpy as np

from ._few_batches import degrees_over_games, error_scale
from ._moments import average_over_games


@dataclass(frozen=True)
class Block:
    """One task: units ``start .. start + n_units`` of one game."""

    round: int
    game: int
    start: int
    n_units: int
    is_whole: bool


class SamplingRun:
    """The state of a run over one or several games.

    Parameters
    ----------
    games : list of RowGame
        What coalitions are worth, and which training rows play.

    samplers : list
        One sampler of `skvalue._coalitions` for each game.

    budgets : list of int
        Fits that each game may use.

    n_samples : int
        Number of training rows in all.
    """

    def __init__(self, games, samplers, budgets, n_samples):
        self.games = games
        self.samplers = samplers
        self.budgets = budgets
        self.n_samples = n_samples
        self.costs = [
            sampler.unit_cost(game.utility)
            for sampler, game in zip(samplers, games, strict=True)
        ]
        self.block_sizes = [
            sampler.block_size(game.utility)
            for sampler, game in zip(samplers, games, strict=True)
        ]
        self.accumulators = [
            sampler.new_accumulator(len(game.rows))
            for sampler, game in zip(samplers, games, strict=True)
        ]
        self.n_blocks = np.zeros(len(games), dtype=int)
        self.used = np.zeros(len(games), dtype=int)
        # Results of last blocks that the budget cuts short.
        self.tails = [None] * len(games)
        self.tail_units = np.zeros(len(games), dtype=int)

    # ------------------------------------------------------------------- planning

    def next_wave(self, n_workers):
        """Blocks to compute next: a round, or as many as keep the workers busy.

        A sampler may use fewer fits than a block costs at most, so only the first round
        of a wave is certain. More rounds are planned while every game can afford them
        at most cost; which blocks are run does not depend on `n_workers`.

        Returns
        -------
        wave : list of Block
            In order; empty when the budget is used up.
        """
        wave = self._next_round(self.n_blocks, self.used)
        n_blocks, used = self.n_blocks.copy(), self.used.copy()
        planned = wave
        while planned and len(planned) == len(self.games) and len(wave) < n_workers:
            for block in planned:
                n_blocks[block.game] += 1
                used[block.game] += block.n_units * self.costs[block.game]
            planned = self._next_round(n_blocks, used)
            if all(block.is_whole for block in planned):
                wave = wave + planned
            else:
                break
        return wave

    def _next_round(self, n_blocks, used):
        """The next block of each game that is not ahead of another."""
        affordable = [
            0 if tail is not None else (budget - spent) // cost
            for tail, budget, spent, cost in zip(
                self.tails, self.budgets, used, self.costs, strict=True
            )
        ]
        going = [game for game, units in enumerate(affordable) if units > 0]
        if not going:
            return []
        number = min(n_blocks[game] for game in going)
        return [
            Block(
                round=number,
                game=game,
                start=number * self.block_sizes[game],
                n_units=min(affordable[game], self.block_sizes[game]),
                is_whole=affordable[game] >= self.block_sizes[game],
            )
            for game in going
            if n_blocks[game] == number
        ]

    def accept(self, wave, results, is_done):
        """Add results up in order; drop those after the round that ends the run.

        Parameters
        ----------
        wave : list of Block
            As `next_wave` planned it.

        results : list of (accumulator, n_evaluations)
            As `run_block` returned them.

        is_done : callable
            Asked after each round.
        """
        for position, (block, result) in enumerate(zip(wave, results, strict=True)):
            if position and wave[position - 1].round != block.round and is_done():
                return
            if not block.is_whole:
                self.tails[block.game] = result
                self.tail_units[block.game] = block.n_units
                continue
            accumulator, n_evaluations = result
            self.accumulators[block.game].merge(accumulator)
            self.used[block.game] += n_evaluations
            self.n_blocks[block.game] += 1

    @property
    def between_rounds(self):
        """Whether every game has had the same number of blocks, and at least one."""
        return self.n_blocks.min() == self.n_blocks.max() > 0

    # -------------------------------------------------------------------- results

    @property
    def n_evaluations(self):
        """Fits that the values are made of."""
        return int(self.used.sum() + sum(tail[1] for tail in self.tails if tail))

    def n_units(self):
        """Units drawn in each game."""
        return (self.n_blocks * self.block_sizes + self.tail_units).tolist()

    def totals(self):
        """Accumulator of each game, with the blocks that were cut short."""
        totals = []
        for accumulator, tail in zip(self.accumulators, self.tails, strict=True):
            total = accumulator.copy()
            if tail is not None:
                total.merge(tail[0])
            totals.append(total)
        return totals

    def estimate(self):
        """Values and standard errors of all training rows, NaN where unknown."""
        totals, rows = self.totals(), [game.rows for game in self.games]
        estimates = [total.estimate() for total in totals]
        variances, degrees = zip(*(total.variance() for total in totals), strict=True)
        errors = [np.sqrt(variance) for variance in variances]
        values, errors = average_over_games(rows, estimates, errors, self.n_samples)
        degrees = degrees_over_games(rows, variances, degrees, self.n_samples)
        return values, errors * error_scale(degrees)

    # ------------------------------------------------------------------- the state

    def to_arrays(self):
        """What another run needs to go on from here."""
        arrays = {"n_blocks": self.n_blocks.copy(), "used": self.used.copy()}
        for game, accumulator in enumerate(self.accumulators):
            for name, array in accumulator.copy().to_arrays().items():
                arrays[f"{game}.{name}"] = array
        return arrays

    def restore(self, arrays):
        """Go on from what `to_arrays` returned."""
        self.n_blocks = arrays["n_blocks"].copy()
        self.used = arrays["used"].copy()
        for game, accumulator in enumerate(self.accumulators):
            prefix = f"{game}."
            self.accumulators[game] = type(accumulator).from_arrays(
                {
                    name.removeprefix(prefix): array.copy()
                    for name, array in arrays.items()
                    if name.startswith(prefix)
                }
            )
