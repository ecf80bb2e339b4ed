"""Weights and groups of the training rows: checked here, passed on to who can use them.

A weight says how often a row counts, a group where it comes from. What a method can use
is what the signature of its ``_fit`` takes.
"""

from functools import update_wrapper, wraps
from inspect import signature
from types import MethodType

import numpy as np
from sklearn.utils import column_or_1d

from .utils._missing import is_missing
from .utils._naming import naming, sorted_labels
from .utils._sample_weight import weight_names
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
        if not valuator._takes_weights():
            raise ValueError(
                f"{type(valuator).__name__} cannot use sample_weight; leave it out, or "
                "repeat rows of X and y."
            )
        given["sample_weight"] = _check_weights(sample_weight, n_samples)
    for name in ["groups_", "group_values_", "group_values_stderr_", "_group_codes"]:
        vars(valuator).pop(name, None)
    if groups is not None:
        groups = _check_groups(groups, n_samples)
        valuator.groups_, valuator._group_codes = sorted_labels(
            groups, "groups", return_inverse=True
        )
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


class WeightsMixin:
    """What a valuator says of the weights that it can use."""

    # Parameters that hold what is fitted with weights.
    _weighted_parts = ("estimator",)

    @classmethod
    def _takes_weights(cls):
        return takes(cls, "sample_weight")

    def _can_use_weights(self):
        """Whether the method can, and what the user made it of."""
        parts = [getattr(self, name, None) for name in self._weighted_parts]
        return self._takes_weights() and all(
            part is None or weight_names(part) for part in parts
        )


class ShowsWeights:
    """Decorate ``fit``: its signature has `sample_weight` where it can be used.

    Meta-estimators, scikit-learn's checks and metadata routing look there. What it is
    on a class says ``_fit``; on a valuator, its `_can_use_weights`.

    Parameters
    ----------
    fit : function
        Method that takes `sample_weight`, and raises where it cannot be used.
    """

    def __init__(self, fit):
        self.fit = fit

        @wraps(fit)
        def without(*args, **kwargs):
            return fit(*args, **kwargs)

        whole = signature(fit)
        without.__signature__ = whole.replace(
            parameters=[
                p for p in whole.parameters.values() if p.name != "sample_weight"
            ]
        )
        self.without = without
        update_wrapper(self, fit)

    def __get__(self, valuator, owner):
        if valuator is None:
            return self.fit if owner._takes_weights() else self.without
        function = self.fit if valuator._can_use_weights() else self.without
        return MethodType(function, valuator)


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
    if isinstance(groups, str):
        raise ValueError(
            f"groups is the string {groups!r}; give one label a row, such as the "
            "column of that name."
        )
    with naming("groups"):
        labels = column_or_1d(np.asarray(groups), input_name="groups")
    if num_samples(labels) != n_samples:
        raise ValueError(
            f"groups has {num_samples(labels)} labels, but X has {n_samples} rows; "
            "give one label a row."
        )
    missing = np.flatnonzero([is_missing(label) for label in labels])
    if len(missing):
        raise ValueError(
            f"groups has a missing label at row {missing[0]}; every row needs one."
        )
    return labels
