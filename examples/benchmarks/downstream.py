"""Test accuracy after drop="auto", two other rules for it, and perfect removal.

Printed is the mean change over tables and seeds, in points of accuracy against no
cleaning, and the table where it is worst (mean over its seeds).

    SKVALUE_DATA=... python examples/benchmarks/downstream.py --cache FOLDER
        [--methods consensus] [--tables NAME ...] [--noises NAME ...] [--n 1000]
        [--seeds 5] [--trees 1000] [--jobs 1]

Fitted valuators and accuracies are kept in the folder, so that a change of the rule
costs no valuation. On FOLDER one run at a time.
"""

import argparse
import hashlib
import os

import joblib
import numpy as np
from _cleaning import (
    NOISES,
    TABLES,
    VALUATORS,
    fitted,
    old_rule,
    problem,
    specified_rule,
)
from joblib import Parallel, delayed
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

MODELS = {
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=60, random_state=0),
    "3-NN": lambda: KNeighborsClassifier(3),
    "logistic": lambda: LogisticRegression(max_iter=1000),
}
RULES = ["old", "specified", "new", "perfect"]


def accuracy(data, keep, model, cell, cache):
    """Test accuracy of a model that is fitted to the kept rows."""
    digest = hashlib.sha256(repr((cell, model)).encode() + keep.tobytes()).hexdigest()
    path = os.path.join(cache, f"accuracy-{digest[:24]}.joblib")
    if os.path.exists(path):
        return joblib.load(path)
    estimator = MODELS[model]().fit(data.X[keep], data.y[keep])
    score = estimator.score(data.X_test, data.y_test)
    joblib.dump(score, path)
    return score


def changes(method, name, noise, n, seed, cache, trees):
    """Points of accuracy that each rule gains, by model, and what it drops."""
    valuator = fitted(method, name, noise, n, seed, cache, trees)
    data = problem(name, noise, n, seed)
    kept = {
        "none": np.ones(len(data.y), dtype=bool),
        "old": old_rule(valuator, data.y),
        "specified": specified_rule(valuator, data.y),
        "new": valuator.get_support(),
        "perfect": ~data.is_wrong,
    }
    cell = (name, noise, n, seed)
    gains = {}
    for model in MODELS:
        scores = {
            rule: accuracy(data, keep, model, cell, cache)
            for rule, keep in kept.items()
        }
        for rule in RULES:
            gains[model, rule] = 100 * (scores[rule] - scores["none"])
    rare = data.y_true == np.bincount(data.y_true).argmin()
    for rule in RULES:
        lost = np.mean(~kept[rule][rare]) - np.mean(data.is_wrong[rare])
        gains["rare class", rule] = 100 * lost
    return gains


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument(
        "--methods", nargs="+", choices=VALUATORS, default=["consensus"]
    )
    parser.add_argument("--tables", nargs="+", default=TABLES)
    noises = [noise for noise in NOISES if noise != "5 % flips"]
    parser.add_argument("--noises", nargs="+", choices=NOISES, default=noises)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    print(
        f"n = {options.n}, {options.seeds} seeds, tables: {', '.join(options.tables)}"
    )
    for method in options.methods:
        cells = [
            (method, name, noise, options.n, seed, options.cache, options.trees)
            for noise in options.noises
            for name in options.tables
            for seed in range(options.seeds)
        ]
        results = Parallel(n_jobs=options.jobs)(delayed(changes)(*c) for c in cells)
        print(f"\n{method}: points of accuracy; excess of the rare class dropped, in %")
        for noise in options.noises:
            print(noise)
            for column in [*MODELS, "rare class"]:
                line = f"  {column:12s}"
                for rule in RULES:
                    means = {
                        name: np.mean(
                            [
                                gains[column, rule]
                                for cell, gains in zip(cells, results, strict=True)
                                if cell[1:3] == (name, noise)
                            ]
                        )
                        for name in options.tables
                    }
                    pick = max if column == "rare class" else min
                    worst = pick(means, key=means.get)
                    mean = np.mean(list(means.values()))
                    line += f"  {rule} {mean:+.2f} ({means[worst]:+.2f} {worst})"
                print(line, flush=True)


if __name__ == "__main__":
    main()
