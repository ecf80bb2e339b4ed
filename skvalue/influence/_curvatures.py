"""Fit the model of a split, and solve with the Hessian of its training loss."""

import warnings

from scipy.linalg import LinAlgWarning
from sklearn.utils import check_random_state

from ..utils._random import seeded
from ..utils._sample_weight import fit_weighted
from ..utils._torch_state import plain_torch
from ._inverse_products import conjugate_gradient, lissa
from ._linear_curvature import LinearCurvature
from ._memory import check_hessian_fits
from ._networks import is_network, is_trained


@plain_torch()
def value_rows(model, X, y, split, settings):
    """Fit on the rows of a split and value each against its held-out rows."""
    model, curvature = _fit_curvature(model, X, y, split, settings)
    held_out = split.X_val, split.y_val
    if split.sample_weight_val is not None:
        held_out = *held_out, split.sample_weight_val
    gradient = curvature.gradient(*held_out, scoring=settings["scoring"])
    response, n_iter = inverse_of(curvature, X, y, split.seed, settings)(gradient)
    values = curvature.training_products(X, y, response) / len(y)
    return values, model, curvature, response, n_iter


def _fit_curvature(model, X, y, split, settings):
    damping = settings["damping"]
    if not is_network(model):
        model = seeded(model, split.seed)
        with warnings.catch_warnings():
            if settings["estimator"] is None:
                # Newton's method goes on with lbfgs where the Hessian is singular to
                # double precision; if that gets nowhere, `check_optimum` says so.
                warnings.simplefilter("ignore", LinAlgWarning)
            model = fit_weighted(model, X, y, split.sample_weight)
        curvature = LinearCurvature(model, y, damping, split.sample_weight)
        curvature.check_optimum(X, y)
        return model, curvature
    from .._torch.network_curvature import NetworkCurvature, fit_network

    if not is_trained(model):
        model = fit_network(model, X, y, seed=split.seed)
    names = ("damping", "curvature", "batch_size", "device")
    network_settings = {name: settings[name] for name in names}
    return model, NetworkCurvature(model, len(y), **network_settings)


def inverse_of(curvature, X, y, seed, settings):
    """Function of a gradient: the inverse Hessian times it, and products it took."""
    if settings["solver"] == "exact":
        check_hessian_fits(curvature.hessian_size)
        solve = curvature.solver(X, y)
        return lambda gradient: (solve(gradient), 1)
    hessian, scale = curvature.hessian_operator(X, y), curvature.scale(X)
    max_iter = settings["max_iter"]

    def product(direction, rows=None):
        # In units of their curvature, the parameters of large columns do not drown
        # the residuals of the others.
        return hessian(direction / scale, rows) / scale

    def by_conjugate_gradients(gradient):
        response, n_iter = conjugate_gradient(
            product, gradient / scale, tol=settings["tol"], max_iter=max_iter
        )
        return response / scale, n_iter

    def by_samples(gradient):
        response = lissa(
            product,
            gradient / scale,
            n_rows=len(y),
            batch_size=settings["batch_size"],
            max_iter=max_iter,
            random_state=check_random_state(seed),
        )
        return response / scale, max_iter

    return by_conjugate_gradients if settings["solver"] == "cg" else by_samples
