"""Games that a forest makes of the rows: what they are, and what they are good for."""

import pickle

import numpy as np
import pandas as pd
import pytest
from coalition_oracles import CentroidClassifier
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skvalue._coalitions.regressed_subsets import RegressedSubsets, SubsetRecord
from skvalue._coalitions.runner import run_block
from skvalue.games import enumerate_semivalue
from skvalue.semivalues import DataBanzhaf, DataShapley
from skvalue.semivalues._forest_cells import _games, _larger_nodes, forest_cells
from skvalue.semivalues._grouped_utility import GroupedUtility
from skvalue.semivalues._utility import Utility


def classification(n=80, seed=0, model=None, **parameters):
    X, y = make_classification(n + 30, 6, n_informative=4, random_state=seed)
    y[: n // 10] = 1 - y[: n // 10]
    model = DecisionTreeClassifier(random_state=0) if model is None else model
    rows = X[:n], y[:n], X[n:], y[n:]
    return Utility(model, *rows, classes=np.array([0, 1]), **parameters)


def regression(n=80, seed=0, model=None):
    X, y = make_regression(n + 30, 5, noise=10.0, random_state=seed)
    model = KNeighborsRegressor(3) if model is None else model
    return Utility(model, X[:n], y[:n], X[n:], y[n:], classes=None)


# ------------------------------------------------------------------- what they are


def test_nodes_hold_enough_rows_and_no_child_of_theirs_does():
    game = classification()
    forest = RandomForestClassifier(5, random_state=0).fit(game.X, game.y)
    for tree, leaves in zip(forest.estimators_, forest.apply(game.X).T, strict=True):
        paths = tree.decision_path(game.X).toarray().astype(bool)
        counts = paths.sum(axis=0)
        nodes = _larger_nodes(tree.tree_, leaves, 12)[leaves]
        for path, node in zip(paths, nodes, strict=True):
            assert path[node]
            assert counts[node] >= 12
            below = path & (np.arange(len(path)) > node)
            assert (counts[below] < 12).all()


def test_games_are_worth_what_trees_with_fixed_splits_predict():
    """Mean probability of the true class, less that of all rows, by the definition."""
    game = classification(40)
    rng = np.random.default_rng(0)
    cells, cells_val = rng.integers(0, 4, 40), rng.integers(0, 5, 30)
    weights = rng.uniform(size=30)
    game.sample_weight_val = weights
    (known,) = _games([cells], [cells_val], game)
    masks = rng.random((20, 40)) < 0.5
    found = known.columns(masks)[:, 0]
    for mask, worth in zip(masks, found, strict=True):
        expected = 0.0
        for cell, label, weight in zip(cells_val, game.y_val, weights, strict=True):
            members = mask & (cells == cell)
            if members.any():
                hits = game.y == label
                more = hits[members].mean() - hits[cells == cell].mean()
                expected += weight * more / weights.sum()
        assert_allclose(worth, expected, atol=1e-6)


def test_two_games_make_the_squared_error_of_a_label():
    """Where each row is a coalition, slope and curvature are all there is."""
    game = regression(40)
    rng = np.random.default_rng(0)
    cells, cells_val = rng.integers(0, 4, 40), rng.integers(0, 4, 30)
    slope, curvature = _games([cells], [cells_val], game)
    alone = np.eye(40, dtype=bool)
    found = slope.columns(alone)[:, 0] + curvature.columns(alone)[:, 0]
    errors = (game.y[:, None] - game.y_val) ** 2
    worth = -np.sum(errors * (cells[:, None] == cells_val), axis=1) / 30
    for cell in range(4):
        mine = cells == cell
        assert_allclose(found[mine], worth[mine] - worth[mine].mean(), rtol=1e-4)


def test_what_rows_may_be():
    game = classification()
    assert len(game.known_games()) == 3
    missing = game.X.copy()
    missing[::7, 0] = np.nan
    names = list("abcdef")
    levels = np.where(game.X[:, 0] > 0, "low", "high")
    frame = pd.DataFrame(game.X, columns=names).assign(level=levels)
    frame_val = pd.DataFrame(game.X_val, columns=names).assign(level="low")
    words = [f"row number{value > 0}" for value in game.X[:, 0]]
    words_val = [f"row number{value > 0}" for value in game.X_val[:, 0]]
    missing_val = game.X_val.copy()
    missing_val[0] = np.nan
    for X, X_val in [
        (missing, game.X_val),
        (game.X, missing_val),
        (1e200 * game.X, 1e200 * game.X_val),
        (frame, frame_val),
        (csr_array(game.X), csr_array(game.X_val)),
        (words, words_val),
    ]:
        other = Utility(game.estimator, X, game.y, X_val, game.y_val, classes=[0, 1])
        games = forest_cells(other)
        assert len(games) == 3
        assert games[0].columns(np.eye(80, dtype=bool)).any()
    images = game.X[:, :4].reshape(80, 2, 2), game.X_val[:, :4].reshape(30, 2, 2)
    odd = [{"any": value} for value in game.X[:, 0]]
    for X, X_val in [images, (odd, odd[:30])]:
        other = Utility(game.estimator, X, game.y, X_val, game.y_val, classes=[0, 1])
        assert forest_cells(other) == ()


def test_groups_have_none():
    game = classification()
    assert GroupedUtility(game, np.arange(80) // 4).known_games() == ()


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    classification().known_games()
    assert_array_equal(np.random.get_state()[1], before)


# ------------------------------------------------------------ what they are good for


@pytest.mark.parametrize(
    ("game", "ratio"),
    [
        (classification(200, model=KNeighborsClassifier(5)), 0.8),
        (classification(200), 0.9),
        (regression(200), 0.9),
    ],
    ids=["neighbours", "tree", "regression"],
)
def test_variances_are_smaller_than_without_them(game, ratio):
    sampler = DataShapley(sampler="regression")._make_sampler(game)
    plain = RegressedSubsets(sampler.sizes)
    scores = run_block(game, plain, (0, 0), 0, 400)[0].scores
    variances = [
        SubsetRecord(each, 200, (0, 0), scores).variance()[0].mean()
        for each in (sampler, plain)
    ]
    assert variances[0] < ratio * variances[1]


def test_values_are_unbiased_and_errors_are_what_is_stated():
    """A classifier on ten rows, all coalitions fitted; over 50 seeds."""
    game = classification(10, model=CentroidClassifier())
    exact = enumerate_semivalue(game, np.ones(10))
    valuator = DataShapley(sampler="regression", min_coalition_size=0)
    sampler = valuator._make_sampler(game)
    estimates, errors = [], []
    masks = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    table = game.scores(masks.astype(bool))
    for seed in range(50):
        drawn = sampler.masks(10, (seed, 0), 0, 120)
        record = SubsetRecord(
            sampler, 10, (seed, 0), table[drawn @ (1 << np.arange(10))]
        )
        estimates.append(record.estimate())
        errors.append(record.standard_error())
    off = np.abs(np.array(estimates) - exact)
    mean_error = np.std(estimates, axis=0, ddof=1) / np.sqrt(50)
    assert (np.abs(np.mean(estimates, axis=0) - exact) < 4 * mean_error).all()
    assert np.mean(off < 2 * np.array(errors)) > 0.93


def test_a_fitted_valuator_keeps_them_when_it_is_pickled():
    X, y = make_classification(60, 4, random_state=0)
    valuator = DataShapley(
        CentroidClassifier(),
        sampler="regression",
        max_evaluations=200,
        cv=2,
        tol=None,
        random_state=0,
    ).fit(X, y)
    values, errors = valuator.values_for(DataBanzhaf())
    again = pickle.loads(pickle.dumps(valuator)).values_for(DataBanzhaf())
    assert_array_equal(again[0], values)
    assert_array_equal(again[1], errors)


def test_text_is_valued_with_them():
    rng = np.random.default_rng(0)
    words = np.array(["good", "fine", "bad", "poor"])
    y = np.arange(60) % 2
    texts = [" ".join(rng.choice(words[2 * label :][:2], 3)) for label in y]
    y[:6] = 1 - y[:6]
    model = make_pipeline(TfidfVectorizer(), MultinomialNB())
    valuator = DataShapley(
        model, sampler="regression", cv=2, tol=None, max_evaluations=300, random_state=0
    )
    values = valuator.fit(texts, y).data_values_
    assert values[:6].mean() < values[6:].mean()
