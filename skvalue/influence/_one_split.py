"""Influences on the held-out rows of one split: fit, curvature, one solve, products."""

import sys

from sklearn.utils import check_random_state

from ..utils._random import seeded
from ..utils._sample_weight import fit_weighted
from ..utils._torch_state import plain_torch
from ._inverse_products import conjugate_gradient, lissa
from ._linear_curvature import LinearCurvature
from ._memory import check_hessian_fits


@plain_torch()
def value_rows(model, X, y, split, settings):
    """Fit on the rows of a split and value each against its held-out rows."""
    model, curvature = _fit_curvature(model, X, y, split, settings)
    held_out = split.X_val, split.y_val
    if split.sample_weight_val is not None:
        held_out = *held_out, split.sample_weight_val
    gradient = curvature.gradient(*held_out, scoring=settings["scoring"])
    response, n_iter = _inverse_product(curvature, X, y, gradient, split.seed, settings)
    values = curvature.training_products(X, y, response) / len(y)
    return values, model, curvature, response, n_iter


def _fit_curvature(model, X, y, split, settings):
    damping = settings["damping"]
    if not is_network(model):
        model = fit_weighted(seeded(model, split.seed), X, y, split.sample_weight)
        curvature = LinearCurvature(model, y, damping, split.sample_weight)
        curvature.check_optimum(X, y)
        return model, curvature
    from .._torch.network_curvature import NetworkCurvature, fit_network

    if not is_trained(model):
        model = fit_network(model, X, y, seed=split.seed)
    names = ("damping", "curvature", "batch_size", "device")
    network_settings = {name: settings[name] for name in names}
    return model, NetworkCurvature(model, len(y), **network_settings)


def _inverse_product(curvature, X, y, gradient, seed, settings):
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
