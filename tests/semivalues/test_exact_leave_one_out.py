"""Leave-one-out values of the batched engine are those of exact refits."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from skvalue.semivalues._leave_one_out import LeaveOneOut
from skvalue.semivalues._utility import Utility

N, N_VAL = 60, 50
# Of the spread of the values; what the refits themselves leave open is most of it.
BOUND = 1e-6


class RefitLogistic(LogisticRegression):
    """The same model, which the engine does not know."""


def data(n_classes, n=N, d=5, sep=1.0, flip=0.1):
    X, y = make_classification(
        n + N_VAL,
        d,
        n_informative=4,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=sep,
        flip_y=flip,
        random_state=n_classes,
    )
    return X[:n], y[:n], X[n:], y[n:]


def refits(estimator, rows, classes, scoring):
    """Values from n + 1 fits."""
    game = Utility(estimator, *rows, classes=classes, scoring=scoring)
    assert game.exact_engine is None
    everyone = np.arange(game.n_players)
    without = [game.value(np.delete(everyone, row)) for row in everyone]
    return game.value(everyone) - np.array(without)


def left_out(estimator, rows, scoring):
    X, y, X_val, y_val = rows
    valuator = LeaveOneOut(estimator, scoring=scoring)
    return valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_


def precise(C, fit_intercept=True):
    # Newton's method: lbfgs stops 1e-5 of the spread away, whatever its tol.
    return RefitLogistic(
        C=C,
        fit_intercept=fit_intercept,
        solver="newton-cholesky",
        tol=1e-12,
        max_iter=1000,
    )


CASES = {
    "as it comes": ({}, 1.0),
    "strong penalty": ({}, 0.01),
    "weak penalty": ({}, 100.0),
    "separable": ({"sep": 3.0, "flip": 0.0}, 100.0),
    "few separable rows": ({"n": 12, "sep": 3.0, "flip": 0.0}, 100.0),
    "wider than long": ({"n": 30, "d": 80}, 1.0),
}


# Where its line search meets rounding, scikit-learn goes on with lbfgs.
@pytest.mark.filterwarnings("ignore:Line search of Newton")
@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "accuracy"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_logistic_values_are_those_of_refits(case, n_classes, scoring):
    size, C = CASES[case]
    rows = data(n_classes, **size)
    expected = refits(precise(C), rows, np.arange(n_classes), scoring)
    values = left_out(LogisticRegression(C=C), rows, scoring)
    assert np.abs(values - expected).max() <= BOUND * expected.std()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_model_without_intercept_is_exact_too(n_classes):
    rows = data(n_classes)
    expected = refits(precise(1.0, False), rows, np.arange(n_classes), None)
    values = left_out(LogisticRegression(fit_intercept=False), rows, None)
    assert np.abs(values - expected).max() <= BOUND * expected.std()


class RefitRidge(Ridge):
    pass


class RefitRidgeClassifier(RidgeClassifier):
    pass


@pytest.mark.parametrize("d", [5, 90])
@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error"])
def test_ridge_values_are_those_of_refits(scoring, d):
    X, y = make_regression(N + N_VAL, d, noise=30.0, random_state=0)
    rows = X[:N], y[:N], X[N:], y[N:]
    expected = refits(RefitRidge(), rows, None, scoring)
    error = left_out(Ridge(), rows, scoring) - expected
    assert np.abs(error).max() <= 1e-9 * expected.std()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_ridge_classifiers_are_those_of_refits(n_classes):
    rows = data(n_classes)
    expected = refits(RefitRidgeClassifier(), rows, np.arange(n_classes), None)
    assert expected.std() > 0
    assert (left_out(RidgeClassifier(), rows, None) == expected).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_class_of_one_row_is_left_out_as_in_a_refit(n_classes):
    X, y, X_val, y_val = data(n_classes, n=30)
    y = y % (n_classes - 1)
    y[3] = n_classes - 1
    rows = X, y, X_val, y_val
    expected = refits(precise(1.0), rows, np.arange(n_classes), None)
    values = left_out(LogisticRegression(), rows, None)
    assert np.abs(values - expected).max() <= BOUND * expected.std()


def test_values_do_not_depend_on_the_rows_of_a_task():
    rows = data(3)
    game = Utility(LogisticRegression(), *rows, classes=np.arange(3))
    together = game.exact_engine.leave_one_out(np.arange(N))
    apart = [game.exact_engine.leave_one_out([row])[0] for row in (0, 7, 59)]
    np.testing.assert_allclose(apart, together[[0, 7, 59]], atol=1e-9 * together.std())
