"""Attributions: the values of the training rows for each held-out row by itself."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from _attributed_problem import make_problem
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB

from skvalue import BoostingInfluence, InfluenceFunction, KNNShapley, LeaveOneOut
from skvalue.neighbors import _order
from skvalue.utils import _chunks
from skvalue.utils._attributions import mean_over_splits

HISTOGRAM = {"max_iter": 5, "learning_rate": 0.3}
BOOSTING = HistGradientBoostingClassifier(**HISTOGRAM)
CLASSIFIERS = [
    BoostingInfluence(BOOSTING),
    BoostingInfluence(BOOSTING, method="leaf_influence"),
    BoostingInfluence(BOOSTING, scoring="proba"),
    BoostingInfluence(
        GradientBoostingClassifier(n_estimators=4, random_state=0),
        method="leaf_influence",
    ),
    InfluenceFunction(LogisticRegression(tol=1e-8)),
    InfluenceFunction(LogisticRegression(tol=1e-8), scoring="proba", solver="cg"),
    InfluenceFunction(RidgeClassifier(class_weight="balanced")),
    KNNShapley(),
    KNNShapley(utility="soft"),
    KNNShapley(utility="threshold"),
    KNNShapley(weights="distance"),
    KNNShapley(max_rank=8),
    LeaveOneOut(),
    LeaveOneOut(scoring="accuracy"),
    LeaveOneOut(GaussianNB()),
]
REGRESSORS = [
    BoostingInfluence(HistGradientBoostingRegressor(**HISTOGRAM)),
    BoostingInfluence(
        HistGradientBoostingRegressor(**HISTOGRAM), method="leaf_influence"
    ),
    InfluenceFunction(Ridge()),
    KNNShapley(),
    LeaveOneOut(scoring="neg_mean_squared_error"),
]
CASES = [
    *[(valuator, n_classes) for valuator in CLASSIFIERS for n_classes in (2, 3)],
    *[(valuator, 0) for valuator in REGRESSORS],
]


problem = partial(make_problem, n_samples=80, n_val=13, noise=9.0)


def case_id(part):
    if isinstance(part, int):
        return {0: "real"}.get(part, f"{part}-classes")
    changed = [
        f"{name}={getattr(part, name)}"
        for name in ("method", "scoring", "utility", "weights", "max_rank", "solver")
        if getattr(part, name, None) not in (None, "auto")
    ]
    model = getattr(part, "estimator", None)
    return "-".join([type(part).__name__, type(model).__name__, *changed])


@pytest.mark.parametrize(("valuator", "n_classes"), CASES, ids=case_id)
def test_their_mean_over_the_held_out_rows_is_the_value(valuator, n_classes):
    X, y, X_val, y_val = problem(n_classes)
    valuator = clone(valuator).fit(X, y, X_val=X_val, y_val=y_val)
    attributions = valuator.attributions(X_val, y_val)
    assert attributions.shape == (len(y), len(y_val))
    scale = np.abs(valuator.data_values_).max()
    np.testing.assert_allclose(
        attributions.mean(axis=1), valuator.data_values_, atol=1e-7 * scale
    )


@pytest.mark.parametrize(("valuator", "n_classes"), CASES, ids=case_id)
def test_a_column_is_the_values_for_that_held_out_row_alone(valuator, n_classes):
    X, y, X_val, y_val = problem(n_classes)
    valuator = clone(valuator).fit(X, y, X_val=X_val, y_val=y_val)
    attributions = valuator.attributions(X_val, y_val)
    for row in (0, 5):
        held_out = {"X_val": X_val[[row]], "y_val": y_val[[row]]}
        alone = clone(valuator).fit(X, y, **held_out).data_values_
        scale = np.abs(alone).max()
        np.testing.assert_allclose(attributions[:, row], alone, atol=1e-6 * scale)


@pytest.mark.parametrize(("valuator", "n_classes"), CASES, ids=case_id)
def test_folds_that_trained_on_a_row_are_averaged(valuator, n_classes):
    X, y, X_val, y_val = problem(n_classes)
    folds = [(np.arange(60), np.arange(60, 80)), (np.arange(20, 80), np.arange(20))]
    settings = {"cv": folds}
    # Of the folds in regard to all rows, not of the fold's own.
    if getattr(valuator, "utility", None) == "threshold":
        settings["radius"] = 2.0
    if getattr(valuator, "scoring", None) in {"auto", "proba"}:
        settings["scoring"] = "loss"
    valuator = clone(valuator).set_params(**settings).fit(X, y)
    attributions = valuator.attributions(X_val, y_val)
    parts = np.full((2, len(y), len(y_val)), np.nan)
    for part, (rows, _) in zip(parts, folds, strict=True):
        fold = clone(valuator).fit(X[rows], y[rows], X_val=X_val, y_val=y_val)
        part[rows] = fold.attributions(X_val, y_val)
    expected = np.nanmean(parts, axis=0)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(attributions, expected, atol=1e-6 * scale)


@pytest.mark.parametrize(
    "valuator",
    [
        InfluenceFunction(LogisticRegression()),
        BoostingInfluence(BOOSTING, method="leaf_influence"),
    ],
    ids=case_id,
)
def test_a_label_that_no_fold_knows_is_nan(valuator):
    X, y, X_val, y_val = problem(2)
    y, y_val = y.copy(), y_val.copy()
    y[0] = y_val[0] = 2
    folds = [(np.arange(60), np.arange(60, 80)), (np.arange(1, 80), np.arange(1))]
    valuator = clone(valuator).set_params(cv=folds)
    with pytest.raises(ValueError, match=r"leaves a fold without held-out rows"):
        valuator.fit(X, y)
    folds[1] = (np.arange(1, 80), np.arange(20))
    attributions = valuator.fit(X, y).attributions(X_val, y_val)
    assert np.isfinite(attributions[:, 1:]).all()
    # The second fold alone has the last rows, and does not know the label.
    assert np.isnan(attributions[60:, 0]).all()
    assert np.isfinite(attributions[:60, 0]).all()


def test_chunks_change_nothing(monkeypatch):
    X, y, X_val, y_val = problem(3)
    valuator = BoostingInfluence(BOOSTING, method="leaf_influence")
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    whole = valuator.attributions(X_val, y_val)
    monkeypatch.setattr(_chunks, "CHUNK_ELEMENTS", 3 * len(y) * 2)
    np.testing.assert_allclose(
        valuator.attributions(X_val, y_val), whole, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    "valuator",
    [
        BoostingInfluence(HistGradientBoostingRegressor(**HISTOGRAM)),
        BoostingInfluence(
            HistGradientBoostingRegressor(**HISTOGRAM), method="leaf_influence"
        ),
        InfluenceFunction(Ridge()),
        KNNShapley(),
    ],
    ids=case_id,
)
def test_memory_is_that_of_the_result_and_a_chunk(valuator, monkeypatch):
    monkeypatch.setattr(_chunks, "CHUNK_ELEMENTS", 40_000)
    monkeypatch.setattr(_order, "_MAX_CHUNK_ROWS", 10)
    X, y = make_regression(8_000, 4, noise=9.0, random_state=0)
    X_val, y_val, X, y = X[:600], y[:600], X[600:4600], y[600:4600]
    valuator = clone(valuator).fit(X, y, X_val=X_val, y_val=y_val)
    tracemalloc.start()
    attributions = valuator.attributions(X_val, y_val)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The result, its counts (half as wide), and the rest less than one such array.
    assert peak < 2.5 * attributions.nbytes


@pytest.mark.parametrize("valuator", [*CLASSIFIERS[:1], *CLASSIFIERS[4:8]], ids=case_id)
def test_bad_rows_are_named(valuator):
    X, y, X_val, y_val = problem(2)
    valuator = clone(valuator).fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.raises(ValueError, match="X_val"):
        valuator.attributions(X_val[:, :2], y_val)
    with pytest.raises(ValueError, match="y_val has 3 labels"):
        valuator.attributions(X_val, y_val[:3])
    with pytest.raises(ValueError, match=r"y_val has labels that were not in"):
        valuator.attributions(X_val, y_val + 7)


def test_wrong_predictions_are_traced_to_the_rows_that_made_them_wrong():
    """A block of wrong labels around a held-out row has its lowest attributions."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (X[:, 0] > 0).astype(int)
    is_wrong = np.linalg.norm(X - [1.0, 1.0], axis=1) < 0.5
    y[is_wrong] = 0
    model = GradientBoostingClassifier(n_estimators=20, random_state=0)
    held_out = {"X_val": [[1.0, 1.0], [-1.0, -1.0]], "y_val": [1, 0]}
    for valuator in (
        BoostingInfluence(model),
        BoostingInfluence(model, method="leaf_influence"),
        KNNShapley(),
    ):
        attributions = valuator.fit(X, y, **held_out).attributions(*held_out.values())
        if hasattr(valuator, "estimators_"):
            assert valuator.estimators_[0].predict([[1.0, 1.0]]) == 0
        assert is_wrong[attributions[:, 0].argsort()[:5]].all()
        assert not is_wrong[attributions[:, 0].argsort()[-5:]].any()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_leave_one_out_of_the_log_loss(n_classes):
    X, y, X_val, y_val = problem(n_classes)
    for estimator in (None, GaussianNB()):
        valuator = LeaveOneOut(estimator, scoring="neg_log_loss")
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
        attributions = valuator.attributions(X_val, y_val)
        np.testing.assert_allclose(
            attributions.mean(axis=1), valuator.data_values_, atol=1e-9
        )


def test_leave_one_out_of_a_share_of_the_variance():
    X, y, X_val, y_val = problem(0)
    valuator = LeaveOneOut().fit(X, y, X_val=X_val, y_val=y_val)
    attributions = valuator.attributions(X_val, y_val)
    np.testing.assert_allclose(attributions.mean(axis=1), valuator.data_values_)
    errors = LeaveOneOut(scoring="neg_mean_squared_error").fit(
        X, y, X_val=X_val, y_val=y_val
    )
    np.testing.assert_allclose(
        attributions * y_val.var(), errors.attributions(X_val, y_val)
    )


def test_leave_one_out_says_where_it_has_no_attributions():
    X, y, X_val, y_val = problem(2)
    held_out = {"X_val": X_val, "y_val": y_val}
    valuator = LeaveOneOut(GaussianNB(), scoring="f1").fit(X, y, **held_out)
    with pytest.raises(ValueError, match="scoring='f1' is not known as a mean"):
        valuator.attributions(X_val, y_val)
    valuator = LeaveOneOut(GaussianNB(), unit="groups")
    valuator.fit(X, y, groups=np.arange(80) % 4, **held_out)
    with pytest.raises(ValueError, match="attributions are of rows"):
        valuator.attributions(X_val, y_val)


def test_mean_over_splits_counts_cells():
    blocks = [
        (slice(0, 2), slice(0, 1), np.array([[1.0], [2.0]])),
        (np.array([1, 2]), np.array([0, 1]), np.array([[4.0, 5.0], [6.0, 7.0]])),
    ]
    expected = [[1.0, np.nan], [3.0, 5.0], [6.0, 7.0]]
    np.testing.assert_array_equal(mean_over_splits(blocks, (3, 2)), expected)
