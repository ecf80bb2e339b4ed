"""The estimator that is fitted on coalitions, and the rows that it reads."""

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import get_tags

from .._linear_engine.applies import SCORINGS


class CoalitionModel:
    """Mixin of what has a parameter `estimator` that is fitted on coalitions of rows.

    It answers what validation asks; the estimator gets the rows as they came.
    """

    @property
    def _accept_sparse(self):
        sparse = self.estimator is None or get_tags(self.estimator).input_tags.sparse
        return "csr" if sparse else False

    def _model_of_y(self):
        return self.estimator

    def _reader(self):
        return self.estimator

    @property
    def _keeps_frames(self):
        # The batched engine reads arrays.
        return type(self.estimator) not in SCORINGS

    def _estimator_or_default(self):
        if self.estimator is not None:
            return self.estimator
        return LogisticRegression() if hasattr(self, "classes_") else Ridge()
