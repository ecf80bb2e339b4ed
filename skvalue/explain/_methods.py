"""Which design a method draws."""

import numpy as np
from scipy.special import comb

from ._designs import ExactDesign
from ._kernel_design import KernelDesign
from ._permutation_design import PermutationDesign
from ._regression_design import (
    AdjustedBanzhafDesign,
    GaussianProcessDesign,
    RegressionDesign,
)
from ._sgd_design import SGDDesign
from ._uniform_designs import (
    BanzhafDesign,
    LimeDesign,
    exact_banzhaf_weights,
    exact_lime_weights,
)


def exact_shapley_weights(masks):
    """Weight of each of all coalitions in each player's Shapley value."""
    n_players = masks.shape[1]
    size = masks.sum(axis=1)
    share = 1 / n_players / comb(n_players - 1, np.arange(n_players))
    joined = share[np.maximum(size - 1, 0)]
    left_out = share[np.minimum(size, n_players - 1)]
    return np.where(masks.T, joined, -left_out)


DESIGNS = {
    "kernel_shap": (KernelDesign, exact_shapley_weights),
    "gaussian_process": (GaussianProcessDesign, exact_shapley_weights),
    "regression": (RegressionDesign, exact_shapley_weights),
    "permutation": (PermutationDesign, exact_shapley_weights),
    "banzhaf": (AdjustedBanzhafDesign, exact_banzhaf_weights),
    "lime": (LimeDesign, exact_lime_weights),
    # Enumerated or not, its estimate is that of the descent.
    "sgd_shapley": (SGDDesign, None),
}

# Those that learn a prior from the background.
WITH_PRIOR = {"gaussian_process", "regression", "banzhaf"}

# Those that can do without drawing coalitions of one player, which are known anyway.
WITH_SINGLES = {"gaussian_process", "regression"}


def resolve_method(method, n_samples):
    """The method that "auto" stands for at a budget; any other one is itself."""
    if method != "auto":
        return method
    is_small = n_samples <= GaussianProcessDesign.most_samples()
    return "gaussian_process" if is_small else "kernel_shap"


def is_efficient(method):
    """Whether the attributions of a method sum to f(x) - f(empty)."""
    return DESIGNS[method][0].is_efficient


def draw_design(method, n_players, n_samples, rng, prior=None, *, singles=False):
    """Coalitions of one draw.

    Parameters
    ----------
    method : str
        A key of `DESIGNS`.

    n_players : int
        At least 1.

    n_samples : int
        Coalitions at most, beside the empty and the full one.

    rng : numpy.random.Generator
        Moves on.

    prior : InteractionPrior or None, default=None
        What a method of `WITH_PRIOR` expects of the games.

    singles : bool, default=False
        Whether all coalitions of one player and of all but one are evaluated anyway: a
        method of `WITH_SINGLES` has them beside those that it draws.

    Returns
    -------
    design : Design
        All coalitions where there are not more than that.

    Raises
    ------
    ValueError
        If the method needs more of them, or cannot use as many.
    """
    design, exact_weights = DESIGNS[method]
    if n_players == 1 or (exact_weights and 2**n_players - 2 <= n_samples):
        return ExactDesign(n_players, exact_weights or exact_shapley_weights)
    least = design.least_samples(n_players)
    if n_samples < least:
        raise ValueError(
            f"n_samples={n_samples} is too few for method={method!r} and {n_players} "
            f"players, which needs at least {least}."
        )
    if method not in WITH_PRIOR:
        return design.draw(n_players, n_samples, rng)
    if n_samples > design.most_samples() and method == "banzhaf":
        return BanzhafDesign.draw(n_players, n_samples, rng)
    if n_samples > design.most_samples():
        raise ValueError(
            f"n_samples={n_samples} is too many for method={method!r}, which solves "
            f"for all of them at once: give at most {design.most_samples()}, or "
            'method="kernel_shap".'
        )
    options = {"singles": singles} if method in WITH_SINGLES else {}
    return design.draw(n_players, n_samples, rng, prior, **options)
