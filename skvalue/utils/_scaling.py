"""Means and scales of what a network is trained on."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler

from ._chunks import row_chunks


def fit_scaler(X, sample_weight=None, made=None):
    r"""Scaler of rows, fitted in chunks: X may be larger than memory.

    Numbers are standardised. The directions of sparse rows share one scale, so that
    they keep their relative lengths, and together have variance 1. So do the levels of
    a column, of which then, with the marks of missing cells, only as many principal
    directions remain as there are columns of levels, and one more where cells are
    missing: a network learns wrong labels by heart sooner where rows are long.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
        Finite numbers.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows.

    made : Made or None, default=None
        What the columns were made of. None: all are numbers.

    Returns
    -------
    scaler : RowScaler
        Fitted.
    """
    # Its own output stays an array under a global set_output.
    scaler = StandardScaler().set_output(transform="default")
    for chunk in row_chunks(*X.shape):
        # Numbers whose square overflows are refused below, not warned of.
        with np.errstate(over="ignore", invalid="ignore"):
            weights = None if sample_weight is None else sample_weight[chunk]
            scaler.partial_fit(X[chunk], sample_weight=weights)
    too_large = np.flatnonzero(~np.isfinite(scaler.var_))
    if len(too_large):
        raise ValueError(
            f"X holds numbers too large to standardise in column {too_large[0]}; "
            "rescale it."
        )
    if made is None or (made.what == "number").all():
        return RowScaler(scaler, X.shape[1])
    is_level, is_mark = made.what == "level", made.what == "missing"
    shared = is_level | (made.what == "direction")
    group = np.where(shared, made.origin + 1, 0)
    variance = np.bincount(group, scaler.var_)[group]
    shared &= variance > 0
    scaler.scale_ = np.where(shared, np.sqrt(variance), scaler.scale_)
    scaler.scale_[is_mark] = 1.0
    short = np.flatnonzero(is_level | is_mark)
    if len(short) == 0:
        return RowScaler(scaler, X.shape[1])
    n_columns = n_scaled_columns(made)
    n_kept = n_columns - X.shape[1] + len(short)
    second_moments = np.zeros((len(short), len(short)))
    for chunk in row_chunks(*X.shape):
        rows = scaler.transform(X[chunk])[:, short]
        second_moments += rows.T @ rows
    axes = np.linalg.eigh(second_moments)[1][:, ::-1][:, :n_kept]
    # An axis has two signs; the larger entries are made positive.
    axes *= np.where(axes.sum(axis=0) < 0, -1.0, 1.0)
    return RowScaler(scaler, n_columns, short, axes)


def n_scaled_columns(made):
    """Columns of the rows that `fit_scaler` makes of those."""
    is_level, is_mark = made.what == "level", made.what == "missing"
    n_short = np.count_nonzero(is_level | is_mark)
    n_kept = len(np.unique(made.origin[is_level])) + is_mark.any()
    return len(made.what) - n_short + min(n_kept, n_short)


class RowScaler:
    """Standardised rows, the columns of levels among them shortened.

    Parameters
    ----------
    scaler : StandardScaler
        Fitted.

    n_columns : int
        Of the rows that come out.

    short : ndarray of int or None, default=None
        Columns that become `axes.shape[1]` of them.

    axes : ndarray of shape (n_short, n_kept) or None, default=None
        Their principal axes.
    """

    def __init__(self, scaler, n_columns, short=None, axes=None):
        self.scaler = scaler
        self.n_columns = n_columns
        self.short = short
        self.axes = axes

    def transform(self, X):
        """Scale rows, (n_rows, n_columns)."""
        rows = self.scaler.transform(X)
        if self.short is None:
            return rows
        others = np.delete(rows, self.short, axis=1)
        return np.hstack([others, rows[:, self.short] @ self.axes])


class ScaledRows(TransformerMixin, BaseEstimator):
    """Scales rows as `fit_scaler` does, in a Pipeline.

    Parameters
    ----------
    made : Made or None, default=None
        What the columns were made of.
    """

    def __init__(self, made=None):
        self.made = made

    def fit(self, X, y=None, sample_weight=None):
        """Learn means, scales and principal directions of the levels."""
        self.scaler_ = fit_scaler(X, sample_weight, self.made)
        return self

    def transform(self, X):
        """Scale rows, (n_rows, n_columns)."""
        return self.scaler_.transform(X)


def mean_and_scale(array, name, sample_weight=None):
    """Mean and standard deviation of all numbers; a scale of 0 is 1.

    Weights are those of the rows of an array of one dimension.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if sample_weight is None:
            mean, scale = array.mean(dtype=np.float64), array.std(dtype=np.float64)
        else:
            mean = np.average(array, weights=sample_weight)
            scale = np.sqrt(np.average((array - mean) ** 2, weights=sample_weight))
    if not np.isfinite(scale):
        raise ValueError(f"{name} holds numbers too large to standardise; rescale it.")
    return mean, scale or 1.0
