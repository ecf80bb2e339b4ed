"""Detection of wrong labels by NDDV: the protocol of the paper's Table 1.

Ten per cent of the training labels are flipped; the rows are split in two by exact
2-means on their values, and the lower cluster is compared with the flips. Beside
NDDV stand the two references that a new method has to beat: the out-of-bag
log-probability of a random forest and, where the generator is known (2dplanes), the
Bayes-optimal detector. The second table asks what ``drop="auto"`` drops as the share of
wrong labels grows from none.

    SKVALUE_DATA=... python examples/benchmarks/nddv_detection.py [table ...]
        [--data NAME ...] [--seeds 5] [--jobs 2]

The tables are `n1000`, `n10000` and `auto`; without names, all of them.
"""

import argparse

import numpy as np
from _data import NAMES, detection_split
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score

from skvalue import NDDVValuator
from skvalue.datasets import two_planes_posterior
from skvalue.metrics import detection

# The paper's figures for NDDV (F1), where it has the data set.
PAPER = {
    "n1000": {"2dplanes": 0.67, "electricity": 0.39, "bbc": 0.90},
    "n10000": {"2dplanes": 0.79, "electricity": 0.44},
}
RATES = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3]


def forest_values(split, seed):
    """Out-of-bag log-probability of the observed label."""
    forest = RandomForestClassifier(500, oob_score=True, random_state=seed)
    forest.fit(split.X, split.y)
    of_label = np.searchsorted(forest.classes_, split.y)
    probability = forest.oob_decision_function_[np.arange(len(split.y)), of_label]
    return np.log(np.maximum(probability, 1e-3))


def bayes_values(split, name, rate):
    """Probability that a label of 2dplanes is right: its generator is known."""
    # The file's columns are -1, 0, 1; detection_split standardised them.
    codes = np.clip(np.round(split.X), -1, 1)
    codes[:, 0] = np.sign(split.X[:, 0])
    positive = two_planes_posterior(codes)
    right = np.where(split.y == 1, positive, 1 - positive)
    return right * (1 - rate) / (right * (1 - rate) + (1 - right) * rate)


def detect(name, n, seed, rate=0.1):
    """Detection figures of every method on one split."""
    split = detection_split(name, n, seed, rate)
    settings = {} if n <= 1000 else {"n_members": 1}
    values = {
        f"NDDV {utility}": NDDVValuator(utility=utility, random_state=seed, **settings)
        .fit(split.X, split.y)
        .data_values_
        for utility in ["auto", "state", "cost"]
    }
    values["forest, out of bag"] = forest_values(split, seed)
    if name == "2dplanes":
        values["Bayes-optimal"] = bayes_values(split, name, rate)
    return {method: detection(v, split.is_flipped) for method, v in values.items()}


def auto_drop(name, seed, rate):
    """F1 of the dropped rows and their share."""
    split = detection_split(name, 1000, seed, rate)
    dropped = ~NDDVValuator(random_state=seed).fit(split.X, split.y).get_support()
    f1 = f1_score(split.is_flipped, dropped) if rate else np.nan
    return f1, dropped.mean()


def detection_table(table, names, seeds, jobs):
    n = int(table[1:])
    cells = [(name, seed) for name in names for seed in seeds]
    results = Parallel(n_jobs=jobs)(delayed(detect)(a, n, s) for a, s in cells)
    print(f"\nn = {n}, 10 % of the labels wrong, {len(seeds)} seeds: mean ± sd")
    print(
        f"{'data':12s} {'method':20s} {'2-means F1':>13s} {'oracle F1':>13s} ", end=""
    )
    print(f"{'ROC-AUC':>13s} {'average prec.':>14s}  paper F1")
    for name in names:
        rows = [r for (cell, _), r in zip(cells, results, strict=True) if cell == name]
        for method in rows[0]:
            line = f"{name:12s} {method:20s}"
            for key in ["two_means_f1", "oracle_f1", "roc_auc", "average_precision"]:
                figures = [row[method][key] for row in rows]
                line += f"  {np.mean(figures):.3f} ± {np.std(figures):.3f}"
            paper = PAPER[table].get(name, "") if method == "NDDV auto" else ""
            print(f"{line}   {paper}")


def auto_table(names, seeds, jobs):
    cells = [(name, rate, seed) for name in names for rate in RATES for seed in seeds]
    results = Parallel(n_jobs=jobs)(delayed(auto_drop)(a, s, r) for a, r, s in cells)
    print(f'\ndrop="auto", n = 1000, {len(seeds)} seeds: F1 of the dropped rows, share')
    print(f"{'wrong':>6s}" + "".join(f"{name:>18s}" for name in names))
    for rate in RATES:
        line = f"{rate:6.0%}"
        for name in names:
            of_cell = [
                r
                for (cell, at, _), r in zip(cells, results, strict=True)
                if (cell, at) == (name, rate)
            ]
            f1, share = np.mean(of_cell, axis=0)
            line += f"{f1:12.3f} {share:5.3f}"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=["n1000", "n10000", "auto"])
    parser.add_argument("--data", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.seeds)
    for table in options.tables:
        if table == "auto":
            names = options.data or ["2dplanes", "pol", "digits"]
            auto_table(names, seeds, options.jobs)
        else:
            large = ["2dplanes", "pol", "electricity", "adult"]
            names = options.data or (NAMES if table == "n1000" else large)
            detection_table(table, names, seeds, options.jobs)


if __name__ == "__main__":
    main()
