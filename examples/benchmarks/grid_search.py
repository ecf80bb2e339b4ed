"""What a grid search over `drop` costs, with `memory` and without.

NDDV before a classifier on 5000 rows of adult with wrong labels, five folds and the
refit of the best. A search over one value of `drop` beside one over six with `memory`,
in turn, each in a new folder; the table has the medians of their seconds, and of the
ratios. Once, six values without `memory`: the scores must be the same. Seconds are of
the CPU for one job, where the machine may be busy, and of the clock for more.

    python examples/benchmarks/grid_search.py [--n 5000] [--repeats 3] [--n-jobs 1 2]

Every process has one thread.
"""

import argparse
import os

# Before numpy and torch count the cores; the workers inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time

import numpy as np
from _data import detection_split
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skvalue import NDDVValuator

DROPS = [0.0, 0.05, 0.1, 0.15, 0.2, "auto"]
MODELS = {
    "logistic regression": LogisticRegression(max_iter=1000),
    "boosting, 30 trees": HistGradientBoostingClassifier(max_iter=30, random_state=0),
    "boosting, 100 trees": HistGradientBoostingClassifier(random_state=0),
}


def search(split, model, drops, n_jobs, memory):
    """Seconds of a search, and the score of each candidate in each fold."""
    pipe = make_pipeline(NDDVValuator(random_state=0, memory=memory), model)
    grid = GridSearchCV(pipe, {"nddvvaluator__drop": drops}, cv=5, n_jobs=n_jobs)
    clock = time.process_time if n_jobs == 1 else time.perf_counter
    start = clock()
    grid.fit(split.X, split.y)
    seconds = clock() - start
    return seconds, [grid.cv_results_[f"split{fold}_test_score"] for fold in range(5)]


def fit_alone(split, model):
    """Seconds of the model alone, on all rows."""
    start = time.process_time()
    model.fit(split.X, split.y)
    return time.process_time() - start


def compare(split, model, n_jobs, repeats):
    """Print one line of the table."""
    without, expected = search(split, model, DROPS, n_jobs, None)
    seconds = []
    for _ in range(repeats):
        one, _ = search(split, model, [0.1], n_jobs, None)
        with tempfile.TemporaryDirectory() as folder:
            six, scores = search(split, model, DROPS, n_jobs, folder)
        assert np.array_equal(scores, expected), "memory changed a score"
        seconds.append((one, six))
    one, six = np.transpose(seconds)
    print(
        f"{n_jobs:6d} {np.median(one):8.1f} {np.median(six):8.1f} "
        f"{without:8.1f} {np.median(six / one):11.2f} {without / np.median(one):8.2f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    arguments = parser.parse_args()
    split = detection_split("adult", arguments.n, seed=0, rate=0.1)
    # The first fit imports torch.
    NDDVValuator(max_epochs=1).fit(split.X[:100], split.y[:100])
    for name in arguments.models:
        alone = np.median([fit_alone(split, MODELS[name]) for _ in range(3)])
        print(f"\n{name} (one fit: {alone:.2f} s); seconds of searches over drop")
        print("n_jobs    1 value  6, memory  6, none   ratio memory, none")
        for n_jobs in arguments.n_jobs:
            compare(split, MODELS[name], n_jobs, arguments.repeats)


if __name__ == "__main__":
    main()
