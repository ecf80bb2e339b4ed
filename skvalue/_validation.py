"""Validation of rows and labels: one clear error, which names the argument.

What passes is what every method can compute on: numbers through the `_gate`, labels as
codes of their sorted classes. Rows other than the training rows get the form and dtype
of those, so that a method never sees sparse rows beside dense ones.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import (
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from ._gate import (
    SMALLEST,
    Range,
    as_floats,
    pass_others,
    pass_training,
    to_form,
)
from ._targets import is_regression, refuse_several_targets
from .utils._naming import naming
from .utils._sklearn import check_y


class SeenRows(NamedTuple):
    """What validation must know of the training rows later; kept by the valuator."""

    form: type
    dtype: np.dtype
    limits: Range
    # None for class labels.
    target_limits: Range | None


def validate_rows(valuator, X, y):
    """Training rows as an array and their targets as class codes or real numbers.

    Sets ``classes_`` where the target is categorical.
    """
    if y is None:
        raise ValueError(
            f"{type(valuator).__name__} requires y to be passed, but the target y is "
            "None."
        )
    with naming("X"):
        _refuse_by_type(X, "X")
        X = validate_data(
            valuator,
            X,
            accept_sparse=_sparse_format(valuator),
            allow_nd=valuator._allow_nd,
            ensure_min_samples=2,
        )
        names = getattr(valuator, "feature_names_in_", None)
        X, limits = pass_training(X, "X", names)
    with naming("y"):
        _refuse_by_type(y, "y")
        refuse_several_targets(y, "y")
        y = _native(check_y(y, estimator=valuator), "y")
    with naming("X", "y"):
        check_consistent_length(X, y)
    if y.dtype == object:
        _unique(y, "y")
    with naming("y"):
        has_real_targets = is_regression(valuator, y)
    if has_real_targets:
        vars(valuator).pop("classes_", None)
        with naming("y"):
            y, target_limits = pass_training(y.astype(np.float64), "y", ())
            _refuse_constant(y, target_limits)
    else:
        target_limits = None
        valuator.classes_ = classes = _unique(y, "y")
        if len(classes) < 2:
            raise ValueError(
                f"y has one class ({_plain(classes)[0]!r}); values need at least two."
            )
        y = np.searchsorted(classes, y)
    valuator._seen_rows = SeenRows(type(X), X.dtype, limits, target_limits)
    return X, y


def validate_held_out(valuator, X_val, y_val):
    """Held-out rows and their encoded labels; both or neither are given."""
    if X_val is None and y_val is None:
        return None, None
    if X_val is None or y_val is None:
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        raise ValueError(f"{given} is given, but {missing} is not; give both.")
    return validate_more_rows(valuator, X_val, y_val, names=("X_val", "y_val"))


def validate_more_rows(valuator, X, y=None, names=("X", "y")):
    """Rows other than the training rows and, where given, their encoded labels."""
    with naming(names[0]):
        checked = check_more_rows(valuator, X, names[0])
        columns = getattr(valuator, "feature_names_in_", None)
        seen = valuator._seen_rows
        checked = pass_others(checked, names[0], seen.limits, columns)
        checked = to_form(checked, (seen.form, seen.dtype), names[0])
    if y is None:
        return checked
    with naming(names[1]):
        _refuse_by_type(y, names[1])
        refuse_several_targets(y, names[1])
        y = column_or_1d(y, warn=True, input_name=names[1])
        y = _native(y, names[1])
    if len(y) != checked.shape[0]:
        raise ValueError(
            f"{names[0]} has {checked.shape[0]} rows, but {names[1]} has {len(y)} "
            "labels; give one label a row."
        )
    return checked, _encode(valuator, y, names[1])


def check_more_rows(valuator, X, name="X"):
    """Rows of as many columns, and names, as those of training; any finite numbers."""
    _refuse_by_type(X, name)
    is_frame = hasattr(X, "columns")
    # As in fit, the column names of a frame are checked before its content.
    if is_frame:
        validate_data(valuator, X, reset=False, skip_check_array=True)
    checked = check_array(
        X,
        accept_sparse=_sparse_format(valuator),
        allow_nd=valuator._allow_nd,
        input_name=name,
        estimator=valuator,
    )
    if not is_frame:
        validate_data(valuator, checked, reset=False, skip_check_array=True)
    # check_array lets categories of a frame through.
    return checked.astype(np.float64) if checked.dtype == object else checked


def _sparse_format(valuator):
    """The one format in which a method gets sparse rows; False where it takes none."""
    accepted = valuator._accept_sparse
    if isinstance(accepted, (tuple, list)):
        return accepted[0]
    return "csr" if accepted is True else accepted


def _refuse_by_type(array, name):
    """Refuse what scikit-learn would take for numbers, or labels, that it is not."""
    if np.ma.is_masked(array):
        raise ValueError(
            f"{name} is a masked array with hidden entries; fill them, or leave their "
            "rows out."
        )
    if getattr(getattr(array, "dtype", None), "kind", None) == "T":
        raise TypeError(
            f"{name} holds {array.dtype}, which scikit-learn does not know; convert it "
            "by astype(str)."
        )
    if issparse(array) and array.dtype in (np.float16, object):
        raise TypeError(
            f"{name} is sparse with numbers of {array.dtype}, which SciPy does not "
            "compute with; convert it to float64."
        )
    if hasattr(array, "columns") and hasattr(array, "dtypes"):
        columns = zip(array.columns, array.dtypes, strict=True)
        for column, dtype in columns:
            if _is_time(dtype):
                raise TypeError(
                    f"{name}: column {column!r} holds times ({dtype}); convert it to "
                    "numbers, such as days since a date."
                )
    elif _is_time(getattr(array, "dtype", None)):
        raise TypeError(
            f"{name} holds times ({array.dtype}); convert them to numbers or, as "
            "labels, to strings."
        )


def _is_time(dtype):
    """Whether a dtype of numpy, pandas or polars is of dates, times or durations."""
    if hasattr(dtype, "is_temporal"):
        return dtype.is_temporal()
    is_period = str(dtype).startswith("period")
    return getattr(dtype, "kind", None) in {"m", "M"} or is_period


def _native(y, name):
    """Labels or targets in native byte order; floats of any width as float64."""
    if y.dtype.kind == "f":
        return as_floats(y, name).astype(np.float64, copy=False)
    return y.astype(y.dtype.newbyteorder("="), copy=False)


def _refuse_constant(y, limits):
    if limits.spread[0] <= 4 * np.finfo(np.float64).eps * limits.size[0]:
        raise ValueError(
            f"y is constant ({y[0]}); values need at least two distinct targets."
        )


def _encode(valuator, y, name):
    if not hasattr(valuator, "classes_"):
        with naming(name):
            y = check_array(
                y,
                ensure_2d=False,
                dtype=np.float64,
                input_name=name,
                estimator=valuator,
            )
            y = pass_others(y, name, valuator._seen_rows.target_limits, ())
        if 0 < np.ptp(y) < SMALLEST:
            raise ValueError(
                f"{name} varies by {np.ptp(y):g} only, which is too little to compute "
                f"with (less than {SMALLEST:g}); rescale it."
            )
        return y
    classes = valuator.classes_
    labels = _unique(y, name)
    unseen = labels[~np.isin(labels, classes)]
    if len(unseen):
        raise ValueError(
            f"{name} has labels that were not in the training y: "
            f"{_plain(unseen[:5])}; allowed: {_plain(classes[:20])}."
        )
    return np.searchsorted(classes, y)


def _unique(y, name):
    try:
        return np.unique(y)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in y})
        raise ValueError(
            f"{name} mixes labels that cannot be compared ({', '.join(kinds)}); use "
            "labels of one type, without missing ones."
        ) from error


def _plain(labels):
    """Labels as Python objects, which print without numpy's type names."""
    return np.asarray(labels).tolist()
