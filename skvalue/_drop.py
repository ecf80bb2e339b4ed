"""From values to rows: which rows to keep, and what stands in for a dropped one.

The base rule of ``drop="auto"`` is the exact one-dimensional 2-means split of the
values (Liang et al., "Neural Dynamic Data Valuation"); `keep_mask` guards it, because
2-means finds two clusters in clean data too.
"""

import math

import numpy as np

# A regression row stands in for another when its label is among this many nearest.
N_NEAREST_LABELS = 10


def two_means_lower(values):
    """Lower cluster of the exact 2-means split of the values.

    In one dimension the optimal clusters are a prefix and a suffix of the sorted
    values, so every split is scored from one cumulative sum.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Finite values.

    Returns
    -------
    lower : ndarray of shape (n_samples,), dtype bool
        True where the value belongs to the lower cluster; all False when the values
        are all equal.
    """
    values = np.asarray(values, dtype=np.float64)
    lower = np.zeros(len(values), dtype=bool)
    if len(values) < 2 or values.min() == values.max():
        return lower
    order = np.argsort(values, kind="stable")
    # Centring first keeps the cumulative sums free of cancellation.
    total = np.cumsum(values[order] - values.mean())
    n_left = np.arange(1, len(values))
    n_right = len(values) - n_left
    mean_left = total[:-1] / n_left
    mean_right = (total[-1] - total[:-1]) / n_right
    between = n_left * n_right * (mean_left - mean_right) ** 2
    lower[order[: np.argmax(between) + 1]] = True
    return lower


def upper_cluster(values):
    """Rows that are not in the lower cluster: 2-means alone, without any guard.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Finite values.

    Returns
    -------
    upper : ndarray of shape (n_samples,), dtype bool
        True for the rows to keep; all of them when the values are all equal.
    """
    return ~two_means_lower(values)


def keep_mask(values, drop, target, *, classes=None, plausible=None):
    """Rows that `drop` keeps.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Data values, higher is better.

    drop : float, "auto", "negative" or callable
        The rule; see `skvalue.base.BaseValuator`.

    target : ndarray of shape (n_samples,)
        Class codes 0..n_classes-1 where `classes` is given, else real targets.

    classes : ndarray of shape (n_classes,) or None
        The labels behind the codes; None for regression.

    plausible : ndarray of shape (n_samples,), dtype bool, or None
        Rows whose observed label the method itself believes; ``"auto"`` never drops
        them. None where a method has no opinion: then ``"auto"`` drops no row of
        non-negative value.

    Returns
    -------
    keep : ndarray of shape (n_samples,), dtype bool
        True for the rows to keep.

    Raises
    ------
    ValueError
        If no row of a class would be left, or if a callable returns no mask.
    """
    if callable(drop):
        keep = _callable_mask(drop, values)
    elif drop == "auto":
        suspects = ~plausible if plausible is not None else values < 0
        groups = np.zeros(len(values), dtype=int) if classes is None else target
        keep = ~_at_most_half(two_means_lower(values) & suspects, values, groups)
    elif drop == "negative":
        keep = values >= 0
    else:
        keep = np.ones(len(values), dtype=bool)
        keep[np.argsort(values, kind="stable")[: math.floor(drop * len(values))]] = 0
    _check_nothing_emptied(keep, drop, target, classes)
    return keep


def _callable_mask(drop, values):
    keep = np.asarray(drop(values.copy()))
    if keep.shape != values.shape or keep.dtype != bool:
        raise ValueError(
            f"drop={drop!r} returned an array of shape {keep.shape} and dtype "
            f"{keep.dtype}; it must return a boolean mask of shape {values.shape}, "
            "True for the rows to keep."
        )
    return keep.copy()


def _at_most_half(dropped, values, groups):
    """Spare the best of the dropped rows where more than half of a group would go."""
    for group in np.unique(groups[dropped]):
        rows = np.flatnonzero(dropped & (groups == group))
        allowed = np.count_nonzero(groups == group) // 2
        if len(rows) > allowed:
            by_value = rows[np.argsort(values[rows], kind="stable")]
            dropped[by_value[allowed:]] = False
    return dropped


def _check_nothing_emptied(keep, drop, target, classes):
    if classes is None:
        if not keep.any():
            raise ValueError(
                f'drop={drop!r} would leave no rows; lower drop, or use "auto".'
            )
        return
    left = np.bincount(target[keep], minlength=len(classes))
    if not left.all():
        # np.unique of the training labels made the codes, so an empty class here
        # is one that the rule emptied.
        label = classes[np.argmin(left)]
        label = label.item() if hasattr(label, "item") else label
        raise ValueError(
            f"drop={drop!r} would leave class {label!r} without rows; "
            'lower drop, or use "auto".'
        )


def substitutes(values, keep, target, *, classes=None):
    """Row that stands in for each row when the length must not change.

    A kept row stands for itself. A dropped row is replaced by the most valuable kept
    row with the same label; in regression, by the most valuable of the
    ``N_NEAREST_LABELS`` kept rows whose targets are nearest.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Data values, higher is better.

    keep : ndarray of shape (n_samples,), dtype bool
        Rows kept, as `keep_mask` returns them.

    target : ndarray of shape (n_samples,)
        Class codes where `classes` is given, else real targets.

    classes : ndarray of shape (n_classes,) or None
        The labels behind the codes; None for regression.

    Returns
    -------
    fill_indices : ndarray of shape (n_samples,), dtype intp
        ``X[fill_indices]`` holds no dropped row.
    """
    fill = np.arange(len(values), dtype=np.intp)
    dropped = np.flatnonzero(~keep)
    kept = np.flatnonzero(keep)
    if classes is None:
        fill[dropped] = kept[
            _best_of_nearest(values[kept], target[kept], target[dropped])
        ]
        return fill
    for code in np.unique(target[dropped]):
        same = kept[target[kept] == code]
        fill[dropped[target[dropped] == code]] = same[np.argmax(values[same])]
    return fill


def _best_of_nearest(values, labels, wanted):
    """Index of the most valuable among the nearest labels, for each wanted label."""
    order = np.argsort(labels, kind="stable")
    count = min(N_NEAREST_LABELS, len(labels))
    # The nearest `count` labels lie within `count` places of the insertion point.
    places = np.searchsorted(labels[order], wanted)[:, None] + np.arange(-count, count)
    inside = (places >= 0) & (places < len(labels))
    candidates = order[np.clip(places, 0, len(labels) - 1)]
    distance = np.where(inside, np.abs(labels[candidates] - wanted[:, None]), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
    candidates = np.take_along_axis(candidates, nearest, axis=1)
    best = np.argmax(values[candidates], axis=1)
    return np.take_along_axis(candidates, best[:, None], axis=1)[:, 0]


def check_values(valuator, n_samples):
    """Raise unless a fit has left one finite value a row.

    Parameters
    ----------
    valuator : BaseValuator
        With ``data_values_``.

    n_samples : int
        Training rows.
    """
    name, values = type(valuator).__name__, valuator.data_values_
    if values.shape != (n_samples,) or values.dtype != np.float64:
        raise TypeError(
            f"{name} computed values of shape {values.shape} and dtype {values.dtype}; "
            f"expected ({n_samples},) and float64."
        )
    if not np.isfinite(values).all():
        advice = "Scale X, or lower the learning rate."
        if not hasattr(valuator, "classes_"):
            advice = "Rescale y or X: a target far from all others, or lr, is at fault."
        raise ValueError(
            f"{name} computed values that are not finite: the computation diverged. "
            f"{advice}"
        )
