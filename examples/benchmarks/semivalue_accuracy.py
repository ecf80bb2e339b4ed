"""How close shared subsets come to the exact values, and at what cost.

Ground truth: exact walks along permutations (Shapley) and many reused subsets
(Banzhaf), of other seeds. Pearson r of the values from 200 and 1000 shared subsets
with it, with the CPU seconds of each; the split-half reliability says how good the
ground truth is itself. Rows of adult, 20 % of the labels flipped, 100 clean held-out
rows. One thread.

    python examples/benchmarks/semivalue_accuracy.py [--small] [--scoring accuracy]

`--small` takes fewer rows and a shorter ground truth, and digits (8 against the rest)
where SKVALUE_DATA is unset.
"""

import argparse
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _data import load

from skvalue import DataBanzhaf, DataShapley

LARGE = {"n": 1000, "walks": 2000, "reused": 400_000}
SMALL = {"n": 200, "walks": 128, "reused": 10_000}
N_VAL = 100
SUBSETS = [200, 1000]


def make_rows(n, seed=0):
    """Standardised rows of adult with a fifth of the labels flipped, and clean ones."""
    X, y = load("adult" if "SKVALUE_DATA" in os.environ else "digits")
    y = y if set(np.unique(y)) == {0, 1} else (y == 8).astype(int)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))[: n + N_VAL]
    X, y = X[rows].astype(float), y[rows].copy()
    scale = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)
    flipped = rng.choice(n, n // 5, replace=False)
    y[flipped] = 1 - y[flipped]
    return X[:n], y[:n], X[n:], y[n:]


def values_of(valuator, X, y, X_val, y_val):
    """Values and CPU seconds of a fit without an early stop."""
    start = time.process_time()
    valuator.set_params(tol=None).fit(X, y, X_val=X_val, y_val=y_val)
    return valuator.data_values_, time.process_time() - start


def compare(name, halves, estimates):
    """Print the reliability of the ground truth and the estimates' agreement."""
    truth = np.mean([values for values, _ in halves], axis=0)
    half = np.corrcoef(halves[0][0], halves[1][0])[0, 1]
    # Spearman-Brown: the mean of two halves is more reliable than each.
    reliability = 2 * half / (1 + half)
    cost = sum(spent for _, spent in halves)
    print(f"{name}: ground truth {cost:.0f} CPU s, reliability {reliability:.4f}")
    for n_subsets, (values, spent) in estimates.items():
        r = np.corrcoef(values, truth)[0, 1]
        print(f"{n_subsets:>8} shared subsets {spent:>8.2f} CPU s   r = {r:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--scoring", default="accuracy", help='or "probability"')
    arguments = parser.parse_args()
    sizes = SMALL if arguments.small else LARGE
    scoring = None if arguments.scoring == "probability" else arguments.scoring
    data = make_rows(sizes["n"])
    print(f"n = {sizes['n']}, scoring {arguments.scoring}")

    def fit(valuator, seed, n_evaluations, **parameters):
        return values_of(
            valuator(
                scoring=scoring,
                max_evaluations=n_evaluations,
                random_state=seed,
                **parameters,
            ),
            *data,
        )

    a_walk = sizes["n"] - 5 + 1
    compare(
        f"Shapley, {sizes['walks']} permutations",
        [
            fit(DataShapley, seed, sizes["walks"] // 2 * a_walk, sampler="permutation")
            for seed in (1, 2)
        ],
        {n: fit(DataShapley, 3, n, sampler="shared") for n in SUBSETS},
    )
    compare(
        f"Banzhaf, {sizes['reused']} reused subsets",
        [
            fit(DataBanzhaf, seed, sizes["reused"] // 2, sampler="msr")
            for seed in (1, 2)
        ],
        {n: fit(DataBanzhaf, 3, n, sampler="shared") for n in SUBSETS},
    )
