"""Gradients and Hessians of fitted linear models, in closed form.

A linear model scores row x by ``z = Theta a`` with ``a = (x, 1)``. Its loss has the
gradient ``r a^T`` and the Hessian ``S (x) a a^T``, where

    squared loss    r = z - t             S = I
    log loss        r = p - y             S = p (1 - p)
    softmax         r = p - onehot(y)     S = diag(p) - p p^T

so that no row's gradient is ever stored: what is needed of it are products.
"""

from functools import partial

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import expit, softmax
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeClassifier,
)
from sklearn.utils.class_weight import compute_class_weight

# Loss a row, in nats or in variances of the target, that a fit may have left to gain.
LARGEST_GAP = 0.05
# Rows of a Hessian that the default model may factor at each of its steps.
LARGEST_NEWTON = 1000
SMALLEST = np.finfo(np.float64).tiny

LINEAR_MODELS = (LogisticRegression, RidgeClassifier, Ridge, LinearRegression)


class LinearCurvature:
    """A fitted linear model's training objective around its optimum.

    The objective is the weighted mean of the rows' losses, plus the model's own penalty
    over the sum of the weights, plus ``damping / 2`` times the squared norm.

    Parameters
    ----------
    model : estimator
        One of `LINEAR_MODELS`, fitted.

    y : ndarray of shape (n_samples,)
        The labels or targets that it was fitted on.

    damping : float
        Added to the diagonal of the Hessian.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        What it was fitted with; None: all rows weigh one.
    """

    def __init__(self, model, y, damping, sample_weight=None):
        self.model = model
        self.n_samples = self.total_weight = len(y)
        # Of the training rows; their mean is one.
        self.row_weights = np.ones(len(y))
        if sample_weight is not None:
            self.total_weight = sample_weight.sum()
            self.row_weights = sample_weight * (len(y) / self.total_weight)
        coefficients = np.atleast_2d(model.coef_)
        penalty = _penalty(model, coefficients.shape[1])
        self.damping = damping
        self.diagonal = penalty / self.total_weight + damping
        if model.fit_intercept:
            intercept = np.broadcast_to(model.intercept_, len(coefficients))
            coefficients = np.c_[coefficients, intercept]
        self.coefficients = coefficients.astype(np.float64)
        self.class_weights = None
        if getattr(model, "class_weight", None) is not None:
            # Ridge classifiers balance the numbers of rows, not their weights.
            is_logistic = isinstance(model, LogisticRegression)
            self.class_weights = compute_class_weight(
                model.class_weight,
                classes=model.classes_,
                y=y,
                sample_weight=sample_weight if is_logistic else None,
            )

    def knows(self, y):
        """Whether the model was trained on a row of each of these labels."""
        return np.isin(y, getattr(self.model, "classes_", y))

    @property
    def hessian_size(self):
        """Rows of the dense Hessian that `solver` factors."""
        n_outputs, n_parameters = self.coefficients.shape
        joint = isinstance(self.model, LogisticRegression)
        return n_parameters * (n_outputs if joint else 1)

    def gradient(self, X, y, sample_weight=None, *, scoring):
        """Gradient of the mean score of given rows, without class weights or penalty.

        The loss is the log loss in nats, or the squared error (not half of it); the
        score ``"proba"`` is the probability of the labels not observed.
        """
        design = self._with_intercept(X)
        residuals = self._residuals(design, y)
        if scoring == "proba":
            # The gradient of -p is p times that of -log p.
            residuals = residuals * self._label_probability(design, y)[:, None]
        elif not isinstance(self.model, LogisticRegression):
            residuals = 2 * residuals
        if sample_weight is not None:
            residuals = residuals * (sample_weight / sample_weight.mean())[:, None]
        return residuals.T @ design / len(X)

    def row_products(self, X, y, direction):
        """Product of the gradient of each row, of weight one, and a direction."""
        design = self._with_intercept(X)
        products = self._residuals(design, y) * (design @ direction.T)
        return self._class_weights(y) * products.sum(axis=1)

    def training_products(self, X, y, direction):
        """The same for the training rows, weighted as in the fit, on average by one."""
        return self.row_weights * self.row_products(X, y, direction)

    def check_optimum(self, X, y):
        """Refuse a model that is far from the minimum of its objective.

        Solvers stop early where the columns of X differ much in scale, and say nothing.
        """
        design, weights = self._with_intercept(X), self._weights(y)[:, None]
        slope = self.diagonal - self.damping
        gradient = (weights * self._residuals(design, y)).T @ design / len(design)
        gradient += slope * self.coefficients
        probabilities = self._probabilities(design @ self.coefficients.T)
        if probabilities is None:
            target = _target(self.model, y, len(self.coefficients))
            residuals = design @ self.coefficients.T - target
            curved, unit = np.ones_like(residuals), np.var(target)
            loss = (weights * residuals**2).sum(axis=1).mean() / 2
        else:
            curved, unit = probabilities * (1 - probabilities), 1.0
            probability = np.maximum(self._label_probability(design, y), SMALLEST)
            loss = -(weights[:, 0] * np.log(probability)).mean()
        curvature = (weights * curved).T @ design**2 / len(design) + slope
        known = curvature > 0
        # What a Newton step in each parameter alone would gain; never more than all.
        gain = (gradient[known] ** 2 / curvature[known]).sum() / 2
        if not min(gain, loss) <= LARGEST_GAP * unit:
            largest = np.argmax(np.square(np.asarray(X, dtype=np.float64)).mean(axis=0))
            raise ValueError(
                f"estimator={self.model!r} stopped far from its optimum, where alone "
                "influence is defined. Columns of X of very different scale do that "
                f"(column {largest} has the largest numbers): standardise X "
                "(StandardScaler). Else raise its max_iter."
            )

    def scale(self, X):
        """Square root of about the curvature of each parameter."""
        design = self._with_intercept(X)
        scale = np.sqrt((design**2).mean(axis=0) + self.diagonal)
        return np.where(scale > 0, scale, 1.0)

    def hessian_operator(self, X, y):
        """Function ``(direction, rows=None)``: the Hessian times a direction.

        The Hessian is that of the training rows `X` and `y`, or of a sample of them.
        """
        all_rows, weights = self._with_intercept(X), self._weights(y)[:, None]
        probabilities = self._probabilities(all_rows @ self.coefficients.T)

        def product(direction, rows=None):
            rows = slice(None) if rows is None else rows
            design = all_rows[rows]
            tangent = design @ direction.T
            if probabilities is not None:
                tangent = _curve(probabilities[rows], tangent)
            mean = (weights[rows] * tangent).T @ design / len(design)
            return mean + self.diagonal * direction

        return product

    def solver(self, X, y):
        """Function of a gradient: the inverse Hessian of the training rows times it."""
        design, weights = self._with_intercept(X), self._weights(y)
        probabilities = self._probabilities(design @ self.coefficients.T)
        if probabilities is not None and probabilities.shape[1] > 1:
            hessian = self._softmax_hessian(design, weights, probabilities)
            solve = _positive_solver(hessian, self.damping)
            return lambda gradient: solve(gradient.ravel()).reshape(gradient.shape)
        if probabilities is not None:
            weights = weights * probabilities[:, 0] * (1 - probabilities[:, 0])
        # The outputs of a squared loss share one Hessian and do not interact.
        hessian = self._mean_gram(design, weights)
        hessian[np.diag_indices_from(hessian)] += self.diagonal
        solve = _positive_solver(hessian, self.damping)
        return lambda gradient: solve(gradient.T).T

    def _softmax_hessian(self, design, weights, probabilities):
        n_outputs, n_parameters = self.coefficients.shape
        hessian = np.empty((n_outputs, n_parameters, n_outputs, n_parameters))
        for first in range(n_outputs):
            for second in range(first + 1):
                p, q = probabilities[:, first], probabilities[:, second]
                block = self._mean_gram(design, weights * p * ((first == second) - q))
                if first == second:
                    block[np.diag_indices_from(block)] += self.diagonal
                # Moving all classes alike changes no probability, so no gradient has a
                # part there; curvature along it only makes the Hessian invertible.
                block[np.diag_indices_from(block)] += 1 / n_outputs
                hessian[first, :, second] = hessian[second, :, first] = block
        return hessian.reshape(n_outputs * n_parameters, -1)

    def _mean_gram(self, design, weights):
        return (design * weights[:, None]).T @ design / self.n_samples

    def _with_intercept(self, X):
        X = np.asarray(X, dtype=np.float64)
        return np.column_stack((X, np.ones(len(X)))) if self.model.fit_intercept else X

    def _weights(self, y):
        """Weights of the training rows."""
        return self.row_weights * self._class_weights(y)

    def _class_weights(self, y):
        if self.class_weights is None:
            return np.ones(len(y))
        return self.class_weights[np.searchsorted(self.model.classes_, y)]

    def _residuals(self, design, y):
        scores = design @ self.coefficients.T
        probabilities = self._probabilities(scores)
        target = _target(self.model, y, scores.shape[1])
        return (scores if probabilities is None else probabilities) - target

    def _label_probability(self, design, y):
        codes = np.searchsorted(self.model.classes_, y)
        probabilities = self._probabilities(design @ self.coefficients.T)
        if probabilities.shape[1] == 1:
            return np.where(codes == 1, probabilities[:, 0], 1 - probabilities[:, 0])
        return probabilities[np.arange(len(y)), codes]

    def _probabilities(self, scores):
        """Class probabilities of scores; None for the squared loss."""
        if not isinstance(self.model, LogisticRegression):
            return None
        return expit(scores) if scores.shape[1] == 1 else softmax(scores, axis=1)


def default_model(n_features, n_classes):
    """The model of who gives none; zero classes are real targets."""
    if n_classes == 0:
        return Ridge()
    # On columns of different scales lbfgs stops before the minimum, where alone
    # influence is defined; Newton's method does not, but factors a Hessian each step.
    newton = LogisticRegression(solver="newton-cholesky", max_iter=1000)
    if hessian_size(newton, n_features, n_classes) <= LARGEST_NEWTON:
        return newton
    return LogisticRegression(max_iter=1000)


def check_linear_model(model):
    """Refuse what has no closed form, before anything is fitted.

    Parameters
    ----------
    model : object
        What the user passed as `estimator`.
    """
    problem = None
    if not isinstance(model, LINEAR_MODELS) or isinstance(model, LogisticRegressionCV):
        problem = "is not a model whose Hessian is known"
    elif getattr(model, "positive", False):
        problem = "bounds its coefficients, and influence needs a free optimum"
    elif isinstance(model, LogisticRegression) and (
        model.l1_ratio or model.penalty in {"l1", "elasticnet"}
    ):
        problem = "has an L1 penalty, which has no Hessian"
    if problem:
        names = ", ".join(kind.__name__ for kind in LINEAR_MODELS)
        raise ValueError(
            f"estimator={model!r} {problem}; use {names}, a skorch net or a trained "
            "torch module."
        )


def hessian_size(model, n_features, n_classes):
    """Rows of the dense Hessian of a model that is not fitted yet.

    Parameters
    ----------
    model : estimator
        One of `LINEAR_MODELS`.

    n_features : int
        Columns of X.

    n_classes : int
        0 for real targets.

    Returns
    -------
    size : int
        As the attribute `LinearCurvature.hessian_size` once it is fitted.
    """
    joint = isinstance(model, LogisticRegression) and n_classes > 2
    return (n_features + bool(model.fit_intercept)) * (n_classes if joint else 1)


def _penalty(model, n_features):
    """Diagonal of the Hessian of the model's penalty, for losses that are summed."""
    if isinstance(model, LogisticRegression):
        strength = 0.0 if model.penalty is None else 1 / model.C
    else:
        # The penalty of ridge regression stands beside the squared error, not half.
        strength = float(getattr(model, "alpha", 0.0))
    penalty = np.full(n_features, strength)
    if not model.fit_intercept:
        return penalty
    is_liblinear = getattr(model, "solver", None) == "liblinear"
    # liblinear alone treats the intercept as the weight of one more feature.
    intercept = strength / model.intercept_scaling**2 if is_liblinear else 0.0
    return np.append(penalty, intercept)


def _target(model, y, n_outputs):
    """What the scores or the probabilities are compared with."""
    if not hasattr(model, "classes_"):
        return np.asarray(y, dtype=np.float64)[:, None]
    codes = np.searchsorted(model.classes_, y)
    onehot = codes[:, None] == np.arange(n_outputs) if n_outputs > 1 else codes[:, None]
    onehot = onehot.astype(np.float64)
    return onehot if isinstance(model, LogisticRegression) else 2 * onehot - 1


def _curve(probabilities, tangent):
    """Second derivative of the log loss in the scores, times a tangent."""
    if probabilities.shape[1] == 1:
        return probabilities * (1 - probabilities) * tangent
    mean = (probabilities * tangent).sum(axis=1, keepdims=True)
    return probabilities * (tangent - mean)


def _positive_solver(matrix, damping):
    """Function of a right side: the inverse of the matrix, overwritten, times it."""
    try:
        factor = cho_factor(matrix, lower=True, overwrite_a=True)
    except LinAlgError as error:
        if damping > 0:
            raise ValueError(
                "X is scaled so that the Hessian is singular to double precision; "
                "standardise it (StandardScaler)."
            ) from error
        raise ValueError(
            "the Hessian is singular, so the influence is not defined; use damping > 0 "
            "or a model with a penalty."
        ) from error
    return partial(cho_solve, factor)
