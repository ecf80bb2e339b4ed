"""Rows of whatever the user keeps them in: arrays, frames, sparse matrices, lists."""

import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from ._gate import narrow_indices
from .utils._sklearn import safe_indexing


def as_container(X, checked=None):
    """X itself where it is an array or a frame, else the array made of it."""
    if hasattr(X, "columns"):
        # set_output renames the columns of a frame in place: never those of the user.
        return copy.copy(X)
    if hasattr(X, "shape"):
        return X
    return check_array(X, dtype=None) if checked is None else checked


def take(array, rows):
    """Rows of anything that scikit-learn can index, COO matrices included."""
    if isinstance(array, memoryview):
        array = np.asarray(array)
    if getattr(array, "format", None) in {"coo", "dia", "bsr"}:
        array = array.tocsr()
    taken = safe_indexing(array, rows)
    return narrow_indices(taken) if issparse(taken) else taken
