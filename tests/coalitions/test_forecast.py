"""What a budget will take is said before it is spent, and changes no values."""

import time

import numpy as np
import pytest
from coalition_oracles import TableGame

from skvalue._coalitions import forecast
from skvalue._coalitions.permutations import PermutationWalks
from skvalue._coalitions.run import SamplingRun
from skvalue._coalitions.subsets import SharedSubsets


class SlowGame(TableGame):
    """Refits that keep a core busy for so many seconds."""

    seconds = 0.05

    def value(self, players):
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return super().value(players)


def run_of(game, max_evaluations, sampler=None):
    sampler = sampler or PermutationWalks(np.ones(game.n_players), 0)
    return SamplingRun(
        [game],
        [sampler],
        [np.arange(game.n_players)],
        game.n_players,
        max_evaluations=max_evaluations,
    )


def slow_game():
    return SlowGame(np.random.default_rng(0).normal(size=2**5))


def test_a_minute_of_refits_is_announced():
    with pytest.warns(UserWarning, match="DataShapley: 4000 fits.* minutes"):
        forecast.warn_of_long_budget(run_of(slow_game(), 4000), "DataShapley", None)


def test_a_short_budget_is_not_announced():
    forecast.warn_of_long_budget(run_of(slow_game(), 300), "DataShapley", None)


class SharedGame(TableGame):
    """Contributions of all players for so many multiplications a coalition."""

    shares_subsets = is_batched = True
    in_out_operations = 10**10


def shared_run(max_evaluations):
    from skvalue._coalitions.sizes import SubsetSizes, size_probabilities

    game = SharedGame(np.random.default_rng(0).normal(size=2**5))
    sizes = SubsetSizes(size_probabilities(np.ones(5), 0), 0)
    return run_of(game, max_evaluations, SharedSubsets(sizes))


def test_dear_shared_fits_are_announced_by_their_multiplications():
    with pytest.warns(UserWarning, match="1000 fits"):
        forecast.warn_of_long_budget(shared_run(1000), "DataShapley", None)
    forecast.warn_of_long_budget(shared_run(50), "DataShapley", None)


def test_an_unset_budget_of_dear_fits_is_counted_in_multiplications():
    # 1.8e11 multiplications are 18 such fits: fewer than the least.
    assert sum(shared_run(None).budgets) == 200
    game = SharedGame(np.random.default_rng(0).normal(size=2**5))
    game.in_out_operations = 5 * 10**8
    sampler = shared_run(None).samplers[0]
    assert sum(run_of(game, None, sampler).budgets) == 360
    game.in_out_operations = 1000
    assert sum(run_of(game, None, sampler).budgets) == 1000
