"""Where noisy values come from: a valuator that is asked twice, or the user."""

import math

import numpy as np
from sklearn.utils import check_array

from .._weights_groups import ShowsWeights
from ..utils._naming import naming
from ..utils._refit import whole_or_not_at_all
from ._noisy_values import (
    NoisyValues,
    default_source,
    evaluations_of,
    valuator_rows,
    value_twice,
)


class NoisyValuesMixin:
    """Mixin of `AmortizedShapley`: what its models learn from.

    While ``fit`` runs ``_given_noisy`` holds what the user gave.
    """

    _given_noisy = None

    @ShowsWeights
    @whole_or_not_at_all
    def fit(
        self,
        X,
        y,
        *,
        X_val=None,
        y_val=None,
        sample_weight=None,
        groups=None,
        noisy_values=None,
    ):
        """Value every training row.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels (of any type) or, for regression, real targets.

        X_val : {array-like, dataframe} of shape (n_val, n_features), default=None
            Held-out rows that utility is measured on.

        y_val : array-like of shape (n_val,), default=None
            Labels of `X_val`.

        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, >= 0 and not all 0.

        groups : array-like of shape (n_samples,), default=None
            Where each row comes from, see `BaseValuator`.

        noisy_values : pair of array-like of shape (n_samples,), default=None
            Two estimates of each row's value, unbiased, with errors independent of
            each other and, as far as may be, over the rows: from any oracle, in any
            unit. `valuator` is then not asked, and held-out rows are not needed. A
            second pair ``(n_first, n_second)`` behind them says how many evaluations
            each is made of, where one is more precise; else both count alike.

        Returns
        -------
        self : object
            The fitted valuator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not usable; the message names it. Raised
            before any expensive work. A fit that fails leaves the valuator as it was.
        """
        self._given_noisy = noisy_values
        super().fit(
            X,
            y,
            X_val=X_val,
            y_val=y_val,
            sample_weight=sample_weight,
            groups=groups,
        )
        del self._given_noisy
        return self

    def _noisy_values(self, X, y, X_val, y_val, numbers, rng, states, given):
        """What the models learn from: the user's, or of two valuators."""
        vars(self).pop("valuator_transformer_", None)
        vars(self).pop("valuator_", None)
        if self._given_noisy is not None:
            self.n_evaluations_ = 0
            return check_noisy_values(self._given_noisy, len(y)), [None, None]
        if hasattr(self, "classes_"):
            y = self.classes_[y]
            y_val = None if y_val is None else self.classes_[y_val]
        X, X_val, transformer = valuator_rows(
            self.valuator_transformer, rng, X, y, X_val
        )
        if transformer is not None:
            self.valuator_transformer_ = transformer
            numbers = X
        valuators = value_twice(
            self._source(numbers),
            X,
            y,
            X_val,
            y_val,
            rng=rng,
            task="classification" if hasattr(self, "classes_") else "regression",
            share=self.validation_share,
            fitting=self._task,
            warm_start=self.warm_start,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            states=states,
            given=given,
        )
        self.valuator_ = valuators[0]
        self.n_evaluations_ = sum(map(evaluations_of, valuators))
        states = [getattr(each, "_state", None) for each in valuators]
        return NoisyValues.of(*valuators), states

    def _source(self, numbers):
        if self.valuator is not None:
            return self.valuator
        n_classes = len(self.classes_) if hasattr(self, "classes_") else None
        return default_source(n_classes, math.prod(numbers.shape[1:]))


def check_noisy_values(given, n_samples):
    """What the user brings, checked.

    Parameters
    ----------
    given : sequence
        Both estimates, and maybe their numbers of evaluations.

    n_samples : int
        Training rows.

    Returns
    -------
    noisy : NoisyValues
        float64 copies.

    Raises
    ------
    ValueError
        Names ``noisy_values``.
    """
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        raise ValueError(
            "noisy_values must be a pair of arrays, or (first, second, (n_first, "
            f"n_second)); got {type(given).__name__}."
        )
    checked = []
    for number, values in enumerate(given[:2]):
        with naming(f"noisy_values[{number}]"):
            values = check_array(
                values, ensure_2d=False, dtype=np.float64, copy=True, input_name=""
            )
        if values.shape != (n_samples,):
            raise ValueError(
                f"noisy_values[{number}] has shape {values.shape} for {n_samples} rows "
                "of X; it must have one value a row."
            )
        checked.append(values)
    if np.array_equal(*checked) and checked[0].std() > 0:
        raise ValueError(
            "noisy_values holds the same values twice; the models need two estimates "
            "whose errors are independent."
        )
    counts = given[2] if len(given) == 3 else (1, 1)
    if np.shape(counts) != (2,) or not all(
        np.isreal(count) and np.isfinite(count) and count > 0 for count in counts
    ):
        raise ValueError(
            f"noisy_values[2]={counts!r} must be two positive numbers of evaluations."
        )
    return NoisyValues(*checked, *counts)
