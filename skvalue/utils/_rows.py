"""Rows as they came: arrays, frames, sparse matrices, lists; cut alike."""

import copy

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from ._sklearn import safe_indexing


def is_frame(X):
    """Whether X is a frame of pandas, polars or the like.

    Parameters
    ----------
    X : object
        Anything.

    Returns
    -------
    is_frame : bool
        True where it has columns, each with a dtype.
    """
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def take_rows(X, rows):
    """Rows of anything that scikit-learn can index, COO matrices included.

    Parameters
    ----------
    X : array-like, dataframe, sparse matrix or list
        Never changed.

    rows : ndarray of int
        Which of them.

    Returns
    -------
    taken : same type as X
        In the order of `rows`.
    """
    if isinstance(X, memoryview):
        X = np.asarray(X)
    if getattr(X, "format", None) in {"coo", "dia", "bsr"}:
        X = X.tocsr()
    taken = safe_indexing(X, rows)
    return narrow_indices(taken) if sparse.issparse(taken) else taken


def narrow_indices(X):
    """A sparse matrix with the 32-bit indices that compiled code wants, if they do.

    Parameters
    ----------
    X : sparse matrix or array
        In any format; never changed.

    Returns
    -------
    X : sparse matrix or array
        The same where it is not compressed, has such indices or needs larger ones.
    """
    if X.format not in {"csr", "csc"} or max(*X.shape, X.nnz) > np.iinfo(np.int32).max:
        return X
    if X.indices.dtype == X.indptr.dtype == np.int32:
        return X
    indices, indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return type(X)((X.data, indices, indptr), shape=X.shape)


def own_container(X, checked=None):
    """X itself where it is an array or a frame, else the array made of it.

    Parameters
    ----------
    X : {array-like, dataframe, sparse matrix}
        As the user gave it.

    checked : ndarray or None, default=None
        What validation made of it.

    Returns
    -------
    X : {ndarray, dataframe, sparse matrix}
        Rows to give back.
    """
    if hasattr(X, "columns"):
        # set_output renames the columns of a frame in place: never those of the user.
        return copy.copy(X)
    if hasattr(X, "shape"):
        return X
    return check_array(X, dtype=None) if checked is None else checked
