"""Reused utilities adjusted by regression: unbiased whatever is learned."""

import pickle
from itertools import product
from math import comb

import numpy as np
import pytest
from coalition_oracles import (
    CentroidClassifier,
    RowCollector,
    TableGame,
    TableScorer,
    random_table,
    table_data,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification

from skvalue._coalitions.cell_means import CellMeans
from skvalue._coalitions.game import Game
from skvalue._coalitions.regressed_subsets import (
    RegressedSubsets,
    ReusedSizes,
    SubsetRecord,
)
from skvalue._coalitions.runner import run_block
from skvalue._coalitions.size_regression import SizeRegression
from skvalue._coalitions.sizes import size_probabilities
from skvalue.games import enumerate_semivalue
from skvalue.semivalues import BetaShapley, DataBanzhaf, DataShapley, Semivalue

N = 6
MASKS = np.array(list(product([False, True], repeat=N)))
VALUATORS = {
    "shapley": DataShapley(),
    "beta": BetaShapley(16.0, 1.0),
    "banzhaf": DataBanzhaf(),
}
games = pytest.mark.parametrize("min_size", [0, 2])
weights = pytest.mark.parametrize("name", VALUATORS)


def relative_weight(name, n_players=N):
    return VALUATORS[name]._weight(np.arange(n_players), n_players)


def sizes_for(name, min_size, n_players=N):
    weight = relative_weight(name, n_players)
    return ReusedSizes(size_probabilities(weight, min_size), min_size)


class NoisyGame(Game):
    """Effects that shrink with the size, and a learner that is unstable."""

    def __init__(self, n_players, noise, seed=0):
        self.n_players, self.noise, self.seed = n_players, noise, seed
        self.own = np.random.default_rng(seed).normal(size=n_players)

    def value(self, players):
        size = len(players)
        effect = self.own[players].sum() / np.sqrt(max(size, 1))
        noise = np.random.default_rng([self.seed, *players]).normal()
        return np.log1p(size) + effect + self.noise * noise


def known_games(n_players=N, seed=0):
    """Three sortings of the players into cells, as two games."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 3, size=(n_players, 3))
    numbers = rng.normal(size=cells.shape)
    parts = slice(0, 2), slice(2, 3)
    return tuple(CellMeans(cells[:, part], numbers[:, part]) for part in parts)


# -------------------------------------------------------------- the sum over coalitions


def weighted_sum(game, sizes):
    """Expectation of the weights times the worth of a coalition, over all of them."""
    size = MASKS.sum(axis=1)
    probability = sizes.distribution[size] / [comb(N, k) for k in size]
    scores = probability * game.scores(MASKS)
    inside, outside = sizes.member_weight[size], sizes.outsider_weight[size]
    return (inside * scores) @ MASKS - (outside * scores) @ ~MASKS


@games
@weights
def test_the_weighted_mean_of_utilities_is_the_semivalue(name, min_size):
    game = TableGame(random_table(N, seed=1))
    expected = enumerate_semivalue(game, relative_weight(name), min_size)
    assert_allclose(weighted_sum(game, sizes_for(name, min_size)), expected, atol=1e-12)


@games
@weights
def test_the_same_coalitions_serve_another_semivalue(name, min_size):
    game = TableGame(random_table(N, seed=2))
    drawn = sizes_for("shapley", min_size)
    probabilities = size_probabilities(relative_weight(name), min_size)
    sizes = drawn.reused_for(probabilities)
    assert_array_equal(sizes.distribution, drawn.distribution)
    expected = enumerate_semivalue(game, relative_weight(name), min_size)
    assert_allclose(weighted_sum(game, sizes), expected, atol=1e-12)


def test_sizes_that_hardly_occur_are_no_reason_to_refuse():
    sizes = sizes_for("banzhaf", 5, n_players=2000)
    assert (sizes.probabilities[sizes.distribution[:-1] == 0] > 0).any()
    sizes.reused_for(sizes.probabilities)


def test_no_sizes_make_the_weights_vary_less():
    """Neyman's sizes: any other has a larger mean squared weight."""
    sizes = sizes_for("shapley", 2, n_players=30)
    t = np.arange(31)
    spread = np.maximum(t, 1) ** -0.25

    def variance(q):
        p = sizes.probabilities
        members, others = np.insert(p, 0, 0) ** 2, np.append(p, 0) ** 2
        terms = members / np.maximum(t / 30, 1e-9) + others / np.maximum(
            1 - t / 30, 1e-9
        )
        drawn = q > 0
        return np.sum(spread[drawn] ** 2 * terms[drawn] / q[drawn])

    best = variance(sizes.distribution)
    rng = np.random.default_rng(0)
    for _ in range(50):
        other = sizes.distribution * rng.uniform(0.7, 1.3, size=31)
        assert variance(other / other.sum()) > best


# --------------------------------------------------------------------- the regression


@games
@weights
def test_what_is_learned_is_valued_exactly(name, min_size):
    rng = np.random.default_rng(0)
    masks, games = MASKS.astype(np.float32), known_games()
    scores = random_table(N, seed=3)
    columns = np.hstack([known.columns(MASKS) for known in games])
    weights = rng.uniform(0.1, 1.0, size=len(masks))
    model = SizeRegression(masks, scores, weights, columns)
    # Larger and other than any fit gives: the values are about any of them.
    model.by_size = rng.normal(size=N + 1)
    model.slopes = rng.normal(size=columns.shape[1])
    model.coefficients = rng.normal(size=N)
    model.coefficients -= model.coefficients.mean()
    table = np.empty(2**N)
    table[MASKS @ (1 << np.arange(N))] = model.predict()
    expected = enumerate_semivalue(TableGame(table), relative_weight(name), min_size)
    probabilities = size_probabilities(relative_weight(name), min_size)
    known = np.concatenate([each.semivalues(probabilities) for each in games])
    assert_allclose(model.semivalue(probabilities, known), expected, atol=1e-6)


def test_slopes_of_known_games_are_found():
    rng = np.random.default_rng(0)
    masks = rng.random((400, 50)) < rng.uniform(0.1, 0.9, size=400)[:, None]
    columns = np.hstack([each.columns(masks) for each in known_games(50)])
    slopes = np.array([1.0, -2.0, 0.0, 3.0])
    scores = np.log1p(masks.sum(axis=1)) + columns @ slopes
    scores += 0.01 * rng.normal(size=400)
    model = SizeRegression(masks.astype(np.float32), scores, np.ones(400), columns)
    assert_allclose(model.slopes, slopes, atol=0.1)
    assert (scores - model.predict()).var() < 0.02**2


@pytest.mark.parametrize("n_coalitions", [20, 40, 400])
def test_known_games_that_explain_nothing_cost_nothing(n_coalitions):
    rng = np.random.default_rng(1)
    squares = {"with": 0.0, "without": 0.0}
    for _ in range(20):
        masks = rng.random((2 * n_coalitions, 60)) < 0.5
        columns = np.hstack([each.columns(masks) for each in known_games(60)])
        noise = rng.standard_t(3, size=len(masks))
        learned = np.arange(len(masks)) < n_coalitions
        for name, known in (("with", columns), ("without", None)):
            model = SizeRegression(
                masks.astype(np.float32), noise, 1.0 * learned, known
            )
            squares[name] += np.mean((noise - model.predict())[~learned] ** 2)
    assert squares["with"] < 1.05 * squares["without"]


def test_the_regression_finds_what_there_is_to_find():
    rng = np.random.default_rng(0)
    game = NoisyGame(50, noise=0.0)
    masks = rng.random((400, 50)) < rng.uniform(0.1, 0.9, size=400)[:, None]
    model = SizeRegression(masks.astype(np.float32), game.scores(masks), np.ones(400))
    expected = game.own - game.own.mean()
    # What is left is the curvature of the size's share between two knots.
    assert np.corrcoef(model.coefficients, expected)[0, 1] > 0.99
    assert_allclose(np.polyfit(expected, model.coefficients, 1)[0], 1.0, atol=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_the_regression_does_not_fit_noise(seed):
    """Of a game that is noise, far less is fitted than least squares would."""
    rng = np.random.default_rng(seed)
    masks = (rng.random((400, 100)) < 0.5).astype(np.float32)
    noise = rng.normal(size=400)
    model = SizeRegression(masks, noise, np.ones(400))
    explained = model.predict().var() / noise.var()
    assert explained < 0.15


def test_coalitions_without_weight_are_not_learned_from():
    rng = np.random.default_rng(0)
    masks = (rng.random((60, 12)) < 0.5).astype(np.float32)
    scores, learned = rng.normal(size=60), rng.random(60) < 0.7
    one = SizeRegression(masks, scores, learned.astype(float))
    other = SizeRegression(masks, scores + 1e6 * ~learned, learned.astype(float))
    assert_array_equal(one.predict(), other.predict())


# ---------------------------------------------------------------------- the estimates


@games
@weights
@pytest.mark.parametrize("n_units", [15, 100])
@pytest.mark.parametrize("known", [(), known_games()], ids=["", "known games"])
def test_estimates_are_unbiased(name, min_size, n_units, known):
    """Over 50 seeds the mean is within five of its standard errors; six players.

    Five, as rare sizes weigh much: the mean of 50 estimates is not quite normal.
    """
    game = TableGame(random_table(N, seed=4, by_size=0.3))
    sampler = RegressedSubsets(sizes_for(name, min_size), known)
    exact = enumerate_semivalue(game, relative_weight(name), min_size)
    estimates = np.array(
        [
            run_block(game, sampler, (seed, 0), 0, n_units)[0].estimate()
            for seed in range(50)
        ]
    )
    errors = estimates.std(axis=0, ddof=1) / np.sqrt(50)
    assert (np.abs(estimates.mean(axis=0) - exact) <= 5 * errors).all()


@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_three_times_less_error_than_permutations(noise):
    """Squared error from twice as many fits as players; mostly noise, or little."""
    n_players, min_size = 80, 5
    game, truth = NoisyGame(n_players, noise), NoisyGame(n_players, 0.0)
    weight = np.ones(n_players)
    probabilities = size_probabilities(weight, min_size)
    # The game without its noise, in closed form: see `SizeRegression.semivalue`.
    model = SizeRegression(np.ones((1, n_players), np.float32), np.zeros(1), np.ones(1))
    model.by_size = np.log1p(np.arange(n_players + 1))
    centred = truth.own - truth.own.mean()
    model.by_size += truth.own.mean() * np.sqrt(np.arange(n_players + 1))
    model.coefficients = centred
    exact = model.semivalue(probabilities)
    walks = DataShapley(sampler="permutation")._make_sampler(game)
    regression = DataShapley(sampler="regression")._make_sampler(game)
    squares = {"walks": [], "regression": []}
    for seed in range(6):
        for name, sampler in (("walks", walks), ("regression", regression)):
            n_units = 2 * n_players // sampler.unit_cost(game)
            total, _ = run_block(game, sampler, (seed, 0), 0, max(n_units, 1))
            squares[name].append(np.mean((total.estimate() - exact) ** 2))
    assert 3 * np.mean(squares["regression"]) < np.mean(squares["walks"])


def test_blocks_add_up_to_one_run():
    """Also where workers get copies, and the values are looked at on the way."""
    game = TableGame(random_table(N, seed=5))
    sampler = RegressedSubsets(sizes_for("shapley", 0), known_games())
    whole, cost = run_block(game, sampler, (0, 0), 0, 300)
    total = sampler.new_accumulator(N)
    sent = pickle.loads(pickle.dumps(sampler))
    for start, count in ((0, 16), (16, 244), (260, 40)):
        total.merge(run_block(game, sent, (0, 0), start, count)[0])
        total.copy().estimate()
    assert cost == 300
    again = sampler.new_accumulator(N).from_arrays(total.to_arrays())
    for record in (total, again, total.copy()):
        assert_array_equal(record.estimate(), whole.estimate())
        assert_array_equal(record.variance(), whole.variance())


def test_workers_get_no_known_games():
    sampler = RegressedSubsets(sizes_for("shapley", 0), known_games())
    sent = pickle.loads(pickle.dumps(sampler))
    assert sent.games == ()
    assert_array_equal(sent.masks(N, (0, 0), 0, 9), sampler.masks(N, (0, 0), 0, 9))


def test_known_games_take_away_what_they_explain():
    """A game that is one of them, but for a little noise, needs few coalitions."""
    n_players = 60
    known = known_games(n_players)
    variances = []
    for games in (known, ()):
        sampler = RegressedSubsets(sizes_for("shapley", 5, n_players), games)
        masks = sampler.masks(n_players, (0, 0), 0, 120)
        scores = known[0].columns(masks)[:, 0]
        scores += 0.01 * np.random.default_rng(0).normal(size=120)
        record = SubsetRecord(sampler, n_players, (0, 0), scores)
        variances.append(record.variance()[0].mean())
        exact = known[0].semivalues(sampler.sizes.probabilities)[0]
        z = (record.estimate() - exact) / record.standard_error()
        assert np.mean(np.abs(z) < 2) > 0.85
    assert variances[0] < 0.1 * variances[1]


def test_precision_is_looked_at_ever_more_rarely():
    sampler = RegressedSubsets(sizes_for("shapley", 0))
    looks = [
        count
        for count in range(0, 4000, 16)
        if SubsetRecord(sampler, N, (0, 0), np.zeros(count)).is_due
    ]
    assert looks[:3] == [16, 32, 48]
    later = np.array(looks[8:])
    steps = np.diff(later) / later[:-1]
    assert len(looks) < 40
    assert steps.max() <= 0.25


# --------------------------------------------------------------------- the valuators


def fit_table(valuator, table, **parameters):
    X, y, X_val, y_val = table_data(int(np.log2(len(table))))
    valuator = clone(valuator).set_params(
        estimator=RowCollector(),
        scoring=TableScorer(table),
        sampler="regression",
        min_coalition_size=0,
        random_state=0,
        tol=None,
        **parameters,
    )
    return valuator.fit(X, y, X_val=X_val, y_val=y_val)


@weights
def test_valuators_estimate_the_definition(name):
    table = random_table(7, seed=6, by_size=0.2)
    valuator = fit_table(VALUATORS[name], table, max_evaluations=1000)
    exact = enumerate_semivalue(TableGame(table), relative_weight(name, 7))
    error = np.abs(valuator.data_values_ - exact)
    assert (error <= 4.5 * valuator.data_values_stderr_).all()
    assert valuator.data_values_stderr_.max() < 0.05
    assert valuator.n_evaluations_ == 1000


def halves(sizes, n_samples):
    small = sizes < n_samples / 2
    return small / small.mean()


@pytest.mark.parametrize("other", [halves, DataBanzhaf(), BetaShapley(2, 4)])
def test_one_set_of_fits_serves_every_semivalue(other):
    table = random_table(7, seed=7, by_size=0.2)
    valuator = fit_table(DataShapley(), table, max_evaluations=2000)
    values, errors = valuator.values_for(other)
    weight = getattr(other, "_weight", other)(np.arange(7), 7)
    exact = enumerate_semivalue(TableGame(table), weight)
    assert (np.abs(values - exact) <= 4.5 * errors).all()
    assert errors.max() < 0.05
    same, same_errors = valuator.values_for(DataShapley())
    assert_allclose(same, valuator.data_values_, atol=1e-12)
    assert_allclose(same_errors, valuator.data_values_stderr_, atol=1e-12)


def test_values_for_needs_utilities_that_serve():
    table = random_table(7, seed=8)
    small = fit_table(Semivalue(halves), table, max_evaluations=100)
    with pytest.raises(ValueError, match="sizes that were not sampled"):
        small.values_for(DataShapley())
    with pytest.raises(ValueError, match="average to 1"):
        small.values_for(lambda sizes, n_samples: 2 * np.ones(n_samples))
    X, y = make_classification(20, 4, random_state=0)
    walked = DataShapley(CentroidClassifier(), sampler="permutation", cv=2).fit(X, y)
    with pytest.raises(ValueError, match='sampler="regression"'):
        walked.values_for(DataBanzhaf())
