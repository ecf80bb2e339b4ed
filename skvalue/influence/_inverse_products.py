"""Inverse Hessian times a vector, from Hessian-vector products alone.

Both solvers take arrays or tensors of any shape; ``matvec`` maps one to another.
"""

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ._memory import check_hessian_fits


def conjugate_gradient(matvec, right_side, *, tol, max_iter):
    """Solve a symmetric positive definite system by conjugate gradients.

    Parameters
    ----------
    matvec : callable
        The Hessian times its argument.

    right_side : array or tensor
        What the solution's product with the Hessian should be.

    tol : float
        The iteration ends at ``|residual| <= tol * |right_side|``.

    max_iter : int
        Largest number of products.

    Returns
    -------
    solution : same type and shape as `right_side`
        The inverse Hessian times `right_side`.

    n_products : int
        Products that it took.
    """
    solution = right_side * 0.0
    residual = direction = right_side
    squared_norm = _dot(residual, residual)
    goal = tol**2 * squared_norm
    for n_products in range(max_iter):
        if squared_norm <= goal:
            return solution, n_products
        product = matvec(direction)
        curvature = _dot(direction, product)
        if not curvature > 0:
            raise ValueError(
                "the Hessian is not positive definite, so the parameters are no "
                'minimum; raise damping, use curvature="gauss_newton", or train longer.'
            )
        step = squared_norm / curvature
        solution = solution + step * direction
        residual = residual - step * product
        previous, squared_norm = squared_norm, _dot(residual, residual)
        direction = residual + (squared_norm / previous) * direction
    if squared_norm > goal:
        reached = math.sqrt(squared_norm / goal) * tol
        warnings.warn(
            f"conjugate gradients stopped after max_iter={max_iter} products at a "
            f"relative residual of {reached:.1e} > tol={tol}; raise max_iter or "
            "damping.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return solution, max_iter


def lissa(matvec, right_side, *, n_rows, batch_size, max_iter, random_state):
    """Solve by LiSSA: a stochastic Neumann series of the inverse.

    ``v <- right_side + v - H_batch v / scale`` has the fixed point
    ``scale * H^-1 right_side`` in the mean; ``scale`` bounds the eigenvalues. The
    second half of the iterates is averaged, which removes most of the sampling noise.

    Parameters
    ----------
    matvec : callable
        ``matvec(vector, rows)``: the Hessian of a sample of the rows times a vector.

    right_side : array or tensor
        As in `conjugate_gradient`.

    n_rows : int
        Rows that the samples are drawn from.

    batch_size : int
        Rows a step.

    max_iter : int
        Steps.

    random_state : RandomState
        Draws the rows.

    Returns
    -------
    solution : same type and shape as `right_side`
        The inverse Hessian times `right_side`.
    """
    size = min(batch_size, n_rows)
    # A batch's largest eigenvalue exceeds that of all the rows, hence the factor.
    scale = 2.0 * _largest_eigenvalue(matvec, right_side)
    iterate, total, n_averaged = right_side, right_side * 0.0, 0
    for step in range(max_iter):
        rows = random_state.choice(n_rows, size, replace=False)
        iterate = right_side + iterate - matvec(iterate, rows) / scale
        if 2 * step >= max_iter:
            total, n_averaged = total + iterate, n_averaged + 1
    if not np.isfinite(_dot(total, total)):
        raise ValueError(
            "LiSSA diverged: the Hessian of a batch is far from that of all rows; "
            "raise batch_size or damping."
        )
    return total / (n_averaged * scale)


def _largest_eigenvalue(matvec, vector, n_products=20):
    """Power iteration over all rows; positive definiteness is the caller's matter."""
    norm = math.sqrt(_dot(vector, vector))
    for _ in range(n_products if norm > 0 else 0):
        vector = matvec(vector / norm, None)
        norm = math.sqrt(_dot(vector, vector))
    return norm or 1.0


def _dot(first, second):
    return float((first * second).sum())


def inverse_product(curvature, X, y, gradient, seed, settings):
    """Inverse Hessian of the training loss times the validation gradient."""
    if settings["solver"] == "exact":
        check_hessian_fits(curvature.hessian_size)
        return curvature.solve(X, y, gradient), 1
    hessian, scale = curvature.hessian_operator(X, y), curvature.scale(X)

    def product(direction, rows=None):
        # In units of their curvature, the parameters of large columns do not drown
        # the residuals of the others.
        return hessian(direction / scale, rows) / scale

    if settings["solver"] == "cg":
        response, n_iter = conjugate_gradient(
            product,
            gradient / scale,
            tol=settings["tol"],
            max_iter=settings["max_iter"],
        )
        return response / scale, n_iter
    response = lissa(
        product,
        gradient / scale,
        n_rows=len(y),
        batch_size=settings["batch_size"],
        max_iter=settings["max_iter"],
        random_state=check_random_state(seed),
    )
    return response / scale, settings["max_iter"]
