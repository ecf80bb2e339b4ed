"""A small deterministic valuator: the contract of the base, without a method."""

import numpy as np
from scipy import sparse
from sklearn.metrics import pairwise_distances

from skvalue.base import BaseValuator


class NeighbourAgreement(BaseValuator):
    """Share of the `n_neighbors` nearest rows that have the row's label, minus 1/2.

    Regression: minus the distance of a row's target to the mean of its neighbours'.
    Held-out rows, where given, are the only neighbours.
    """

    _accept_sparse = ("csr", "csc")

    def __init__(
        self,
        *,
        n_neighbors=5,
        encoder="auto",
        drop="auto",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            encoder=encoder, drop=drop, random_state=random_state, verbose=verbose
        )
        self.n_neighbors = n_neighbors

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "n_neighbors": [int],
    }

    def _n_tasks(self):
        return 1

    def _fit(self, X, y, X_val, y_val):
        neighbours, labels = (X, y) if X_val is None else (X_val, y_val)
        with self._task("neighbours"):
            distances = pairwise_distances(X, neighbours)
        if X_val is None:
            np.fill_diagonal(distances, np.inf)
        count = min(self.n_neighbors, len(labels) - (X_val is None))
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :count]
        if hasattr(self, "classes_"):
            agreement = np.mean(labels[nearest] == y[:, None], axis=1)
            self.label_probabilities_ = agreement
            self.data_values_ = agreement - 0.5
        else:
            vars(self).pop("label_probabilities_", None)
            self.data_values_ = -np.abs(labels[nearest].mean(axis=1) - y)


class GivenValues(BaseValuator):
    """Values written down by the test: ``values`` as a parameter."""

    _accept_sparse = ("csr",)
    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "values": "no_validation",
    }

    def __init__(self, values=None, *, drop="auto", random_state=None, verbose=0):
        super().__init__(drop=drop, random_state=random_state, verbose=verbose)
        self.values = values

    def _fit(self, X, y, X_val, y_val):
        n_samples = X.shape[0]
        values = np.arange(n_samples) if self.values is None else self.values
        self.data_values_ = np.asarray(values, dtype=np.float64)


def to_dense(X):
    """A plain array of any container."""
    return X.toarray() if sparse.issparse(X) else np.asarray(X)
