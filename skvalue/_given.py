"""Rows as a user gave them: what they are, and whether they are numbers already."""

from numbers import Number

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ._columns import (
    NUMBERS,
    columns_of,
    has_missing,
    kind_of,
    to_floats,
    unreadable_item,
)
from ._gate import as_floats
from .utils._rows import is_frame, take_rows
from .utils._sklearn import num_samples


def as_given(X):
    """What rows are, and the rows where they can be indexed.

    Parameters
    ----------
    X : object
        What a user gave.

    Returns
    -------
    kind : {"sparse", "frame", "table", "texts", "other", "numbers"}
        "table": an array of strings or objects with columns; "texts": strings, one a
        row; "other": a list of what is no number; "numbers": what is left to
        `check_array`, be it good or bad.

    rows : object
        X itself, or an array or sparse matrix of the same rows.
    """
    if issparse(X):
        # What cannot be indexed cannot be checked for infinite numbers either.
        is_checked = X.format in {"csr", "csc", "coo", "bsr", "dia"}
        return "sparse", X if is_checked else X.tocsr()
    if is_frame(X):
        dtypes = list(X.dtypes)
        if dtypes and all(str(dtype).startswith("Sparse[") for dtype in dtypes):
            return "sparse", csr_array(X.sparse.to_coo())
        return "frame", X
    if isinstance(X, (str, bytes, dict, set)) or X is None:
        return "numbers", X
    if not (hasattr(X, "__len__") or hasattr(X, "__array__")):
        return "numbers", X
    try:
        array = np.asarray(X)
        if array.dtype.kind == "U" and not isinstance(X, np.ndarray):
            # Numbers beside strings would be strings.
            array = np.array(X, dtype=object)
    except ValueError:
        return ("other" if isinstance(X, (list, tuple)) else "numbers"), X
    if array.ndim == 1 and len(array) and all(isinstance(row, str) for row in array):
        return "texts", X
    if array.dtype.kind in "OUMm" and type(array) is np.ndarray:
        if array.ndim == 2:
            return "table", array
        if array.ndim == 1 and len(array) and not isinstance(array[0], Number):
            return "other", X
    return "numbers", X


def is_plain(kind, rows):
    """Whether rows are numbers without missing cells, which need no encoding.

    Parameters
    ----------
    kind, rows
        What `as_given` returned.

    Returns
    -------
    is_plain : bool
        True also for what `check_array` refuses.
    """
    if kind in {"frame", "table"}:
        return all(
            kind_of(column) == NUMBERS and not _has_missing(column)
            for column in columns_of(rows)
        )
    if kind != "numbers":
        return kind == "sparse"
    try:
        array = np.asarray(rows)
    except (TypeError, ValueError):
        return True
    return not has_missing(array)


def _has_missing(column):
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        return False
    return has_missing(_floats(column))


def _floats(column):
    is_array = isinstance(column, np.ndarray)
    return to_floats(column[:, None] if is_array else column.to_frame())


def check_given(valuator, X, given, name, *, reset=False):
    """Rows as they came, with what can be said of any: their number and their columns.

    Parameters
    ----------
    valuator : BaseValuator
        Remembers, or compares, the number and the names of the columns.

    X : object
        What the user gave.

    given : tuple of (kind, rows)
        What `as_given` made of it.

    name : str
        The argument, for errors.

    reset : bool, default=False
        Whether these are training rows.

    Returns
    -------
    rows : {ndarray, dataframe, sparse matrix, list}
        Never an infinite number among them.
    """
    kind, rows = given
    n_rows, least = num_samples(rows), 2 if reset else 1
    if n_rows < least:
        raise ValueError(
            f"Found array with {n_rows} sample(s) in {name} while a minimum of {least} "
            "is required."
        )
    columns = X if is_frame(X) else rows
    if kind in {"numbers", "sparse"}:
        rows = check_array(
            rows,
            accept_sparse="csr",
            dtype=None,
            ensure_all_finite="allow-nan" if kind == "numbers" else True,
            allow_nd=valuator._allow_nd,
            input_name=name,
            estimator=valuator,
        )
        rows = as_floats(rows, name)
        columns = X if is_frame(X) else rows
    elif kind in {"frame", "table"} and rows.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) in {name} while a minimum of 1 is required."
        )
    validate_data(valuator, columns, reset=reset, skip_check_array=True)
    if kind in {"frame", "table"}:
        _refuse_infinity(rows, name, valuator)
    return rows


def _refuse_infinity(rows, name, valuator):
    for place, column in enumerate(columns_of(rows)):
        if kind_of(column) == NUMBERS and np.isinf(_floats(column)).any():
            raise ValueError(
                f"{name}: column {_name_of(valuator, place)} contains infinity; "
                "correct it, or leave it missing."
            )


def check_readable(rows, name, valuator):
    """Raise where a column holds what no encoder of ours reads.

    Parameters
    ----------
    rows : object
        Training rows, as `check_given` returned them.

    name : str
        The argument, for errors.

    valuator : BaseValuator
        Knows the names of the columns.
    """
    if not is_frame(rows) and len(getattr(rows, "shape", ())) < 2:
        (first,) = take_rows(rows, np.arange(1))
        if isinstance(first, (list, tuple)):
            raise ValueError(
                f"{name} has rows of inhomogeneous lengths, or cells that are lists; "
                "give each row as many cells, or an encoder that reads such rows."
            )
        if not isinstance(first, str):
            raise ValueError(
                f"{name} is a list of {type(first).__name__} objects, which "
                'encoder="auto" does not read; give an encoder that does.'
            )
        return
    if not is_frame(rows) and rows.dtype.kind != "O":
        return
    for place, column in enumerate(columns_of(rows)):
        if kind_of(column) is None:
            item = unreadable_item(column)
            raise TypeError(
                f"{name}: column {_name_of(valuator, place)} holds "
                f"{type(item).__name__} objects, such as {str(item)[:40]!r}, but to "
                'encoder="auto" an argument must be a string, a time or a number; drop '
                "the column, or give an encoder that reads it."
            )


def _name_of(valuator, place):
    names = getattr(valuator, "feature_names_in_", None)
    return place if names is None else repr(str(names[place]))
