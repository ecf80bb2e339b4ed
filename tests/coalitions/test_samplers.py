"""The samplers: what they draw, and that what they add up is the semivalue."""

from itertools import product
from math import comb

import numpy as np
import pytest
from coalition_oracles import TableGame, random_table
from numpy.testing import assert_allclose
from scipy.stats import binom, kstest

from skvalue._coalitions.draws import spread_uniforms
from skvalue._coalitions.permutations import PermutationWalks
from skvalue._coalitions.runner import run_block
from skvalue._coalitions.sizes import FixedSizes, SubsetSizes, size_probabilities
from skvalue._coalitions.subsets import (
    BernoulliSubsets,
    ReusedSubsets,
    SharedSubsets,
)
from skvalue.games import enumerate_semivalue
from skvalue.semivalues import BetaShapley, DataBanzhaf, DataShapley

N = 6
WEIGHTS = {
    "shapley": DataShapley(),
    "beta": BetaShapley(16.0, 1.0),
    "banzhaf": DataBanzhaf(),
}


def relative_weight(name, n_samples=N):
    return WEIGHTS[name]._weight(np.arange(n_samples), n_samples)


def subset_sizes(name, min_size, n_samples=N):
    weight = relative_weight(name, n_samples)
    return SubsetSizes(size_probabilities(weight, min_size), min_size)


def all_masks(n_samples):
    return np.array(list(product([False, True], repeat=n_samples)))


@pytest.mark.parametrize("min_size", [0, 2, 5])
@pytest.mark.parametrize("name", WEIGHTS)
def test_shared_subsets_add_up_to_the_truncated_semivalue(name, min_size):
    """The expectation over all subsets: the identity that the sampler rests on."""
    game = TableGame(random_table(N, seed=0))
    sizes = subset_sizes(name, min_size)
    masks = all_masks(N)
    size = masks.sum(axis=1)
    probability = sizes.distribution[size] / [comb(N, k) for k in size]
    weight = sizes.contribution_weight[size[:, None] - masks]
    contributions = game.in_out(masks)
    numerators = (probability[:, None] * weight * contributions).sum(axis=0)
    denominators = (probability[:, None] * weight).sum(axis=0)
    expected = enumerate_semivalue(game, relative_weight(name), min_size)
    assert_allclose(denominators, 1.0, atol=1e-12)
    assert_allclose(numerators / denominators, expected, atol=1e-12)


@pytest.mark.parametrize("min_size", [0, 2])
@pytest.mark.parametrize("name", WEIGHTS)
def test_reused_subsets_add_up_to_the_truncated_semivalue(name, min_size):
    game = TableGame(random_table(N, seed=1))
    sizes = subset_sizes(name, min_size)
    masks = all_masks(N)
    size = masks.sum(axis=1)
    probability = sizes.distribution[size] / [comb(N, k) for k in size]
    inside = probability * sizes.member_weight[size]
    outside = probability * sizes.outsider_weight[size]
    scores = game.scores(masks)
    values = (inside * scores) @ masks - (outside * scores) @ ~masks
    assert_allclose(inside @ masks, 1.0, atol=1e-12)
    assert_allclose(outside @ ~masks, 1.0, atol=1e-12)
    expected = enumerate_semivalue(game, relative_weight(name), min_size)
    assert_allclose(values, expected, atol=1e-12)


def test_sizes_of_shapley_subsets_are_uniform():
    distribution = subset_sizes("shapley", 5, n_samples=20).distribution
    assert_allclose(distribution[:5], 0)
    assert_allclose(distribution[5:], 1 / 16)
    weight = subset_sizes("shapley", 5, n_samples=20).contribution_weight
    assert_allclose(weight[5:], weight[5])


def test_sizes_of_banzhaf_subsets_are_nearly_binomial():
    distribution = subset_sizes("banzhaf", 0, n_samples=1000).distribution
    expected = binom(1000, 0.5).pmf(np.arange(1001))
    assert 0.5 * np.abs(distribution - expected).sum() < 2e-3


@pytest.mark.parametrize(
    ("n_samples", "alpha", "beta"), [(10, 16.0, 1.0), (1000, 16.0, 1.0), (50, 1.0, 1.0)]
)
def test_beta_weights_average_to_one(n_samples, alpha, beta):
    weight = BetaShapley(alpha, beta)._weight(np.arange(n_samples), n_samples)
    assert_allclose(weight.mean(), 1.0)
    if alpha == beta == 1.0:
        assert_allclose(weight, 1.0)
    else:
        assert weight[0] > 10 * weight[-1]


def samplers(min_size=0):
    shapley = relative_weight("shapley")
    return {
        "shared": (SharedSubsets(subset_sizes("shapley", min_size)), "shapley"),
        "permutation": (PermutationWalks(shapley, min_size), "shapley"),
        "single permutation": (
            PermutationWalks(shapley, min_size, antithetic=False),
            "shapley",
        ),
        "single beta walk": (
            PermutationWalks(relative_weight("beta"), min_size, antithetic=False),
            "beta",
        ),
        "beta shared": (SharedSubsets(subset_sizes("beta", min_size)), "beta"),
        "beta walk": (PermutationWalks(relative_weight("beta"), min_size), "beta"),
        "banzhaf shared": (SharedSubsets(subset_sizes("banzhaf", min_size)), "banzhaf"),
        "banzhaf msr": (ReusedSubsets(subset_sizes("banzhaf", min_size)), "banzhaf"),
    }


@pytest.mark.parametrize("min_size", [0, 2])
@pytest.mark.parametrize("name", samplers())
def test_estimates_converge_and_standard_errors_cover(name, min_size):
    """About 95 % of the estimates lie within two standard errors of the exact value."""
    game = TableGame(random_table(N, seed=2, by_size=0.3))
    sampler, weight = samplers(min_size)[name]
    exact = enumerate_semivalue(game, relative_weight(weight), min_size)
    estimates, covered = [], []
    for repetition in range(200):
        moments, _ = run_block(game, sampler, (repetition, 0), 0, 120)
        estimates.append(moments.estimate())
        error = np.abs(estimates[-1] - exact)
        covered.append(error <= 2 * moments.standard_error())
    mean_error = np.abs(np.mean(estimates, axis=0) - exact)
    tolerance = 4 * np.std(estimates, axis=0) / np.sqrt(200) + 5e-3
    assert (mean_error <= tolerance).all()
    # Subsets of even sizes vary less than the errors know, so they may cover more.
    assert 0.93 <= np.mean(covered) <= 0.99


def test_influence_subsets_have_one_size():
    game = TableGame(random_table(N, seed=3))
    sampler = ReusedSubsets(FixedSizes(4, N))
    moments, n_evaluations = run_block(game, sampler, (0, 0), 0, 4000)
    masks = all_masks(N)
    masks = masks[masks.sum(axis=1) == 4]
    scores = game.scores(masks)
    expected = [scores[m].mean() - scores[~m].mean() for m in masks.T]
    assert n_evaluations == 4000
    assert (np.abs(moments.estimate() - expected) < 4 * moments.standard_error()).all()


def test_truncated_walks_stop_where_everything_is_worth_no_more():
    class Saturating(TableGame):
        n_calls = 0

        def value(self, rows):
            type(self).n_calls += 1
            return min(len(rows), 3) / 3

    game = Saturating(np.zeros(2**8))
    sampler = PermutationWalks(np.ones(8), 0, truncation_tol=0.1)
    moments, n_evaluations = run_block(game, sampler, (0, 0), 0, 10)
    whole, _ = run_block(game, PermutationWalks(np.ones(8), 0), (0, 0), 0, 10)
    assert_allclose(moments.estimate(), whole.estimate())
    # Ten pairs of walks of three fits, and the worth of all rows.
    assert n_evaluations == 1 + 20 * 3
    assert sampler.unit_cost(game) >= n_evaluations / 10


@pytest.mark.parametrize("truncation_tol", [0.0, 0.1])
@pytest.mark.parametrize("min_size", [0, 3, 7])
def test_a_single_permutation_values_every_row_once(min_size, truncation_tol):
    game = TableGame(random_table(8, seed=5))
    game.n_calls = 0
    plain_value = game.value

    def counted(rows):
        game.n_calls += len(rows) > 0
        return plain_value(rows)

    game.value = counted
    sampler = PermutationWalks(np.ones(8), min_size, truncation_tol, antithetic=False)
    moments, n_evaluations = run_block(game, sampler, (0, 0), 0, 1)
    assert np.isfinite(moments.estimate()).all()
    # A denominator counts the contributions that a row's value is made of.
    assert_allclose(moments.totals[1], 1.0)
    assert n_evaluations == game.n_calls
    assert n_evaluations <= sampler.unit_cost(game)


def test_bernoulli_subsets_come_again_from_the_seed():
    game = TableGame(random_table(N, seed=4))
    sampler = BernoulliSubsets((0.2, 0.8))
    first, _ = run_block(game, sampler, (0, 0), 0, 16)
    second, _ = run_block(game, sampler, (0, 0), 16, 10)
    first.merge(second)
    masks = sampler.masks(N, (0, 0), 0, 26)
    assert_allclose(first.scores, game.scores(masks))
    share = sampler.masks(N, (1, 0), 0, 4000).reshape(2000, 2, N).mean(axis=(0, 2))
    assert_allclose(share, [0.2, 0.8], atol=0.02)


def test_spread_uniforms_are_uniform_and_stratified():
    draws = np.array([spread_uniforms((seed, 0), 0, 50) for seed in range(400)])
    assert kstest(draws[:, 17], "uniform").pvalue > 1e-3
    # No gap between neighbours is longer than a few times the mean one.
    assert np.diff(np.sort(draws[0])).max() < 3 / 50
    assert_allclose(spread_uniforms((0, 0), 20, 30), draws[0, 20:])
