"""Means and scales of what a network is trained on."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from ._chunks import row_chunks


def fit_scaler(X, sample_weight=None):
    """Column means and scales, from chunks: X may be larger than memory."""
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
    return scaler


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
