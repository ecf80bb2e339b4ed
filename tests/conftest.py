"""Small data that several test files share."""

import os
from importlib.metadata import version

# scikit-learn's checks that array-API dispatch changes nothing need it, before scipy is
# imported; scikit-learn dispatches with this scipy at least.
if tuple(map(int, version("scipy").split(".")[:2])) >= (1, 14):
    os.environ.setdefault("SCIPY_ARRAY_API", "1")

# Pictures of examples in docstrings need no screen.
os.environ.setdefault("MPLBACKEND", "agg")

import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits_problem():
    """300 training and 100 held-out rows of the digits; read-only."""
    X, y = load_digits(return_X_y=True)
    parts = X[:300], y[:300], X[300:400], y[300:400]
    for part in parts:
        part.flags.writeable = False
    return parts
