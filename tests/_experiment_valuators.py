"""Valuators for experiments: one knows the truth, one guesses, one fails.

The truth is a column of X: see `with_truth`.
"""

import os
import signal
from pathlib import Path

import numpy as np

from skvalue.base import BaseValuator
from skvalue.datasets import make_two_planes


def with_truth(n_samples=200, random_state=0):
    """Rows whose last two columns are their true label and their number."""
    X, y = make_two_planes(n_samples, random_state=random_state)
    return np.column_stack([X, y, np.arange(n_samples)]), y


class Oracle(BaseValuator):
    """1 where the label is the true one, else 0; less a bit, so that none are equal."""

    def _fit(self, X, y, X_val, y_val):
        right = X[:, -2] == self.classes_[y]
        self.data_values_ = right - 1e-6 * np.arange(len(y))


class Guess(BaseValuator):
    """Random values."""

    def _fit(self, X, y, X_val, y_val):
        rng = np.random.RandomState(self.random_state)
        self.data_values_ = rng.standard_normal(len(y))


class Broken(BaseValuator):
    """Fails where the first row has an even number, or always."""

    def __init__(self, *, always=True, random_state=None):
        super().__init__(random_state=random_state)
        self.always = always

    def _fit(self, X, y, X_val, y_val):
        if self.always or X[0, -1] % 2 == 0:
            raise RuntimeError("broken on purpose")
        self.data_values_ = np.arange(len(y), dtype=np.float64)


class Logged(Oracle):
    """An oracle that writes a line for each fit, with the rows that it saw.

    With the environment variable ``KILL_AT`` the process is killed when the file has so
    many lines.
    """

    def __init__(self, log=None, *, random_state=None):
        super().__init__(random_state=random_state)
        self.log = log

    def _fit(self, X, y, X_val, y_val):
        super()._fit(X, y, X_val, y_val)
        held_out = [] if X_val is None else X_val[:, -1]
        numbers = [
            " ".join(str(int(number)) for number in part)
            for part in (X[:, -1], y, held_out)
        ]
        path = Path(self.log)
        with path.open("a", encoding="utf-8") as file:
            file.write(";".join(numbers) + "\n")
        if len(path.read_text(encoding="utf-8").splitlines()) == int(
            os.environ.get("KILL_AT", 0)
        ):
            os.kill(os.getpid(), signal.SIGKILL)
