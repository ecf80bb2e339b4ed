"""Neither the default dtype nor inference mode of the caller changes a value."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from skorch import NeuralNetClassifier

from skvalue import (
    DVRL,
    AmortizedShapley,
    DataShapley,
    InfluenceFunction,
    LeaveOneOut,
    NDDVValuator,
)
from skvalue.neighbors._device_order import DeviceNeighbourOrder
from skvalue.utils._torch_state import plain_torch

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = (X[:, 0] + 0.5 * rng.normal(size=40) > 0).astype(int)


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


STATES = {
    "float64": lambda: default_dtype(torch.float64),
    "inference": torch.inference_mode,
    "no_grad": torch.no_grad,
}


def linear(n_inputs):
    return torch.nn.Linear(n_inputs, 1)


def two_logits():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2).float()


def skorch_net():
    return NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=3,
        module__out_features=2,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=3,
        train_split=None,
        verbose=0,
    )


WALKS = {"max_evaluations": 1500, "min_coalition_size": 5, "cv": 2, "random_state": 0}
CASES = {
    "nddv": NDDVValuator(n_members=2, max_epochs=3, random_state=0),
    "nddv, a module": NDDVValuator(
        module=lambda n: torch.nn.Linear(n, n), n_members=1, max_epochs=3
    ),
    "amortized": AmortizedShapley(
        DataShapley(**WALKS), max_epochs=(2,), random_state=0
    ),
    "amortized, a module": AmortizedShapley(
        DataShapley(**WALKS),
        module=lambda n: torch.nn.Linear(3, n),
        max_epochs=(2,),
        random_state=0,
    ),
    "dvrl": DVRL(LogisticRegression(), max_epochs=4, cv=2, random_state=0),
    "influence": InfluenceFunction(two_logits(), damping=0.1),
    "influence, skorch": InfluenceFunction(skorch_net(), solver="cg", damping=0.1),
    "engine": DataShapley(**WALKS),
    "engine, ridge": DataShapley(Ridge(), **WALKS),
    "engine, leave one out": LeaveOneOut(LogisticRegression(), cv=2, random_state=0),
}


def fitted(name):
    y = X[:, 1] if "ridge" in name else Y
    valuator = CASES[name]
    if "random_state" in valuator.get_params():
        valuator.set_params(random_state=0)
    held_out = {"X_val": X[:20], "y_val": y[:20]} if "influence" in name else {}
    valuator.fit(X, y, **held_out)
    values = [valuator.data_values_]
    if hasattr(valuator, "predict_values"):
        values.append(valuator.predict_values(X, y))
    return np.concatenate(values)


@pytest.mark.parametrize("name", CASES)
def test_values_do_not_depend_on_the_callers_torch(name):
    expected = fitted(name)
    for state in STATES.values():
        with state():
            before = torch.get_default_dtype(), torch.is_grad_enabled()
            assert_array_equal(fitted(name), expected)
            assert (torch.get_default_dtype(), torch.is_grad_enabled()) == before


@pytest.mark.parametrize("state", STATES)
def test_orders_of_neighbours_do_not_depend_on_the_callers_torch(state):
    expected = DeviceNeighbourOrder(X, "cpu").sorted_keys(X[:5])
    with STATES[state]():
        order = DeviceNeighbourOrder(X, "cpu")
        assert_array_equal(order.sorted_keys(X[:5]), expected)
    assert_array_equal(order.sorted_keys(X[:5]), expected)


class ReadsTorch(ClassifierMixin, BaseEstimator):
    """Fails where torch is not as its owner has set it."""

    def fit(self, X, y):
        assert torch.get_default_dtype() == torch.float64
        assert torch.is_inference_mode_enabled()
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        assert torch.is_inference_mode_enabled()
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize(
    "valuator",
    [
        DVRL(ReadsTorch(), max_epochs=2, cv=2),
        DataShapley(ReadsTorch(), max_evaluations=200, cv=2),
    ],
    ids=["dvrl", "refits"],
)
def test_the_users_estimator_finds_torch_as_it_was_set(valuator):
    with default_dtype(torch.float64), torch.inference_mode():
        valuator.fit(X, Y)
    assert len(valuator.data_values_) == 40


def test_the_last_of_concurrent_users_gives_the_dtype_back():
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with plain_torch():
            inside.set()
            leave.wait()

    with default_dtype(torch.float64):
        thread = threading.Thread(target=stay)
        thread.start()
        inside.wait()
        with plain_torch():
            assert torch.get_default_dtype() == torch.float32
        # The thread is not done yet.
        assert torch.get_default_dtype() == torch.float32
        leave.set()
        thread.join()
        assert torch.get_default_dtype() == torch.float64


def test_an_error_gives_torch_back():
    with default_dtype(torch.float64), torch.inference_mode():
        with pytest.raises(ZeroDivisionError), plain_torch():
            assert not torch.is_inference_mode_enabled()
            raise ZeroDivisionError
        assert torch.get_default_dtype() == torch.float64
        assert torch.is_inference_mode_enabled()
