"""DataOOB against a direct computation from the estimators that scikit-learn keeps."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue.data_oob import DataOOB

N_ESTIMATORS = 45


@pytest.fixture(scope="module")
def problem():
    X, y = make_classification(
        200, 8, n_informative=5, n_classes=3, flip_y=0.1, random_state=0
    )
    return X, np.array(["a", "b", "c"])[y]


@pytest.fixture(scope="module")
def regression_problem():
    return make_regression(200, 8, noise=20.0, random_state=0)


def out_of_bag(ensemble, n_samples):
    """Each estimator with the rows that it did not draw."""
    for estimator, drawn in zip(
        ensemble.estimators_, ensemble.estimators_samples_, strict=True
    ):
        yield estimator, np.setdiff1d(np.arange(n_samples), drawn)


def direct(ensemble, X, y, n_classes=3):
    """Out-of-bag counts, votes and probabilities of each row."""
    count, right, likelihood = np.zeros((3, len(y)))
    codes = np.unique(y, return_inverse=True)[1]
    for estimator, rows in out_of_bag(ensemble, len(y)):
        probabilities = np.zeros((len(rows), n_classes))
        columns = estimator.classes_.astype(int)
        probabilities[:, columns] = estimator.predict_proba(X[rows])
        count[rows] += 1
        right[rows] += probabilities.argmax(axis=1) == codes[rows]
        likelihood[rows] += probabilities[np.arange(len(rows)), codes[rows]]
    return count, right / count, likelihood / count


@pytest.mark.parametrize("max_samples", [1.0, 0.5, 60])
def test_equals_the_forest_of_the_same_seed(problem, max_samples):
    X, y = problem
    forest = RandomForestClassifier(
        N_ESTIMATORS, min_samples_leaf=3, max_samples=max_samples, random_state=3
    ).fit(X, y)
    count, right, likelihood = direct(forest, X, y)
    valuator = DataOOB(
        n_estimators=N_ESTIMATORS, max_samples=max_samples, random_state=3
    ).fit(X, y)
    assert_array_equal(valuator.oob_counts_, count)
    assert_allclose(valuator.data_values_, right)
    assert_allclose(valuator.label_probabilities_, likelihood)
    assert_allclose(
        valuator.data_values_stderr_, np.sqrt(right * (1 - right) / (count - 1))
    )


def test_log_proba_is_the_floored_log_of_the_mean_probability(problem):
    X, y = problem
    forest = RandomForestClassifier(N_ESTIMATORS, min_samples_leaf=3, random_state=3)
    forest.fit(X, y)
    count, _, likelihood = direct(forest, X, y)
    valuator = DataOOB(
        n_estimators=N_ESTIMATORS, scoring="log_proba", random_state=3
    ).fit(X, y)
    assert_allclose(
        valuator.data_values_, np.log(np.maximum(likelihood, 1 / (2 * count)))
    )


def test_equals_bagging_of_any_estimator(problem):
    X, y = problem
    # 6 rows a bag, and no sample_weight: some bags lack a class.
    bagging = BaggingClassifier(
        KNeighborsClassifier(1), N_ESTIMATORS, max_samples=6, random_state=3
    ).fit(X, y)
    assert any(len(e.classes_) < 3 for e in bagging.estimators_)
    _, right, likelihood = direct(bagging, X, y)
    valuator = DataOOB(
        KNeighborsClassifier(1),
        n_estimators=N_ESTIMATORS,
        max_samples=6,
        random_state=3,
    ).fit(X, y)
    assert_allclose(valuator.data_values_, right)
    assert_allclose(valuator.label_probabilities_, likelihood)


def test_estimator_without_probabilities_votes(problem):
    X, y = problem
    valuator = DataOOB(
        RidgeClassifier(), n_estimators=N_ESTIMATORS, random_state=3
    ).fit(X, y)
    assert_allclose(valuator.data_values_, valuator.label_probabilities_)


@pytest.mark.parametrize("estimator", [None, Ridge()])
def test_regression_equals_the_ensemble_of_the_same_seed(regression_problem, estimator):
    X, y = regression_problem
    if estimator is None:
        ensemble = RandomForestRegressor(
            N_ESTIMATORS, min_samples_leaf=3, random_state=3
        )
    else:
        ensemble = BaggingRegressor(estimator, N_ESTIMATORS, random_state=3)
    count, error, predicted = np.zeros((3, len(y)))
    for member, rows in out_of_bag(ensemble.fit(X, y), len(y)):
        prediction = member.predict(X[rows])
        count[rows] += 1
        error[rows] += (y[rows] - prediction) ** 2
        predicted[rows] += prediction
    valuator = DataOOB(estimator, n_estimators=N_ESTIMATORS, random_state=3)
    assert_allclose(valuator.fit(X, y).data_values_, -error / count)
    residual = y - predicted / count
    valuator.set_params(scoring="log_proba").fit(X, y)
    assert_allclose(
        valuator.data_values_,
        -np.log1p((residual / np.median(np.abs(residual))) ** 2),
    )


def test_callable_scoring_sees_the_labels_as_given(problem):
    X, y = problem

    def agreement(y, y_pred):
        assert y.dtype.kind == "U"
        return y == y_pred

    params = {"n_estimators": N_ESTIMATORS, "random_state": 3}
    assert_array_equal(
        DataOOB(scoring=agreement, **params).fit(X, y).data_values_,
        DataOOB(**params).fit(X, y).data_values_,
    )


def test_callable_scoring_in_regression(regression_problem):
    X, y = regression_problem
    params = {"n_estimators": N_ESTIMATORS, "random_state": 3}
    scored = DataOOB(scoring=lambda y, y_pred: -((y - y_pred) ** 2), **params)
    assert_array_equal(
        scored.fit(X, y).data_values_, DataOOB(**params).fit(X, y).data_values_
    )


def test_callable_of_the_wrong_shape_is_named(problem):
    with pytest.raises(ValueError, match=r"scoring returned an array of shape \(\)"):
        DataOOB(scoring=lambda y, y_pred: 0.0, n_estimators=5).fit(*problem)


@pytest.mark.parametrize("scoring", ["accuracy", "log_proba"])
def test_warm_start_is_bitwise_one_long_fit(problem, scoring):
    X, y = problem
    params = {"scoring": scoring, "random_state": 3}
    long = DataOOB(n_estimators=N_ESTIMATORS, **params).fit(X, y)
    resumed = DataOOB(n_estimators=21, warm_start=True, **params).fit(X, y)
    resumed.set_params(n_estimators=N_ESTIMATORS).fit(X, y)
    assert_array_equal(resumed.data_values_, long.data_values_)
    assert_array_equal(resumed.data_values_stderr_, long.data_values_stderr_)
    assert resumed.n_evaluations_ == N_ESTIMATORS


def test_warm_start_refuses_other_rows_and_fewer_estimators(problem):
    X, y = problem
    valuator = DataOOB(n_estimators=30, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="X or y differ"):
        valuator.fit(X[::-1], y)
    with pytest.raises(ValueError, match="n_estimators=20 must be at least the 30"):
        valuator.set_params(n_estimators=20).fit(X, y)


def test_same_values_for_any_n_jobs(problem):
    X, y = problem
    params = {"n_estimators": N_ESTIMATORS, "scoring": "log_proba", "random_state": 0}
    assert_array_equal(
        DataOOB(n_jobs=1, **params).fit(X, y).data_values_,
        DataOOB(n_jobs=2, **params).fit(X, y).data_values_,
    )


def test_row_never_out_of_bag_says_how_many_estimators_it_takes(problem):
    X, y = problem
    with pytest.raises(ValueError, match=r"n_estimators >= (\d+)") as error:
        DataOOB(n_estimators=3, random_state=0).fit(X, y)
    needed = int(str(error.value).split("n_estimators >= ")[1].split()[0])
    assert DataOOB(n_estimators=needed, random_state=0).fit(X, y).oob_counts_.min() > 0


def test_holds_no_estimators(problem):
    X, y = problem
    few = DataOOB(n_estimators=30, random_state=0).fit(X, y)
    many = DataOOB(n_estimators=90, random_state=0).fit(X, y)
    assert abs(len(pickle.dumps(many)) - len(pickle.dumps(few))) < 50


def test_flipped_labels_score_lower_and_auto_drops_them():
    X, y = make_classification(400, 6, class_sep=2, flip_y=0, random_state=1)
    y[:40] ^= 1
    valuator = DataOOB(n_estimators=60, scoring="log_proba", random_state=0).fit(X, y)
    dropped = ~valuator.get_support()
    assert dropped[:40].mean() > 0.8
    assert dropped[40:].mean() < 0.05


def test_auto_drops_corrupted_regression_targets():
    X, y = make_regression(400, 4, noise=1.0, random_state=1)
    y[:40] += 600
    for scoring in ["accuracy", "log_proba"]:
        valuator = DataOOB(n_estimators=60, scoring=scoring, random_state=0).fit(X, y)
        dropped = ~valuator.get_support()
        assert dropped[:40].mean() > 0.8
        assert dropped[40:].mean() < 0.05


# test_common.py runs the default; here the estimators that are bagged.
@parametrize_with_checks(
    [
        DataOOB(
            DecisionTreeRegressor(max_depth=2),
            n_estimators=40,
            drop=0.0,
            random_state=0,
        )
    ]
)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", [KNeighborsClassifier(), GaussianNB()])
def test_a_frame_is_bagged_as_its_numbers_are(model):
    """With and without weights in the fit, which bagging draws by where it can."""
    X, y = load_iris(return_X_y=True)
    y = np.where(np.arange(150) % 10 == 0, (y + 1) % 3, y)
    values = DataOOB(model, n_estimators=60, random_state=0).fit(X, y).data_values_
    frame = pd.DataFrame(X, columns=list("abcd"))
    framed = DataOOB(model, n_estimators=60, random_state=0).fit(frame, y)
    assert_array_equal(framed.data_values_, values)
