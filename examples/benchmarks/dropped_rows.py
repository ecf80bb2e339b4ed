"""Which rows drop="auto" takes: how many, how many of them wrong, how many are found.

SKVALUE_DATA=... python examples/benchmarks/dropped_rows.py --cache FOLDER
    [--methods NAME ...] [--tables NAME ...] [--n 1000] [--seeds 3] [--trees 1000]
    [--noises none "5 % flips" "10 % flips"]
"""

import argparse

import numpy as np
from _cleaning import NOISES, VALUATORS, fitted, problem
from sklearn.metrics import roc_auc_score

TABLES = ["bbc", "digits", "breast_cancer", "adult"]
FIGURES = ["dropped", "precision", "recall", "ROC-AUC"]


def figures(method, name, noise, seed, options):
    """Rows dropped, precision, recall and ROC-AUC; NaN where there are none."""
    valuator = fitted(
        method, name, noise, options.n, seed, options.cache, options.trees
    )
    is_wrong = problem(name, noise, options.n, seed).is_wrong
    dropped = ~valuator.get_support()
    found = np.count_nonzero(dropped & is_wrong)
    auc = np.nan
    if is_wrong.any():
        auc = roc_auc_score(is_wrong, -valuator.data_values_)
    return [
        np.count_nonzero(dropped),
        found / dropped.sum() if dropped.any() else np.nan,
        found / is_wrong.sum() if is_wrong.any() else np.nan,
        auc,
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument(
        "--methods", nargs="+", choices=VALUATORS, default=list(VALUATORS)
    )
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trees", type=int, default=1000)
    noises = ["none", "5 % flips", "10 % flips"]
    parser.add_argument("--noises", nargs="+", choices=NOISES, default=noises)
    options = parser.parse_args()
    print(f"{options.n} rows at most, means of {options.seeds} seeds: {FIGURES}")
    for noise in options.noises:
        for name in options.tables:
            for method in options.methods:
                cells = [
                    figures(method, name, noise, seed, options)
                    for seed in range(options.seeds)
                ]
                dropped, precision, recall, auc = np.mean(cells, axis=0)
                print(
                    f"{noise:11s} {name:14s} {method:11s} {dropped:6.1f} "
                    f"{precision:.2f} {recall:.2f} {auc:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
