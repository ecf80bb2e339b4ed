"""What a user's model predicts: aligned to the labels, finite, or an error by name."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge

import skvalue
from skvalue.utils._predictions import class_probabilities, finite_predictions

X, Y = make_classification(
    60, 4, n_classes=3, n_informative=3, n_redundant=0, random_state=0
)
LABELS = np.array(["a", "b", "c"])[Y]


class Wrapped(ClassifierMixin, BaseEstimator):
    """A logistic regression, spoiled in one way."""

    def __init__(self, how="reversed"):
        self.how = how

    def fit(self, X, y):
        self.model_ = LogisticRegression(max_iter=1000).fit(X, y)
        if self.how != "nameless":
            self.classes_ = self.model_.classes_[::-1]
        return self

    def predict_proba(self, X):
        probabilities = self.model_.predict_proba(X)[:, ::-1].copy()
        if self.how == "nan":
            probabilities[0] = np.nan
        return probabilities[:, :-1] if self.how == "narrow" else probabilities

    def predict(self, X):
        return self.model_.predict(X)


class NaNRegressor(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.full(len(X), np.nan)


def valuators(model):
    walks = {"cv": 2, "max_evaluations": 40, "tol": None}
    return {
        "AME": skvalue.AME(model, max_evaluations=20, cv=2),
        "DVRL": skvalue.DVRL(model, max_epochs=2, cv=2),
        "DataBanzhaf": skvalue.DataBanzhaf(model, **walks),
        "DataBanzhaf, log-loss": skvalue.DataBanzhaf(
            model, scoring="neg_log_loss", **walks
        ),
        "DataOOB": skvalue.DataOOB(model, n_estimators=30),
        "LeaveOneOut": skvalue.LeaveOneOut(model, cv=2),
        "SelfConfidence": skvalue.SelfConfidence(model, cv=2),
    }


@pytest.mark.parametrize("name", valuators(None))
def test_values_do_not_depend_on_the_order_of_the_models_classes(name):
    held_out = {"X_val": X[40:], "y_val": LABELS[40:]}
    plain = LogisticRegression(max_iter=1000)
    # The engine stands in for a plain logistic regression: a subclass is refitted.
    plain = type("Refitted", (LogisticRegression,), {})(max_iter=1000)
    values = [
        clone(valuators(model)[name])
        .set_params(random_state=0)
        .fit(X[:40], LABELS[:40], **held_out)
        .data_values_
        for model in (plain, Wrapped())
    ]
    assert_allclose(values[1], values[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("how", ["nan", "nameless", "narrow"])
@pytest.mark.parametrize("name", valuators(None))
def test_probabilities_that_are_none_raise_and_name_the_estimator(name, how):
    valuator = valuators(Wrapped(how))[name].set_params(random_state=0)
    with pytest.raises((ValueError, RuntimeError), match="Wrapped"):
        valuator.fit(X, LABELS)
    assert not hasattr(valuator, "data_values_")


@pytest.mark.parametrize(
    "name", ["AME", "DVRL", "DataBanzhaf", "DataOOB", "LeaveOneOut", "SelfConfidence"]
)
def test_predictions_that_are_nan_raise_and_name_the_estimator(name):
    X, y = make_regression(60, 4, random_state=0)
    valuator = valuators(NaNRegressor())[name].set_params(random_state=0)
    with pytest.raises((ValueError, RuntimeError), match="NaNRegressor"):
        valuator.fit(X, y)


REFUSING = {
    "AME": skvalue.AME,
    "DVRL": skvalue.DVRL,
    "DataOOB": skvalue.DataOOB,
    "DataShapley": skvalue.DataShapley,
    "InfluenceFunction": skvalue.InfluenceFunction,
    "LeaveOneOut": skvalue.LeaveOneOut,
    "SelfConfidence": skvalue.SelfConfidence,
}


@pytest.mark.parametrize("name", REFUSING)
def test_a_classifier_of_real_targets_is_refused_in_one_way(name):
    X, y = make_regression(40, 4, random_state=0)
    message = "y has real targets, but estimator=LogisticRegression is a classifier"
    with pytest.raises(ValueError, match=message):
        REFUSING[name](LogisticRegression()).fit(X, y)


@pytest.mark.parametrize("name", REFUSING)
def test_a_regressor_makes_whole_numbers_real_targets(name):
    y = np.arange(60) % 7
    valuator = REFUSING[name](Ridge())
    quick = {"DataShapley": 100, "AME": 100}.get(name)
    if quick:
        valuator.set_params(max_evaluations=quick)
    if name == "DVRL":
        valuator.set_params(max_epochs=2)
    if name == "DataOOB":
        valuator.set_params(n_estimators=30)
    assert not hasattr(valuator.fit(X, y), "classes_")


def test_columns_go_to_their_classes():
    model = Wrapped().fit(X, Y)
    straight = model.model_.predict_proba(X)
    assert_array_equal(class_probabilities(model, X, np.arange(3)), straight)
    wider = class_probabilities(model, X, np.arange(-1, 4))
    assert_array_equal(wider[:, 1:-1], straight)
    assert_array_equal(wider[:, [0, -1]], 0)
    with pytest.raises(ValueError, match="are not among the labels"):
        class_probabilities(model, X, np.arange(2))
    assert_array_equal(finite_predictions(Ridge().fit(X, Y), X).shape, (60,))
