"""LAVA and KAIROS: which bad rows they find, and what a million rows cost.

    SKVALUE_DATA=... python examples/benchmarks/held_out_distances.py detection
        [--seeds 3] [--data NAME ...]
    python examples/benchmarks/held_out_distances.py cost LAVA|KAIROS [--n 1000000]

`detection` prints the ROC-AUC of wrong labels and of rows with noise on every column,
10 and 30 % of 1000 rows, with 300 clean held-out rows; `folds`: without these. "joint
kernel" is the gradient of the discrepancy between the joint embeddings of
features and labels. `cost`: CPU seconds and traced peak memory of a fit, d = 20,
1000 held-out rows.
"""

import argparse
import time
import tracemalloc

import numpy as np
from _data import NAMES, detection_split
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel

from skvalue.kairos import KAIROS
from skvalue.lava import LAVA


def joint_kernel(X, y, X_val, y_val):
    """Values by one kernel of features and labels."""
    squared = ((X_val[:, None] - X_val) ** 2).sum(axis=2)
    gamma = 1 / np.median(squared[np.triu_indices(len(X_val), 1)])
    held_out = rbf_kernel(X, X_val, gamma=gamma) * (y[:, None] == y_val)
    own = rbf_kernel(X, gamma=gamma) * (y[:, None] == y)
    return held_out.mean(axis=1) - own.mean(axis=1)


def of(valuator, held_out=True):
    """Values by a valuator, on held-out rows or folds."""

    def values(X, y, X_val, y_val):
        rows = {"X_val": X_val, "y_val": y_val} if held_out else {}
        return valuator.fit(X, y, **rows).data_values_

    return values


METHODS = {
    "LAVA": of(LAVA(random_state=0)),
    "LAVA, euclidean, .03": of(
        LAVA(feature_cost="euclidean", regularization=0.03, random_state=0)
    ),
    "joint kernel": joint_kernel,
    "KAIROS": of(KAIROS(random_state=0)),
    "KAIROS, weight 0": of(KAIROS(feature_weight=0.0, random_state=0)),
    "KAIROS, weight 8": of(KAIROS(feature_weight=8.0, random_state=0)),
    "LAVA, folds": of(LAVA(random_state=0), held_out=False),
    "KAIROS, folds": of(KAIROS(random_state=0), held_out=False),
}


def problem(kind, name, rate, seed):
    """Rows, clean held-out rows, and which rows are bad."""
    split = detection_split(name, 1000, seed, rate if kind == "labels" else 0.0)
    X, is_bad = split.X, split.is_flipped
    if kind == "features":
        rng = np.random.default_rng(10_000 + seed)
        rows = rng.choice(len(X), round(rate * len(X)), replace=False)
        X = X.copy()
        X[rows] += rng.normal(size=(len(rows), X.shape[1]))
        is_bad = np.isin(np.arange(len(X)), rows)
    return (X, split.y, split.X_test, split.y_test), is_bad


def detection(options):
    for kind in ("labels", "features"):
        for rate in (0.1, 0.3):
            print(f"\n{kind}, {rate:.0%}: ROC-AUC, mean of {options.seeds} seeds")
            print(f"{'':22s}" + "".join(f"{name:>12s}" for name in options.data))
            for method, values in METHODS.items():
                means = []
                for name in options.data:
                    aucs = []
                    for seed in range(options.seeds):
                        rows, is_bad = problem(kind, name, rate, seed)
                        aucs.append(roc_auc_score(is_bad, -values(*rows)))
                    means.append(np.mean(aucs))
                line = "".join(f"{mean:12.3f}" for mean in means)
                print(f"{method:22s}{line}   mean {np.mean(means):.3f}", flush=True)


def cost(options):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, options.n + 1000)
    X = rng.normal(size=(len(y), 20))
    X[:, :4] += 2 * np.eye(4)[y]
    is_bad = np.arange(len(y)) < len(y) // 10
    noisy = np.where(is_bad, (y + 1) % 4, y)
    valuator = {"LAVA": LAVA, "KAIROS": KAIROS}[options.method](random_state=0)
    held_out = {"X_val": X[-1000:], "y_val": y[-1000:]}
    tracemalloc.start()
    start = time.process_time()
    values = valuator.fit(X[:-1000], noisy[:-1000], **held_out).data_values_
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    print(
        f"{options.method}, n = {options.n}: {seconds:.1f} s of CPU, "
        f"peak {peak / 2**20:.0f} MB beside X of {X.nbytes / 2**20:.0f} MB, "
        f"ROC-AUC {roc_auc_score(is_bad[:-1000], -values):.3f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    table = commands.add_parser("detection")
    table.add_argument("--seeds", type=int, default=3)
    table.add_argument("--data", nargs="+", choices=NAMES, default=NAMES)
    table.set_defaults(run=detection)
    large = commands.add_parser("cost")
    large.add_argument("method", choices=["LAVA", "KAIROS"])
    large.add_argument("--n", type=int, default=1_000_000)
    large.set_defaults(run=cost)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
