"""Held-out rows that were not transformed as the training rows were: told by the scale.

A Pipeline passes ``X_val`` on as it is, unless its ``transform_input`` names it. Values
on raw held-out rows beside scaled training rows are wrong, and nothing else tells it.
"""

import warnings

import numpy as np
from scipy.sparse import issparse

# Ten standard deviations of the training rows, and beyond all of them: a rare category
# is as far from its mean, and so is a single row of a heavy tail, but not both.
FAR_OFF = 10.0


def warn_of_other_scale(X, X_val, limits, names):
    """Warn where a column of the held-out rows lies far off that of the training rows.

    Parameters
    ----------
    X, X_val : {ndarray, sparse matrix} of shape (n_rows, ...)
        Finite numbers; columns that are constant in `X` say nothing.

    limits : Range
        Of `X`: lowest and highest number of each column, or of all of `X` where that
        has not two dimensions.

    names : sequence of str or None
        What the columns are called; None: by their numbers.
    """
    mean = _mean(X_val)
    low, high = (np.asarray(bound, dtype=np.float64) for bound in limits)
    outside = np.flatnonzero((low < high) & ((mean < low) | (mean > high)))
    far = [
        (abs(mean[column] - center) / spread, column, center, spread)
        for column in outside
        for center, spread in [_center(X, column)]
        if abs(mean[column] - center) > FAR_OFF * spread
    ]
    if not far:
        return
    times, column, center, spread = max(far)
    named = ""
    if X.ndim == 2:
        named = f" of column {column if names is None else repr(names[column])}"
    others = f" (and {len(far) - 1} more)" if len(far) > 1 else ""
    warnings.warn(
        f"X_val: the mean{named}{others}, {mean[column]:.3g}, lies {times:.3g} "
        f"standard deviations from that of X, {center:.3g} +- {spread:.3g}. Held-out "
        "rows must be transformed as X was; a Pipeline does so if it has "
        'transform_input=["X_val"].',
        UserWarning,
        stacklevel=3,
    )


def _mean(X):
    if X.ndim != 2:
        return np.atleast_1d(X.mean(dtype=np.float64))
    return np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()


def _center(X, column):
    """Mean and standard deviation of a column, or of all numbers."""
    values = X[:, [column]] if X.ndim == 2 else X
    values = values.toarray() if issparse(values) else values
    return values.mean(dtype=np.float64), values.std(dtype=np.float64)
