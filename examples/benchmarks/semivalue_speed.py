"""Contributions per second of the batched engine beside a plain refit loop.

First table: marginal contributions per second of CPU time of a loop that refits
scikit-learn's LogisticRegression, of exact walks along permutations, and of shared
subsets, measured in turn in one process on one thread, and the ratios. Second table:
seconds and peak memory of ``DataShapley(max_evaluations=200)`` against n, each fit in a
process of its own, and the slope of log time against log n.

    python examples/benchmarks/semivalue_speed.py [--small] [--peers PYTHON ...]

`--small` takes sizes that end in seconds. `--peers` names Python interpreters that have
pyDVL, which needs an environment of its own (it asks for an older numpy); it walks a
permutation of the same rows, for a minute at most.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# One thread, before numpy and torch read it.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

N_VAL = 100
MIN_SIZE = 5
REFITS = 60
SUBSETS = 256
LARGE = {"n": [1000, 10_000], "d": [14, 50], "scaling": [10**3, 10**4, 10**5]}
SMALL = {"n": [200, 500], "d": [14], "scaling": [10**3, 3 * 10**3, 10**4]}


def make_rows(n, d, seed=0):
    """Gaussian rows, labels of a logistic model, a tenth of those to train on wrong."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=d) / np.sqrt(d)
    X = rng.normal(size=(n + N_VAL, d))
    y = (rng.random(n + N_VAL) < 1 / (1 + np.exp(-4 * X @ direction))).astype(int)
    wrong = rng.random(n) < 0.1
    y[:n][wrong] ^= 1
    return X[:n], y[:n], X[n:], y[n:]


def seconds(function):
    """CPU seconds of a call, and what it returns."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


# --------------------------------------------------------------- contributions a second


def refit_rate(X, y, X_val, y_val, n_refits, seed):
    """Contributions a second of a loop over random places of random permutations."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    rows = [
        rng.permutation(len(y))[: rng.integers(MIN_SIZE, len(y) + 1)]
        for _ in range(n_refits)
    ]
    rows = [some for some in rows if len(np.unique(y[some])) == 2]

    def loop():
        for some in rows:
            LogisticRegression().fit(X[some], y[some]).score(X_val, y_val)

    spent, _ = seconds(loop)
    return len(rows) / spent


def engine_rates(utility, rng):
    """Contributions a second of a block of walks and of blocks of shared subsets.

    Subsets are drawn as Data Shapley draws them: sizes spread evenly over 5..n.
    """
    n = utility.n_players
    n_walks, n_subsets = utility.block_size("walk"), utility.block_size("in_out")
    walks = np.array([rng.permutation(n) for _ in range(n_walks)])
    walk, _ = seconds(lambda: utility.walk(walks, MIN_SIZE))
    n_blocks = max(1, SUBSETS // n_subsets)
    sizes = rng.permutation(np.linspace(MIN_SIZE, n, n_blocks * n_subsets).astype(int))
    masks = np.array([rng.permutation(n) < size for size in sizes])
    shared, _ = seconds(
        lambda: [utility.in_out(block) for block in np.split(masks, n_blocks)]
    )
    return n_walks * (n - MIN_SIZE) / walk, masks.size / shared


def compare(sizes, n_columns, peers):
    from sklearn.linear_model import LogisticRegression

    from skvalue.semivalues._utility import Utility

    print("contributions per CPU second, one thread, accuracy of 100 held-out rows")
    print(f"{'n':>7}{'d':>4}{'refit loop':>12}{'walk':>10}{'shared':>11}", end="")
    print(f"{'walk /':>9}{'shared /':>10}")
    for n in sizes:
        for d in n_columns:
            X, y, X_val, y_val = make_rows(n, d)
            utility = Utility(
                LogisticRegression(),
                X,
                y,
                X_val,
                y_val,
                classes=np.array([0, 1]),
                scoring="accuracy",
            )
            utility.in_out(np.ones((1, n), dtype=bool))
            # The loop before and after, so that a busy machine slows both alike.
            before = refit_rate(X, y, X_val, y_val, REFITS // 2, seed=1)
            walk, shared = engine_rates(utility, np.random.default_rng(2))
            after = refit_rate(X, y, X_val, y_val, REFITS // 2, seed=3)
            refit = 2 / (1 / before + 1 / after)
            print(f"{n:>7}{d:>4}{refit:>12.0f}{walk:>10.0f}{shared:>11.0f}", end="")
            print(f"{walk / refit:>9.0f}{shared / refit:>10.0f}", flush=True)
            for peer in peers:
                print(f"{'':>11}{run_peer(peer, X, y, X_val, y_val)}", flush=True)


# ------------------------------------------------------------------ time against rows


def fit_once(n):
    """Fit in this process; print its seconds and the peak memory of the process."""
    from skvalue import DataShapley

    X, y, X_val, y_val = make_rows(n, 20)
    valuator = DataShapley(max_evaluations=200, tol=None, random_state=0)
    wall = time.perf_counter()
    cpu, _ = seconds(lambda: valuator.fit(X, y, X_val=X_val, y_val=y_val))
    wall = time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(cpu, wall, peak, np.corrcoef(valuator.data_values_, y)[0, 1])


def scale(sizes):
    print("\nDataShapley(max_evaluations=200), d = 20, held-out rows: 100")
    print(f"{'n':>8}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}")
    spent = []
    for n in sizes:
        command = [sys.executable, __file__, "--fit", str(n)]
        output = subprocess.run(command, check=True, capture_output=True, text=True)
        cpu, wall, peak, _ = map(float, output.stdout.split())
        spent.append(cpu)
        print(f"{n:>8}{cpu:>9.1f}{wall:>9.1f}{peak:>9.0f}", flush=True)
    slope = np.polyfit(np.log(sizes), np.log(spent), 1)[0]
    print(f"slope of log CPU time against log n: {slope:.2f}")


# ------------------------------------------------------------------------------ peers

PYDVL = """
import sys, time, numpy as np, warnings
warnings.filterwarnings("ignore")
import pydvl.valuation as V
from pydvl.valuation.dataset import Dataset
from sklearn.linear_model import LogisticRegression
rows = np.load(sys.argv[1])
train, held_out = Dataset(rows["X"], rows["y"]), Dataset(rows["X_val"], rows["y_val"])
scorer = V.SupervisedScorer("accuracy", held_out, default=0.5)
utility = V.ModelUtility(LogisticRegression(), scorer, show_warnings=False)
valuation = V.ShapleyValuation(
    utility,
    V.PermutationSampler(seed=0),
    V.MinUpdates(1) | V.MaxTime(60),
    progress=False,
)
start = time.process_time()
valuation.fit(train)
spent = time.process_time() - start
print("pyDVL", round(float(valuation.result.counts.sum()) / spent, 1))
"""


def run_peer(python, X, y, X_val, y_val):
    """Contributions a second of a permutation in another environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, X=X, y=y, X_val=X_val, y_val=y_val)
        command = [python, "-c", PYDVL, path]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--peers", nargs="*", default=[])
    parser.add_argument("--fit", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = SMALL if arguments.small else LARGE
    if arguments.fit:
        fit_once(arguments.fit)
    else:
        compare(sizes["n"], sizes["d"], arguments.peers)
        scale(sizes["scaling"])
