"""Which rows are valued against which held-out rows: the splits.

With ``X_val`` there is one split: all training rows against it. Without, the training
rows are dealt to ``cv`` folds, and each fold in turn is held out: a row is valued in
the splits where it is a training row, and its values are averaged.
"""

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import get_routing_for_object

from ._random import draw_seed
from ._rows import take_rows

# Sets the folds' seed apart from those of what is computed on them, which count from 0.
FOLDS = 2**32 - 1


class Split(NamedTuple):
    """Training rows, what they are measured on, and the seed of all randomness."""

    rows: np.ndarray | slice
    X_val: np.ndarray
    y_val: np.ndarray
    seed: int
    # Row numbers of `X_val`, where it is a fold of the training rows.
    held_out: np.ndarray | None = None
    # Of either rows; None where all weigh the same.
    sample_weight: np.ndarray | None = None
    sample_weight_val: np.ndarray | None = None


def make_splits(
    X,
    y,
    X_val,
    y_val,
    *,
    cv,
    classification,
    seed,
    least_rows_a_fold=1,
    sample_weight=None,
    groups=None,
):
    """Splits that value every row of `X` at least once.

    Parameters
    ----------
    X : {ndarray, sparse matrix, dataframe, list} of shape (n_samples, ...)
        Training rows.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    X_val : {ndarray, sparse matrix, dataframe, list} of shape (n_val, ...) or None
        Held-out rows; None to cross-fit.

    y_val : ndarray of shape (n_val,) or None
        Labels of `X_val`.

    cv : int, cross-validation splitter or iterable
        Number of folds, or what makes them.

    classification : bool
        Whether `y` holds class codes.

    seed : int
        Deals the rows to folds and seeds the splits.

    least_rows_a_fold : int, default=1
        Held-out rows that the utility needs.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows of `X`; a row without weight is not held out. Rows of
        `X_val` weigh the same.

    groups : ndarray of shape (n_samples,) or None, default=None
        For a `cv` that splits by them.

    Returns
    -------
    splits : list of Split
        One a fold; a single one where `X_val` is given.

    Raises
    ------
    ValueError
        If `cv` leaves a row without value or a fold without a measure.
    """
    rng = np.random.RandomState(seed)
    if X_val is not None:
        everyone = slice(None)
        seed = draw_seed(rng)
        return [Split(everyone, X_val, y_val, seed, sample_weight=sample_weight)]
    counting = np.ones(len(y), bool) if sample_weight is None else sample_weight > 0
    splits = []
    for rows, held_out in make_folds(
        X, y, cv, classification, seed, least_rows_a_fold, groups
    ):
        held_out = held_out[counting[held_out]]
        if classification:
            # No model of these rows can be measured on a class that it never saw.
            seen = y[rows][counting[rows]]
            held_out = held_out[np.isin(y[held_out], seen)]
        if len(held_out) == 0:
            raise ValueError(
                f"cv={cv!r} leaves a fold without held-out rows of a class that its "
                f"training rows have (y has {len(np.unique(y))} classes in {len(y)} "
                "rows); lower cv, or give X_val and y_val."
            )
        weights = (None, None)
        if sample_weight is not None:
            weights = sample_weight[rows], sample_weight[held_out]
        splits.append(
            Split(
                rows,
                take_rows(X, held_out),
                y[held_out],
                draw_seed(rng),
                held_out,
                *weights,
            )
        )
    training_rows = np.concatenate([split.rows for split in splits])
    trained = np.bincount(training_rows % len(y), None, len(y))
    if not trained.all():
        raise ValueError(
            f"cv={cv!r} never trains on row {np.argmin(trained)}, so it has no value; "
            f"every row must be in the training part of a fold.{of_one_table(cv)}"
        )
    return splits


def make_folds(X, y, cv, classification, seed, least_rows_a_fold=1, groups=None):
    """Training and held-out rows of each fold.

    Parameters
    ----------
    X, y, cv, classification, seed, least_rows_a_fold, groups
        As in `make_splits`. A number of folds does not keep groups together, nor does
        it in scikit-learn.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Row numbers.
    """
    n_samples = len(y)
    if isinstance(cv, Integral):
        if n_samples < least_rows_a_fold * cv or cv < 2:
            raise ValueError(
                f"cv={cv} folds of {n_samples} rows of X: there must be at least 2 "
                f"folds, of at least {least_rows_a_fold} row(s) each. Change cv, or "
                "give X_val and y_val."
            )
        return _stratified_folds(y, int(cv), classification, seed)
    splitter = check_cv(cv, y, classifier=classification)
    by_groups = get_routing_for_object(splitter).consumes("split", ["groups"])
    if by_groups and groups is None:
        raise ValueError(
            f"cv={cv!r} splits by groups, and fit got none; give groups, or another cv."
        )
    with warnings.catch_warnings():
        # Groups have values too: it is no mistake to give them where cv ignores them.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = [
            (np.asarray(train), np.asarray(held_out))
            for train, held_out in splitter.split(X, y, groups)
        ]
    if not folds:
        raise ValueError(f"cv={cv!r} holds no folds; give a number of folds >= 2.")
    for number, fold in enumerate(folds):
        for name, rows in zip(("training", "held-out"), fold, strict=True):
            if len(rows) == 0 or rows.dtype.kind not in "iu":
                raise ValueError(
                    f"cv={cv!r}: fold {number} has no {name} rows, or rows that are "
                    "not integers; give row numbers."
                )
            if rows.min() < -n_samples or rows.max() >= n_samples:
                raise ValueError(
                    f"cv={cv!r}: fold {number} has a {name} row outside the "
                    f"{n_samples} rows of X.{of_one_table(cv)}"
                )
    return folds


def of_one_table(cv):
    """What may be wrong with row numbers that were written down for another X.

    Parameters
    ----------
    cv : int, cross-validation splitter or iterable
        As the user gave it.

    Returns
    -------
    advice : str
        A sentence after a space; empty for a number of folds or a splitter.
    """
    if isinstance(cv, Integral) or hasattr(cv, "split"):
        return ""
    return (
        " A list of splits belongs to the one X it was made for: where parts of X are "
        "fitted, as in cross_val_score and GridSearchCV, give a number of folds or a "
        "splitter, such as KFold(5)."
    )


def _stratified_folds(y, n_folds, classification, seed):
    fold = deal(y, n_folds, classification, seed)
    return [
        (np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out))
        for held_out in range(n_folds)
    ]


def deal(y, n_folds, classification, seed):
    """Fold of each row: random, the targets spread evenly, whatever labels are called.

    Unlike `StratifiedKFold` it does with classes of fewer rows than folds, and with
    real targets.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    n_folds : int
        At least 1.

    classification : bool
        Whether `y` holds class codes.

    seed : int
        Deals the rows.

    Returns
    -------
    fold : ndarray of shape (n_samples,), dtype int
        In 0..n_folds-1.
    """
    n_samples = len(y)
    rng = np.random.default_rng((seed, FOLDS))
    order = rng.permutation(n_samples)
    rank = y[order]
    if classification:
        # Classes in the order of their first row, not of their names.
        _, first, codes = np.unique(rank, return_index=True, return_inverse=True)
        rank = first[codes]
    order = order[np.argsort(rank, kind="stable")]
    if not classification:
        # Neighbouring targets go to a fold each, in random order.
        block = np.arange(n_samples) // n_folds
        order = order[np.lexsort((rng.random(n_samples), block))]
    fold = np.empty(n_samples, dtype=int)
    fold[order] = np.arange(n_samples) % n_folds
    return fold


def drawn_evenly(y, most, classification, seed):
    """Mask of at most so many rows, the targets spread evenly: a fold of `deal`.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    most : int
        Rows to draw, at least 1.

    classification : bool
        Whether `y` holds class codes.

    seed : int
        Draws them.

    Returns
    -------
    drawn : ndarray of shape (n_samples,), dtype bool
        All True where there are no more.
    """
    n_parts = -(-len(y) // most)
    return deal(y, n_parts, classification, seed) == seed % n_parts


def mean_over_parts(parts, estimates, n_samples):
    """Mean of what is known of each row, where every part has told some numbers a row.

    Parameters
    ----------
    parts : list of ndarray of shape (n_rows_of_the_part,) or slice
        Rows of each part.

    estimates : list of ndarray of shape (n_rows_of_the_part, n_columns)
        Of the rows of each part.

    n_samples : int
        Number of rows in all.

    Returns
    -------
    mean : ndarray of shape (n_samples, n_columns)
        0 for a row of no part.
    """
    total = np.zeros((n_samples, estimates[0].shape[1]))
    count = np.zeros((n_samples, 1))
    for rows, estimate in zip(parts, estimates, strict=True):
        total[rows] += estimate
        count[rows] += 1
    return total / np.maximum(count, 1)


def average_over_splits(rows, estimates, n_samples, errors=None):
    """Mean of each row's values over the splits that it is a training row of.

    Parameters
    ----------
    rows : list of ndarray of shape (n_rows_of_the_split,) or slice
        Row numbers of each split's training rows.

    estimates : list of ndarray of shape (n_rows_of_the_split,)
        Values in each split. NaN counts as not valued there.

    n_samples : int
        Number of rows in all.

    errors : list of ndarray of shape (n_rows_of_the_split,) or None, default=None
        Standard errors of the estimates, independent between splits.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        NaN where no split values a row.

    errors : ndarray of shape (n_samples,)
        Their standard errors, where those of the estimates are given.
    """
    total, variance, count = np.zeros((3, n_samples))
    for number, (index, estimate) in enumerate(zip(rows, estimates, strict=True)):
        valued = np.isfinite(estimate)
        index = np.arange(n_samples)[index][valued]
        total[index] += estimate[valued]
        count[index] += 1
        if errors is not None:
            variance[index] += errors[number][valued] ** 2
    count[count == 0] = np.nan
    values = total / count
    return values if errors is None else (values, np.sqrt(variance) / count)
