"""An estimator whose X are row numbers of a table that numpy cannot index."""

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from ._naming import reading
from ._rows import take_rows
from ._sample_weight import weight_names
from ._sklearn import estimator_has


class OfRowNumbers(BaseEstimator):
    """Fit and predict rows by their numbers, as an array of one column.

    What makes arrays of its X, such as scikit-learn's ensembles, leaves frames and
    texts alone so.

    Parameters
    ----------
    estimator : estimator object
        Gets the rows as they came.

    rows : {dataframe, list}
        All of them; shared between clones.
    """

    def __init__(self, estimator, rows):
        self.estimator = estimator
        self.rows = rows

    def __sklearn_clone__(self):
        return type(self)(clone(self.estimator), self.rows)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    @property
    def _weight_names(self):
        return weight_names(self.estimator)

    def fit(self, X, y, **weights):
        """Fit to the rows of these numbers."""
        with reading("estimator", self.estimator, self.rows):
            self.estimator.fit(self._rows(X), y, **weights)
        if hasattr(self.estimator, "classes_"):
            self.classes_ = self.estimator.classes_
        return self

    def predict(self, X):
        """Predict the rows of these numbers."""
        return self.estimator.predict(self._rows(X))

    @available_if(estimator_has("predict_proba", delegates=["estimator"]))
    def predict_proba(self, X):
        """Predict class probabilities of the rows of these numbers."""
        return self.estimator.predict_proba(self._rows(X))

    def _rows(self, numbers):
        return take_rows(self.rows, np.asarray(numbers)[:, 0])


class OfWeightedRowNumbers(OfRowNumbers):
    """The same, where the estimator takes weights: ensembles look for the name."""

    def fit(self, X, y, sample_weight=None):
        """Fit to the rows of these numbers."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return super().fit(X, y, **weights)


def of_row_numbers(estimator, rows):
    """The estimator as one of row numbers.

    Parameters
    ----------
    estimator : estimator object
        Of the user's.

    rows : {dataframe, list}
        As they came.

    Returns
    -------
    estimator : OfRowNumbers
        It takes weights where the estimator does.
    """
    takes_weights = has_fit_parameter(estimator, "sample_weight")
    return (OfWeightedRowNumbers if takes_weights else OfRowNumbers)(estimator, rows)
