"""The exact value lies within two standard errors in about 95 % of the cases.

Every sampler, games of 7 and 40 rows, the batched engine and refits, from a handful of
coalitions up. ``python examples/benchmarks/error_coverage.py`` prints the table of 200
seeds; here are as many as take a minute. Rows of one seed share their coalitions, so
the error of a share is that of the mean over seeds, from their spread: a share fails
that is more than two such errors outside of .92 to .98.
"""

import numpy as np
import pytest
from coalition_oracles import (
    RowCollector,
    TableGame,
    TableScorer,
    random_table,
    table_data,
)
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from skvalue._coalitions.game import Game
from skvalue._coalitions.runner import run_block
from skvalue.games import enumerate_semivalue
from skvalue.semivalues import (
    BetaShapley,
    DataBanzhaf,
    DataShapley,
    DistributionalShapley,
    Semivalue,
    SubsampleInfluence,
)
from skvalue.semivalues._utility import Utility


def small_ones(sizes, n_samples):
    small = sizes < n_samples / 2
    return small / small.mean()


def binomial(sizes, n_samples):
    return DataBanzhaf()._weight(sizes, n_samples)


# A valuator, and units of its sampler: few, and some more.
SAMPLERS = {
    "shapley shared": (DataShapley(sampler="shared"), 12, 40),
    "beta shared": (BetaShapley(16, 1, sampler="shared"), 12, 40),
    "banzhaf shared": (DataBanzhaf(sampler="shared"), 12, 40),
    "shapley walks": (DataShapley(sampler="permutation"), 10, 20),
    "beta walks": (BetaShapley(16, 1, sampler="permutation"), 6, 20),
    "binomial walks": (Semivalue(binomial, sampler="permutation"), 6, 20),
    "small walks": (Semivalue(small_ones, sampler="permutation"), 6, 20),
    "shapley single": (DataShapley(sampler="single_permutation"), 8, 20),
    "beta single": (BetaShapley(16, 1, sampler="single_permutation"), 8, 20),
    "banzhaf msr": (DataBanzhaf(sampler="msr"), 40, 100),
    "shapley regression": (DataShapley(sampler="regression"), 40, 100),
    "beta regression": (BetaShapley(16, 1, sampler="regression"), 40, 100),
    "banzhaf regression": (DataBanzhaf(sampler="regression"), 40, 100),
}


class TripleGame(Game):
    """40 players, worth more or less with every other, and with every other two."""

    n_players = 40

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.own = rng.normal(size=40) / 40
        pairs = np.triu(rng.normal(size=(40, 40)), 1) * 3 / 40**1.5
        self.pairs = pairs + pairs.T
        self.factors = rng.normal(size=(40, 8)) / 40**0.6 / 2
        self.by_size = 0.3 * np.sqrt(np.arange(41) / 40)

    def scores(self, masks):
        sizes, masks = masks.sum(axis=1), masks.astype(float)
        together = ((masks @ self.pairs) * masks).sum(axis=1) / 2
        # Sum of the products of all three different members' factors.
        one, two, three = (masks @ self.factors**power for power in (1, 2, 3))
        triples = (one**3 - 3 * one * two + 2 * three).sum(axis=1) / 6
        return masks @ self.own + together + triples + self.by_size[sizes]

    def in_out(self, masks):
        toggled = np.repeat(masks[:, None], 40, axis=1) ^ np.eye(40, dtype=bool)
        after = self.scores(toggled.reshape(-1, 40)).reshape(masks.shape)
        change = after - self.scores(masks)[:, None]
        return np.where(masks, -change, change)

    def walk(self, permutations, min_size=0):
        place = np.argsort(permutations, axis=1)
        masks = place[:, None] < np.arange(min_size, 41)[:, None]
        worth = self.scores(masks.reshape(-1, 40)).reshape(len(place), -1)
        contributions = np.full(permutations.shape, np.nan)
        joined = permutations[:, min_size:]
        np.put_along_axis(contributions, joined, np.diff(worth), axis=1)
        return contributions

    def semivalue(self, weight):
        size = np.arange(40)
        mean = self.own[:, None] + np.diff(self.by_size)
        mean += self.pairs.sum(axis=1)[:, None] * size / 39
        powers = (self.factors, self.factors**2)
        one, two = (power.sum(axis=0) - power for power in powers)
        triples = (self.factors * (one**2 - two)).sum(axis=1) / 2
        mean += triples[:, None] * size * (size - 1) / (39 * 38)
        return mean @ weight / weight.sum()


def covered(game, sampler, expected, n_units, n_seeds, first_seed=0):
    """Share of the rows covered by each seed; rows without an error do not count."""
    shares = []
    for seed in range(first_seed, first_seed + n_seeds):
        moments, _ = run_block(game, sampler, (seed, 0), 0, n_units)
        errors = moments.standard_error()
        known = np.isfinite(errors)
        if known.any():
            missed = np.abs(moments.estimate() - expected)
            shares.append(np.mean((missed <= 2 * errors + 1e-12)[known]))
    return np.array(shares)


def assert_covers(shares):
    tolerance = 2 * shares.std(ddof=1) / np.sqrt(len(shares))
    assert 0.92 - tolerance <= shares.mean() <= 0.98 + tolerance


@pytest.mark.parametrize("min_size", [0, 3])
@pytest.mark.parametrize("name", SAMPLERS)
def test_errors_of_seven_rows_cover(name, min_size):
    valuator, few, more = SAMPLERS[name]
    valuator = clone(valuator).set_params(min_coalition_size=min_size)
    game = TableGame(random_table(7, seed=0, by_size=0.1))
    weight = valuator._weight(np.arange(7), 7)
    expected = enumerate_semivalue(game, weight, min_size)
    sampler = valuator._make_sampler(game)
    for n_units in (few, more):
        assert_covers(covered(game, sampler, expected, n_units, 40))


@pytest.mark.parametrize("name", SAMPLERS)
def test_errors_of_forty_rows_cover(name):
    valuator, few, more = SAMPLERS[name]
    game = TripleGame(0)
    weight = np.where(np.arange(40) < 5, 0, valuator._weight(np.arange(40), 40))
    sampler = valuator._make_sampler(game)
    for n_units in (few, more):
        assert_covers(covered(game, sampler, game.semivalue(weight), n_units, 25))


def logistic_game(n_samples):
    X, y = make_classification(
        n_samples + 30, 3, n_redundant=0, flip_y=0.2, random_state=1
    )
    y[:2] = [0, 1]
    rows, others = slice(n_samples), slice(n_samples, None)
    return Utility(
        LogisticRegression(),
        X[rows],
        y[rows],
        X[others],
        y[others],
        classes=np.array([0, 1]),
    )


@pytest.mark.parametrize("name", ["shapley shared", "beta walks", "banzhaf msr"])
def test_errors_of_the_engine_cover(name):
    valuator, few, _ = SAMPLERS[name]
    game = logistic_game(7)
    assert game.is_batched
    valuator = clone(valuator).set_params(min_coalition_size=0)
    expected = enumerate_semivalue(game, valuator._weight(np.arange(7), 7))
    sampler = valuator._make_sampler(game)
    assert_covers(covered(game, sampler, expected, few, 25))


def test_errors_of_forty_rows_on_the_engine_cover():
    game = logistic_game(40)
    sampler = DataShapley(sampler="shared")._make_sampler(game)
    expected = run_block(game, sampler, (10**6, 0), 0, 600)[0].estimate()
    assert_covers(covered(game, sampler, expected, 16, 20))


def test_errors_of_subsets_of_one_size_cover():
    game = TableGame(random_table(7, seed=2))
    sampler = SubsampleInfluence()._make_sampler(game)
    masks = (np.arange(2**7)[:, None] >> np.arange(7) & 1).astype(bool)
    masks = masks[masks.sum(axis=1) == sampler.sizes.size]
    scores = game.scores(masks)
    expected = np.array([scores[m].mean() - scores[~m].mean() for m in masks.T])
    for n_units in (24, 100):
        assert_covers(covered(game, sampler, expected, n_units, 60))


def test_errors_of_distributional_values_cover():
    game = logistic_game(8)
    valuator = DistributionalShapley(min_coalition_size=20, max_coalition_size=40)
    sampler = valuator._make_sampler(game)
    expected = run_block(game, sampler, (10**6, 0), 0, 160)[0].estimate()
    assert_covers(covered(game, sampler, expected, 8, 16))


REFITTED = {
    "beta": BetaShapley(16, 1, min_coalition_size=3, max_evaluations=90),
    "banzhaf": DataBanzhaf(sampler="shared", max_evaluations=96, min_coalition_size=0),
}


@pytest.mark.parametrize("name", REFITTED)
def test_errors_of_refits_cover(name):
    """The valuators themselves, where 77 and 85 % were covered once."""
    table = random_table(7, seed=0)
    X, y, X_val, y_val = table_data(7)
    valuator = clone(REFITTED[name]).set_params(
        estimator=RowCollector(), scoring=TableScorer(table), tol=None
    )
    least, weight = valuator._least_size, valuator._weight(np.arange(7), 7)
    expected = enumerate_semivalue(TableGame(table), weight, least)
    shares = []
    for seed in range(40):
        valuator.set_params(random_state=seed).fit(X, y, X_val=X_val, y_val=y_val)
        missed = np.abs(valuator.data_values_ - expected)
        shares.append(np.mean(missed <= 2 * valuator.data_values_stderr_))
    assert_covers(np.array(shares))


def test_errors_of_means_over_folds_cover():
    """Two folds of a game whose held-out rows do not matter: the same worth twice."""
    own = np.random.default_rng(0).normal(size=8)
    pairs = np.triu(np.random.default_rng(1).normal(size=(8, 8)), 1)
    masks = (np.arange(2**8)[:, None] >> np.arange(8)) & 1
    table = masks @ own + ((masks @ pairs) * masks).sum(axis=1)
    X, y, *_ = table_data(8)
    folds = [(np.arange(4), np.arange(4, 8)), (np.arange(4, 8), np.arange(4))]
    valuator = DataShapley(
        RowCollector(),
        scoring=TableScorer(table),
        sampler="shared",
        cv=folds,
        min_coalition_size=0,
        max_evaluations=2 * 8 * 5,
        tol=None,
    )
    together = pairs + pairs.T
    expected = np.zeros(8)
    for train, _ in folds:
        expected[train] = own[train] + together[np.ix_(train, train)].sum(axis=1) / 2
    shares = []
    for seed in range(60):
        valuator.set_params(random_state=seed).fit(X, y)
        missed = np.abs(valuator.data_values_ - expected)
        shares.append(np.mean(missed <= 2 * valuator.data_values_stderr_ + 1e-12))
    assert_covers(np.array(shares))
