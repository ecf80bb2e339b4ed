"""Is amortizing feature attributions worth it? Errors at equal numbers of evaluations.

For an MLP and a forest on three tables, unbiased Shapley values of rows by "regression"
from 2 to 17 coalitions a column: their squared error (``noisy``), that of the Gaussian
process of the same coalitions (``posterior``), of predictions of rows that the models
did not see (``predicted``, and ``later`` ones) and of the combination, each as a share
of the mean squared norm of the attributions. ``auto`` amortizes what "auto" takes, the
Gaussian process with coalitions of its choice: what rows have of their own, and later
rows. ``single`` is `FeatureAttribution` by itself that may ask the model as often as
amortization did, its controls included; ``worth`` says how many times the coalitions
the noisy values would need for the error of the combination. Truth is enumeration up to
14 columns, else KernelSHAP of 20000 coalitions.
Then the error against the number of rows, for them and for unseen ones; FastSHAP's
objective; and SGD-Shapley, whose bias no amortization removes.

    SKVALUE_DATA=... python examples/benchmarks/attribution_amortization.py
        [budgets] [rows] [sources] [--data adult 2dplanes breast_cancer] [--seeds 3]
        [--rows 300] [--method regression] [--cache FOLDER]

`--cache` keeps true values, and the figures in a CSV file.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
from _data import load
from _records import Records
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue import AmortizedAttribution, FeatureAttribution

MULTIPLES = [2, 4, 8, 17]
SIZES = [50, 100, 250, 500, 1000]
N_TRUTH, N_MODEL = 60, 2000
MODELS = {
    "mlp": MLPClassifier((64, 64), early_stopping=True, random_state=0),
    "forest": RandomForestClassifier(30, max_depth=8, random_state=0),
}
SOURCES = {
    method: (method, "regression")
    for method in ["auto", "regression", "permutation", "kernel_shap", "sgd_shapley"]
} | {"FastSHAP's objective": ("kernel_shap", "fastshap")}
COLUMNS = ["noisy", "posterior", "predicted", "combined", "later"]
COLUMNS += ["auto", "auto later", "single"]


def problem(name, kind, n_rows, seed, cache=None):
    """A fitted model, rows to explain, unseen rows, and truth for some of either."""
    X, y = (
        load_breast_cancer(return_X_y=True) if name == "breast_cancer" else load(name)
    )
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order].astype(float), y[order]
    if len(X) < N_MODEL + n_rows + N_TRUTH:
        # A small table: the rows of the model are explained.
        fitted, rows = slice(None), X
    else:
        fitted, rows = slice(N_MODEL), X[N_MODEL:]
    model = make_pipeline(StandardScaler(), MODELS[kind]).fit(X[fitted], y[fitted])
    rows, unseen = rows[:n_rows], rows[-N_TRUTH:]
    path = cache and Path(cache) / f"truth-{name}-{kind}-{n_rows}-{seed}.npz"
    if path and path.exists():
        with np.load(path) as file:
            return model, rows, unseen, file["a"], file["b"]
    d = X.shape[1]
    exact = FeatureAttribution(
        model, method="kernel_shap", n_samples=2**d - 2 if d <= 14 else 20_000
    ).fit(rows)
    truth, of_unseen = exact.transform(rows[:N_TRUTH]), exact.transform(unseen)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, a=truth, b=of_unseen)
    return model, rows, unseen, truth, of_unseen


def relative_error(found, truth):
    """Squared error over the squared size of the attributions."""
    found = found[: len(truth)]
    return np.sum((found - truth) ** 2) / np.sum(truth[: len(found)] ** 2)


def errors(fitted, unseen, truth, truth_unseen):
    """Errors of noisy values, predictions and combination; of unseen rows' too."""
    n = min(len(truth), len(fitted.rows_))
    parts = {
        "noisy": "noisy_attributions_",
        "posterior": "posterior_attributions_",
        "predicted": "amortized_attributions_",
        "combined": "combined_attributions_",
    }
    found = {
        name: relative_error(getattr(fitted, attribute), truth[:n])
        for name, attribute in parts.items()
        if hasattr(fitted, attribute)
    }
    return found | {"later": relative_error(fitted.transform(unseen), truth_unseen)}


def worth(multiples, noisy, combined):
    """How many times the coalitions noisy values need for the error of each."""
    slope = -np.polyfit(np.log(multiples), np.log(noisy), 1)[0]
    return (np.array(noisy) / np.array(combined)) ** (1 / slope)


def budgets(options, records):
    print("squared error / mean squared norm, in per cent, means of the seeds")
    print(
        f"{'data':14s}{'model':7s}{'m':>4s}{'coalitions':>11s}"
        + "".join(f"{column:>11s}" for column in COLUMNS)
        + f"{'worth':>7s}"
    )
    cells = product(range(options.seeds), MODELS, options.data, MULTIPLES)
    for seed, kind, name, multiple in cells:
        key = "budgets", name, kind, multiple, seed
        records.get(key, lambda key=key: cell(key, options))
    ratios = []
    for name in options.data:
        for kind in MODELS:
            mean = [
                {
                    column: records.mean("budgets", name, kind, multiple, column)
                    for column in [*COLUMNS, "n_all"]
                }
                for multiple in MULTIPLES
            ]
            noisy, combined = (
                [at[key] for at in mean] for key in ("noisy", "combined")
            )
            times = worth(MULTIPLES, noisy, combined)
            for m, at, factor in zip(MULTIPLES, mean, times, strict=True):
                pairs = (("combined", "noisy"), ("auto", "noisy"), ("auto", "single"))
                ratios.append([at[one] / at[other] for one, other in pairs])
                print(
                    f"{name:14s}{kind:7s}{m:3d}d{at['n_all']:11.0f}"
                    + "".join(f"{100 * at[column]:11.3g}" for column in COLUMNS)
                    + f"{factor:7.1f}",
                    flush=True,
                )
    labels = "combined / noisy", "auto / noisy", "auto / single"
    for label, ratio in zip(labels, np.transpose(ratios), strict=True):
        print(
            f"{label}: worst {ratio.max():.2f}, median "
            f"{np.median(ratio):.2f}, below one in {np.sum(ratio < 1)} of {len(ratio)}"
        )


def cell(key, options):
    _, name, kind, multiple, seed = key
    parts = problem(name, kind, options.rows, seed, options.cache)
    model, rows, unseen, truth, truth_unseen = parts
    found = {}
    for method in ("auto", options.method):
        attribution = FeatureAttribution(
            model,
            method=method,
            n_samples=multiple * rows.shape[1],
            random_state=seed,
        )
        fitted = AmortizedAttribution(attribution, random_state=seed).fit(rows)
        measured = errors(fitted, unseen, truth, truth_unseen)
        if method == "auto":
            found["auto"], found["auto later"] = measured["combined"], measured["later"]
        else:
            found |= measured
    n_all = fitted.n_evaluations_
    # All coalitions count, those with no and all columns too.
    single = FeatureAttribution(
        model, n_samples=round(n_all) - 2, random_state=seed
    ).fit(rows)
    # Coalitions of their own in each row, as amortization has.
    values = single._draw(
        rows[: len(truth)], 12345 + seed, errors=False, rows_a_design=1
    ).values
    found["single"] = relative_error(values[..., 0], truth)
    return found | {"n_all": n_all}


def rows(options, records):
    name, columns = options.data[0], ["noisy", "predicted", "combined", "later"]
    print(f"\n{name}, mlp, 4 coalitions a column: errors against the number of rows")
    print(f"{'rows':>6s}" + "".join(f"{column:>11s}" for column in columns))
    for seed in range(options.seeds):
        for n_rows in SIZES:
            key = "rows", name, "mlp", n_rows, seed

            def measure(n_rows=n_rows, seed=seed):
                model, rows, *parts = problem(name, "mlp", 1000, seed, options.cache)
                attribution = FeatureAttribution(
                    model,
                    method=options.method,
                    n_samples=4 * rows.shape[1],
                    random_state=seed,
                )
                # The same game for any number of rows.
                fitted = AmortizedAttribution(
                    attribution.fit(rows), prefit=True, random_state=seed
                )
                return errors(fitted.fit(rows[:n_rows]), *parts)

            records.get(key, measure)
    for n_rows in SIZES:
        found = (records.mean("rows", name, "mlp", n_rows, c) for c in columns)
        print(f"{n_rows:6d}" + "".join(f"{100 * value:11.3g}" for value in found))


def sources(options, records):
    name, columns = options.data[0], ["noisy", "predicted", "combined", "later"]
    print(f"\n{name}, mlp, {options.rows} rows: sources of 8 coalitions a column")
    print(f"{'source':22s}" + "".join(f"{column:>11s}" for column in columns))
    for source, (method, objective) in SOURCES.items():
        for seed in range(options.seeds):

            def measure(seed=seed, method=method, objective=objective):
                model, rows, *parts = problem(
                    name, "mlp", options.rows, seed, options.cache
                )
                attribution = FeatureAttribution(
                    model, method=method, n_samples=8 * rows.shape[1], random_state=seed
                )
                fitted = AmortizedAttribution(
                    attribution, objective=objective, random_state=seed
                )
                found = errors(fitted.fit(rows), *parts)
                if objective == "fastshap":
                    # Its predictions of training rows are of models that saw them.
                    del found["predicted"]
                return found

            records.get(("sources", name, source, 8, seed), measure)
        found = (records.mean("sources", name, source, 8, c) for c in columns)
        print(f"{source:22s}" + "".join(f"{100 * value:11.3g}" for value in found))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {"budgets": budgets, "rows": rows, "sources": sources}
    parser.add_argument("table", nargs="*", default=list(tables))
    parser.add_argument(
        "--data", nargs="+", default=["adult", "2dplanes", "breast_cancer"]
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--method", default="regression")
    parser.add_argument("--cache", help="folder of figures and of true values")
    options = parser.parse_args()
    path = options.cache and Path(options.cache) / "attribution_amortization.csv"
    records = Records(path)
    for table in options.table:
        tables[table](options, records)


if __name__ == "__main__":
    main()
