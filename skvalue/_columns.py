"""What the columns of a table hold, and how each kind becomes float64 or strings.

A column is of numbers (booleans included), of times (dates, durations, times of day) or
of levels (strings, categories). Whatever else it holds, nothing here can read.
"""

import datetime
import sys
from decimal import Decimal
from numbers import Number, Real

import numpy as np

from .utils._missing import TIMES as SINGLE_TIMES
from .utils._missing import is_missing
from .utils._rows import is_frame
from .utils._sklearn import safe_indexing

NUMBERS, TIMES, LEVELS = "numbers", "times", "levels"

_NUMBERS = (Real, Decimal, np.bool_)


def columns_of(X):
    """Columns of a table, one by one.

    Parameters
    ----------
    X : {ndarray, dataframe} of shape (n_rows, n_features)
        The table.

    Yields
    ------
    column : {ndarray, series} of shape (n_rows,)
        One column.
    """
    for place in range(X.shape[1]):
        yield safe_indexing(X, place, axis=1) if is_frame(X) else X[:, place]


def kind_of(column):
    """What a column holds.

    Parameters
    ----------
    column : {ndarray, series} of shape (n_rows,)
        Of an array or a frame.

    Returns
    -------
    kind : {"numbers", "times", "levels"} or None
        None where nothing here reads it.
    """
    dtype = column.dtype
    if hasattr(dtype, "is_temporal"):
        return _kind_in_polars(dtype)
    if hasattr(dtype, "categories"):
        kind = kind_of(np.asarray(dtype.categories))
        return kind if kind == NUMBERS else LEVELS
    name = str(dtype)
    if name.startswith("period"):
        return TIMES
    kind = getattr(dtype, "kind", None)
    if kind in set("biuf"):
        return NUMBERS
    if kind in {"M", "m"}:
        return TIMES
    if kind == "U" or name.split("[")[0] in {"str", "string", "large_string"}:
        return LEVELS
    return _kind_of_objects(column) if kind == "O" else None


def _kind_in_polars(dtype):
    name = str(dtype)
    if dtype.is_temporal():
        return TIMES
    if dtype.is_numeric() or name in {"Boolean", "Null"}:
        return NUMBERS
    is_level = name.split("(")[0] in {"String", "Categorical", "Enum"}
    return LEVELS if is_level else None


def _kind_of_objects(column):
    values = [value for value in column if not is_missing(value)]
    if all(isinstance(value, _NUMBERS) for value in values):
        return NUMBERS
    if all(isinstance(value, SINGLE_TIMES) for value in values):
        return TIMES
    is_level = all(isinstance(value, (str, Number, np.bool_)) for value in values)
    return LEVELS if is_level else None


def unreadable_item(column):
    """An item of a column that no kind has, for errors.

    Parameters
    ----------
    column : {ndarray, series} of shape (n_rows,)
        For which `kind_of` is None.

    Returns
    -------
    item : object
        The first of them.
    """
    known = (str, np.bool_, *_NUMBERS, *SINGLE_TIMES)
    for value in column:
        if not (is_missing(value) or isinstance(value, known)):
            return value
    return next(value for value in column if not is_missing(value))


# What ColumnTransformer calls: pieces of the table in, arrays out.


def to_floats(piece):
    """Columns of numbers as float64.

    Parameters
    ----------
    piece : {ndarray, dataframe} of shape (n_rows, n_columns)
        Numbers, booleans and missing cells.

    Returns
    -------
    numbers : ndarray of shape (n_rows, n_columns), dtype float64
        NaN where a cell is missing.
    """
    return _converted(piece, _float_column)


def to_seconds(piece):
    """Columns of times as seconds.

    Parameters
    ----------
    piece : {ndarray, dataframe} of shape (n_rows, n_columns)
        Dates and times (since 1970, UTC), durations, times of day.

    Returns
    -------
    seconds : ndarray of shape (n_rows, n_columns), dtype float64
        NaN where a cell is missing.
    """
    return _converted(piece, _seconds_column)


def to_levels(piece):
    """Columns of strings or categories as objects that can be told apart.

    Parameters
    ----------
    piece : {ndarray, dataframe} of shape (n_rows, n_columns)
        Strings, numbers and missing cells.

    Returns
    -------
    levels : ndarray of shape (n_rows, n_columns), dtype object
        Strings; NaN where a cell is missing.
    """
    levels = np.empty(piece.shape, dtype=object)
    for place, column in enumerate(columns_of(piece)):
        levels[:, place] = [
            np.nan if is_missing(value) else str(value) for value in column
        ]
    return levels


def has_missing(numbers):
    """Whether an array of floats holds NaN, seen without a copy of it.

    Parameters
    ----------
    numbers : ndarray
        Of any dtype of numbers.

    Returns
    -------
    has_missing : bool
        False where all are numbers or infinite.
    """
    if numbers.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        suspicious = np.isnan(numbers.sum())
    return bool(suspicious and np.isnan(numbers).any())


def _converted(piece, convert):
    converted = np.empty(piece.shape)
    for place, column in enumerate(columns_of(piece)):
        converted[:, place] = convert(column)
    return converted


def _float_column(column):
    dtype = column.dtype
    if hasattr(dtype, "is_temporal"):
        if not (dtype.is_numeric() or str(dtype) in {"Boolean", "Null"}):
            return _float_column(np.array(column.to_list(), dtype=object))
        return column.cast(sys.modules["polars"].Float64).to_numpy()
    if getattr(dtype, "kind", None) in set("biuf"):
        if hasattr(column, "to_numpy"):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return column
    return [np.nan if is_missing(value) else float(value) for value in column]


def _seconds_column(column):
    dtype = column.dtype
    if hasattr(dtype, "is_temporal"):
        column = np.array(column.to_list(), dtype=object)
    if str(dtype).startswith("period"):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in {"M", "m"}:
        times = np.asarray(column)
        micros = times.astype(f"{times.dtype.kind}8[us]")
        return np.where(np.isnat(micros), np.nan, micros.astype(np.int64) / 1e6)
    return [np.nan if is_missing(value) else _seconds(value) for value in column]


def _seconds(value):
    if isinstance(value, (np.datetime64, np.timedelta64)):
        kind = value.dtype.kind
        return value.astype(f"{kind}8[us]").astype(np.int64) / 1e6
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, datetime.time):
        return _seconds(datetime.datetime.combine(datetime.date(1970, 1, 1), value))
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    zone = value.tzinfo or datetime.UTC
    return value.replace(tzinfo=zone).timestamp()
