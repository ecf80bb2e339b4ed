"""One number, or one mark, a row: checked wherever measures and pictures take them."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from ._naming import naming


def finite_vector(array, name):
    """Finite float64 numbers in one dimension.

    Parameters
    ----------
    array : array-like of shape (n_samples,)
        At least one number.

    name : str
        The argument, for errors.

    Returns
    -------
    vector : ndarray of shape (n_samples,), dtype float64
        May be the array itself.
    """
    return check_array(
        one_dimensional(array, name),
        ensure_2d=False,
        dtype=np.float64,
        input_name=name,
    )


def one_dimensional(array, name):
    """An array of one dimension that is not empty.

    Parameters
    ----------
    array : array-like of shape (n_samples,)
        Of anything.

    name : str
        The argument, for errors.

    Returns
    -------
    array : ndarray of shape (n_samples,)
        May be the array itself.
    """
    array = np.asarray(array)
    if array.ndim != 1 or not array.size:
        raise ValueError(
            f"{name} must be a non-empty 1-d array; got shape {array.shape}."
        )
    return array


def check_same_length(**arrays):
    """Refuse arrays of different lengths, by their names."""
    with naming(*arrays):
        check_consistent_length(*arrays.values())


def row_mask(array, name):
    """Marks of rows.

    Parameters
    ----------
    array : array-like of shape (n_samples,), dtype bool or 0/1
        Any of them may be set.

    name : str
        The argument, for errors.

    Returns
    -------
    mask : ndarray of shape (n_samples,), dtype bool
        A copy.
    """
    array = one_dimensional(array, name)
    if not np.isin(array, [0, 1]).all():
        raise ValueError(f"{name} must hold booleans, or 0 and 1.")
    return array.astype(bool)


def mask_of_some(array, name):
    """Marks of some of the rows, and not of all.

    Parameters
    ----------
    array : array-like of shape (n_samples,), dtype bool or 0/1
        At least one is set, and at least one is not.

    name : str
        The argument, for errors.

    Returns
    -------
    mask : ndarray of shape (n_samples,), dtype bool
        A copy.
    """
    mask = row_mask(array, name)
    if mask.all() or not mask.any():
        raise ValueError(f"{name} must mark at least one row, and not every row.")
    return mask
