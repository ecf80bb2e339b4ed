"""Rows wider than there are of them: the engine works in their span."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from skvalue import DistributionalShapley
from skvalue._linear_engine import standardise as standardise_module
from skvalue._linear_engine.wide import is_reducible, reduced
from skvalue.semivalues._utility import Utility

N, N_VAL, D = 40, 30, 150
ESTIMATORS = {
    "logistic": LogisticRegression(tol=1e-10, max_iter=10000),
    "no intercept": LogisticRegression(fit_intercept=False, tol=1e-10, max_iter=10000),
    "ridge": Ridge(alpha=3.0),
    "ridge classifier": RidgeClassifier(),
}


class Refit:
    """Marks a subclass, which the engine does not know."""


def refitted(estimator):
    kind = type(estimator)
    return type(f"Refit{kind.__name__}", (kind, Refit), {})(**estimator.get_params())


def data(n_classes=2):
    if n_classes is None:
        X, y = make_regression(N + N_VAL, D, noise=10.0, random_state=0)
    else:
        X, y = make_classification(
            N + N_VAL,
            D,
            n_informative=10,
            n_classes=n_classes,
            n_clusters_per_class=1,
            class_sep=0.5,
            random_state=0,
        )
    # Columns of different scales and centres: the penalty sees both.
    X = X * np.geomspace(0.1, 10.0, D) + np.linspace(-5, 5, D)
    return X[:N], y[:N], X[N:], y[N:]


def classes_of(estimator, n_classes):
    return None if isinstance(estimator, Ridge) else np.arange(n_classes)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_scores_are_those_of_refits(name, n_classes):
    estimator = ESTIMATORS[name]
    classes = classes_of(estimator, n_classes)
    rows = data(None if classes is None else n_classes)
    fast = Utility(estimator, *rows, classes=classes, precision="float64")
    slow = Utility(refitted(estimator), *rows, classes=classes)
    assert fast.engine.problem.X.shape[1] <= N + 1
    rng = np.random.default_rng(0)
    masks = np.array([rng.permutation(N) < size for size in (6, 15, 30, N)])
    expected = [slow.value(np.flatnonzero(mask)) for mask in masks]
    assert_allclose(fast.scores(masks), expected, atol=1e-5)


def test_contributions_are_those_of_all_columns(monkeypatch):
    masks = np.eye(N, dtype=bool)[:6] | (np.arange(N) % 2 == 0)
    permutations = np.array([np.arange(N), np.arange(N)[::-1]])

    def contributions(precision):
        game = Utility(
            LogisticRegression(), *data(), classes=np.arange(2), precision=precision
        )
        return game.in_out(masks), game.walk(permutations, 5)[:, 5:-5]

    double, single = contributions("float64"), contributions("float32")
    monkeypatch.setattr(standardise_module, "is_reducible", lambda X, scale: False)
    for few, rough, exact in zip(double, single, contributions("float64"), strict=True):
        assert_allclose(few, exact, atol=1e-3 * exact.std())
        assert_allclose(rough, exact, atol=5e-2 * exact.std())


def test_reduced_rows_keep_their_products():
    rng = np.random.default_rng(0)
    X, X_val = (torch.from_numpy(rng.normal(size=(n, 50))) for n in (20, 7))
    X[5] = X[4]
    few, few_val = reduced(X, X_val)
    assert few.shape == (20, 19)
    assert_allclose(few @ few.T, X @ X.T, atol=1e-12)
    assert_allclose(few_val @ few.T, X_val @ X.T, atol=1e-12)


def test_which_rows_are_reduced():
    wide = torch.ones(5, 6, dtype=torch.float64)
    scale = torch.tensor([0.0, 1.0, 1e3, 1e8, 1.0, 1.0])
    assert is_reducible(wide, scale)
    assert not is_reducible(wide[:, :5], scale[:5])
    # A column far below the rounding of another keeps its own.
    assert not is_reducible(wide, scale * torch.tensor([1, 1, 1, 10, 1, 1]))
    assert not is_reducible(wide, torch.zeros(6))


def test_distributional_values_of_wide_rows_stand_alone():
    """As many rows valued together make the stack longer than wide, few do not."""
    X, y, X_val, y_val = data()
    valuator = DistributionalShapley(
        min_coalition_size=20,
        max_coalition_size=60,
        max_evaluations=8,
        tol=None,
        random_state=0,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    values = valuator.data_values_
    alone = np.array([valuator.predict_values(X[[i]], y[[i]])[0] for i in range(3)])
    many = valuator.predict_values(np.tile(X, (4, 1)), np.tile(y, 4))
    assert_allclose(alone, values[:3], atol=1e-4 * values.std())
    assert_allclose(many[:N], values, atol=1e-4 * values.std())
