"""Values of rows outside the training set, under the label they have or any other."""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._validation import validate_more_rows


def _may_value_classes(valuator):
    """False once it is fitted to real targets; before, any target may come."""
    return hasattr(valuator, "classes_") or not hasattr(valuator, "data_values_")


class ClassValuesMixin:
    """Mixin of valuators whose model gives any row a value under every label.

    A subclass implements ``_predict_values(X, y)``, with class codes or real targets
    as y, and ``_predict_class_values(X)``, on validated rows; its ``_fit`` ends with
    ``_keep_best_classes(X)`` where it has no ``class_probabilities_``.
    """

    def _keep_best_classes(self, X):
        """Keep, in classification, the class of highest value for `values_frame`."""
        vars(self).pop("_best_classes", None)
        known = hasattr(self, "class_probabilities_")
        if hasattr(self, "classes_") and not known:
            self._best_classes = self._predict_class_values(X).argmax(axis=1)

    def predict_values(self, X, y):
        """Value rows that were not in the training data.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows.

        y : array-like of shape (n_rows,)
            Their labels or real targets.

        Returns
        -------
        values : ndarray of shape (n_rows,)
            What the model predicts, in units of `data_values_`; higher is better.
        """
        check_is_fitted(self, "data_values_")
        return self._predict_values(*validate_more_rows(self, X, y, as_numbers=True))

    @available_if(_may_value_classes)
    def predict_class_values(self, X):
        """Value rows under every label.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows.

        Returns
        -------
        values : ndarray of shape (n_rows, n_classes)
            What `predict_values` gives for each label in the order of `classes_`.
        """
        check_is_fitted(self, "data_values_")
        return self._predict_class_values(validate_more_rows(self, X, as_numbers=True))

    @available_if(_may_value_classes)
    def relabel(self, X, y):
        """Replace the labels of low-value training rows.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            The training rows.

        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The class of the highest predicted value for each row that `drop` drops,
            and the label that it had for each other.

        Raises
        ------
        ValueError
            If `X` has another number of rows than the training data.

        Notes
        -----
        In our measurements dropping did as well as relabelling, and values of an
        accuracy relabelled badly.
        """
        check_is_fitted(self, "data_values_")
        X, y = validate_more_rows(self, X, y, as_numbers=True)
        if len(y) != len(self.data_values_):
            raise ValueError(
                f"relabel: X has {len(y)} rows; expected the {len(self.data_values_)} "
                "training rows."
            )
        low = np.flatnonzero(~self.get_support())
        codes = y.copy()
        if len(low):
            codes[low] = self._predict_class_values(X[low]).argmax(axis=1)
        return self.classes_[codes]
