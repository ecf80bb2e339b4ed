"""Weights and groups of the training rows: checked here, passed on to who can use them.

A weight says how often a row counts, a group where it comes from. What a method can use
is what the signature of its ``_fit`` takes.
"""

from functools import wraps
from inspect import signature

import numpy as np
from sklearn.utils import column_or_1d

from .utils._naming import naming
from .utils._sklearn import check_sample_weight, num_samples


def for_fit(valuator, n_samples, sample_weight, groups):
    """Checked weights and groups, as far as the method's ``_fit`` takes them.

    Sets ``groups_`` and what `keep_group_values` needs.

    Parameters
    ----------
    valuator : BaseValuator
        Whose fit it is.

    n_samples : int
        Number of training rows.

    sample_weight : array-like of shape (n_samples,) or None
        As given.

    groups : array-like of shape (n_samples,) or None
        As given.

    Returns
    -------
    given : dict
        ``sample_weight`` float64 and ``groups``, the labels, both (n_samples,).

    Raises
    ------
    ValueError
        If they are not usable, or the method cannot use weights.
    """
    given = {}
    if sample_weight is not None:
        if not takes(type(valuator), "sample_weight"):
            raise ValueError(
                f"{type(valuator).__name__} cannot use sample_weight; leave it out, or "
                "repeat rows of X and y."
            )
        given["sample_weight"] = _check_weights(sample_weight, n_samples)
    for name in ["groups_", "group_values_", "group_values_stderr_", "_group_codes"]:
        vars(valuator).pop(name, None)
    if groups is not None:
        groups = _check_groups(groups, n_samples)
        valuator.groups_, valuator._group_codes = _unique(groups)
        if takes(type(valuator), "groups"):
            given["groups"] = groups
    return given


def keep_group_values(valuator):
    """Set ``group_values_`` to the sums of the rows' values, where there are groups."""
    if hasattr(valuator, "groups_") and not hasattr(valuator, "group_values_"):
        valuator.group_values_ = np.bincount(
            valuator._group_codes, weights=valuator.data_values_
        )


def takes(valuator_class, name):
    """Whether the ``_fit`` of a class of valuators takes an argument of this name."""
    return name in signature(valuator_class._fit).parameters


def show_weights(valuator_class):
    """Let the signature of ``fit`` have `sample_weight` only where ``_fit`` takes it.

    Meta-estimators, scikit-learn's checks and metadata routing look there.

    Parameters
    ----------
    valuator_class : subclass of BaseValuator
        Its ``fit`` is replaced where the signature would not tell the truth.
    """
    if takes(valuator_class, "sample_weight"):
        if hasattr(valuator_class.fit, "_shown"):
            valuator_class.fit = valuator_class.fit._shown
        return
    shown = valuator_class.fit
    if hasattr(shown, "_shown") or "sample_weight" not in signature(shown).parameters:
        return

    @wraps(shown)
    def fit(self, *args, **kwargs):
        return shown(self, *args, **kwargs)

    whole = signature(shown)
    fit.__signature__ = whole.replace(
        parameters=[p for p in whole.parameters.values() if p.name != "sample_weight"]
    )
    fit._shown = shown
    valuator_class.fit = fit


def _check_weights(sample_weight, n_samples):
    with naming("sample_weight"):
        weights = check_sample_weight(
            sample_weight,
            np.empty((n_samples, 0)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
    if not weights.sum() > 0:
        raise ValueError("sample_weight is zero for every row; some must be above 0.")
    return weights


def _check_groups(groups, n_samples):
    with naming("groups"):
        labels = column_or_1d(np.asarray(groups), input_name="groups")
    if num_samples(labels) != n_samples:
        raise ValueError(
            f"groups has {num_samples(labels)} labels, but X has {n_samples} rows; "
            "give one label a row."
        )
    missing = np.flatnonzero([_is_missing(label) for label in labels])
    if len(missing):
        raise ValueError(
            f"groups has a missing label at row {missing[0]}; every row needs one."
        )
    return labels


def _is_missing(label):
    if label is None or type(label).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(label, np.datetime64 | np.timedelta64):
        return bool(np.isnat(label))
    return isinstance(label, float) and label != label


def _unique(groups):
    try:
        return np.unique(groups, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in groups})
        raise ValueError(
            f"groups mixes labels that cannot be compared ({', '.join(kinds)}); use "
            "labels of one type."
        ) from error
