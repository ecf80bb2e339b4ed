"""Which design a method draws."""

import numpy as np
from scipy.special import comb

from ._designs import ExactDesign
from ._kernel_design import KernelDesign
from ._permutation_design import PermutationDesign
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
    "permutation": (PermutationDesign, exact_shapley_weights),
    "banzhaf": (BanzhafDesign, exact_banzhaf_weights),
    "lime": (LimeDesign, exact_lime_weights),
    # Enumerated or not, its estimate is that of the descent.
    "sgd_shapley": (SGDDesign, None),
}

# Coalitions to a player from which least squares beat permutations.
KERNEL_FROM = 4


def resolve_method(method, n_players, n_samples):
    """The method that "auto" stands for at a budget; any other one is itself."""
    if method != "auto":
        return method
    return "kernel_shap" if n_samples >= KERNEL_FROM * n_players else "permutation"


def is_efficient(method):
    """Whether the attributions of a method sum to f(x) - f(empty)."""
    return DESIGNS[method][0].is_efficient


def draw_design(method, n_players, n_samples, rng):
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

    Returns
    -------
    design : Design
        All coalitions where there are not more than that.

    Raises
    ------
    ValueError
        If the method needs more of them.
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
    return design.draw(n_players, n_samples, rng)
