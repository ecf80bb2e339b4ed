"""What a row costs: milliseconds and multiply-adds, ours beside shap and shapiq."""

import functools
import importlib.util
import time
import warnings

import numpy as np
from _attribution_games import Game, fitted, table
from _attribution_peers import ShapIQ

from skvalue import FeatureAttribution

N_COLUMNS, N_SAMPLES = 30, 512
# Rows at once of ours; rows of the others, which take them one by one.
N_ROWS, N_PEER_ROWS = 60, 5
OURS = ["gaussian_process", "regression", "kernel_shap", "permutation"]
SHAPIQ = {
    "KernelSHAP": {"pairing_trick": True},
    "KernelSHAPIQ": {"pairing_trick": True, "max_order": 2, "index": "SII"},
    "PermutationSamplingSV": {},
}


def speed(options):
    """Medians of a few rounds, in each of which everything is timed once.

    Times are those of the processor, of one thread: other processes do not count.
    """
    rows = table("breast_cancer", 0)
    for name in ["network", "forest"]:
        model = fitted(name, rows, 0)
        X = rows.X_test[:N_ROWS]
        contestants = {}
        for method in OURS:
            attribution, seen = watched(model, rows, X, method)
            if method == OURS[0]:
                contestants["model alone"] = (len(X), asked_again(model, seen))
                began = time.process_time()
                attribution.fit(rows.X)
                print(f"\n{name}: one fit of ours {time.process_time() - began:.2f} s")
            call = functools.partial(attribution.transform, X)
            contestants[f"ours {method}"] = len(X), call
        contestants |= peer_calls(model, rows, X[:N_PEER_ROWS])
        times = {label: [] for label in contestants}
        for _ in range(options.rounds):
            for label, (count, call) in contestants.items():
                began = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    call()
                times[label].append((time.process_time() - began) / count)
        alone = np.median(times["model alone"])
        counts = multiply_adds(model) if name == "network" else {}
        print(f"{N_COLUMNS} columns, {N_SAMPLES} coalitions: per row")
        print(f"{'':30}{'ms':>9}{'x model':>9}{'mult.-adds':>12}{'of model':>12}")
        for label, values in times.items():
            cost = np.median(values)
            line = f"{label:30}{1000 * cost:9.3g}{cost / alone:9.2f}"
            if label in counts:
                whole, own = counts[label]
                line += f"{whole:12.3g}{own / whole:12.2%}"
            print(line)
        if counts:
            print(f"one fit of ours: {fit_multiply_adds(model):.3g} multiply-adds")


def watched(model, rows, X, method):
    """A fitted attribution, and the rows that it asks the model about."""
    seen = []

    def predict(cells):
        seen.append(cells)
        return model.predict_proba(cells)[:, 1]

    options = {"method": method, "n_samples": N_SAMPLES, "random_state": 0}
    attribution = FeatureAttribution(predict, **options).fit(rows.X)
    seen.clear()
    attribution.transform(X)
    return FeatureAttribution(model, **options).fit(rows.X), seen


def asked_again(model, batches):
    """The model's predictions of these rows alone."""

    def call():
        for cells in batches:
            model.predict_proba(cells)

    return call


def peer_calls(model, rows, X):
    """Calls of the other packages, and how many rows they explain."""
    background = rows.X.mean(axis=0, dtype=np.float64).astype(rows.X.dtype)
    found = {}

    def predict(cells):
        return model.predict_proba(np.asarray(cells, dtype=np.float32))[:, 1]

    if importlib.util.find_spec("shap") is None:
        print("shap is not installed")
    else:
        import shap

        kernel = shap.KernelExplainer(predict, background[None])
        found["shap KernelExplainer"] = (
            len(X),
            lambda: kernel.shap_values(X, nsamples=N_SAMPLES, l1_reg=0, silent=True),
        )
        masker = shap.maskers.Independent(background[None])
        orders = shap.PermutationExplainer(predict, masker, seed=0)
        pair = 2 * N_COLUMNS + 1
        found["shap PermutationExplainer"] = (
            len(X),
            lambda: orders(X, max_evals=N_SAMPLES // pair * pair, silent=True),
        )
    if importlib.util.find_spec("shapiq") is None:
        print("shapiq is not installed")
        return found
    games = [Game(model, row, background, None) for row in X]
    for kind, options in SHAPIQ.items():
        estimator = ShapIQ(kind, options)
        found[f"shapiq {kind}"] = (
            len(X),
            lambda estimator=estimator: [
                estimator(game, N_COLUMNS, N_SAMPLES, 0) for game in games
            ],
        )
    return found


def multiply_adds(model):
    """Multiply-adds a row of a network: all of them, and those of the model.

    A prediction takes one for every weight. Beside them, with m coalitions and d
    columns, ours take one product of a matrix of d by m / 2 + 1; constrained least
    squares m d ** 2 for their moments and d ** 3 / 3 to solve them; those with the
    p = d (d + 1) / 2 interactions of two players m p ** 2 and p ** 3 / 3; permutations
    m. What is compared, sorted or copied is not counted.
    """
    a_prediction = sum(weights.size for weights in model.coefs_)
    m, d = N_SAMPLES, N_COLUMNS
    p = d * (d + 1) // 2
    n_orders = m // (2 * d + 1) * (2 * d + 1)
    own = (m + 1) * a_prediction
    least_squares = m * d**2 + d**3 / 3
    found = {f"ours {method}": (own + d * (m / 2 + 1), own) for method in OURS}
    found["model alone"] = (own, own)
    found["ours permutation"] = (own + m, own)
    found["shap KernelExplainer"] = (own + least_squares, own)
    fewer = n_orders * a_prediction
    found["shap PermutationExplainer"] = (fewer + n_orders, fewer)
    found["shapiq KernelSHAP"] = (own + least_squares, own)
    found["shapiq KernelSHAPIQ"] = (own + m * p**2 + p**3 / 3, own)
    found["shapiq PermutationSamplingSV"] = (own + m, own)
    return found


def fit_multiply_adds(model):
    """Those of one fit, which serves all rows.

    The prior: 16 rows by m coalitions, then 60 times a matrix of n = m / 2 pairs, its
    inverse and a product with 16 games. The coalitions: n steps over c candidates, of
    which each takes three products with d columns and one with the steps so far. The
    weights: an inverse and a product of matrices.
    """
    a_prediction = sum(weights.size for weights in model.coefs_)
    m, d, games, candidates = N_SAMPLES, N_COLUMNS, 16, 2048 + N_COLUMNS
    n = m // 2
    prior = games * m * a_prediction + 60 * (n**2 * d + n**3 + n**2 * games)
    chosen = candidates * (3 * d * n + n**2 / 2)
    return prior + chosen + n**2 * d + n**3 + d * n**2
