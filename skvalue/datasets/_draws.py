"""Another entry for some rows of a column whose entries are known by their codes."""

import numpy as np


def other_class(codes, counts, rng):
    """A class other than each of the given ones, all equally likely.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Present classes of the rows, from 0.

    counts : ndarray of shape (n_classes,)
        Number of rows of each class in all.

    rng : RandomState
        Draws.

    Returns
    -------
    codes : ndarray of shape (n_rows,)
        Other classes.
    """
    return (codes + rng.randint(1, len(counts), size=len(codes))) % len(counts)


def other_place(codes, counts, rng):
    """Place of a row with another entry, all those rows equally likely.

    Parameters
    ----------
    codes, counts, rng
        As in `other_class`.

    Returns
    -------
    places : ndarray of shape (n_rows,)
        Places in the order in which all rows are sorted by their codes.
    """
    ends = np.cumsum(counts)
    # The draw skips the block of rows that have the row's own entry.
    place = rng.randint(ends[-1] - counts[codes])
    return place + np.where(place >= (ends - counts)[codes], counts[codes], 0)


def other_target(codes, counts, rng):
    """Entry of a row drawn uniformly from the rows with another entry.

    Parameters
    ----------
    codes, counts, rng
        As in `other_class`.

    Returns
    -------
    codes : ndarray of shape (n_rows,)
        Codes of other entries.
    """
    places = other_place(codes, counts, rng)
    return np.searchsorted(np.cumsum(counts), places, side="right")
