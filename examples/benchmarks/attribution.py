"""Feature attribution: error at equal samples, and what a row costs.

Shapley values, Banzhaf values and LIME of the predictions of a random forest and of a
network, for 12 and 30 columns of adult and 2dplanes (with columns of noise added), and
for the 16 super-pixels of digits, two by two pixels each, of all ten classes. The error
is the squared error over the squared size of the attributions, in per cent, after
m = 2 d to 17 d coalitions a row (Covert et al., NeurIPS 2024, figures 2, 3 and 6 to 9,
whose images are larger). True values are enumerated for 12 and 16 players. For 30 they
come from 2 ** 16 coalitions, Banzhaf values from 16 times 2048 of them.

Then milliseconds a row for 30 columns and 512 coalitions, beside the model's own time
for as many predictions, and beside the packages shap and shapiq where installed.

    SKVALUE_DATA=... python examples/benchmarks/attribution.py [--seeds 5] [--rows 16]
        [--columns 12 16 30] [--methods auto ...] [--skip-speed]
"""

import argparse
import time
import warnings

import numpy as np
from _data import load
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skvalue import FeatureAttribution

MULTIPLES = [2, 3, 4, 8, 17]
SHAPLEY = [
    "auto",
    "gaussian_process",
    "regression",
    "kernel_shap",
    "permutation",
    "sgd_shapley",
]
OTHERS = ["banzhaf", "lime"]
MODELS = {
    "forest": RandomForestClassifier(30, max_depth=8, random_state=0),
    "network": MLPClassifier((64, 64), max_iter=40, random_state=0),
}
N_TRAINING, N_TEST = 2000, 200
N_TRUTH = 2**16


def table(name, n_columns):
    """Rows and labels of a data set with so many columns, z-scored."""
    rng = np.random.default_rng(0)
    X, y = load(name, onehot=name == "adult" and n_columns > 14)
    rows = rng.choice(len(X), N_TRAINING + N_TEST, replace=False)
    X, y = X[rows], y[rows]
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-6)
    if X.shape[1] >= n_columns:
        # Indicators of frequent levels are rarely far out.
        common = np.sort(np.argsort(np.abs(X).max(axis=0), kind="stable")[:n_columns])
        return X[:, common].astype(np.float32), y
    noise = rng.normal(size=(len(X), n_columns - X.shape[1]))
    return np.column_stack([X, noise]).astype(np.float32), y


def fitted_models(X, y):
    """Both models, fitted to the training rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            name: model.fit(X[:-N_TEST], y[:-N_TEST]) for name, model in MODELS.items()
        }


def super_pixels():
    """Images of digits, their labels, and 16 blocks of their pixels."""
    X, y = load("digits")
    pixels = np.arange(64).reshape(4, 2, 4, 2).transpose(0, 2, 1, 3)
    return X.astype(np.float32) / 16, y, pixels.reshape(16, 4).tolist()


def attributions(model, X, n_rows, **options):
    """Attributions of rows that the model was not fitted to."""
    n_training = len(X) - N_TEST
    attribution = FeatureAttribution(model, **options).fit(X[:n_training])
    return attribution.transform(X[n_training : n_training + n_rows])


def truth(model, X, n_rows, method, column_groups):
    """Attributions from all coalitions, or from many."""
    n_players = len(column_groups) if column_groups else X.shape[1]
    options = {
        "method": method,
        "n_samples": min(2**n_players, N_TRUTH),
        "column_groups": column_groups,
    }
    if method != "banzhaf" or 2**n_players <= N_TRUTH:
        return attributions(model, X, n_rows, random_state=10_000, **options)
    # So many are not solved for at once.
    options["n_samples"] = 2048
    draws = [
        attributions(model, X, n_rows, random_state=10_000 + draw, **options)
        for draw in range(16)
    ]
    return np.mean(draws, axis=0)


def print_errors(name, n_columns, n_rows, n_seeds, methods):
    """A table a model: methods by budgets."""
    groups = None
    if name == "digits":
        X, y, groups = super_pixels()
    else:
        X, y = table(name, n_columns)
    for model_name, model in fitted_models(X, y).items():
        print(f"\n{name}, {n_columns} players, {model_name}: squared error, %")
        print(f"{'':18}" + "".join(f"{multiple:>8} d" for multiple in MULTIPLES))
        shapley = truth(model, X, n_rows, "kernel_shap", groups)
        for method in methods:
            target = shapley
            if method in OTHERS:
                target = truth(model, X, n_rows, method, groups)
            cells = [
                np.mean(
                    [
                        np.mean((values - target) ** 2)
                        for values in (
                            attributions(
                                model,
                                X,
                                n_rows,
                                method=method,
                                n_samples=multiple * n_columns,
                                column_groups=groups,
                                random_state=seed,
                            )
                            for seed in range(n_seeds)
                        )
                    ]
                )
                for multiple in MULTIPLES
            ]
            shares = 100 * np.array(cells) / np.mean(target**2)
            print(f"{method:18}" + "".join(f"{share:>10.3g}" for share in shares))


def milliseconds(call, n_rows, n_runs=3):
    """Least time of a few runs, a row."""
    times = []
    for _ in range(n_runs):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1000 * min(times) / n_rows


def print_speed(n_rows=100, n_columns=30, n_samples=512):
    """Milliseconds a row of every method, and of the model alone."""
    X, y = table("2dplanes", n_columns)
    print(f"\n{n_columns} columns, {n_samples} coalitions: milliseconds a row")
    for name, model in fitted_models(X, y).items():
        rows = X[N_TRAINING : N_TRAINING + n_rows]
        many = np.tile(rows, (n_samples, 1))
        # Half of the cells from the background, as in what is explained: trees take
        # longer for rows that differ.
        is_known = np.random.default_rng(0).random(many.shape) < 0.5
        many = np.where(is_known, many, X[:N_TRAINING].mean(axis=0))
        alone = milliseconds(lambda m=model, r=many: m.predict_proba(r), n_rows)
        print(f"{name}: the model alone {alone:.3g}")
        for method in [*SHAPLEY[1:], *OTHERS]:
            attribution = FeatureAttribution(model, method=method, n_samples=n_samples)
            attribution.fit(X[:N_TRAINING])
            cost = milliseconds(lambda a=attribution, r=rows: a.transform(r), n_rows)
            print(f"  {method:18} {cost:.3g}, {cost / alone:.2f} of the model alone")
        print_peers(model, X, rows[:20], n_samples)


def print_peers(model, X, rows, n_samples):
    """The same of other packages."""
    background = X[:N_TRAINING].mean(axis=0, keepdims=True)

    def predict(rows):
        return model.predict_proba(rows)[:, 1]

    try:
        import shap
    except ImportError:
        print("  shap is not installed")
    else:
        for kind in ("Kernel", "Permutation"):
            explainer = getattr(shap, f"{kind}Explainer")(predict, background)
            options = {"nsamples": n_samples} if kind == "Kernel" else {}
            cost = milliseconds(
                lambda e=explainer, o=options: e.shap_values(rows, silent=True, **o),
                len(rows),
                n_runs=1,
            )
            print(f"  shap {kind}Explainer {cost:.3g}")
    try:
        import shapiq
    except ImportError:
        print("  shapiq is not installed")
    else:
        explainer = shapiq.TabularExplainer(
            predict, background, index="SV", max_order=1, imputer="baseline"
        )
        cost = milliseconds(
            lambda: [explainer.explain(row, budget=n_samples) for row in rows],
            len(rows),
            n_runs=1,
        )
        print(f"  shapiq {cost:.3g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--columns", type=int, nargs="+", default=[12, 16, 30])
    parser.add_argument("--methods", nargs="+", default=SHAPLEY + OTHERS)
    parser.add_argument("--skip-speed", action="store_true")
    options = parser.parse_args()
    for n_columns in options.columns:
        for name in ["digits"] if n_columns == 16 else ["adult", "2dplanes"]:
            print_errors(name, n_columns, options.rows, options.seeds, options.methods)
    if not options.skip_speed:
        print_speed()


if __name__ == "__main__":
    main()
