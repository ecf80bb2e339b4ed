"""Means and scales of what a network is trained on."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from ._chunks import row_chunks


def fit_scaler(X, groups=None):
    """Column means and scales, from chunks: X may be larger than memory.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Finite numbers.

    groups : ndarray of shape (n_features,), dtype int, or None, default=None
        The columns of one group share a scale, and count together as much as any other
        column: directions keep their relative lengths, and rare levels do not become
        large. None: each column has its own.

    Returns
    -------
    scaler : StandardScaler
        Fitted.
    """
    # Its own output stays an array under a global set_output.
    scaler = StandardScaler().set_output(transform="default")
    for chunk in row_chunks(*X.shape):
        # Numbers whose square overflows are refused below, not warned of.
        with np.errstate(over="ignore", invalid="ignore"):
            scaler.partial_fit(X[chunk])
    too_large = np.flatnonzero(~np.isfinite(scaler.var_))
    if len(too_large):
        raise ValueError(
            f"X holds numbers too large to standardise in column {too_large[0]}; "
            "rescale it."
        )
    if groups is not None:
        variance = np.bincount(groups, scaler.var_)[groups]
        shared = np.where(variance > 0, np.sqrt(variance), 1.0)
        is_shared = np.bincount(groups)[groups] > 1
        scaler.scale_ = np.where(is_shared, shared, scaler.scale_)
    return scaler


def mean_and_scale(array, name):
    """Mean and standard deviation of all numbers; a scale of 0 is 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = array.mean(dtype=np.float64), array.std(dtype=np.float64)
    if not np.isfinite(scale):
        raise ValueError(f"{name} holds numbers too large to standardise; rescale it.")
    return mean, scale or 1.0
