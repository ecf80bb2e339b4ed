"""Estimators and games whose coalition values the tests know exactly."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from skvalue._coalitions.game import Game


class RowCollector(RegressorMixin, BaseEstimator):
    """Remembers which rows it was fitted on: column 0 of X is the row number."""

    def fit(self, X, y):
        self.rows_ = tuple(X[:, 0].astype(int).tolist())
        return self

    def predict(self, X):
        return np.zeros(len(X))


class TableScorer:
    """Worth of the coalition that a `RowCollector` was fitted on, from a table."""

    def __init__(self, table):
        self.table = table

    def __call__(self, estimator, X, y):
        rows = np.unique(getattr(estimator, "rows_", ())).astype(int)
        return self.table[int((2**rows).sum())]


class TableGame(Game):
    """The same game, without an estimator."""

    def __init__(self, table):
        self.table = table
        self.n_players = int(np.log2(len(table)))

    def value(self, rows):
        return self.table[int((2 ** np.unique(rows)).sum())]


class CentroidClassifier(ClassifierMixin, BaseEstimator):
    """A nearest-centroid classifier without scikit-learn's overhead."""

    def fit(self, X, y):
        X, y = np.asarray(X, dtype=float), np.asarray(y)
        self.n_features_in_ = X.shape[1]
        self.classes_, codes = np.unique(y, return_inverse=True)
        counts = np.bincount(codes)
        sums = [np.bincount(codes, column) for column in X.T]
        self.centroids_ = (np.array(sums) / counts).T
        return self

    def predict_proba(self, X):
        squared = ((np.asarray(X)[:, None] - self.centroids_) ** 2).sum(axis=2)
        weight = np.exp(-(squared - squared.min(axis=1, keepdims=True)))
        return weight / weight.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def table_data(n_samples):
    """Training and held-out rows for a `RowCollector`."""
    X = np.arange(n_samples, dtype=float)[:, None]
    y = np.linspace(0.0, 1.0, n_samples)
    return X, y, X[:2], y[:2]


def random_table(n_samples, seed, by_size=0.0):
    """Worth of every coalition: noise, and something that grows with its size."""
    rng = np.random.default_rng(seed)
    sizes = np.array([bin(code).count("1") for code in range(2**n_samples)])
    own = rng.normal(size=n_samples) / n_samples
    masks = (np.arange(2**n_samples)[:, None] >> np.arange(n_samples)) & 1
    noise = 0.1 * rng.normal(size=2**n_samples)
    return noise + masks @ own + by_size * np.sqrt(sizes)
