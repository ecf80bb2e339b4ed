"""Held-out rows that were not transformed as the training rows were: told by the scale.

A Pipeline passes ``X_val`` on as it is, unless its ``transform_input`` names it. Values
on raw held-out rows beside scaled training rows are wrong, and nothing else tells it.
"""

import warnings

import numpy as np
from scipy.sparse import issparse

from .utils._rows import is_frame

# Ten standard deviations of the training rows, and beyond all of them: a rare category
# is as far from its mean, and so is a single row of a heavy tail, but not both.
FAR_OFF = 10.0


def warn_of_other_scale(valuator, X, X_val):
    """Warn where a column of the held-out rows lies far off that of the training rows.

    Parameters
    ----------
    valuator : BaseValuator
        Knows what the columns are called.

    X : {ndarray, sparse matrix, dataframe} of shape (n_samples, ...)
        Training rows. Columns that are constant, or no finite numbers, say nothing.

    X_val : like X, of shape (n_val, ...), or None
        Held-out rows, where there are any.
    """
    if X_val is None:
        return
    names = getattr(valuator, "feature_names_in_", None)
    if is_frame(X) and not is_frame(X_val):
        return
    if is_frame(X):
        names, X, X_val = _numbers(X, X_val)
    kinds = [getattr(rows, "dtype", np.dtype("O")).kind for rows in (X, X_val)]
    if not set(kinds) <= set("iuf"):
        return
    mean, low, high = (np.atleast_1d(part) for part in _range(X, X_val))
    outside = np.flatnonzero((low < high) & ((mean < low) | (mean > high)))
    far = []
    for column in outside:
        center, spread = _center(X, column)
        if abs(mean[column] - center) > FAR_OFF * spread:
            times = abs(mean[column] - center) / spread
            far.append((times, column, mean[column], center, spread))
    if far:
        _warn(far, names, X.shape)


def _warn(far, names, shape):
    times, column, mean, center, spread = max(far)
    named = ""
    if len(shape) == 2:
        # An encoder may have made other columns of those that have names.
        is_named = names is not None and len(names) == shape[1]
        named = f" of column {repr(names[column]) if is_named else column}"
    others = f" (and {len(far) - 1} more)" if len(far) > 1 else ""
    warnings.warn(
        f"X_val: the mean{named}{others}, {mean:.3g}, lies {times:.3g} standard "
        f"deviations from that of X, {center:.3g} +- {spread:.3g}. Held-out rows must "
        "be transformed as X was; a Pipeline does so if it has "
        'transform_input=["X_val"].',
        UserWarning,
        stacklevel=4,
    )


def _numbers(X, X_val):
    """Names of the columns of numbers of a frame, and those columns as arrays."""
    columns = {}
    for name in X.columns:
        pair = np.asarray(X[name]), np.asarray(X_val[name])
        if all(part.dtype.kind in "iuf" and np.isfinite(part).all() for part in pair):
            columns[name] = pair
    if not columns:
        return [], None, None
    ours, theirs = zip(*columns.values(), strict=True)
    return list(columns), np.column_stack(ours), np.column_stack(theirs)


def _range(X, X_val):
    """Mean of the held-out rows, and the smallest and the largest training number."""
    if X.ndim != 2:
        return X_val.mean(dtype=np.float64), X.min(), X.max()
    mean = np.asarray(X_val.mean(axis=0, dtype=np.float64)).ravel()
    if issparse(X):
        return mean, X.min(axis=0).toarray().ravel(), X.max(axis=0).toarray().ravel()
    return mean, X.min(axis=0), X.max(axis=0)


def _center(X, column):
    """Mean and standard deviation of a column, or of all numbers."""
    values = X[:, [column]] if X.ndim == 2 else X
    values = values.toarray() if issparse(values) else values
    return values.mean(dtype=np.float64), values.std(dtype=np.float64)
