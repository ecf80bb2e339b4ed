"""The gate for numbers: rows and targets as every method can compute on them.

Numbers become native, aligned, C-contiguous float64, or stay float32 where they are:
whole numbers of any width (their differences overflow), float16 (its sums overflow),
longdouble, other byte orders and odd strides. Nothing is copied that needs no change.

One rule for all methods says which numbers can be valued. A number :math:`x` of a
column :math:`j`, of smallest and largest numbers :math:`l_j < h_j`, must have

.. math:: |x| \\le 10^{36}, \\quad h_j - l_j \\ge 10^{-36}, \\quad
          \\sigma_j > 4 n \\epsilon \\max(|l_j|, |h_j|),

so that it fits single precision, that sums of its fourth powers fit double precision
and that no scaler takes the column for constant. Columns that are constant, exactly or
in all but their last digits, may hold any such number.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from .utils._rows import narrow_indices

LARGEST, SMALLEST = 1e36, 1e-36
# Single precision keeps to these: squares of larger ones, summed, may overflow.
LARGEST_SINGLE, SMALLEST_SINGLE = 1e15, 1e-15
# Other rows may be so many times the spread of the training rows away from them: the
# fourth power, in single precision, is still a number.
FAR = 1e9
# Held-out rows are made dense up to so many numbers (2 GiB).
MAX_DENSE = 2**28
EPSILON = np.finfo(np.float64).eps


class Range(NamedTuple):
    """The smallest and the largest number of each column of the training rows."""

    low: np.ndarray
    high: np.ndarray

    @property
    def size(self):
        """Largest absolute number of each column."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def spread(self):
        """Largest difference in each column; of whole numbers without overflow."""
        return self.high - self.low


def pass_training(X, name, column_names=None):
    """Training rows, or real targets, as numbers that every method can compute on.

    Parameters
    ----------
    X : {ndarray, sparse matrix or array} of shape (n_samples, ...)
        Finite numbers of any dtype, as `check_array` leaves them; never changed.

    name : str
        The argument, for errors.

    column_names : sequence of str or None, default=None
        What errors call the columns; None for their numbers.

    Returns
    -------
    X : {ndarray, sparse matrix or array} of shape (n_samples, ...)
        The same numbers.

    limits : Range
        Of its columns; of all numbers where X has not two dimensions.
    """
    passed = as_floats(X, name)
    limits = _range(X if _is_whole(X) and not issparse(X) else passed)
    column = _Namer(name, column_names if passed.ndim == 2 else ())
    _refuse_large(limits, column)
    spread, size = limits.spread, limits.size
    too_close = np.flatnonzero((spread > 0) & (spread < SMALLEST))
    if len(too_close):
        raise ValueError(
            f"{column(too_close[0])} varies by {spread[too_close[0]]:g} only, which "
            f"is too little to compute with (less than {SMALLEST:g}); rescale it."
        )
    rounding = 0.0 if _is_whole(X) else 4 * EPSILON
    n_samples = passed.shape[0]
    # No deviation that is too small has a larger spread.
    doubtful = (spread > rounding * size) & (
        spread < 8 * n_samples**1.5 * EPSILON * size
    )
    for place in np.flatnonzero(doubtful):
        values = passed[:, [place]] if passed.ndim == 2 else passed
        values = values.toarray() if issparse(values) else values
        deviation = np.std(values - values.ravel()[0], dtype=np.float64)
        if deviation <= 4 * n_samples * EPSILON * size[place]:
            raise ValueError(
                f"{column(place)} varies by {spread[place]:g} beside numbers of "
                f"{size[place]:g}, which double precision hardly tells apart; subtract "
                "an offset, or rescale it."
            )
    beyond_single = (size > LARGEST_SINGLE) | (
        (spread > 0) & (spread < SMALLEST_SINGLE)
    )
    if passed.dtype == np.float32 and beyond_single.any():
        passed = passed.astype(np.float64)
    return passed, limits


def pass_others(X, name, limits, column_names=None):
    """Rows or targets other than those of training, which may be somewhat larger.

    Parameters
    ----------
    X : {ndarray, sparse matrix or array} of shape (n_rows, ...)
        Finite numbers of any dtype; never changed.

    name : str
        The argument, for errors.

    limits : Range
        Of the training rows.

    column_names : sequence of str or None, default=None
        What errors call the columns; None for their numbers.

    Returns
    -------
    X : {ndarray, sparse matrix or array} of shape (n_rows, ...)
        The same numbers.
    """
    passed = as_floats(X, name)
    own = _range(passed)
    column = _Namer(name, column_names if passed.ndim == 2 else ())
    _refuse_large(own, column)
    unit = np.where(limits.spread > 0, limits.spread, np.maximum(limits.size, 1.0))
    far = np.flatnonzero(
        (own.high - limits.high > FAR * unit) | (limits.low - own.low > FAR * unit)
    )
    if len(far):
        place = far[0]
        raise ValueError(
            f"{column(place)} holds numbers from {own.low[place]:g} to "
            f"{own.high[place]:g}, too far from those of training ("
            f"{limits.low[place]:g} to {limits.high[place]:g}) to compute with; "
            "correct or rescale it."
        )
    return passed


def as_floats(X, name):
    """The same numbers as native float64 or float32, contiguous; the form of X."""
    if not issparse(X):
        return np.require(_floats(X, name), requirements=["C", "A"])
    data = _floats(X.data, name)
    if data is not X.data:
        X = type(X)((data, X.indices, X.indptr), shape=X.shape)
    X = narrow_indices(X)
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def _floats(numbers, name):
    if numbers.dtype in (np.float64, np.float32):
        return numbers
    if numbers.dtype == object:
        return numbers.astype(np.float64)
    if numbers.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} holds {numbers.dtype}, but real numbers are needed; convert it."
        )
    with np.errstate(over="ignore", under="ignore"):
        converted = numbers.astype(np.float64)
    if numbers.dtype.kind == "f":
        overflows = ~np.isfinite(converted) & np.isfinite(numbers)
        lost = overflows | ((converted == 0) & (numbers != 0))
        if lost.any():
            number = numbers[lost][0]
            raise ValueError(
                f"{name} holds {number!s}, which is beyond float64; rescale it."
            )
    return converted


def to_form(X, like, name):
    """Rows in the form and dtype of the training rows.

    Parameters
    ----------
    X : {ndarray, sparse matrix or array} of shape (n_rows, n_features)
        As `pass_others` returns them.

    like : tuple of (type, dtype)
        Class and dtype of the training rows.

    name : str
        The argument, for errors.

    Returns
    -------
    X : ndarray, sparse matrix or array
        Dense beside dense training rows, sparse beside sparse ones.
    """
    form, dtype = like
    if issparse(X) and form is np.ndarray:
        if np.prod(X.shape, dtype=float) > MAX_DENSE:
            raise ValueError(
                f"{name} is sparse, X was dense, and {X.shape[0]} x {X.shape[1]} "
                "numbers are too many to make dense; give both sparse, or fewer rows."
            )
        X = X.toarray()
    elif form is not np.ndarray and type(X) is not form:
        X = form(X)
    return X.astype(dtype, copy=False)


class _Namer:
    """What errors call a column, or all numbers."""

    def __init__(self, name, column_names):
        self.name, self.column_names = name, column_names

    def __call__(self, place):
        if self.column_names is None:
            return f"{self.name}: column {place}"
        if len(self.column_names) == 0:
            return self.name
        return f"{self.name}: column {self.column_names[place]!r}"


def _refuse_large(limits, column):
    size = limits.size
    large = np.flatnonzero(size > LARGEST)
    if len(large):
        raise ValueError(
            f"{column(large[0])} holds numbers of size {size[large[0]]:g}, which are "
            f"too large to compute with (more than {LARGEST:g}); rescale it."
        )


def _range(X):
    if issparse(X):
        low, high = (bound(axis=0).toarray().ravel() for bound in (X.min, X.max))
    else:
        axis = 0 if X.ndim == 2 else None
        low, high = (np.atleast_1d(bound(axis=axis)) for bound in (X.min, X.max))
    # Wider than 64-bit integers, where the platform has it: their difference is exact.
    return Range(low.astype(np.longdouble), high.astype(np.longdouble))


def _is_whole(X):
    return X.dtype.kind in "iub"
