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

from ..utils._folds import average_over_splits
from .few_batches import degrees_over_games, error_scale, moderate
from .history import RunHistory
from .precision import relative_error

# What an unset budget allows: so many fits, or so many of the sampler's units.
DEFAULT_EVALUATIONS = 1000
DEFAULT_UNITS = 10
# Where a fit comes with the contributions of all rows, an unset budget allows no more
# than these multiplications pay for (half a minute or so), but not fewer than the least
# that make values one can rank by. Counted, not timed: the same seed gives the same
# values anywhere.
DEFAULT_OPERATIONS = 1.8e11
LEAST_EVALUATIONS = 200

# Standard errors from fewer batches are too uncertain to judge by.
MIN_BATCHES = 8


@dataclass(frozen=True)
class Block:
    """One task: units ``start .. start + n_units`` of one game."""

    round: int
    game: int
    start: int
    n_units: int
    is_whole: bool


def mean_over_games(players, totals, n_players):
    """Values and standard errors of all players from the games that each plays in.

    Parameters
    ----------
    players : list of ndarray of shape (n_game_players,)
        Numbers of each game's players.

    totals : list of RatioMoments or SubsetRecord
        What the coalitions of each game said.

    n_players : int
        Number of players in all.

    Returns
    -------
    values, errors : ndarray of shape (n_players,)
        NaN where unknown.
    """
    variances, degrees = zip(*(total.variance() for total in totals), strict=True)
    values, errors = average_over_splits(
        players,
        [total.estimate() for total in totals],
        n_players,
        [np.sqrt(variance) for variance in variances],
    )
    degrees = degrees_over_games(players, variances, degrees, n_players)
    variances, degrees = moderate(errors**2, degrees)
    return values, np.sqrt(variances) * error_scale(degrees)


def usual_units(sampler, game):
    """Units of a tenth of the default budget: those of the least, unless it says so."""
    return sampler.usual_units(game) if hasattr(sampler, "usual_units") else 1


def unit_operations(sampler, game):
    """Multiplications of a unit; 0 where nobody has counted them."""
    if hasattr(sampler, "unit_operations"):
        return sampler.unit_operations(game)
    return 0


class SamplingRun:
    """The state of a run over one or several games, and what it may cost.

    Parameters
    ----------
    games : list of Game
        What coalitions are worth.

    samplers : list
        What draws the coalitions of each game.

    players : list of ndarray of shape (n_players_of_the_game,)
        Which of all players play in each game.

    n_players : int
        Number of players in all.

    max_evaluations : int or None, default=None
        Fits at most, over all games. None: 1000, or ten units of each game where that
        is more; where one fit values all rows by a model of many parameters, as many as
        a fixed number of multiplications pays for, from 200 to 1000.

    least_units : int, default=1
        Units that each game needs for values at all.

    Attributes
    ----------
    least_evaluations : int
        Fits that the least budget costs.

    Raises
    ------
    ValueError
        If the budget does not buy the least units.
    """

    def __init__(
        self,
        games,
        samplers,
        players,
        n_players,
        *,
        max_evaluations=None,
        least_units=1,
    ):
        self.games, self.samplers = games, samplers
        self.players, self.n_players = players, n_players
        pairs = list(zip(samplers, games, strict=True))
        self.costs = [sampler.unit_cost(game) for sampler, game in pairs]
        self.block_sizes = [sampler.block_size(game) for sampler, game in pairs]
        self.accumulators = [
            sampler.new_accumulator(game.n_players) for sampler, game in pairs
        ]
        self.least_evaluations = least_units * max(self.costs) * len(games)
        self.budgets = self._budgets(max_evaluations)
        self.n_blocks = np.zeros(len(games), dtype=int)
        self.used = np.zeros(len(games), dtype=int)
        # Results of last blocks that the budget cuts short.
        self.tails = [None] * len(games)
        self.tail_units = np.zeros(len(games), dtype=int)
        # Of what is estimated as it goes; a regression at the end has no history.
        self.has_errors = all(sums.has_errors for sums in self.accumulators)
        self._history = RunHistory()

    def _budgets(self, total):
        """Fits that each game may use."""
        n_games, least = len(self.games), self.least_evaluations
        if total is None:
            total = self._default_evaluations()
        if total < least:
            where = f" in each of {n_games} folds" if n_games > 1 else ""
            raise ValueError(
                f"max_evaluations={total} is too small: the least that can be sampled "
                f"costs {least // n_games} fits{where}. Give at least {least}."
            )
        share, rest = divmod(total, n_games)
        return [share + (number < rest) for number in range(n_games)]

    def _default_evaluations(self):
        """Fits of an unset budget: 1000, fewer dear ones, more for units of many."""
        pairs = list(zip(self.samplers, self.games, strict=True))
        operations = max(unit_operations(sampler, game) for sampler, game in pairs)
        affordable = int(DEFAULT_OPERATIONS // max(operations, 1))
        affordable = max(LEAST_EVALUATIONS, min(DEFAULT_EVALUATIONS, affordable))
        usual = max(
            cost * usual_units(sampler, game)
            for cost, (sampler, game) in zip(self.costs, pairs, strict=True)
        )
        usual = max(self.least_evaluations, len(self.games) * usual)
        return max(affordable, DEFAULT_UNITS * usual)

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
            self._look()

    def _look(self):
        """Add to the history after whole rounds, which any budget and workers share."""
        rounds = int(self.n_blocks.min())
        if self.has_errors and self.between_rounds and self._history.is_due(rounds):
            self._history.look(rounds, int(self.used.sum()), *self.estimate())

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
        """Values and standard errors of all players, NaN where unknown."""
        return mean_over_games(self.players, self.totals(), self.n_players)

    def is_precise(self, tol):
        """Whether the largest standard error is below `tol` of the values' spread."""
        if tol is None or not self.between_rounds or not self.knows_errors:
            return False
        if not self.is_due:
            return False
        # A player without an estimate has no error yet: NaN compares false.
        return relative_error(*self.estimate()) <= tol

    @property
    def is_due(self):
        """Whether to look at the precision, which may cost more than a block."""
        return all(sums.is_due for sums in self.accumulators)

    @property
    def knows_errors(self):
        """Whether standard errors come from enough batches to judge by."""
        return min(sums.n_batches for sums in self.accumulators) >= MIN_BATCHES

    def history(self):
        """Precision on the way and at the end, see `RunHistory`."""
        rounds = float((np.array(self.n_units()) / self.block_sizes).min())
        return self._history.with_last(rounds, self.n_evaluations, *self.estimate())

    # ------------------------------------------------------------------- the state

    def to_arrays(self):
        """What another run needs to go on from here."""
        arrays = {"n_blocks": self.n_blocks.copy(), "used": self.used.copy()}
        for game, accumulator in enumerate(self.accumulators):
            for name, array in accumulator.copy().to_arrays().items():
                arrays[f"{game}.{name}"] = array
        for name, array in self._history.to_arrays().items():
            arrays[f"history.{name}"] = array
        return arrays

    def restore(self, arrays):
        """Go on from what `to_arrays` returned."""
        self.n_blocks = arrays["n_blocks"].copy()
        self.used = arrays["used"].copy()
        self._history = RunHistory.from_arrays(_part_of(arrays, "history."))
        for game, accumulator in enumerate(self.accumulators):
            own = _part_of(arrays, f"{game}.")
            self.accumulators[game] = accumulator.from_arrays(own)


def _part_of(arrays, prefix):
    """Copies of the arrays whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): array.copy()
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
