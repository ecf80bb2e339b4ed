"""The packages shap and shapiq, as estimators of Shapley values of one game.

A game takes masks, ``(n_coalitions, n_players)``, and returns what each coalition is
worth. Every estimator here takes a game, its number of players, how many coalitions it
may evaluate beside the empty and the full one, and a seed. What is not installed is
missing from `peers`.
"""

import contextlib
import importlib.util
import io
import warnings

import numpy as np

# Estimators of shapiq whose first order is the Shapley value, and how they are made.
# "leverage": all sizes of coalitions are drawn alike (Musco & Witter, "Provably
# Accurate Shapley Value Estimation via Leverage Score Sampling", ICLR 2025).
SHAPIQ = {
    "KernelSHAP": ("KernelSHAP", {"pairing_trick": True}),
    "KernelSHAP, leverage": ("KernelSHAP", {"pairing_trick": True, "leverage": True}),
    "KernelSHAPIQ": (
        "KernelSHAPIQ",
        {"pairing_trick": True, "max_order": 2, "index": "SII"},
    ),
    "InconsistentKernelSHAPIQ": (
        "InconsistentKernelSHAPIQ",
        {"pairing_trick": True, "max_order": 2, "index": "SII"},
    ),
    "kADDSHAP": ("kADDSHAP", {"pairing_trick": True, "max_order": 2}),
    "UnbiasedKernelSHAP": ("UnbiasedKernelSHAP", {"pairing_trick": True}),
    "SVARM": ("SVARM", {"pairing_trick": True}),
    "StratifiedSamplingSV": ("StratifiedSamplingSV", {}),
    "OwenSamplingSV": ("OwenSamplingSV", {}),
    "PermutationSamplingSV": ("PermutationSamplingSV", {}),
    "ProxySPEX": ("ProxySPEX", {"index": "SV", "max_order": 1}),
}


def peers():
    """Estimators by name, of the packages that are installed; and what is missing."""
    found, missing = {}, []
    if importlib.util.find_spec("shap") is None:
        missing.append("shap is not installed")
    else:
        found["shap KernelExplainer"] = shap_kernel
        found["shap PermutationExplainer"] = shap_permutation
    if importlib.util.find_spec("shapiq") is None:
        missing.append("shapiq is not installed")
        return found, missing
    import shapiq.approximator as approximators

    for name, (kind, options) in SHAPIQ.items():
        if not hasattr(approximators, kind):
            missing.append(f"shapiq has no {kind}")
        elif kind == "ProxySPEX" and importlib.util.find_spec("lightgbm") is None:
            missing.append("shapiq's ProxySPEX needs lightgbm, which is not installed")
        else:
            found[f"shapiq {name}"] = ShapIQ(kind, options)
    return found, missing


def shap_kernel(game, n_players, n_samples, seed):
    """KernelExplainer, without its default of keeping ten columns only."""
    import shap

    explainer = shap.KernelExplainer(
        lambda masks: game(masks > 0.5), np.zeros((1, n_players))
    )
    np.random.seed(seed)  # noqa: NPY002, its only source of randomness
    return explainer.shap_values(
        np.ones(n_players), nsamples=n_samples, l1_reg=0, silent=True
    )


def shap_permutation(game, n_players, n_samples, seed):
    """PermutationExplainer; an order and its reverse take 2 d + 1 evaluations."""
    import shap

    masker = shap.maskers.Independent(np.zeros((1, n_players)))
    explainer = shap.PermutationExplainer(
        lambda masks: game(masks > 0.5), masker, seed=seed
    )
    n_pairs = max(1, n_samples // (2 * n_players))
    explanation = explainer(
        np.ones((1, n_players)), max_evals=n_pairs * (2 * n_players + 1), silent=True
    )
    return explanation.values[0]


class ShapIQ:
    """An approximator of shapiq."""

    def __init__(self, kind, options):
        self.kind, self.options = kind, options

    def __call__(self, game, n_players, n_samples, seed):
        import shapiq.approximator as approximators

        options = dict(self.options)
        if options.pop("leverage", False):
            weights = np.ones(n_players + 1)
            options["sampling_weights"] = weights / weights.sum()
        kind = getattr(approximators, self.kind)
        empty = float(game(np.zeros((1, n_players), dtype=bool))[0])
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            approximator = kind(n=n_players, random_state=seed, **options)
            # Its budget counts the empty and the full coalition. Some ask for one
            # coalition at a time, without an axis for them.
            result = approximator.approximate(
                n_samples + 2,
                lambda masks: game(np.atleast_2d(np.asarray(masks, bool))) - empty,
            )
        return np.array([result[(player,)] for player in range(n_players)])
