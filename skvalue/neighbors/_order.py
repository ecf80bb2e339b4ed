"""Training rows in the order of their distance to test rows, sorted as integers.

A sort of (distance, row) pairs is what costs in every nearest-neighbour value. The
bits of a non-negative float64 sort like an integer, so the lowest bits of a squared
distance can hold the row itself: one in-place integer sort (vectorised in NumPy, four
times as fast as ``argsort``) gives the order, ties broken by row. Distances closer
than ``2 ** (ceil(log2(n)) - 52)`` relative (1e-10 for a million rows) are a tie, which
also absorbs the rounding of the matrix product that they come from.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.metrics import pairwise_distances

# Elements of a chunk of distances; eight rows at least, so that the matrix product
# reads the training rows once for several test rows.
_CHUNK_ELEMENTS = 1 << 21
_MIN_CHUNK_ROWS, _MAX_CHUNK_ROWS = 8, 256
# A squared distance below this share of the squared norm is rounding error of the
# matrix product: the rows are equal.
_ROUNDING = 2.0**-44


class NeighbourOrder:
    """Orders one set of training rows by their distance to any test rows.

    Parameters
    ----------
    X : {ndarray, csr_matrix} of shape (n_samples, n_features)
        Training rows.

    metric : str or callable
        As `sklearn.metrics.pairwise_distances` has it.
    """

    def __init__(self, X, metric):
        self.metric = metric
        self.n_samples = X.shape[0]
        self.row_mask = (1 << max(1, (self.n_samples - 1).bit_length())) - 1
        self.fast = metric == "euclidean" and not issparse(X)
        if self.fast:
            # Centred: |a|^2 + |b|^2 - 2ab cancels least near the origin.
            self.mean = X.mean(axis=0, dtype=np.float64)
        self.X = self._prepared(X)

    def chunks(self, n_test):
        """Slices of test rows whose distances are held at once."""
        rows = _CHUNK_ELEMENTS // self.n_samples
        rows = min(max(rows, _MIN_CHUNK_ROWS), _MAX_CHUNK_ROWS)
        return [slice(start, start + rows) for start in range(0, n_test, rows)]

    def sorted_keys(self, X_test, n_nearest=None):
        """Packed distances and rows, nearest first.

        Parameters
        ----------
        X_test : {ndarray, csr_matrix} of shape (n_test, n_features)
            Test rows.

        n_nearest : int or None
            How many of the nearest to return; None for all.

        Returns
        -------
        keys : ndarray of shape (n_test, n_nearest), dtype int64
            See `rows` and `distances`.
        """
        keys = self._rounded(self._ordering_distances(X_test, self.X))
        keys += np.arange(self.n_samples)
        if n_nearest is not None and n_nearest < self.n_samples:
            keys.partition(n_nearest - 1, axis=1)
            keys = keys[:, :n_nearest].copy()
        keys.sort(axis=1)
        return keys

    def newcomer_keys(self, X_test, X_new):
        """Keys of further rows, each behind every training row as near as it is.

        ``searchsorted`` in a row of `sorted_keys` gives the place of a new row.
        """
        distances = self._ordering_distances(X_test, self._prepared(X_new))
        return self._rounded(distances) + self.row_mask

    def within(self, X_test, radius, X_new=None):
        """Whether each row is no further than `radius`, rounded as a tie is.

        Parameters
        ----------
        X_test : {ndarray, csr_matrix} of shape (n_test, n_features)
            Test rows.

        radius : float
            In units of the metric.

        X_new : {ndarray, csr_matrix} of shape (n_new, n_features) or None
            Rows to ask for; None for the training rows.

        Returns
        -------
        inside : ndarray of shape (n_test, n_rows), dtype bool
            True up to and including the radius.
        """
        limit = np.array([radius**2 if self.fast else radius], dtype=np.float64)
        X = self.X if X_new is None else self._prepared(X_new)
        keys = self._rounded(self._ordering_distances(X_test, X))
        return keys <= self._rounded(limit)

    def rows(self, keys):
        """Training rows that sorted keys stand for."""
        return keys & self.row_mask

    def distances(self, keys):
        """Distances that keys stand for, to within the rounding of a tie."""
        values = (keys & ~self.row_mask).view(np.float64)
        return np.sqrt(values) if self.fast else values

    def _prepared(self, X):
        """Training side of the product that gives squared distances in one pass."""
        if not self.fast:
            return X
        centred = X - self.mean
        squared_norm = np.einsum("ij,ij->i", centred, centred)
        return np.column_stack([centred, squared_norm, np.ones_like(squared_norm)])

    def _ordering_distances(self, X_test, X_train):
        """Distances, squared where that is cheaper."""
        if not self.fast:
            distances = pairwise_distances(X_test, X_train, metric=self.metric)
            if not distances.min() >= 0:
                raise ValueError(
                    f"metric={self.metric!r} gave a distance of {distances.min()}; "
                    "distances must be numbers >= 0."
                )
            return distances.astype(np.float64, copy=False)
        X_test, tiny = self._test_side(X_test)
        squared = X_test @ X_train.T
        # Not np.maximum(squared, tiny): then a distance of 0 would not read as 0.
        squared[squared < tiny] = 0
        return squared

    def _test_side(self, X_test):
        """Test side of the product, and what is rounding error of it, a column."""
        X_test = X_test - self.mean
        squared_norm = np.einsum("ij,ij->i", X_test, X_test)
        tiny = (_ROUNDING * squared_norm)[:, None]
        X_test = np.column_stack(
            [-2 * X_test, np.ones_like(squared_norm), squared_norm]
        )
        return X_test, tiny

    def _rounded(self, distances):
        """Bits of the distances, the lowest ones rounded away to make room."""
        keys = distances.view(np.int64)
        keys += (self.row_mask + 1) >> 1
        keys &= ~self.row_mask
        return keys
