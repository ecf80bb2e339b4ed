"""Is amortizing feature attributions worth it? Errors at equal numbers of evaluations.

For an MLP and a forest on three tables, noisy Shapley values of rows at 2 to 17
coalitions a column: their squared error, that of predictions of rows that the models
did not see (``network``) and of the combination of both, each as a share of the mean
squared norm of the attributions. ``equal`` are attributions by `FeatureAttribution`
with the same method (with "auto" its best one, the biased included) that may ask the
model as often as amortization did, its controls and repeated draws included; ``worth``
says how many times the coalitions the noisy values would need for the error of the
combination. Truth is enumeration up to 14 columns, else KernelSHAP of 20000 coalitions.
Then the error against the number of rows, for them and for unseen ones; FastSHAP's
objective; and SGD-Shapley, whose bias no amortization removes.

    SKVALUE_DATA=... python examples/benchmarks/attribution_amortization.py
        [--data adult 2dplanes breast_cancer] [--seeds 1] [--rows 300] [--method auto]
"""

import argparse

import numpy as np
from _data import load
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue import AmortizedAttribution, FeatureAttribution

MULTIPLES = [2, 4, 8, 17]
N_TRUTH, N_MODEL = 60, 2000
MODELS = {
    "mlp": MLPClassifier((64, 64), early_stopping=True, random_state=0),
    "forest": RandomForestClassifier(30, max_depth=8, random_state=0),
}
SMALL = {"breast_cancer": load_breast_cancer}


def problem(name, kind, n_rows, seed):
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
    d = X.shape[1]
    exact = FeatureAttribution(
        model, method="kernel_shap", n_samples=2**d - 2 if d <= 14 else 20_000
    ).fit(rows)
    return model, rows, unseen, exact.transform(rows[:N_TRUTH]), exact.transform(unseen)


def errors(fitted, unseen, truth, truth_unseen):
    """Errors of noisy values, predictions and combination; of unseen rows' too."""
    n = len(truth)
    scale = (truth**2).sum(axis=1).mean()
    parts = {
        "combined": (fitted.combined_attributions_[:n], truth),
        "network": (fitted.amortized_attributions_[:n], truth),
        "unseen": (fitted.transform(unseen), truth_unseen),
    }
    if hasattr(fitted, "noisy_attributions_"):
        parts["noisy"] = fitted.noisy_attributions_[:n], truth
    return {
        name: ((found - true) ** 2).sum(axis=1).mean() / scale
        for name, (found, true) in parts.items()
    }


def noisy_error(attribution, rows, truth):
    """Error of attributions with coalitions of their own in each row."""
    drawn = attribution._draw(rows[: len(truth)], 12345, errors=False, rows_a_design=1)
    error = (drawn.values[..., 0] - truth) ** 2
    return error.sum(axis=1).mean() / (truth**2).sum(axis=1).mean()


def worth(multiples, noisy, combined):
    """How many times the coalitions noisy values need for the error of each."""
    slope = -np.polyfit(np.log(multiples), np.log(noisy), 1)[0]
    return (np.array(noisy) / np.array(combined)) ** (1 / slope)


def against_budgets(options):
    print(
        "squared error / mean squared norm, in per cent; evaluations a row in brackets"
    )
    print(
        f"{'data':14s}{'model':7s}{'m':>4s}{'noisy':>15s}{'equal':>8s}{'network':>9s}"
        f"{'combined':>15s}{'unseen':>8s}{'worth':>7s}"
    )
    ratios = []
    for name in options.data:
        for kind in MODELS:
            found = []
            for seed in range(options.seeds):
                parts = problem(name, kind, options.rows, seed)
                found.append([cell(parts, m, options.method) for m in MULTIPLES])
            mean = [
                {key: np.mean([run[place][key] for run in found]) for key in cells}
                for place, cells in enumerate(found[0])
            ]
            noisy, combined = (
                [cell[key] for cell in mean] for key in ("noisy", "combined")
            )
            times = worth(MULTIPLES, noisy, combined)
            for m, at, factor in zip(MULTIPLES, mean, times, strict=True):
                ratios.append([at["combined"] / at[key] for key in ("noisy", "equal")])
                print(
                    f"{name:14s}{kind:7s}{m:3d}d{percent(at['noisy'])} "
                    f"({at['n_noisy']:4.0f}){percent(at['equal'])}"
                    f"{percent(at['network'])} {percent(at['combined'])} "
                    f"({at['n_all']:4.0f}){percent(at['unseen'])}{factor:7.1f}",
                    flush=True,
                )
    to_noisy, to_equal = np.array(ratios).T
    print(
        f"combined / noisy: worst {to_noisy.max():.2f}, median "
        f"{np.median(to_noisy):.2f}; combined / equal: worst {to_equal.max():.2f}, "
        f"median {np.median(to_equal):.2f}, below one in {np.sum(to_equal < 1)} of "
        f"{len(to_equal)}"
    )


def percent(share):
    return f"{100 * share:8.3g}"


def cell(parts, multiple, method):
    model, rows, unseen, truth, truth_unseen = parts
    n_samples = multiple * rows.shape[1]
    attribution = FeatureAttribution(
        model, method=method, n_samples=n_samples, random_state=0
    )
    fitted = AmortizedAttribution(attribution, random_state=0).fit(rows)
    found = errors(fitted, unseen, truth, truth_unseen)
    n_all = fitted.n_evaluations_
    # All coalitions count, those with no and all columns too.
    equal = FeatureAttribution(
        model, method=method, n_samples=round(n_all) - 2, random_state=0
    ).fit(rows)
    found["equal"] = noisy_error(equal, rows, truth)
    return found | {"n_noisy": n_samples + 2, "n_all": n_all}


def against_rows(name, options):
    print(f"\n{name}, mlp, 4 coalitions a column: errors against the number of rows")
    print(f"{'rows':>6s}{'noisy':>9s}{'combined':>10s}{'unseen':>9s}")
    model, rows, *parts = problem(name, "mlp", 1000, 0)
    for n_rows in [50, 100, 250, 500, 1000]:
        attribution = FeatureAttribution(
            model, method=options.method, n_samples=4 * rows.shape[1]
        )
        fitted = AmortizedAttribution(attribution, random_state=0).fit(rows[:n_rows])
        unseen, truth, truth_unseen = parts
        at = errors(fitted, unseen, truth[:n_rows], truth_unseen)
        print(
            f"{n_rows:6d} {percent(at['noisy'])}  {percent(at['combined'])} "
            f"{percent(at['unseen'])}",
            flush=True,
        )


def other_sources(name, options):
    model, rows, unseen, truth, truth_unseen = problem(name, "mlp", options.rows, 0)
    print(f"\n{name}, mlp, {options.rows} rows: sources of 8 coalitions a column")
    print(f"{'source':22s}{'noisy':>9s}{'network':>9s}{'combined':>10s}{'unseen':>9s}")
    n_samples = 8 * rows.shape[1]
    sources = {
        method: (method, "regression")
        for method in ["permutation", "kernel_shap", "gaussian_process", "sgd_shapley"]
    } | {"FastSHAP's objective": ("kernel_shap", "fastshap")}
    for source, (method, objective) in sources.items():
        attribution = FeatureAttribution(model, method=method, n_samples=n_samples)
        fitted = AmortizedAttribution(
            attribution, objective=objective, random_state=0
        ).fit(rows)
        at = errors(fitted, unseen, truth, truth_unseen)
        names = ["noisy", "network", "combined", "unseen"]
        if objective == "fastshap":
            # Its predictions of training rows are of models that saw them.
            at |= {"noisy": np.nan, "network": np.nan}
        print(f"{source:22s}" + " ".join(percent(at[key]) for key in names), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", nargs="+", default=["adult", "2dplanes", "breast_cancer"]
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--method", default="auto")
    options = parser.parse_args()
    against_budgets(options)
    against_rows(options.data[0], options)
    other_sources(options.data[0], options)


if __name__ == "__main__":
    main()
