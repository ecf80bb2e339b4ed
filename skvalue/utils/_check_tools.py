"""What the checks of valuators share: the data, fresh clones, and their assertions."""

import pickle
import random
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import SkipTest

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_blobs


def make_problem():
    """Two far blobs: 60 read-only training rows, every tenth with a wrong label."""
    X, y = make_blobs(
        80, centers=[[-4, -4, 0], [4, 4, 0]], shuffle=False, random_state=0
    )
    order = np.arange(80).reshape(2, 40).T.ravel()
    X, y = X[order], y[order]
    is_flipped = np.zeros(60, dtype=bool)
    is_flipped[[3, 10, 21, 34, 45, 56]] = True
    labels = np.where(is_flipped, 1 - y[:60], y[:60])
    problem = SimpleNamespace(
        X=X[:60], y=labels, X_val=X[60:], y_val=y[60:], is_flipped=is_flipped
    )
    for array in vars(problem).values():
        array.flags.writeable = False
    return problem


def fresh(valuator, random_state=0, **params):
    """An unfitted clone with a fixed seed."""
    valuator = clone(valuator)
    seeds = {
        name: random_state
        for name in valuator.get_params()
        if name == "random_state" or name.endswith("__random_state")
    }
    return valuator.set_params(**seeds, **params)


def name_of(valuator):
    return type(valuator).__name__


def import_pandas():
    try:
        import pandas
    except ImportError as error:
        raise SkipTest("pandas is not installed") from error
    return pandas


def assert_same_values(valuator, actual, expected, what, advice):
    """Bitwise the same values."""
    difference = np.abs(actual.data_values_ - expected.data_values_).max()
    assert np.array_equal(actual.data_values_, expected.data_values_), (
        f"{name_of(valuator)}: {what} changed data_values_ (largest difference "
        f"{difference:.3g}). {advice}"
    )


def assert_close_values(valuator, actual, expected, what, advice):
    """The same values but for rounding."""
    scale = np.ptp(expected.data_values_)
    difference = np.abs(actual.data_values_ - expected.data_values_).max()
    assert difference <= 1e-5 * scale, (
        f"{name_of(valuator)}: {what} changed data_values_ (largest difference "
        f"{difference:.3g}). {advice}"
    )


def assert_raises(valuator, call, argument, what):
    try:
        call()
    except ValueError as error:
        assert argument in str(error), (
            f"{name_of(valuator)}: the error for {what} must name {argument!r}; it "
            f"says: {error}"
        )
    else:
        raise AssertionError(
            f"{name_of(valuator)}: {what} must raise a ValueError that names "
            f"{argument!r}; nothing was raised."
        )


@contextmanager
def restored_global_state():
    """Move the global states to unusual places, and put them back at the end."""
    torch = sys.modules.get("torch")
    saved = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch_saved = None if torch is None else torch.get_rng_state()

    def state():
        states = {
            "random": pickle.dumps(random.getstate()),
            "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002
        }
        if torch is not None:
            states["torch"] = torch.get_rng_state().numpy().tobytes()
        return states

    random.seed(987)
    np.random.seed(987)  # noqa: NPY002
    if torch is not None:
        torch.manual_seed(987)
    try:
        yield state
    finally:
        random.setstate(saved[0])
        np.random.set_state(saved[1])  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(torch_saved)
