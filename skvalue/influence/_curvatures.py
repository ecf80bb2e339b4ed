"""Fit the model of a split, and solve with the Hessian of its training loss."""

import sys
from functools import partial

from sklearn.utils import check_random_state

from ..utils._random import seeded
from ._inverse_products import conjugate_gradient, lissa
from ._linear_curvature import LinearCurvature


def value_rows(model, X, y, split, settings):
    """Fit on the rows of a split and value each against its held-out rows."""
    model, curvature = _fit_curvature(model, X, y, split.seed, settings)
    gradient = curvature.gradient(split.X_val, split.y_val, settings["scoring"])
    response, n_iter = inverse_of(curvature, X, y, split.seed, settings)(gradient)
    values = curvature.row_products(X, y, response) / len(y)
    return values, model, curvature, response, n_iter


def _fit_curvature(model, X, y, seed, settings):
    damping = settings["damping"]
    if not is_network(model):
        model = seeded(model, seed).fit(X, y)
        return model, LinearCurvature(model, y, damping)
    from .._torch.network_curvature import NetworkCurvature, fit_network

    if not is_trained(model):
        model = fit_network(model, X, y, seed=seed)
    names = ("damping", "curvature", "batch_size", "device")
    network_settings = {name: settings[name] for name in names}
    return model, NetworkCurvature(model, len(y), **network_settings)


def inverse_of(curvature, X, y, seed, settings):
    """Function of a gradient: the inverse Hessian times it, and products it took."""
    if settings["solver"] == "exact":
        solve = curvature.solver(X, y)
        return lambda gradient: (solve(gradient), 1)
    product, max_iter = curvature.hessian_operator(X, y), settings["max_iter"]
    if settings["solver"] == "cg":
        return partial(
            conjugate_gradient, product, tol=settings["tol"], max_iter=max_iter
        )

    def sampled(gradient):
        response = lissa(
            product,
            gradient,
            n_rows=len(y),
            batch_size=settings["batch_size"],
            max_iter=max_iter,
            random_state=check_random_state(seed),
        )
        return response, max_iter

    return sampled


def is_network(estimator):
    """Whether this is a torch module or a skorch net, without importing either."""
    torch, skorch = sys.modules.get("torch"), sys.modules.get("skorch")
    return (torch is not None and isinstance(estimator, torch.nn.Module)) or (
        skorch is not None and isinstance(estimator, skorch.NeuralNet)
    )


def is_trained(estimator):
    """Whether a network is used as it is: a module, or a fitted skorch net."""
    if not is_network(estimator):
        return False
    return getattr(estimator, "initialized_", not hasattr(estimator, "criterion"))
