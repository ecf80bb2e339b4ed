"""Validation of rows and labels: one clear error, which names the argument.

What passes is what a method can compute on: numbers through the `_gate`, by way of the
`_encoder` where they are none yet, or rows as they came for the user's own estimator;
labels as codes of their sorted classes. Rows other than the training rows get the form
and dtype of those, so that a method never sees sparse rows beside dense ones.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import (
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from ._encoder import Seen, encode, fit_encoder
from ._gate import (
    SMALLEST,
    as_floats,
    pass_others,
    pass_training,
    to_form,
)
from ._given import as_given, check_given, is_plain
from ._targets import is_regression, refuse_several_targets
from .utils._naming import naming, refuse_classes, sorted_labels
from .utils._sklearn import check_y, num_samples


def validate_rows(valuator, X, y):
    """Training rows as a method reads them, targets as class codes or real numbers.

    Sets ``classes_`` where the target is categorical, ``encoder_`` where there is one.
    """
    if y is None:
        raise ValueError(
            f"{type(valuator).__name__} requires y to be passed, but the target y is "
            "None."
        )
    refuse_classes(**valuator.get_params(deep=False))
    with naming("X"):
        X = _receive(valuator, X)
    with naming("y"):
        _refuse_by_type(y, "y")
        _refuse_times(y, "y")
        refuse_several_targets(y, "y")
        y = _native(check_y(y, estimator=valuator), "y")
    with naming("X", "y"):
        check_consistent_length(X, y)
    if y.dtype == object:
        sorted_labels(y, "y")
    with naming("y"):
        has_real_targets = is_regression(valuator, y)
    if has_real_targets:
        vars(valuator).pop("classes_", None)
        with naming("y"):
            y, target_limits = pass_training(y.astype(np.float64), "y", ())
            _refuse_constant(y, target_limits)
    else:
        target_limits = None
        valuator.classes_ = classes = sorted_labels(y, "y")
        if len(classes) < 2:
            raise ValueError(
                f"y has one class ({_plain(classes)[0]!r}); values need at least two."
            )
        y = np.searchsorted(classes, y)
    valuator._target_limits = target_limits
    if not valuator._takes_rows:
        X = fit_encoder(valuator, X, y)
    return X, y


def _receive(valuator, X):
    """Training rows, through the gate where they are plain numbers; else as they came.

    Sets ``_seen_rows``: what the gate must know of them later, or None.
    """
    _refuse_by_type(X, "X")
    given = as_given(X)
    if not _goes_through_gate(valuator, given):
        valuator._seen_rows = None
        return check_given(valuator, X, given, "X", reset=True)
    _refuse_times(X, "X")
    X = validate_data(
        valuator,
        X,
        accept_sparse=_sparse_format(valuator),
        allow_nd=valuator._allow_nd,
        ensure_min_samples=2,
    )
    X, limits = pass_training(X, "X", getattr(valuator, "feature_names_in_", None))
    valuator._seen_rows = Seen(type(X), X.dtype, limits)
    return X


def _goes_through_gate(valuator, given):
    """Whether rows must be, or are, numbers that no encoder and no frame is for."""
    kind, rows = given
    if valuator.encoder is None:
        return True
    if not isinstance(valuator.encoder, str):
        return False
    if kind == "sparse" and not _sparse_format(valuator):
        return False
    if kind == "frame" and valuator._takes_rows and valuator._keeps_frames:
        return False
    return is_plain(kind, rows)


def validate_held_out(valuator, X_val, y_val):
    """Held-out rows and their encoded labels; both or neither are given."""
    if X_val is None and y_val is None:
        return None, None
    if X_val is None or y_val is None:
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        raise ValueError(f"{given} is given, but {missing} is not; give both.")
    return validate_more_rows(valuator, X_val, y_val, names=("X_val", "y_val"))


def validate_more_rows(valuator, X, y=None, names=("X", "y"), *, as_numbers=False):
    """Rows other than the training rows and, where given, their encoded labels."""
    with naming(names[0]):
        checked = _receive_more(valuator, X, names[0])
    if as_numbers or not valuator._takes_rows:
        checked = encode(valuator, checked, names[0])
    if y is None:
        return checked
    with naming(names[1]):
        _refuse_by_type(y, names[1])
        _refuse_times(y, names[1])
        refuse_several_targets(y, names[1])
        y = column_or_1d(y, warn=True, input_name=names[1])
        y = _native(y, names[1])
    if len(y) != num_samples(checked):
        raise ValueError(
            f"{names[0]} has {num_samples(checked)} rows, but {names[1]} has {len(y)} "
            "labels; give one label a row."
        )
    return checked, _encode(valuator, y, names[1])


def _receive_more(valuator, X, name):
    """Other rows, through the gate where the training rows went through it."""
    seen = valuator._seen_rows
    given = as_given(X)
    # Rows of numbers may have missing cells, or be a frame, where the user's estimator
    # gets them; strings and dates have no place beside numbers.
    may_be = given[0] in {"numbers", "frame", "sparse"}
    if seen is None or (valuator._takes_rows and may_be and not is_plain(*given)):
        _refuse_by_type(X, name)
        return check_given(valuator, X, given, name)
    try:
        checked = check_more_rows(valuator, X, name)
    except ValueError as error:
        if valuator.encoder is None or "contains NaN" not in str(error):
            raise
        raise ValueError(
            f"{name} contains NaN, but the X of fit had no missing cell, so nothing "
            "is known that could stand for one; fill them."
        ) from error
    checked = pass_others(
        checked, name, seen.limits, getattr(valuator, "feature_names_in_", None)
    )
    return to_form(checked, (seen.form, seen.dtype), name)


def check_unchanged(valuator, X):
    """Rows that `transform` gives back: of the columns of fit, whatever they hold."""
    kind, rows = given = as_given(X)
    tags = get_tags(valuator).input_tags
    refuses_nan = valuator._seen_rows is not None and not tags.allow_nan
    is_number = kind == "numbers" and (refuses_nan or is_plain(kind, rows))
    if valuator.encoder is None or is_number or (kind == "frame" and is_plain(*given)):
        return check_more_rows(valuator, X)
    _refuse_by_type(X, "X")
    return check_given(valuator, X, given, "X")


def check_more_rows(valuator, X, name="X"):
    """Rows of as many columns, and names, as those of training; any finite numbers."""
    _refuse_by_type(X, name)
    _refuse_times(X, name)
    is_frame = hasattr(X, "columns")
    # As in fit, the column names of a frame are checked before its content.
    if is_frame:
        validate_data(valuator, X, reset=False, skip_check_array=True)
    checked = check_array(
        X,
        # Rows are made dense beside dense training rows.
        accept_sparse=_sparse_format(valuator)
        or ("csr" if valuator.encoder is not None else False),
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
    # A user's estimator decides for itself.
    takes_rows = valuator._takes_rows and valuator.encoder is not None
    accepted = "csr" if takes_rows else valuator._accept_sparse
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


def _refuse_times(array, name):
    """Refuse dates and durations, which scikit-learn would take for numbers."""
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
            y = pass_others(y, name, valuator._target_limits, ())
        if 0 < np.ptp(y) < SMALLEST:
            raise ValueError(
                f"{name} varies by {np.ptp(y):g} only, which is too little to compute "
                f"with (less than {SMALLEST:g}); rescale it."
            )
        return y
    classes = valuator.classes_
    labels = sorted_labels(y, name)
    unseen = labels[~np.isin(labels, classes)]
    if len(unseen):
        raise ValueError(
            f"{name} has labels that were not in the training y: "
            f"{_plain(unseen[:5])}; allowed: {_plain(classes[:20])}."
        )
    return np.searchsorted(classes, y)


def _plain(labels):
    """Labels as Python objects, which print without numpy's type names."""
    return np.asarray(labels).tolist()
