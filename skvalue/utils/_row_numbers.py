"""An estimator whose X are row numbers of a table that numpy cannot index."""

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from ._naming import reading
from ._rows import take_rows
from ._sample_weight import fit_weighted
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

    def fit(self, X, y, sample_weight=None):
        """Fit to the rows of these numbers."""
        with reading("estimator", self.estimator, self.rows):
            fit_weighted(self.estimator, self._rows(X), y, sample_weight)
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
