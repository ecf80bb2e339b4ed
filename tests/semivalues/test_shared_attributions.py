"""Attributions of the semivalues: shared subsets, one game for each held-out row."""

import pickle
from functools import partial
from math import comb

import numpy as np
import pytest
from _attributed_problem import make_problem
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.tree import DecisionTreeClassifier

from skvalue import BetaShapley, DataBanzhaf, DataShapley, Semivalue
from skvalue._coalitions.enumeration import coalitions, semivalue_of
from skvalue._coalitions.sizes import SubsetSizes, size_probabilities
from skvalue._linear_engine import applies
from skvalue.semivalues._row_utility import RowUtility
from skvalue.utils import _chunks

BUDGET = {"max_evaluations": 40, "tol": None, "random_state": 0}
SHAPLEY = DataShapley(**BUDGET)
CASES = [
    (SHAPLEY, 2),
    (SHAPLEY, 3),
    (SHAPLEY, 0),
    (DataShapley(scoring="neg_log_loss", **BUDGET), 2),
    (DataShapley(scoring="neg_log_loss", **BUDGET), 3),
    (DataShapley(scoring="accuracy", **BUDGET), 3),
    (DataShapley(scoring="r2", **BUDGET), 0),
    (DataShapley(scoring="neg_mean_squared_error", **BUDGET), 0),
    (DataShapley(LogisticRegression(fit_intercept=False, C=10), **BUDGET), 2),
    (DataBanzhaf(**BUDGET), 2),
    (DataBanzhaf(RidgeClassifier(), **BUDGET), 2),
    (DataBanzhaf(RidgeClassifier(), **BUDGET), 3),
    (BetaShapley(4, 1, **BUDGET), 2),
    (Semivalue(lambda sizes, n: 2 * (sizes >= n / 2), **BUDGET), 0),
]


problem = partial(make_problem, n_samples=60, n_val=11, noise=30.0)


def case_id(part):
    if isinstance(part, int):
        return {0: "real"}.get(part, f"{part}-classes")
    model = type(part.estimator).__name__
    return f"{type(part).__name__}-{model}-{part.scoring}"


@pytest.mark.parametrize("in_double", [True, False])
@pytest.mark.parametrize(("valuator", "n_classes"), CASES, ids=case_id)
def test_their_mean_over_the_held_out_rows_is_the_value(
    valuator, n_classes, in_double, monkeypatch
):
    X, y, X_val, y_val = problem(n_classes)
    if in_double:
        monkeypatch.setattr(applies, "MAX_SINGLE_C", 0.0)
    valuator = clone(valuator).fit(X, y, X_val=X_val, y_val=y_val)
    attributions = valuator.attributions(X_val, y_val)
    assert attributions.shape == (len(y), len(y_val))
    # Scores add up in the precision of the products.
    atol = 1e-10 if in_double else 1e-7
    values = valuator.data_values_
    np.testing.assert_allclose(attributions.mean(axis=1), values, rtol=0, atol=atol)
    assert np.abs(values).max() > 1e-3


# One held-out row has no R², and no log loss of two labels.
OF_ONE_ROW = [
    (valuator, n_classes)
    for valuator, n_classes in CASES
    if valuator.scoring in {"accuracy", "neg_mean_squared_error"}
    or (n_classes and valuator.scoring is None)
]


@pytest.mark.parametrize(("valuator", "n_classes"), OF_ONE_ROW, ids=case_id)
def test_a_column_is_the_values_for_that_held_out_row_alone(valuator, n_classes):
    X, y, X_val, y_val = problem(n_classes)
    valuator = clone(valuator).fit(X, y, X_val=X_val, y_val=y_val)
    attributions = valuator.attributions(X_val, y_val)
    for row in (0, 5):
        held_out = {"X_val": X_val[[row]], "y_val": y_val[[row]]}
        alone = clone(valuator).fit(X, y, **held_out).data_values_
        np.testing.assert_allclose(attributions[:, row], alone, atol=2e-6)


def by_row(estimator, n_classes, n_samples, n_val=3):
    """Game of a few rows, and what each coalition is worth by refits."""
    X, y, X_val, y_val = problem(n_classes, n_val=n_val)
    # Rows of both classes within the first few.
    first = np.argsort(np.argsort(y % 2, kind="stable") % 30, kind="stable")[:n_samples]
    game = RowUtility(
        estimator,
        X[first],
        y[first],
        X_val,
        y_val,
        classes=np.arange(n_classes) if n_classes else None,
        scoring="probability" if n_classes else "neg_squared_error",
        precision="float64",
    )
    masks = coalitions(n_samples)
    worth = [game.value(np.flatnonzero(mask)) for mask in masks]
    return game, masks, np.array(worth)


@pytest.mark.parametrize("valuator", [DataShapley(), DataBanzhaf(), BetaShapley()])
@pytest.mark.parametrize("min_size", [0, 2])
@pytest.mark.parametrize(("n_classes", "tolerance"), [(0, 1e-9), (2, 1e-5), (3, 1e-5)])
def test_weighted_sums_over_all_subsets_are_the_semivalue(
    valuator, min_size, n_classes, tolerance
):
    """Enumeration: what the sampler averages has the exact value as its mean."""
    n = 7
    estimator = Ridge() if n_classes == 0 else LogisticRegression(tol=1e-8)
    game, masks, worth = by_row(estimator, n_classes, n)
    weight = valuator._weight(np.arange(n), n)
    sizes = SubsetSizes(size_probabilities(weight, min_size), min_size)
    members = masks.sum(axis=1)
    chance = sizes.distribution[members] / [comb(n, size) for size in members]
    counted = sizes.contribution_weight[members[:, None] - masks]
    weights = chance[:, None] * np.where(chance[:, None] > 0, counted, 0.0)
    found = game.in_out_sums(masks, weights)
    expected = [semivalue_of(column, weight, min_size) for column in worth.T]
    np.testing.assert_allclose(found, np.transpose(expected), atol=tolerance)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)


@pytest.mark.parametrize("n_classes", [0, 2])
@pytest.mark.parametrize("kind", [DataShapley, DataBanzhaf])
def test_they_are_unbiased_for_the_game_of_each_held_out_row(
    kind, n_classes, monkeypatch
):
    # In single precision models err by a few per cent of what one row moves.
    monkeypatch.setattr(applies, "MAX_SINGLE_C", 0.0)
    n, n_seeds = 8, 20
    scoring = None if n_classes else "neg_mean_squared_error"
    estimator = LogisticRegression(tol=1e-8) if n_classes else Ridge()
    game, _, worth = by_row(estimator, n_classes, n)
    weight = kind()._weight(np.arange(n), n)
    exact = np.transpose([semivalue_of(column, weight) for column in worth.T])
    found = []
    for seed in range(n_seeds):
        valuator = kind(
            estimator,
            scoring=scoring,
            max_evaluations=60,
            tol=None,
            min_coalition_size=0,
            random_state=seed,
        )
        valuator.fit(game.X, game.y, X_val=game.X_val, y_val=game.y_val)
        found.append(valuator.attributions(game.X_val, game.y_val))
    error = np.mean(found, axis=0) - exact
    stderr = np.std(found, axis=0, ddof=1) / np.sqrt(n_seeds)
    # 24 Student's t of 19 degrees of freedom.
    assert np.abs(error / stderr).max() < 5
    assert np.sqrt(np.mean(error**2)) < 0.05 * exact.std()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_held_out_rows_the_folds_of_a_row_are_averaged(n_classes):
    """By refits of the very subsets of each fold."""
    X, y, X_val, y_val = problem(n_classes, n_samples=40, n_val=2)
    folds = [(np.arange(25), np.arange(25, 40)), (np.arange(15, 40), np.arange(15))]
    valuator = DataShapley(
        LogisticRegression(tol=1e-8),
        max_evaluations=16,
        cv=folds,
        tol=None,
        random_state=3,
    )
    attributions = valuator.fit(X, y).attributions(X_val, y_val)
    parts = np.full((2, 40, 2), np.nan)
    for number, (rows, _) in enumerate(folds):
        settings = {"classes": np.arange(n_classes), "scoring": "probability"}
        game = RowUtility(
            valuator.estimator, X[rows], y[rows], X_val, y_val, **settings
        )
        sampler = valuator._make_sampler(game)
        seeds = (3, number)
        _, masks, weights = sampler._drawn(game, seeds, 0, 8)
        for player, row in enumerate(rows):
            others = masks.copy()
            others[:, player] = False
            joined = others.copy()
            joined[:, player] = True
            gains = [
                game.value(np.flatnonzero(after)) - game.value(np.flatnonzero(before))
                for after, before in zip(joined, others, strict=True)
            ]
            weight = weights[:, player]
            parts[number, row] = weight @ gains / weight.sum()
    expected = np.nanmean(parts, axis=0)
    assert np.abs(attributions - expected).max() < 0.02 * np.abs(expected).max()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_same_attributions_for_any_n_jobs(n_classes):
    X, y, X_val, y_val = problem(n_classes)
    found = []
    for n_jobs in (1, 2):
        valuator = clone(SHAPLEY).set_params(n_jobs=n_jobs, max_evaluations=150)
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
        found.append(valuator.attributions(X_val, y_val))
    np.testing.assert_array_equal(*found)


def test_chunks_of_held_out_rows_change_nothing(monkeypatch):
    X, y, X_val, y_val = problem(3)
    valuator = clone(SHAPLEY).fit(X, y)
    whole = valuator.attributions(X_val, y_val)
    monkeypatch.setattr(_chunks, "CHUNK_ELEMENTS", 48 * 4)
    found = valuator.attributions(X_val, y_val)
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_a_fit_that_went_on_has_those_of_one_long_fit():
    X, y, X_val, y_val = problem(2)
    held_out = {"X_val": X_val, "y_val": y_val}
    long = clone(SHAPLEY).set_params(max_evaluations=150).fit(X, y, **held_out)
    valuator = clone(SHAPLEY).set_params(warm_start=True).fit(X, y, **held_out)
    valuator.set_params(max_evaluations=150).fit(X, y, **held_out)
    np.testing.assert_array_equal(valuator.data_values_, long.data_values_)
    expected = long.attributions(X_val, y_val)
    np.testing.assert_array_equal(valuator.attributions(X_val, y_val), expected)


def test_they_survive_pickle_and_memory(tmp_path):
    X, y, X_val, y_val = problem(2)
    valuator = clone(SHAPLEY).set_params(memory=tmp_path).fit(X, y)
    expected = valuator.attributions(X_val, y_val)
    kept = clone(valuator).fit(X, y)
    for same in (kept, pickle.loads(pickle.dumps(kept))):
        np.testing.assert_array_equal(same.attributions(X_val, y_val), expected)


def test_frames_with_strings_and_string_labels():
    pandas = pytest.importorskip("pandas")
    X, y, X_val, y_val = problem(2)
    frames = []
    for rows in (X, X_val):
        frame = pandas.DataFrame(rows, columns=[f"x{i}" for i in range(6)])
        frame["side"] = np.where(frame["x0"] > 0, "right", "left")
        frame.loc[2, "x1"] = np.nan
        frames.append(frame)
    names = np.array(["no", "yes"])
    valuator = clone(SHAPLEY).fit(
        frames[0], names[y], X_val=frames[1], y_val=names[y_val]
    )
    attributions = valuator.attributions(frames[1], names[y_val])
    np.testing.assert_allclose(
        attributions.mean(axis=1), valuator.data_values_, atol=1e-7
    )
    with pytest.raises(ValueError, match="y_val has labels that were not in"):
        valuator.attributions(frames[1], y_val)


@pytest.mark.parametrize(
    "settings",
    [
        {"estimator": DecisionTreeClassifier(random_state=0)},
        {"estimator": DecisionTreeClassifier(random_state=0), "sampler": "shared"},
        {"sampler": "permutation"},
        {"sampler": "regression"},
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fits_without_shared_subsets_say_what_to_use(settings):
    X, y, X_val, y_val = problem(2, n_samples=20, n_val=5)
    valuator = DataShapley(max_evaluations=100, random_state=0, **settings)
    with pytest.raises(NotFittedError):
        valuator.attributions(X_val, y_val)
    # A fit before it that had them is forgotten.
    shared = clone(SHAPLEY).fit(X, y, X_val=X_val, y_val=y_val)
    shared.set_params(**settings, max_evaluations=100)
    for fitted in (valuator, shared):
        fitted.fit(X, y, X_val=X_val, y_val=y_val)
        with pytest.raises(ValueError, match=r"DataShapley are read off.*Datamodels"):
            fitted.attributions(X_val, y_val)


def test_bad_calls_are_named():
    X, y, X_val, y_val = problem(2)
    held_out = {"X_val": X_val, "y_val": y_val}
    valuator = clone(SHAPLEY).fit(X, y, **held_out, sample_weight=np.ones(len(y)))
    with pytest.raises(ValueError, match="no sample_weight"):
        valuator.attributions(X_val, y_val)
    valuator.set_params(unit="groups").fit(X, y, **held_out, groups=np.arange(60) % 3)
    with pytest.raises(ValueError, match='fit with unit="rows"'):
        valuator.attributions(X_val, y_val)
    valuator = clone(SHAPLEY).set_params(scoring="f1", max_evaluations=400)
    with pytest.raises(ValueError, match="scoring='f1' is not known as a mean"):
        valuator.fit(X, y, **held_out).attributions(X_val, y_val)
    valuator = clone(SHAPLEY).fit(X, y, **held_out)
    with pytest.raises(ValueError, match="X_val: X has 2 features"):
        valuator.attributions(X_val[:, :2], y_val)
    with pytest.raises(ValueError, match="y_val has 3 labels"):
        valuator.attributions(X_val, y_val[:3])
