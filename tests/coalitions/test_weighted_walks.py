"""Walks in pieces: what they meet, what they cost, and that they are unbiased."""

import numpy as np
import pytest
from coalition_oracles import TableGame, random_table
from numpy.testing import assert_allclose, assert_array_equal

from skvalue._coalitions.permutations import PermutationWalks
from skvalue._coalitions.runner import run_block
from skvalue._coalitions.weighted_walks import WeightedWalks, weighs_unevenly
from skvalue.games import enumerate_semivalue
from skvalue.semivalues import BetaShapley, DataBanzhaf, DataShapley, Semivalue

N = 7


def weight_of(valuator, n_samples=N):
    return valuator._weight(np.arange(n_samples), n_samples)


class Recorder(TableGame):
    """Remembers the coalitions that were asked for."""

    def __init__(self, table):
        super().__init__(table)
        self.asked = []

    def scores(self, masks):
        self.asked += list(masks.copy())
        return super().scores(masks)


BETA = weight_of(BetaShapley(16, 1))
MIDDLE = weight_of(DataBanzhaf(), 40)


@pytest.mark.parametrize("antithetic", [True, False])
@pytest.mark.parametrize("min_size", [0, 3, 6])
def test_estimates_converge_to_the_truncated_semivalue(min_size, antithetic):
    game = TableGame(random_table(N, seed=0, by_size=0.3))
    exact = enumerate_semivalue(game, BETA, min_size)
    sampler = WeightedWalks(BETA, min_size, antithetic)
    moments, _ = run_block(game, sampler, (0, 0), 0, 1500)
    error = np.abs(moments.estimate() - exact)
    assert (error <= 4 * moments.standard_error() + 1e-12).all()


@pytest.mark.parametrize("weight", [BETA, MIDDLE, np.ones(12)])
@pytest.mark.parametrize("min_size", [0, 4])
def test_sizes_are_met_as_often_as_the_weights_assume(weight, min_size):
    """The mean weight of a contribution is one, whatever the pieces."""
    n_samples = len(weight)
    sampler = WeightedWalks(weight, min_size)
    for length in {1, 2, 3, n_samples - min_size}:
        met = sampler._met(sampler._cut(length))
        assert_allclose(met.sum(), 1)
        assert (met[sampler._probabilities > 0] > 0).all()
    denominators = np.zeros(n_samples)
    game = TableGame(np.zeros(2))
    game.n_players, game.value = n_samples, lambda rows: 0.0
    moments, _ = run_block(game, sampler, (0, 0), 0, 400)
    denominators = moments.totals[1] / (2 * 400)
    assert_allclose(denominators.mean(), 1, atol=0.03)


@pytest.mark.parametrize("antithetic", [True, False])
@pytest.mark.parametrize("min_size", [0, 3])
def test_every_row_joins_the_rows_before_it(min_size, antithetic):
    game = Recorder(random_table(N, seed=1))
    sampler = WeightedWalks(BETA, min_size, antithetic)
    moments, n_evaluations = run_block(game, sampler, (0, 0), 0, 5)
    sizes = np.sum(game.asked, axis=1)
    assert sizes.min() >= min_size
    assert n_evaluations == np.count_nonzero(sizes)
    assert n_evaluations <= 5 * sampler.unit_cost(game)
    # Each coalition is its predecessor and one row, or the first of a piece.
    joined = [
        (after & ~before).sum() == 1 and not (before & ~after).any()
        for before, after in zip(game.asked[:-1], game.asked[1:], strict=True)
    ]
    walks = 10 if antithetic else 5
    assert sum(joined) >= walks * N
    assert np.isfinite(moments.estimate()).all()


def test_blocks_add_up_to_one_long_run():
    game = TableGame(random_table(N, seed=2))
    sampler = WeightedWalks(BETA, 0)
    whole, _ = run_block(game, sampler, (3, 1), 0, 7)
    first, _ = run_block(game, sampler, (3, 1), 0, 4)
    second, _ = run_block(game, sampler, (3, 1), 4, 3)
    first.merge(second)
    assert_allclose(first.estimate(), whole.estimate(), atol=1e-14)
    assert_array_equal(first.counts, whole.counts)


def test_the_reverse_joins_the_rows_left_out():
    """Symmetric weights: an even game gives the exact value from one unit."""
    n_samples = 10
    rng = np.random.default_rng(0)
    pairs = np.triu(rng.normal(size=(n_samples, n_samples)), 1)
    game = TableGame(np.zeros(2))
    game.n_players = n_samples
    game.value = lambda rows: pairs[np.ix_(rows, rows)].sum()
    sampler = WeightedWalks(weight_of(DataBanzhaf(), n_samples), 0)
    moments, _ = run_block(game, sampler, (0, 0), 0, 1)
    expected = (pairs + pairs.T).sum(axis=1) / 2
    assert_allclose(moments.estimate(), expected, atol=1e-12)


@pytest.mark.parametrize("antithetic", [True, False])
def test_pieces_are_more_precise_where_the_weight_is_steep(antithetic):
    n_samples, min_size, budget = 10, 3, 1000
    weight = weight_of(BetaShapley(16, 1), n_samples)
    game = TableGame(random_table(n_samples, seed=3))
    exact = enumerate_semivalue(game, weight, min_size)
    squares = []
    for sampler in (
        WeightedWalks(weight, min_size, antithetic),
        PermutationWalks(weight, min_size, antithetic=antithetic),
    ):
        n_units = budget // sampler.unit_cost(game)
        errors = [
            run_block(game, sampler, (seed, 0), 0, n_units)[0].estimate() - exact
            for seed in range(12)
        ]
        squares.append(np.mean(np.square(errors)))
    assert squares[0] < 0.7 * squares[1]


def test_walks_are_cut_where_the_weight_is_uneven():
    even, steep = DataShapley(), BetaShapley(16, 1)
    for min_size in (0, 3, 6):
        assert not weighs_unevenly(weight_of(even), min_size)
        assert not weighs_unevenly(weight_of(BetaShapley(1, 1)), min_size)
    assert weighs_unevenly(weight_of(steep), 0)
    assert weighs_unevenly(weight_of(DataBanzhaf(), 40), 5)
    game = TableGame(random_table(N, seed=4))
    for sampler in ("permutation", "single_permutation"):
        steep.set_params(sampler=sampler, min_coalition_size=3)
        assert isinstance(steep._make_sampler(game), WeightedWalks)
        flat = Semivalue(lambda sizes, n: np.ones(n), sampler=sampler)
        assert isinstance(flat._make_sampler(game), PermutationWalks)
