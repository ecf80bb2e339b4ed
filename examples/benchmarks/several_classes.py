"""Shared subsets of a ten-class model beside refits, and what values cost by default.

`pairs`: contributions a second of shared subsets and of a loop that refits scikit-learn
(before and after, in one process; medians of seven rounds of four coalitions), their
ratio, and r of contributions in and out with refits to tolerance, by size of the
coalition; and of rounds of eight coalitions whose sizes are spread evenly from 5 to n,
as `DataShapley` draws them. `sums`: contributions to 40 such coalitions beside those
whose models are all solved until rounding ends it. `sources`: r with values of many
shared subsets, of noisy values from shared subsets of the logistic model and of ridge
regression, by number of subsets, and CPU seconds a subset. `fits`: CPU seconds of
`DataShapley` and `AmortizedShapley` with their defaults on digits, and the ROC-AUC of
the wrong labels. A tenth of the labels wrong. One thread.

    SKVALUE_DATA=... python examples/benchmarks/several_classes.py TABLE ...
        [--data digits mnist_test bbc] [--n 1000] [--truth 400] [--sizes 30 60 ...]
"""

import argparse
import functools
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _data import load
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score

from skvalue import AmortizedShapley, DataShapley
from skvalue.datasets import make_label_noise
from skvalue.semivalues._utility import Utility

N_VAL, N_CHECKED, ROUNDS = 200, 200, 7
SIZES = [30, 60, 200, 500, 900]
SUBSETS = [10, 20, 50, 100, 200]


def make_rows(name, n, seed=0):
    """Training rows, a tenth of whose labels are wrong, and clean held-out ones."""
    X, y = load(name)
    X = X.astype(float) / (16 if name == "digits" else 1)
    order = np.random.default_rng(seed).permutation(len(X))
    if name == "mnist_test":
        X = PCA(50, random_state=0).fit_transform(X)
    n = min(n, len(X) - N_VAL)
    train, held_out = np.split(order[: n + N_VAL], [n])
    noisy, _ = make_label_noise(y[train], rate=0.1, random_state=seed)
    return X[train], noisy, X[held_out], y[held_out]


def seconds(function):
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def refits(game, masks):
    return [game.value(np.flatnonzero(mask)) for mask in masks]


def drawn(rng, n, size):
    """Coalitions of one size, or spread evenly over all sizes from 5."""
    if size != "uniform":
        return np.array([rng.permutation(n) < size for _ in range(4)])
    sizes = 5 + (n - 4) * (np.arange(8) + rng.random(8)) / 8
    return np.array([rng.permutation(n) < int(size) for size in sizes])


def pairs(options):
    for name in options.data:
        rows = make_rows(name, options.n)
        n, classes = len(rows[1]), np.unique(rows[1])
        fast = Utility(LogisticRegression(), *rows, classes=classes)
        plain = Utility(LogisticRegression(max_iter=1000), *rows, classes=classes)
        precise = LogisticRegression(tol=1e-8, max_iter=5000)
        precise = Utility(precise, *rows, classes=classes)
        rng = np.random.default_rng(1)
        fast.in_out(np.ones((1, n), dtype=bool))
        print(f"\n{name}, n = {n}: size, shared/s, refits/s, ratio, r with refits")
        for size in [*options.sizes, "uniform"]:
            rates = []
            for _ in range(ROUNDS):
                masks = drawn(rng, n, size)
                before, _ = seconds(functools.partial(refits, plain, masks))
                shared, found = seconds(functools.partial(fast.in_out, masks))
                after, _ = seconds(functools.partial(refits, plain, masks))
                refit = 2 * len(masks) / (before + after)
                rate = masks.size / shared
                rates.append((rate, refit, rate / refit))
            exact, shared = [], []
            for j, row in zip(
                np.arange(N_CHECKED) % len(masks),
                rng.choice(n, N_CHECKED, replace=False),
                strict=True,
            ):
                changed = masks[j].copy()
                changed[row] ^= True
                worth, after = refits(precise, [masks[j], changed])
                exact.append(after - worth if changed[row] else worth - after)
                shared.append(found[j, row])
            r = np.corrcoef(shared, exact)[0, 1]
            rate, refit, ratio = np.median(rates, axis=0)
            print(
                f"{size:>7} {rate:9.0f} {refit:8.1f} {ratio:7.0f} {r:8.4f}",
                flush=True,
            )


def sums(options):
    for name in options.data:
        rows = make_rows(name, options.n)
        n, classes = len(rows[1]), np.unique(rows[1])
        game = Utility(LogisticRegression(), *rows, classes=classes)
        rng = np.random.default_rng(3)
        masks = np.concatenate([drawn(rng, n, "uniform") for _ in range(5)])
        found, exact = game.in_out(masks), game.exact_engine.in_out(masks)
        excess = found.sum() / exact.sum() - 1
        error = np.sqrt(np.square(found - exact).mean()) / exact.std()
        print(f"{name}, n = {n}: sums {excess:+.2%}, error {error:.4f} of the spread")


def values(name, n, k, seed, estimator=None):
    X, y, X_val, y_val = make_rows(name, n)
    valuator = DataShapley(
        estimator, sampler="shared", tol=None, max_evaluations=k, random_state=seed
    )
    return seconds(lambda: valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_)


def sources(options):
    for name in options.data:
        _, truth = values(name, options.n, options.truth, seed=777)
        print(f"\n{name}: r with {options.truth} subsets; subsets, CPU seconds, r")
        for estimator in (None, RidgeClassifier()):
            for k in SUBSETS:
                spent, found = values(name, options.n, k, 0, estimator)
                label = type(estimator or LogisticRegression()).__name__
                r = np.corrcoef(found, truth)[0, 1]
                print(f"{label:20}{k:6}{spent:8.1f}{r:8.3f}", flush=True)


def fits(options):
    X, y = load_digits(return_X_y=True)
    X, y = X[:1347] / 16, y[:1347]
    y, wrong = make_label_noise(y, rate=0.1, random_state=0)
    for valuator in (DataShapley(random_state=0), AmortizedShapley(random_state=0)):
        spent, fitted = seconds(lambda valuator=valuator: valuator.fit(X, y))
        found = roc_auc_score(wrong, -fitted.data_values_)
        print(f"{type(valuator).__name__}: {spent:.1f} CPU seconds, AUC {found:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {"pairs": pairs, "sums": sums, "sources": sources, "fits": fits}
    parser.add_argument("table", nargs="+", choices=tables)
    parser.add_argument("--data", nargs="+", default=["digits", "mnist_test", "bbc"])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--truth", type=int, default=400)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    for table in arguments.table:
        tables[table](arguments)
