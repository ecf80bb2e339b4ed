"""Validation of rows and labels: one clear error, which names the argument."""

from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import (
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from .utils._sklearn import check_y


def validate_rows(valuator, X, y):
    """Training rows as an array and their targets as class codes or real numbers.

    Sets ``classes_`` where the target is categorical.
    """
    if y is None:
        raise ValueError(
            f"{type(valuator).__name__} requires y to be passed, but the target y is "
            "None."
        )
    with _naming("X"):
        X = _numeric(
            validate_data(
                valuator,
                X,
                accept_sparse=valuator._accept_sparse,
                allow_nd=valuator._allow_nd,
                ensure_min_samples=2,
            )
        )
    with _naming("y"):
        y = check_y(y, estimator=valuator)
    with _naming("X", "y"):
        check_consistent_length(X, y)
    if y.dtype == object:
        _unique(y, "y")
    with _naming("y"):
        is_regression = valuator._is_regression(y)
    if is_regression:
        vars(valuator).pop("classes_", None)
        with _naming("y"):
            y = np.asarray(y, dtype=np.float64)
        if np.ptp(y) == 0:
            raise ValueError(
                f"y is constant ({y[0]}); values need at least two distinct targets."
            )
        return X, y
    valuator.classes_ = classes = _unique(y, "y")
    if len(classes) < 2:
        raise ValueError(
            f"y has one class ({_plain(classes)[0]!r}); values need at least two."
        )
    return X, np.searchsorted(classes, y)


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
    is_frame = hasattr(X, "columns")
    with _naming(names[0]):
        # As in fit, the column names of a frame are checked before its content.
        if is_frame:
            validate_data(valuator, X, reset=False, skip_check_array=True)
        checked = _numeric(
            check_array(
                X,
                accept_sparse=valuator._accept_sparse,
                allow_nd=valuator._allow_nd,
                input_name=names[0],
                estimator=valuator,
            )
        )
        if not is_frame:
            validate_data(valuator, checked, reset=False, skip_check_array=True)
    if y is None:
        return checked
    with _naming(names[1]):
        y = column_or_1d(y, warn=True, input_name=names[1])
    if len(y) != checked.shape[0]:
        raise ValueError(
            f"{names[0]} has {checked.shape[0]} rows, but {names[1]} has {len(y)} "
            "labels; give one label a row."
        )
    return checked, _encode(valuator, y, names[1])


def _numeric(X):
    """Numbers also of a frame of categories, which check_array lets through."""
    return X.astype(np.float64) if X.dtype == object else X


def _encode(valuator, y, name):
    if not hasattr(valuator, "classes_"):
        with _naming(name):
            return check_array(
                y,
                ensure_2d=False,
                dtype=np.float64,
                input_name=name,
                estimator=valuator,
            )
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


@contextmanager
def _naming(*names):
    """Make sure that an error of scikit-learn's validation names the argument."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = str(error)
        if "convert string" in message and names[0].startswith("X"):
            message += "; encode columns that are not numbers first (OneHotEncoder)"
        words = message.replace(":", " ").split()
        # scikit-learn's own wording about column names can only mean X.
        named = any(name in words for name in names) or (
            "X" in names and "feature names" in message.lower()
        )
        if not named:
            subject = " and ".join(names) if "inconsistent" in message else names[0]
            message = f"{subject}: {message}"
        if message == str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(message) from error
