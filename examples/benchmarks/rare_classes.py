"""What drop="auto" does to a rare class: share removed, and models before and after.

Without wrong labels, at most 10 % of the rare class may go on average, and 15 % for any
seed; average precision and recall of a random forest and a gradient boosting must not
fall by more than .01. With 10 or 20 % of the labels flipped, the share of rows of the
rare class *by true label* that is lost may exceed that of perfect removal by .10.

    SKVALUE_DATA=... python examples/benchmarks/rare_classes.py --cache FOLDER
        [--methods NAME ...] [--tables NAME ...] [--n 2000] [--seeds 5] [--trees 1000]
        [--noises none "10 % flips" "20 % flips"] [--no-models]
"""

import argparse

import numpy as np
from _cleaning import VALUATORS, fitted, old_rule, problem
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score, recall_score

TABLES = [f"{kind}{share}" for kind in ("imbalanced", "adult") for share in (3, 5, 10)]
MODELS = {
    "forest": RandomForestClassifier(random_state=0),
    "boosting": HistGradientBoostingClassifier(random_state=0),
}
_SCORES = {}


def scores(data, keep, model):
    """Average precision and recall of class 1, the rare one, on the test rows."""
    estimator = MODELS[model].fit(data.X[keep], data.y[keep])
    probability = estimator.predict_proba(data.X_test)[:, 1]
    return np.array(
        [
            average_precision_score(data.y_test, probability),
            recall_score(data.y_test, estimator.predict(data.X_test)),
        ]
    )


def cell(method, name, noise, seed, options):
    """Figures of one valuator on one problem."""
    data = problem(name, noise, options.n, seed)
    valuator = fitted(
        method, name, noise, options.n, seed, options.cache, options.trees
    )
    keep = valuator.get_support()
    rare = data.y_true == 1
    figures = {
        "old": np.mean(~old_rule(valuator, data.y)[rare]),
        "new": np.mean(~keep[rare]),
        "perfect": np.mean(data.is_wrong[rare]),
    }
    if noise == "none" and options.models:
        for model in MODELS:
            key = name, seed, model
            everything = np.ones(len(keep), dtype=bool)
            if key not in _SCORES:
                _SCORES[key] = scores(data, everything, model)
            after = _SCORES[key] if keep.all() else scores(data, keep, model)
            precision, recall = after - _SCORES[key]
            figures |= {f"{model} AP": precision, f"{model} recall": recall}
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument(
        "--methods", nargs="+", choices=VALUATORS, default=list(VALUATORS)
    )
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--noises", nargs="+", default=["none", "10 % flips"])
    parser.add_argument("--no-models", dest="models", action="store_false")
    options = parser.parse_args()
    for noise in options.noises:
        print(f"\n{noise}, n = {options.n}, {options.seeds} seeds: share of the rare")
        print("class dropped (mean, highest), change of average precision and recall")
        for name in options.tables:
            for method in options.methods:
                records = [
                    cell(method, name, noise, seed, options)
                    for seed in range(options.seeds)
                ]
                line = f"{name:12s} {method:11s}"
                for figure in records[0]:
                    values = [record[figure] for record in records]
                    line += f" {figure} {np.mean(values):+.3f}"
                    if figure == "new":
                        line += f" ({np.max(values):.2f})"
                print(line, flush=True)


if __name__ == "__main__":
    main()
