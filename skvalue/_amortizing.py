r"""What amortization does beside the network: a linear model, and how much to trust it.

Two independent, unbiased labels of each row, :math:`a` and :math:`b`, differ by noise
alone, so their mean squared difference estimates :math:`\sigma_a^2 + \sigma_b^2`; the
variances are to each other as the evaluations behind :math:`b` and :math:`a`. The error
of a prediction is estimated by :math:`\tau^2 = \mathbb{E} (a - \hat v)(b - \hat v)`,
in which the noise of either label meets that of the other: a squared distance to one of
them, less its variance, would drown in the heavy tails of marginal contributions. Here
:math:`\hat v` comes from models that saw :math:`a` alone: one that has fitted some of
the noise of both would make the product too small. The models that are used are fitted
to both sets and err a little less than :math:`\tau^2` says. The posterior mean of a
row's value is the prediction, moved by :math:`\tau^2 / (\tau^2 + \sigma^2)` towards its
label (Efron & Morris, "Stein's Estimation Rule and Its Competitors", 1973).
"""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import RidgeCV

ALPHAS = np.logspace(0, 5, 11)


class NoisyLabels(NamedTuple):
    """Two independent unbiased estimates of the rows' values.

    Attributes
    ----------
    first, second : ndarray of shape (n_samples,)
        To train on, and to choose by.

    n_first, n_second : int
        Evaluations that each is made of.
    """

    first: np.ndarray
    second: np.ndarray
    n_first: int
    n_second: int

    @property
    def pooled(self):
        """Mean of both, weighted by their evaluations."""
        return np.average(
            [self.first, self.second], axis=0, weights=[self.n_first, self.n_second]
        )

    @property
    def difference_variance(self):
        """Variance of the first plus variance of the second, mean over the rows."""
        return float(np.mean((self.first - self.second) ** 2))

    @property
    def pooled_variance(self):
        """Noise variance of a pooled label."""
        share = self.n_first / (self.n_first + self.n_second)
        return self.difference_variance * share * (1 - share)


def prediction_variance(labels, predictions):
    """Mean squared error of predictions that were made without the second labels."""
    product = (labels.first - predictions) * (labels.second - predictions)
    return max(0.0, float(np.mean(product)))


def combine(labels, predictions, blind):
    """Posterior means of the values, and the weight of the labels in them.

    Parameters
    ----------
    labels : NoisyLabels
        The labels.

    predictions : ndarray of shape (n_samples,)
        What the models predict.

    blind : ndarray of shape (n_samples,)
        What models that were fitted without the second labels predict.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        Between prediction and pooled label.

    weight : float
        Of the label, in [0, 1].

    variance : float
        Posterior variance of a value.
    """
    error, noise = prediction_variance(labels, blind), labels.pooled_variance
    # Labels without noise are the values.
    weight = error / (error + noise) if noise > 0 else 1.0
    values = predictions + weight * (labels.pooled - predictions)
    return values, weight, weight * noise


def design(X, codes, n_classes):
    """Columns of the linear model: rows, labels and their products.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Standardised rows.

    codes : ndarray of shape (n_rows,)
        Class codes, or standardised real targets where `n_classes` is None.

    n_classes : int or None
        Two classes share one product, ``x (2 y - 1)``.

    Returns
    -------
    columns : ndarray of shape (n_rows, n_columns)
        Float64.
    """
    if n_classes is None or n_classes == 2:
        side = codes if n_classes is None else 2 * codes - 1
        side = side[:, None].astype(np.float64)
        return np.hstack([X, side, X * side])
    one_hot = np.eye(n_classes)[codes]
    products = (one_hot[:, :, None] * X[:, None]).reshape(len(X), -1)
    return np.hstack([X, one_hot, products])


def ridge():
    """The linear model, its penalty chosen by generalised cross-validation."""
    return RidgeCV(alphas=ALPHAS)
