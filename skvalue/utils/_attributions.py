"""Attributions: one number for each training row and each held-out row."""

import numpy as np


def mean_over_splits(blocks, shape):
    """Mean of each cell over the splits that have it.

    Parameters
    ----------
    blocks : iterable of (rows, columns, ndarray of shape (n_rows, n_columns))
        Training rows and held-out rows of a block, as `slice` or row numbers, and its
        numbers. A cell occurs once a split at most. Blocks are added as they come, so
        that no more than one is held beside the result.

    shape : tuple of (int, int)
        Numbers of training rows and of held-out rows.

    Returns
    -------
    attributions : ndarray of shape `shape`
        NaN where no block has a cell.
    """
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int32)
    every_row, every_column = map(np.arange, shape)
    for rows, columns, block in blocks:
        cells = np.ix_(every_row[rows], every_column[columns])
        total[cells] += block
        count[cells] += 1
    with np.errstate(invalid="ignore"):
        total /= count
    return total
