"""Designs of coalitions: estimates by enumeration, without bias, with honest errors."""

from itertools import permutations

import numpy as np
import pytest

from skvalue._coalitions.enumeration import coalitions, semivalue_of
from skvalue.explain._chosen_pairs import chosen_pairs
from skvalue.explain._designs import differences
from skvalue.explain._interaction_prior import InteractionPrior
from skvalue.explain._kernel_design import KernelDesign, kernel_pairs
from skvalue.explain._methods import DESIGNS, draw_design, resolve_method
from skvalue.explain._permutation_design import PermutationDesign
from skvalue.explain._regression_design import (
    AdjustedBanzhafDesign,
    GaussianProcessDesign,
    RegressionDesign,
)
from skvalue.explain._uniform_designs import BanzhafDesign, LimeDesign

SHAPLEY = ["gaussian_process", "regression", "kernel_shap", "permutation"]


def make_games(n_players, n_games=4, seed=0):
    """Worth of all coalitions, with interactions of all orders, ``(2 ** d, games)``."""
    rng = np.random.default_rng(seed)
    signs = np.where(coalitions(n_players), 1.0, -1.0)
    worth = np.zeros((2**n_players, n_games))
    for order, scale in [(1, 1.0), (2, 0.4), (3, 0.3), (4, 0.2)]:
        for _ in range(3 * n_players * (order <= n_players)):
            members = rng.choice(n_players, order, replace=False)
            term = signs[:, members].prod(axis=1)
            worth += scale * np.outer(term, rng.normal(size=n_games))
    return worth - worth[0]


def look_up(worth, masks):
    return worth[masks @ (1 << np.arange(masks.shape[1]))]


def estimate(design, worth):
    return design.estimate(look_up(worth, design.masks), worth[-1])


def errors(design, worth, values):
    variance = design.variance(look_up(worth, design.masks), worth[-1], values)
    return np.sqrt(variance)


def exact(method, worth):
    """Values by their definitions, with another code than that of the designs."""
    n_players = len(worth).bit_length() - 1
    if method == "lime":
        masks = coalitions(n_players)
        share = masks.sum(axis=1) / n_players
        roots = np.exp(-((1 - np.sqrt(share)) ** 2) / 0.25 / 2)[:, None]
        members = np.column_stack([np.ones(len(masks)), masks])
        return np.linalg.lstsq(roots * members, roots * worth)[0][1:]
    weight = np.ones(n_players)
    if method == "banzhaf":
        factorials = np.cumprod(np.maximum(np.arange(n_players), 1), dtype=float)
        counts = factorials[-1] / factorials / factorials[::-1]
        weight = counts * n_players / 2 ** (n_players - 1)
    return np.column_stack([semivalue_of(game, weight) for game in worth.T])


@pytest.mark.parametrize("method", [*SHAPLEY, "banzhaf", "lime"])
@pytest.mark.parametrize("n_players", [2, 3, 6, 12])
def test_all_coalitions_give_the_exact_values(method, n_players):
    worth = make_games(n_players)
    rng = np.random.default_rng(0)
    design = draw_design(method, n_players, 2**n_players - 2, rng)
    values = estimate(design, worth)
    assert np.allclose(values, exact(method, worth), atol=1e-10)
    assert np.all(errors(design, worth, values) == 0)


@pytest.mark.parametrize("n_players", [6, 9])
def test_least_squares_over_all_pairs_are_the_shapley_value(n_players):
    worth = make_games(n_players)
    n_pairs = 2 ** (n_players - 1) - 1
    pairs = kernel_pairs(n_players, n_pairs, np.random.default_rng(0))
    assert len(pairs[0]) == n_pairs and not pairs[2].any()
    design = KernelDesign(*pairs)
    assert len(np.unique(design.masks, axis=0)) == 2**n_players - 2
    values = estimate(design, worth)
    # The ridge that keeps the equations solvable.
    assert np.allclose(values, exact("kernel_shap", worth), atol=1e-7)
    assert np.all(errors(design, worth, values) == 0)


def test_all_orders_give_the_shapley_value():
    worth = make_games(4)
    orders = np.array(list(permutations(range(4))))
    design = PermutationDesign(orders, np.arange(len(orders)))
    assert np.allclose(estimate(design, worth), exact("permutation", worth))


def test_pairs_come_as_the_kernel_says():
    n_players, n_pairs = 9, 30
    weight = np.zeros(n_players)
    for seed in range(60):
        halves, weights, is_drawn = kernel_pairs(
            n_players, n_pairs, np.random.default_rng(seed)
        )
        assert weights.sum() == pytest.approx(1) and len(halves) == n_pairs
        both = np.packbits(np.vstack([halves, ~halves]), axis=1)
        assert len(np.unique(both, axis=0)) == 2 * n_pairs
        # Coalitions of one and of all but one are enumerated.
        assert (~is_drawn).sum() == n_players
        np.add.at(weight, np.minimum(halves.sum(1), n_players - halves.sum(1)), weights)
    sizes = np.arange(1, 5)
    kernel = 1 / (sizes * (n_players - sizes))
    assert np.allclose(weight[1:5] / 60, kernel / kernel.sum(), atol=0.005)


@pytest.mark.parametrize("method", ["regression", "permutation", "banzhaf"])
def test_estimates_have_no_bias(method):
    """The mean over 2000 draws is within 4.5 of its standard errors of the value."""
    n_players, n_draws = 6, 2000
    worth = make_games(n_players, n_games=1)
    truth = exact(method, worth)
    draws = np.array(
        [
            estimate(draw_design(method, n_players, 20, rng), worth)
            for rng in map(np.random.default_rng, range(n_draws))
        ]
    )
    error = draws.std(axis=0, ddof=1) / np.sqrt(n_draws)
    assert np.all(np.abs(draws.mean(axis=0) - truth) < 4.5 * error)


@pytest.mark.parametrize("n_samples", [14, 20])
def test_known_coalitions_of_one_player_leave_no_bias(n_samples):
    """The mean of 600 draws, and of what is common to both estimates."""
    n_players, n_draws = 6, 600
    worth = make_games(n_players, n_games=1)
    truth = exact("regression", worth)
    found, shared, products = [], [], []
    for seed in range(n_draws):
        design = draw_design(
            "regression",
            n_players,
            n_samples,
            np.random.default_rng(seed),
            singles=True,
        )
        sizes = design.masks.sum(axis=1)
        assert np.count_nonzero(sizes == 1) == n_players
        drawn = look_up(worth, design.masks)
        found.append(design.estimate(drawn, worth[-1]))
        posterior = design.posterior(drawn, worth[-1])
        assert np.allclose(posterior.sum(axis=0), worth[-1])
        shared.append(design.shared_variance(drawn, worth[-1]))
        products.append((found[-1] - truth) * (posterior - truth))
    error = np.std(found, axis=0, ddof=1) / np.sqrt(n_draws)
    assert np.all(np.abs(np.mean(found, axis=0) - truth) < 4.5 * error)
    # Each pair is left out of what the others say: a little too large.
    assert 0.8 < np.mean(shared) / np.mean(products) < 1.5


@pytest.mark.parametrize(
    ("method", "n_samples"),
    [(method, 80) for method in [*SHAPLEY, "banzhaf", "lime"]]
    + [("kernel_shap", 200), ("lime", 30)],
)
def test_standard_errors_are_those_of_the_draws(method, n_samples):
    """Mean squared standard errors are 0.6 to 1.7 times the mean squared error."""
    n_players = 10
    worth = make_games(n_players, n_games=10)
    truth = exact(method, worth)
    squared, claimed = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        design = draw_design(method, n_players, n_samples, rng)
        values = estimate(design, worth)
        squared.append(np.mean((values - truth) ** 2))
        claimed.append(np.mean(errors(design, worth, values) ** 2))
    assert 0.6 < np.mean(claimed) / np.mean(squared) < 1.7


@pytest.mark.parametrize("method", ["kernel_shap", "permutation"])
def test_additive_games_are_solved_by_few_coalitions(method):
    n_players = 8
    contributions = np.arange(n_players) - 2.0
    worth = coalitions(n_players) @ contributions[:, None]
    design = draw_design(method, n_players, 4 * n_players, np.random.default_rng(0))
    assert np.allclose(estimate(design, worth)[:, 0], contributions)


@pytest.mark.parametrize("method", [*SHAPLEY, "sgd_shapley"])
@pytest.mark.parametrize("n_samples", [12, 24, 90])
def test_values_sum_to_the_worth_of_all(method, n_samples):
    worth = make_games(8)
    design = draw_design(method, 8, n_samples, np.random.default_rng(0))
    assert len(design.masks) <= n_samples
    assert np.allclose(estimate(design, worth).sum(axis=0), worth[-1], atol=1e-9)


@pytest.mark.parametrize("method", list(DESIGNS))
def test_two_halves_join_to_one_design(method):
    n_players = 8
    worth = make_games(n_players)
    first, second = (
        draw_design(method, n_players, 40, np.random.default_rng(seed))
        for seed in (1, 2)
    )
    joined = first.joined(second)
    assert np.array_equal(joined.masks, np.concatenate([first.masks, second.masks]))
    values = estimate(joined, worth)
    halves = [estimate(first, worth), estimate(second, worth)]
    if method == "permutation":
        assert np.allclose(values, np.mean(halves, axis=0))
    elif method != "sgd_shapley":
        truth = exact(method, worth)
        worse = [np.mean((half - truth) ** 2) for half in halves]
        assert np.mean((values - truth) ** 2) < np.mean(worse)


def test_gradient_descent_is_biased():
    """Its error hardly changes with the budget, and is nearly all bias."""
    n_players = 8
    worth = make_games(n_players)
    truth = exact("kernel_shap", worth)
    draws = np.array(
        [
            estimate(draw_design("sgd_shapley", n_players, 200, rng), worth)
            for rng in map(np.random.default_rng, range(20))
        ]
    )
    bias = np.mean((draws.mean(axis=0) - truth) ** 2)
    assert bias > 0.5 * np.mean((worth[-1] / n_players - truth) ** 2)
    assert bias > 0.95 * np.mean((draws - truth) ** 2)


# ---------------------------------------------------------------- the Gaussian process


@pytest.fixture
def prior():
    return InteractionPrior(np.array([0.02, 0.1, 0.3, 0.05, 0.6]), 0.01)


def test_values_of_the_prior_are_those_of_its_covariances(prior):
    masks = coalitions(5)
    signs = np.where(masks, 1.0, -1.0)
    covariance = prior.covariance(signs, signs)
    assert np.allclose(np.diag(covariance), 11)
    # Odd parts: the worth of a coalition is that of its complement, with another sign.
    assert np.allclose(covariance, -prior.covariance(signs, -signs))
    expected = exact("kernel_shap", covariance)
    assert np.allclose(prior.shapley_covariance(signs), expected, atol=1e-12)
    banzhaf = exact("banzhaf", covariance)
    assert np.allclose(prior.banzhaf_covariance(signs), banzhaf, atol=1e-12)
    variance = np.diag(exact("kernel_shap", expected.T))
    assert np.allclose(prior.shapley_variance(), variance, atol=1e-12)


def test_a_gaussian_process_foretells_a_pair_from_the_others(prior):
    """The residuals that regression adjusts by are those of fits without each pair."""
    pairs = kernel_pairs(5, 9, np.random.default_rng(0))
    worth = make_games(5)
    design = RegressionDesign(*pairs, prior)
    changes = np.vstack([differences(look_up(worth, design.masks)), worth[-1]])
    missed = design._misses @ changes
    noise = prior.noise / (9 * design.weights[3])
    others = np.delete(np.arange(10), 3)
    covariance = np.linalg.inv(design._inverse)
    inner = covariance[np.ix_(others, others)]
    foretold = covariance[3, others] @ np.linalg.solve(inner, changes[others])
    assert np.allclose(missed[3], changes[3] - foretold, atol=1e-6)
    assert covariance[3, 3] == pytest.approx(11 + noise, rel=1e-6)


def test_regressions_beat_least_squares_and_those_beat_permutations():
    """Interactions of low order, 8 coalitions a player, 20 draws of 10 games."""
    n_players = 10
    worth = make_games(n_players, n_games=10)
    mean_squared = {}
    for method in SHAPLEY:
        draws = [
            estimate(draw_design(method, n_players, 80, rng), worth)
            for rng in map(np.random.default_rng, range(20))
        ]
        mean_squared[method] = np.mean((draws - exact(method, worth)) ** 2)
    assert mean_squared["gaussian_process"] < mean_squared["kernel_shap"]
    assert mean_squared["regression"] < mean_squared["kernel_shap"]
    assert mean_squared["kernel_shap"] < mean_squared["permutation"]


@pytest.mark.parametrize("n_pairs", [3, 6, 9, 31])
def test_chosen_pairs_leave_the_values_least_uncertain(n_pairs):
    """After the players alone, each is the best of all: by brute force, 6 players."""
    rng = np.random.default_rng(0)
    prior = InteractionPrior(rng.uniform(0.02, 0.4, 6), 0.01)
    halves = chosen_pairs(prior, n_pairs, rng)
    assert halves.shape == (n_pairs, 6)
    both = np.packbits(np.vstack([halves, ~halves]), axis=1)
    assert len(np.unique(both, axis=0)) == 2 * n_pairs
    n_first = 6 if n_pairs >= 6 else 0
    assert np.array_equal(halves[:n_first], np.eye(6, dtype=bool)[:n_first])

    def uncertainty(chosen):
        signs = np.vstack([np.where(chosen, 1.0, -1.0), np.ones(6)])
        noise = np.append(np.full(len(chosen), prior.noise), 0.0)
        covariance = prior.covariance(signs, signs) + np.diag(noise)
        shared = prior.shapley_covariance(signs)
        return -np.sum(shared * np.linalg.solve(covariance, shared.T).T)

    everything = coalitions(6)[1:32]
    for place in range(n_first, min(n_pairs, n_first + 3)):
        before = halves[:place]
        is_new = [not (row == before).all(axis=1).any() for row in everything]
        is_new &= np.array([not (~row == before).all(1).any() for row in everything])
        least = min(uncertainty(np.vstack([before, row])) for row in everything[is_new])
        assert uncertainty(halves[: place + 1]) == pytest.approx(least, rel=1e-6)


def test_chosen_pairs_differ_by_seed_and_are_reproducible(monkeypatch):
    prior = InteractionPrior.typical(14)
    first, again, other = (
        chosen_pairs(prior, 60, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    # Beyond what is chosen, pairs are drawn from the candidates.
    monkeypatch.setattr("skvalue.explain._chosen_pairs.MOST_CHOSEN", 20)
    many = chosen_pairs(prior, 60, np.random.default_rng(0))
    assert np.array_equal(many[:20], first[:20])
    both = np.packbits(np.vstack([many, ~many]), axis=1)
    assert len(np.unique(both, axis=0)) == 120


@pytest.mark.parametrize("n_samples", [20, 40, 80])
def test_chosen_pairs_err_less_than_drawn_ones(n_samples):
    """Less than 0.6 of the squared error, 10 draws of 10 games of 10 players."""
    n_players = 10
    worth = make_games(n_players, n_games=10)
    truth = exact("kernel_shap", worth)
    squared = {}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        chosen = draw_design("gaussian_process", n_players, n_samples, rng)
        pairs = kernel_pairs(n_players, n_samples // 2, rng)
        drawn = GaussianProcessDesign(*pairs)
        for name, design in [("chosen", chosen), ("drawn", drawn)]:
            error = np.mean((estimate(design, worth) - truth) ** 2)
            squared.setdefault(name, []).append(error)
    assert np.mean(squared["chosen"]) < 0.6 * np.mean(squared["drawn"])


def test_two_way_interactions_are_told_by_players_alone():
    """2 d coalitions; a Gaussian process expects interactions of three, too."""
    rng = np.random.default_rng(0)
    members = coalitions(7).astype(float)
    worth = members @ rng.normal(size=(7, 3))
    for _ in range(12):
        first, second = rng.choice(7, 2, replace=False)
        worth += np.outer(members[:, first] * members[:, second], rng.normal(size=3))
    prior = InteractionPrior(np.full(7, 0.05), 1e-6)
    design = draw_design("gaussian_process", 7, 14, rng, prior)
    values = estimate(design, worth)
    assert np.allclose(values, exact("kernel_shap", worth), atol=0.01)


def test_auto_depends_on_the_budget():
    assert resolve_method("auto", 60) == "gaussian_process"
    assert resolve_method("auto", 8193) == "kernel_shap"
    assert resolve_method("lime", 60) == "lime"


def test_regression_adjusts_maximum_sample_reuse():
    """A tenth of its squared error at 10 coalitions a player, 20 draws of 10 games."""
    n_players = 10
    worth = make_games(n_players, n_games=10)
    truth = exact("banzhaf", worth)
    mean_squared = {
        design: np.mean(
            [
                (estimate(design.draw(n_players, 100, rng), worth) - truth) ** 2
                for rng in map(np.random.default_rng, range(20))
            ]
        )
        for design in (BanzhafDesign, AdjustedBanzhafDesign)
    }
    assert mean_squared[AdjustedBanzhafDesign] < 0.1 * mean_squared[BanzhafDesign]
    many = draw_design("banzhaf", 15, 8194, np.random.default_rng(0))
    assert type(many) is BanzhafDesign


def test_maximum_sample_reuse_has_no_bias_and_honest_errors():
    worth = make_games(8, n_games=1)
    designs = [BanzhafDesign.draw(8, 40, np.random.default_rng(s)) for s in range(400)]
    draws = np.array([estimate(design, worth) for design in designs])
    claimed = [
        errors(*pair) for pair in zip(designs, [worth] * 400, draws, strict=True)
    ]
    error = draws.mean(axis=0) - exact("banzhaf", worth)
    assert np.all(np.abs(error) < 4.5 * draws.std(axis=0) / 20)
    assert np.allclose(np.mean(np.square(claimed), 0), draws.var(axis=0), rtol=0.25)


def test_too_many_coalitions_to_solve_for_are_refused():
    with pytest.raises(ValueError, match="n_samples=8194 is too many"):
        draw_design("regression", 20, 8194, np.random.default_rng(0))
    assert GaussianProcessDesign.most_samples() == 8192


def test_uniform_designs_hold_each_player_half_of_the_time():
    rng = np.random.default_rng(0)
    halves = BanzhafDesign.draw(7, 400, rng)
    assert np.all(halves.masks.mean(axis=0) == 0.5)
    assert abs(LimeDesign.draw(7, 4000, rng).masks.mean() - 0.5) < 0.02
