"""A fit that fails leaves the estimator as it was, whatever it failed of."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.linear_model import LogisticRegression
from test_input_sweep import ESTIMATORS

import skvalue
from skvalue.base import BaseValuator

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = (X[:, 0] + rng.normal(size=40) > 0).astype(int)
OTHER_X, OTHER_Y = X[:36, :2] * 3, np.array(["a", "b", "c"])[np.arange(36) % 3]
VALUATORS = {
    name: estimator
    for name, estimator in ESTIMATORS.items()
    if isinstance(estimator, BaseValuator)
}


def state(estimator):
    """Hashes of all public fitted attributes that are numbers."""
    return {
        name: joblib.hash(value)
        for name, value in vars(estimator).items()
        if isinstance(value, (np.ndarray, int, float, str)) or name == "_sums"
    }


@pytest.fixture(scope="module")
def fitted():
    """One fit of each, which every test must leave alone."""
    estimators = {
        name: clone(estimator).fit(X, Y) for name, estimator in ESTIMATORS.items()
    }
    return estimators


REFUSED = {
    "too few labels": (OTHER_X, OTHER_Y[:-1], {}),
    "infinity in other columns": (np.where(OTHER_X > 6, np.inf, OTHER_X), OTHER_Y, {}),
    "one class": (OTHER_X, ["a"] * 36, {}),
    "unseen held-out label": (OTHER_X, OTHER_Y, {"X_val": OTHER_X, "y_val": [9] * 36}),
    "X_val alone": (OTHER_X, OTHER_Y, {"X_val": OTHER_X}),
}
REFUSED["infinity in other columns"][0][0, 0] = np.inf


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_refit_leaves_the_fit_as_it_was(fitted, name, case):
    rows, labels, held_out = REFUSED[case]
    estimator = fitted[name]
    before, attributes = state(estimator), dict(vars(estimator))
    with pytest.raises((ValueError, TypeError)):
        estimator.fit(rows, labels, **held_out)
    assert vars(estimator) == attributes
    assert state(estimator) == before
    assert estimator.n_features_in_ == 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("name", VALUATORS)
def test_a_fit_that_stops_at_its_end_leaves_the_fit_as_it_was(
    fitted, name, error, monkeypatch
):
    valuator = fitted[name]
    before, attributes = state(valuator), dict(vars(valuator))

    def stop(valuator, n_samples):
        raise error("stopped")

    monkeypatch.setattr("skvalue.base.check_values", stop)
    with pytest.raises(error, match="stopped"):
        valuator.fit(OTHER_X * 1.0, OTHER_Y)
    assert vars(valuator) == attributes
    assert state(valuator) == before


def test_an_unfitted_valuator_stays_unfitted():
    valuator = skvalue.KNNShapley()
    with pytest.raises(ValueError, match="one class"):
        valuator.fit(X, np.zeros(40))
    assert vars(valuator) == vars(skvalue.KNNShapley())


WARM = {
    "DataShapley": (
        skvalue.DataShapley(
            max_evaluations=20, tol=None, cv=2, warm_start=True, random_state=0
        ),
        {"max_evaluations": 40},
    ),
    "DataOOB": (
        skvalue.DataOOB(n_estimators=100, warm_start=True, random_state=0),
        {"n_estimators": 200},
    ),
    "AmortizedShapley": (
        skvalue.AmortizedShapley(
            skvalue.DataShapley(max_evaluations=20, tol=None, cv=2),
            max_epochs=(1,),
            warm_start=True,
            random_state=0,
        ),
        {"valuator__max_evaluations": 40},
    ),
}


@pytest.mark.parametrize("name", WARM)
def test_a_warm_start_goes_on_after_a_fit_that_was_stopped(name, monkeypatch):
    valuator, more = WARM[name]
    straight = clone(valuator).fit(X, Y).set_params(**more).fit(X, Y)
    stopped = clone(valuator).fit(X, Y)
    first = stopped.data_values_.copy()
    stopped.set_params(**more)
    with monkeypatch.context() as patch:
        patch.setattr("skvalue.base.check_values", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stopped.fit(X, Y)
    assert_array_equal(stopped.data_values_, first)
    with pytest.raises(ValueError):
        stopped.fit(X[:, :1], Y[:-1])
    assert_array_equal(stopped.fit(X, Y).data_values_, straight.data_values_)


def test_what_is_fitted_on_the_kept_rows_is_left_alone_too():
    model = skvalue.CuratedEstimator(LogisticRegression(), skvalue.KNNShapley())
    model.fit(X, Y)
    attributes = dict(vars(model))
    # Refused by the estimator, after the valuation.
    model.set_params(estimator__C=-1.0)
    with pytest.raises(ValueError, match="'C' parameter"):
        model.fit(OTHER_X, OTHER_Y)
    assert vars(model) == attributes
    sampler = skvalue.ValueSampler(skvalue.KNNShapley(drop=0.1)).fit(X, Y)
    attributes = dict(vars(sampler))
    sampler.set_params(valuator__drop=0.99)
    with pytest.raises(ValueError, match="drop"):
        sampler.fit_resample(OTHER_X, OTHER_Y)
    assert vars(sampler) == attributes


def test_callbacks_are_torn_down_after_a_fit_that_failed(monkeypatch, capsys):
    valuator = skvalue.KNNShapley(cv=2).set_callbacks(ProgressBar())
    torn_down = []
    monkeypatch.setattr(
        ProgressBar, "teardown", lambda *args, **kwargs: torn_down.append(args)
    )
    monkeypatch.setattr(ProgressBar, "setup", lambda *args, **kwargs: None)
    monkeypatch.setattr(ProgressBar, "on_fit_task_begin", lambda *args, **kwargs: None)
    monkeypatch.setattr("skvalue.base.check_values", lambda *args: 1 / 0)
    monkeypatch.setattr(ProgressBar, "on_fit_task_end", lambda *args, **kwargs: None)
    with pytest.raises(ZeroDivisionError):
        valuator.fit(X, Y)
    assert len(torn_down) == 1
    assert not hasattr(valuator, "_callback_fit_ctx")
