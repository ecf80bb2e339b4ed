r"""The kernel discrepancy of training rows from held-out rows, and its gradient.

.. math::

   D(q) = \omega \| \sum_i q_i k(x_i, \cdot) - \mu_P \|^2
          + \sum_i q_i \| \varphi(y_i) - \mu_{Y|x_i} \|^2

Sources: Gretton et al., "A Kernel Two-Sample Test", 2012 (the features); Song et al.,
"Hilbert Space Embeddings of Conditional Distributions", 2009 (the labels); Zhu et al.,
"KAIROS", 2025 (their gradient as values).
"""

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from .utils._chunks import row_chunks
from .utils._folds import drawn_evenly

# Candidates of ridge="auto".
RIDGES = 10.0 ** np.arange(-2, 2.1, 0.5)


class Discrepancy:
    """The discrepancy of training rows from held-out rows, and its gradient.

    Parameters
    ----------
    X, y : ndarray of shape (n_rows, n_features), (n_rows,)
        Training rows; class codes or real targets.

    split : Split
        The held-out rows.

    settings : KAIROS
        Its parameters are read.

    n_classes : int or None
        None for real targets.

    Attributes
    ----------
    mean : float
        Of the gradient over the training rows; whoever computes it sets it.
    """

    def __init__(self, X, y, split, settings, n_classes):
        self.feature_weight, self.n_classes = settings.feature_weight, n_classes
        drawn = self._drawn(split.y_val, settings.max_reference, split.seed)
        y_val = split.y_val[drawn]
        # Distances by matrix products lose digits far from the origin.
        self._origin = split.X_val[drawn].mean(axis=0, dtype=np.float64)
        self._held_out = self._centred(split.X_val[drawn])
        self._in_reference = self._drawn(y, settings.max_reference, split.seed)
        self._training = self._centred(X[self._in_reference])
        self._drawn_share = 1 / -(-len(y) // settings.max_reference)
        squared = euclidean_distances(self._held_out, squared=True)
        self._scale = settings.bandwidth * _typical(squared)
        if n_classes is None:
            self._unit = y_val.std() or 1.0
        targets = self._embed(y_val)
        self._intercept = targets.mean(axis=0)
        self.ridge, self._coefficients = _kernel_ridge(
            np.exp(-squared / self._scale), targets - self._intercept, settings.ridge
        )

    def gradient(self, X, y):
        """Derivative of the discrepancy in the weight of each of some rows.

        Parameters
        ----------
        X, y : ndarray of shape (n_rows, n_features), (n_rows,)
            Rows, and their class codes or real targets.

        Returns
        -------
        gradient : ndarray of shape (n_rows,)
            Up to a constant that a move of weight does not see.

        predictions : ndarray of shape (n_rows, n_classes or 1)
            The labels' embedding at each row.
        """
        own, held_out, predictions = self._embeddings(X)
        return self._sum(own, held_out, predictions, y), predictions

    def gradient_of_training_rows(self, X, y):
        """As `gradient`, of the rows that the discrepancy was made with."""
        own, held_out, predictions = self._embeddings(X)
        if not self._in_reference.all():
            # Whether a row was drawn must not count: each meets itself once.
            share = 1 / (len(y) * self._drawn_share)
            own += 1 / len(y) - share * self._in_reference
        return self._sum(own, held_out, predictions, y), predictions

    def _sum(self, own, held_out, predictions, y):
        labels = ((self._embed(y) - predictions) ** 2).sum(axis=1)
        return 2 * self.feature_weight * (own - held_out) + labels

    def _embeddings(self, X):
        """Mean kernels with either side's reference, and the labels' embedding."""
        n_rows = len(X)
        own, held_out = np.empty(n_rows), np.empty(n_rows)
        predictions = np.empty((n_rows, self._coefficients.shape[1]))
        widest = max(len(self._training), len(self._held_out))
        for chunk in row_chunks(n_rows, widest):
            rows = self._centred(X[chunk])
            own[chunk] = self._kernel(rows, self._training).sum(axis=1)
            kernel = self._kernel(rows, self._held_out)
            held_out[chunk] = kernel.mean(axis=1)
            predictions[chunk] = kernel @ self._coefficients + self._intercept
        # All rows are drawn with the same probability: this sum is unbiased.
        own /= len(self._in_reference) * self._drawn_share
        return own, held_out, predictions

    def _kernel(self, rows, others):
        kernel = euclidean_distances(rows, others, squared=True)
        kernel /= -self._scale
        return np.exp(kernel, out=kernel)

    def _embed(self, y):
        """Labels as vectors: indicators of the class, or the target in its unit."""
        if self.n_classes is None:
            return y[:, None] / self._unit
        return np.eye(self.n_classes)[y]

    def _centred(self, X):
        return X.astype(np.float64) - self._origin

    def _drawn(self, y, max_reference, seed):
        """Mask of at most `max_reference` rows, the classes spread evenly."""
        return drawn_evenly(y, max_reference, self.n_classes is not None, seed)


def _typical(squared):
    """Median squared distance of two rows; the mean where most are the same row."""
    between = squared[np.triu_indices(len(squared), 1)]
    if len(between) == 0:
        return 1.0
    return float(np.median(between) or between.mean() or 1.0)


def _kernel_ridge(kernel, targets, ridge):
    """Ridge in use, and coefficients of the kernel ridge regression.

    Parameters
    ----------
    kernel : ndarray of shape (n_rows, n_rows)
        Of the rows.

    targets : ndarray of shape (n_rows, n_targets)
        Without intercept.

    ridge : float or "auto"
        ``"auto"``: of the least leave-one-out error, in closed form.

    Returns
    -------
    ridge : float
        The one in use.

    coefficients : ndarray of shape (n_rows, n_targets)
        Of the kernel functions.
    """
    eigenvalues, vectors = np.linalg.eigh(kernel)
    # Rounding makes those of near 0 negative.
    eigenvalues, rotated = np.maximum(eigenvalues, 0), vectors.T @ targets
    best = np.inf, None, None
    for candidate in RIDGES if isinstance(ridge, str) else [float(ridge)]:
        inverse = 1 / (eigenvalues + candidate)
        coefficients = vectors @ (inverse[:, None] * rotated)
        residuals = coefficients / (vectors**2 @ inverse)[:, None]
        error = (residuals**2).sum()
        if error < best[0]:
            best = error, float(candidate), coefficients
    return best[1:]
