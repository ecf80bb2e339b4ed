"""Acting on values: support, kept rows, and what a Pipeline asks of a transformer."""

import copy

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._drop import keep_mask, substitutes
from ._validation import check_unchanged
from .utils._naming import naming
from .utils._rows import own_container, take_rows
from .utils._sklearn import get_feature_names, is_pandas_df, num_samples


class CleaningMixin(OneToOneFeatureMixin, TransformerMixin):
    """Part of every valuator: what ``data_values_`` and ``drop`` do to rows."""

    def get_support(self, indices=False):
        """Tell which rows `drop` keeps.

        Parameters
        ----------
        indices : bool, default=False
            Return row numbers instead of a mask.

        Returns
        -------
        support : ndarray of shape (n_samples,), dtype bool, or (n_kept,), dtype int
            Mask of the kept rows, or their indices.

        Raises
        ------
        ValueError
            If `drop` would leave a class without rows.
        """
        check_is_fitted(self, "data_values_")
        # What the method believes takes fits of its own, and no other rule asks.
        is_auto = isinstance(self.drop, str) and self.drop == "auto"
        keep = keep_mask(
            self.data_values_,
            self.drop,
            self._target,
            classes=getattr(self, "classes_", None),
            plausible=self._plausible_rows() if is_auto else None,
        )
        return np.flatnonzero(keep) if indices else keep

    def filter(self, *arrays):
        """Return the kept rows of each array.

        Parameters
        ----------
        *arrays : sequence of array-like, dataframe, list or sparse, (n_samples, ...)
            Anything row-aligned with the training rows.

        Returns
        -------
        kept : same type as the input, or tuple
            The kept rows: of the one array given, or a tuple with one item an array.

        Raises
        ------
        ValueError
            If an array is not as long as the training data.
        """
        rows = self.get_support(indices=True)
        if not arrays:
            raise ValueError("filter needs at least one array.")
        n_samples = len(self.data_values_)
        for position, array in enumerate(arrays):
            if num_samples(array) != n_samples:
                raise ValueError(
                    f"filter: array {position} has {num_samples(array)} rows; expected "
                    f"{n_samples}, as in fit."
                )
        kept = tuple(take_rows(array, rows) for array in arrays)
        return kept[0] if len(kept) == 1 else kept

    def transform(self, X):
        """Return X unchanged: rows outside the training set are never dropped.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows of any number.

        Returns
        -------
        X : {ndarray, dataframe} of shape (n_rows, n_features)
            The same rows.
        """
        check_is_fitted(self, "data_values_")
        with naming("X"):
            checked = check_unchanged(self, X)
        if hasattr(X, "columns") and not hasattr(self, "feature_names_in_"):
            # Names that fit never saw are not those of get_feature_names_out.
            return copy.copy(X) if get_feature_names(X) is None else checked
        return own_container(X, checked)

    def fit_transform(
        self, X, y, *, X_val=None, y_val=None, sample_weight=None, groups=None
    ):
        """Value the training rows and replace those of low value.

        The output is as long as the input, as a Pipeline demands: every dropped row
        is replaced by the most valuable kept row with the same label (regression: of
        the kept rows nearest in label), so the next step never sees a dropped row.
        This differs from ``fit(X, y).transform(X)`` by design.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels or real targets.

        X_val : {array-like, dataframe} of shape (n_val, n_features), default=None
            Held-out rows, see `fit`.

        y_val : array-like of shape (n_val,), default=None
            Labels of `X_val`.

        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts, see `fit`.

        groups : array-like of shape (n_samples,), default=None
            Where each row comes from, see `fit`.

        Returns
        -------
        X_clean : same type as X, of shape (n_samples, n_features)
            Container, dtype, index, column names and sparsity are those of `X`.
        """
        of_rows = {"sample_weight": sample_weight, "groups": groups}
        self.fit(X, y, X_val=X_val, y_val=y_val, **of_rows)
        keep = self.get_support()
        self.fill_indices_ = substitutes(
            self.data_values_,
            keep,
            self._target,
            classes=getattr(self, "classes_", None),
        )
        X = own_container(X, check_unchanged(self, X))
        if keep.all():
            return X
        filled = take_rows(X, self.fill_indices_)
        if is_pandas_df(X):
            filled.index = X.index
        return filled
