"""Rows as they came: arrays, frames, sparse matrices, lists; cut and stacked alike."""

import copy
import sys

import numpy as np
from scipy import sparse

from ._sklearn import is_pandas_df, num_samples, safe_indexing


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

    rows : ndarray of int, mask or slice
        Which of them.

    Returns
    -------
    taken : same type as X
        In the order of `rows`.
    """
    if type(X) is np.ndarray:
        return X[rows]
    if isinstance(X, memoryview):
        X = np.asarray(X)
    if getattr(X, "format", None) in {"coo", "dia", "bsr"}:
        X = X.tocsr()
    if isinstance(rows, slice):
        rows = np.arange(num_samples(X))[rows]
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


def stack_rows(first, second):
    """Rows of one container below those of another of its kind.

    Parameters
    ----------
    first, second : ndarray, dataframe, sparse matrix or list
        Of the same columns.

    Returns
    -------
    stacked : same type as `first`
        As many rows as both have.
    """
    if sparse.issparse(first):
        return sparse.vstack([first, second])
    if isinstance(first, (list, tuple)):
        return [*first, *second]
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    if is_pandas_df(first) or hasattr(first, "iloc"):
        return sys.modules["pandas"].concat([first, second])
    return first.vstack(second)


def n_bytes(X):
    """Memory that rows take, about.

    Parameters
    ----------
    X : ndarray, dataframe, sparse matrix or list
        Rows.

    Returns
    -------
    n_bytes : int
        Of a list without what its items hold.
    """
    if sparse.issparse(X):
        return X.data.nbytes
    if hasattr(X, "estimated_size"):
        return int(X.estimated_size())
    return X.nbytes if isinstance(X, np.ndarray) else sys.getsizeof(X)


def own_container(X, checked):
    """X itself where it is an array or a frame, else what was made of it.

    Parameters
    ----------
    X : {array-like, dataframe, sparse matrix}
        As the user gave it.

    checked : {ndarray, list}
        What validation made of it.

    Returns
    -------
    X : {ndarray, dataframe, sparse matrix, list}
        Rows to give back.
    """
    if hasattr(X, "columns"):
        # set_output renames the columns of a frame in place: never those of the user.
        return copy.copy(X)
    return X if hasattr(X, "shape") else checked
