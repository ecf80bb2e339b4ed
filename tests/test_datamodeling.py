"""The linear datamodelling score, against its definition and on models that add up."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.tree import DecisionTreeClassifier

from skvalue import BoostingInfluence, InfluenceFunction, KNNShapley
from skvalue.metrics import linear_datamodeling_score, retrained_outputs


class KernelSum(RegressorMixin, BaseEstimator):
    """Predicts a sum over its training rows, so that rows add up exactly."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        return self

    def contributions(self, X):
        return rbf_kernel(X, self.X_) * self.y_

    def predict(self, X):
        return self.contributions(X).sum(axis=1)


def regression(noise=5.0, n_samples=60, n_val=9):
    X, y = make_regression(n_samples + n_val, 3, noise=noise, random_state=0)
    y = y / y.std()
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def classification(n_samples=120, n_val=20):
    X, y = make_classification(n_samples + n_val, 6, flip_y=0.1, random_state=0)
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def test_it_is_one_where_rows_add_up():
    X, y, X_val, _ = regression()
    # Above all that is ever predicted: a larger prediction is a better one.
    y_val = np.full(len(X_val), 1e3)
    subsets, outputs = retrained_outputs(
        KernelSum(), X, y, X_val, y_val, n_subsets=40, random_state=0
    )
    attributions = KernelSum().fit(X, y).contributions(X_val).T
    scores = linear_datamodeling_score(attributions, subsets, outputs)
    np.testing.assert_allclose(scores["per_row"], 1)
    assert scores["mean"] == pytest.approx(1)
    opposite = linear_datamodeling_score(-attributions, subsets, outputs)
    assert opposite["mean"] == pytest.approx(-1)


def test_it_is_the_mean_of_rank_correlations():
    rng = np.random.default_rng(0)
    attributions = rng.integers(-2, 3, (12, 4))
    subsets, outputs = rng.random((15, 12)) < 0.4, rng.integers(0, 5, (15, 4))
    scores = linear_datamodeling_score(attributions, subsets, outputs)
    expected = [
        spearmanr(subsets @ attributions[:, e], outputs[:, e]).statistic
        for e in range(4)
    ]
    np.testing.assert_allclose(scores["per_row"], expected)
    assert scores["mean"] == pytest.approx(np.mean(expected))
    assert type(scores["mean"]) is float


def test_only_the_order_of_the_outputs_counts():
    rng = np.random.default_rng(0)
    attributions, subsets = rng.normal(size=(12, 4)), rng.random((15, 12)) < 0.4
    outputs = rng.random((15, 4))
    plain, log = (
        linear_datamodeling_score(attributions, subsets, numbers)["per_row"]
        for numbers in (outputs, np.log(outputs / (1 - outputs)))
    )
    np.testing.assert_array_equal(plain, log)


def test_a_held_out_row_without_order_is_nan_and_does_not_count():
    subsets = np.array([[1, 0], [0, 1], [1, 1]])
    attributions = [[1.0, 0.0, 1.0], [2.0, 0.0, 2.0]]
    outputs = [[1.0, 1.0, 3.0], [2.0, 2.0, 3.0], [3.0, 3.0, 3.0]]
    scores = linear_datamodeling_score(attributions, subsets, outputs)
    np.testing.assert_array_equal(scores["per_row"], [1, np.nan, np.nan])
    assert scores["mean"] == 1
    nothing = linear_datamodeling_score(np.zeros((2, 3)), subsets, outputs)
    assert np.isnan(nothing["mean"])


@pytest.mark.parametrize(
    ("valuator", "model", "data", "least"),
    [
        (InfluenceFunction(Ridge()), Ridge(), regression(noise=80.0), 0.8),
        (InfluenceFunction(), LogisticRegression(), classification(), 0.8),
        (KNNShapley(), LogisticRegression(), classification(), 0.3),
        (
            BoostingInfluence(method="leaf_influence"),
            None,
            classification(400),
            0.3,
        ),
    ],
    ids=["ridge", "logistic", "neighbours", "boosting"],
)
def test_attributions_foretell_retrained_models(valuator, model, data, least):
    X, y, X_val, y_val = data
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    model = valuator.estimators_[0] if model is None else model
    outputs = retrained_outputs(model, X, y, X_val, y_val, n_subsets=30, random_state=0)
    attributions = valuator.attributions(X_val, y_val)
    mean = linear_datamodeling_score(attributions, *outputs)["mean"]
    assert mean > least


# ------------------------------------------------------------------ retrained outputs


def test_outputs_are_those_of_models_trained_on_the_subsets():
    X, y, X_val, y_val = classification()
    labels = np.array(["spam", "ham"])[y]
    subsets, outputs = retrained_outputs(
        LogisticRegression(),
        X,
        labels,
        X_val,
        np.array(["spam", "ham"])[y_val],
        n_subsets=3,
        subset_size=0.3,
        random_state=0,
    )
    assert subsets.dtype == bool
    assert (subsets.sum(axis=1) == round(0.3 * len(X))).all()
    for subset, output in zip(subsets, outputs, strict=True):
        model = LogisticRegression().fit(X[subset], y[subset])
        expected = model.predict_proba(X_val)[np.arange(len(y_val)), y_val]
        np.testing.assert_allclose(output, expected, rtol=1e-5)


def test_outputs_do_not_depend_on_n_jobs_and_leave_random_states_alone():
    X, y, X_val, y_val = classification()
    before = np.random.get_state()[1].copy()
    one, two = (
        retrained_outputs(
            RandomForestClassifier(3),
            *(X, y, X_val, y_val),
            n_subsets=4,
            n_jobs=n_jobs,
            random_state=0,
        )
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    # One seed for all models: without a subset's difference there is none.
    assert len(np.unique(one[1], axis=0)) > 1


def test_a_label_that_a_subset_lacks_has_no_probability():
    X, y, X_val, _ = classification()
    y = y.copy()
    y[0] = 2
    subsets, outputs = retrained_outputs(
        DecisionTreeClassifier(random_state=0),
        *(X, y, X_val[:1], [2]),
        n_subsets=8,
        random_state=0,
    )
    assert 0 < subsets[:, 0].sum() < 8
    assert (outputs[~subsets[:, 0]] == 0).all()


# ---------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("attributions", "subsets", "outputs", "message"),
    [
        ([[np.nan]], [[1], [0]], [[1.0], [2.0]], "attributions contains NaN"),
        ([1.0, 2.0], [[1, 0], [0, 1]], [[1.0], [2.0]], "attributions"),
        ([[1.0], [2.0]], [[1, 2], [0, 1]], [[1.0], [2.0]], "subsets must hold bool"),
        ([[1.0], [2.0]], [1, 0], [[1.0], [2.0]], "subsets must hold bool"),
        ([[1.0], [2.0]], [[1, 0], [0, 1]], [[1.0], [np.inf]], "outputs contains inf"),
        ([[1.0], [2.0]], [[1, 0], [0, 1]], [[1.0, 2.0]], "do not fit"),
        ([[1.0], [2.0]], [[1, 0, 1], [0, 1, 1]], [[1.0], [2.0]], "do not fit"),
        ([[1.0], [2.0]], [[1, 0]], [[1.0]], "subsets holds one subset"),
    ],
)
def test_bad_arguments_are_named(attributions, subsets, outputs, message):
    with pytest.raises(ValueError, match=message):
        linear_datamodeling_score(attributions, subsets, outputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_subsets": 1}, "n_subsets=1"),
        ({"n_subsets": 2.0}, "n_subsets=2.0"),
        ({"subset_size": 1.0}, "subset_size=1.0"),
        ({"subset_size": "half"}, "subset_size='half'"),
        ({"y_val": np.full(20, 7)}, "y_val has labels that y lacks"),
        ({"subset_size": 0.01}, "rows of one class only"),
    ],
)
def test_bad_settings_of_retraining_are_named(changes, message):
    settings = dict(zip(["X", "y", "X_val", "y_val"], classification(), strict=True))
    settings |= {"estimator": LogisticRegression(), "random_state": 0} | changes
    with pytest.raises(ValueError, match=message):
        retrained_outputs(**settings)


class Mute(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


def test_a_classifier_needs_probabilities():
    with pytest.raises(ValueError, match="estimator=Mute has no predict_proba"):
        retrained_outputs(Mute(), *classification())
