r"""What amortization does beside the network: a linear model, and how much to trust it.

Two independent, unbiased noisy values of each row, :math:`a` and :math:`b`, differ by
noise alone, so their mean squared difference estimates :math:`\sigma_a^2 + \sigma_b^2`;
the variances are to each other as the evaluations behind :math:`b` and :math:`a`. The
error of a prediction is estimated by :math:`\tau^2 = \mathbb{E} (a - \hat v)(b - \hat
v)`, in which the noise of either value meets that of the other: a squared distance to
one of them, less its variance, would drown in the heavy tails of marginal
contributions. Here :math:`\hat v` comes from models that saw :math:`a` alone: one that
has fitted some of the noise of both would make the product too small. The models that
are used are fitted to both sets and err a little less than :math:`\tau^2` says. The
posterior mean of a row's value is the prediction, moved by :math:`\tau^2 / (\tau^2 +
\sigma^2)` towards its noisy value (Efron & Morris, "Stein's Estimation Rule and Its
Competitors", 1973). Rough estimates of :math:`\tau^2` cost more where they are too
large than where they are too small: noise comes back. So the one used there is two
standard errors lower.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV

ALPHAS = np.logspace(0, 5, 11)

# The share of the network that did best on three data sets, and how far from it the
# best share elsewhere may be expected. Its epoch was chosen by the noisy values that it
# is weighed by, so these flatter it: the prior is a narrow one.
PRIOR_SHARE, PRIOR_SHARE_SD = 0.25, 0.1

# Where both rows and products of residuals and features are more than this, ridge
# regression would take minutes: the features are then their first principal components.
MAX_PRODUCTS = 2000

# Columns of this scale bear a hundred times the penalty.
AFTERTHOUGHT = 0.1


def prediction_variance(noisy, predictions):
    """Mean squared error of predictions that were made without the second noisy."""
    product = (noisy.first - predictions) * (noisy.second - predictions)
    return max(0.0, float(np.mean(product)))


def combine(noisy, predictions, blind):
    """Posterior means of the values, and the weight of the noisy values in them.

    Parameters
    ----------
    noisy : NoisyValues
        The noisy.

    predictions : ndarray of shape (n_samples,)
        What the models predict.

    blind : ndarray of shape (n_samples,)
        What models that were fitted without the second noisy values predict.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        Between prediction and pooled noisy value.

    weight : float
        Of the noisy value, in [0, 1].

    variance : float
        Estimated mean squared error of a value.
    """
    product = (noisy.first - blind) * (noisy.second - blind)
    certain = float(product.mean() - 2 * product.std() / np.sqrt(len(product)))
    error, noise = max(0.0, certain), noisy.pooled_variance
    # Labels without noise are the values.
    weight = error / (error + noise) if noise > 0 else 1.0
    values = predictions + weight * (noisy.pooled - predictions)
    error = prediction_variance(noisy, blind)
    return values, weight, weight**2 * noise + (1 - weight) ** 2 * error


def mixture_weight(noisy, net, regression):
    """Share of the network in the predictions, from values that neither model saw.

    The share with the least squared error to the second noisy values, under a prior: as
    far as these noisy values do not know better, a quarter.

    Parameters
    ----------
    noisy : NoisyValues
        The noisy.

    net, regression : ndarray of shape (n_samples,)
        Predictions made without the second noisy.

    Returns
    -------
    weight : float
        In [0, 1].
    """
    rest, step = noisy.second - regression, net - regression
    if not (rest.any() and step.any()):
        return PRIOR_SHARE
    prior = np.mean(rest**2) / PRIOR_SHARE_SD**2
    weight = (rest @ step + PRIOR_SHARE * prior) / (step @ step + prior)
    return float(np.clip(weight, 0.0, 1.0))


class InfluenceColumns:
    r"""Columns in which values are nearly linear, from a linear model of the noisy.

    To first order a row changes a fitted model by its residual times its features: for
    the logistic loss :math:`\phi_i \approx (y_i - p(x_i))\, x_i^\top w`, where w holds
    curvature and held-out rows and is the same for all rows (Koh & Liang,
    "Understanding Black-box Predictions via Influence Functions", ICML 2017). So ridge
    regression on residuals, and on their products with the features, has little to
    learn but w.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Standardised training rows.

    codes : ndarray of shape (n_samples,)
        Class codes, or standardised real targets.

    n_classes : int or None
        None: regression.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the rows in the linear model of the labels.
    """

    def __init__(self, X, codes, n_classes, sample_weight=None):
        self.n_classes = n_classes
        n_residuals = 1 if n_classes in (None, 2) else n_classes
        self._components = None
        if min(len(X), n_residuals * X.shape[1]) > MAX_PRODUCTS:
            n_components = max(1, MAX_PRODUCTS // n_residuals)
            self._components = PCA(n_components, random_state=0).fit(X)
            X = self._components.transform(X)
        # Rows of unit length, whatever their number of columns: the penalty then keeps
        # a model of many columns from fitting all noise.
        self._scale = 1 / np.sqrt(X.shape[1])
        if n_classes is None:
            self._model = Ridge().fit(self._scale * X, codes, sample_weight)
        else:
            self._model = LogisticRegression(max_iter=1000)
            self._model.fit(self._scale * X, codes, sample_weight)

    def transform(self, X, codes):
        """Columns for the regressor.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Standardised rows.

        codes : ndarray of shape (n_rows,)
            Class codes, or standardised real targets.

        Returns
        -------
        columns : ndarray of shape (n_rows, n_columns)
            Residuals, one with two classes, else one a class; in regression also the
            square, since a target is as bad above as below; products of residuals and
            features; and a tenth of the features and labels, so that ridge regression
            turns to them last.
        """
        if self._components is not None:
            X = self._components.transform(X)
        residual = self._residuals(X, codes)
        products = (residual[:, :, None] * X[:, None]).reshape(len(X), -1)
        if self.n_classes is None:
            others = [residual**2, AFTERTHOUGHT * codes[:, None]]
        else:
            others = [AFTERTHOUGHT * np.eye(self.n_classes)[codes]]
        return np.hstack([residual, products, *others, AFTERTHOUGHT * X])

    def _residuals(self, X, codes):
        if self.n_classes is None:
            return (codes - self._model.predict(self._scale * X))[:, None]
        probability = self._model.predict_proba(self._scale * X)
        residual = np.eye(self.n_classes)[codes] - probability
        # The residuals of both classes differ in sign only.
        return residual[:, 1:] if self.n_classes == 2 else residual


def ridge():
    """The linear model, its penalty chosen by generalised cross-validation."""
    return RidgeCV(alphas=ALPHAS)
