"""Rows that stand twice: exactly, nearly, or in the held-out set as well.

All in one sort a kind (a column, for the rows that differ in one), so that 10^5 rows
take seconds. Missing cells are equal to one another.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np

# Digits of a number that near duplicates share.
_DIGITS = 3
# Of fewer columns, most rows are like others but for one.
FEWEST_COLUMNS = 5

RULES = {
    "same": "all features are equal",
    "near": (
        f"all features are equal to {_DIGITS} significant digits, small and capital "
        "letters, blanks and punctuation aside, but not exactly"
    ),
    "one apart": (
        f"all features but one are equal (tables of {FEWEST_COLUMNS} features or more)"
    ),
}


class Duplicates(NamedTuple):
    """Groups of rows that are alike by one rule."""

    # Lists of row numbers from 0, longest first, and how many rows they hold.
    groups: list
    n_rows: int
    # Whether the labels of a group disagree, in the order of the groups.
    disagree: list


def find_duplicates(X, y):
    """Rows that are alike.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Features.

    y : ndarray of shape (n_rows,)
        Labels or targets, to tell whether those of like rows disagree.

    Returns
    -------
    found : dict of str to Duplicates
        By the keys of `RULES`; a rule that does not apply has no group.
    """
    exact = _codes(X, None, plain)
    same = _row_hashes(exact)
    near = _row_hashes(_codes(X, None, rough))
    found = {"same": _alike(same, y), "near": _alike(near, y, apart=same)}
    found["one apart"] = _one_apart(exact, same, y)
    return found


def in_held_out(X, held_out):
    """Rows that stand in the held-out set as well.

    Parameters
    ----------
    X, held_out : DataFrame
        Of the same columns.

    Returns
    -------
    same : ndarray of shape (n_rows,), dtype int
        A row of `held_out` with the same features, or -1.

    near : ndarray of shape (n_rows,), dtype int
        Likewise, by the rule of near duplicates.
    """
    places = []
    for form in (plain, rough):
        hashes = _row_hashes(_codes(X, held_out, form))
        here, there = hashes[: len(X)], hashes[len(X) :]
        order = np.argsort(there, kind="stable")
        at = np.searchsorted(there[order], here)
        at = order[np.minimum(at, len(order) - 1)]
        places.append(np.where(there[at] == here, at, -1))
    return places


def plain(value):
    """A cell as it is compared exactly: 1 is 1.0."""
    return float(value) if isinstance(value, Real) else str(value)


def rough(value):
    """A cell as near duplicates compare it."""
    if isinstance(value, Real):
        return float(_rough_numbers(np.array([value], dtype=np.float64))[0])
    letters = [letter for letter in str(value).casefold() if letter.isalnum()]
    return "".join(letters) or str(value)


def _rough_numbers(numbers):
    """A whole number for each, of its power of ten and its first digits."""
    unit = 10 ** (_DIGITS - 1)
    with np.errstate(all="ignore"):
        power = np.floor(np.log10(np.abs(numbers)))
        digits = np.round(numbers / 10.0**power * unit)
        # 9.999 has the digits of 10.
        is_next = np.abs(digits) == 10 * unit
        power, digits = power + is_next, np.where(is_next, digits / 10, digits)
        codes = power * 100 * unit + digits
    # Zero and infinity have no digits.
    return np.where(np.isfinite(codes), codes, numbers)


def _codes(X, more, form):
    """Each column as whole numbers that are equal where its cells are."""
    import pandas as pd

    columns = []
    for name in X:
        parts = [X[name]] if more is None else [X[name], more[name]]
        if all(part.dtype.kind in "iufb" for part in parts):
            numbers = np.concatenate([part.to_numpy(np.float64) for part in parts])
            codes, levels = pd.factorize(numbers)
            forms = _rough_numbers(levels) if form is rough else levels
        else:
            parts = [part.astype(object) for part in parts]
            codes, levels = pd.factorize(pd.concat(parts, ignore_index=True))
            forms = np.array([form(level) for level in levels], dtype=object)
        forms, _ = pd.factorize(forms)
        # Missing cells are the last level.
        columns.append(np.append(forms, len(forms))[codes])
    return columns


def _row_hashes(columns):
    return np.sum([_mixed(column, at) for at, column in enumerate(columns)], axis=0)


def _mixed(codes, at):
    """64 well-mixed bits of each code (splitmix64), other ones in each column."""
    with np.errstate(over="ignore"):
        bits = codes.astype(np.uint64) + np.uint64(at + 1) * np.uint64(
            0x9E3779B97F4A7C15
        )
        for shift, factor in [(30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)]:
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        return bits ^ (bits >> np.uint64(31))


def _groups(hashes):
    """Rows of equal hashes, two or more, in the order of the rows."""
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order[:1]]))
    ends = np.append(starts[1:], len(order))
    several = ends - starts > 1
    return [
        order[start:end]
        for start, end in zip(starts[several], ends[several], strict=True)
    ]


def _alike(hashes, y, apart=None):
    groups = _groups(hashes)
    if apart is not None:
        groups = [rows for rows in groups if len(np.unique(apart[rows])) > 1]
    groups.sort(key=lambda rows: (-len(rows), rows[0]))
    disagree = [bool((y[rows] != y[rows[0]]).any()) for rows in groups]
    return Duplicates(groups, sum(map(len, groups)), disagree)


def _one_apart(columns, same, y):
    """Rows that differ in one feature, whichever it is."""
    if len(columns) < FEWEST_COLUMNS:
        return Duplicates([], 0, [])
    groups = []
    for at, column in enumerate(columns):
        rest = same - _mixed(column, at)
        groups += [rows for rows in _groups(rest) if len(np.unique(column[rows])) > 1]
    groups.sort(key=lambda rows: (-len(rows), rows[0]))
    disagree = [bool((y[rows] != y[rows[0]]).any()) for rows in groups]
    n_rows = len(np.unique(np.concatenate(groups))) if groups else 0
    return Duplicates(groups, n_rows, disagree)
