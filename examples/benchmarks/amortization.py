"""What amortizing adds to noisy values, beside the values themselves.

`budgets`: Pearson r with the ground truth of labels from 2, 6, 10 and 50 permutations
(a permutation and its reverse at least), of the network, the ridge regression and
their mean, and of the combined values; mean and standard deviation over the seeds.
`unseen`: the same for rows that were not in the training data, by distributional
labels, and the seconds that 100 000 of them take. `compute`: r against CPU seconds,
beside shared subsets, which need no amortizing.

    SKVALUE_DATA=... python examples/benchmarks/amortization.py budgets unseen compute
        [--data adult 2dplanes electricity] [--n 1000] [--seeds 3] [--cache FOLDER]

A fifth of the labels flipped, 100 clean held-out rows, accuracy of logistic regression.
The ground truth comes from 4000 exact permutations; `--cache` keeps it. One thread.
"""

import argparse
import os
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _data import load

from skvalue import AmortizedShapley, DataShapley, DistributionalShapley
from skvalue.metrics import agreement

N_VAL, N_UNSEEN = 100, 1000
TRUE_PERMUTATIONS = 4000
PERMUTATIONS = [2, 6, 10, 50]
MIN_SIZE = 5


def make_rows(name, n, seed):
    """Standardised rows, a fifth of whose labels are wrong; clean ones; unseen ones."""
    X, y = load(name)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))[: n + N_VAL + N_UNSEEN]
    X, y = X[rows].astype(float), y[rows].copy()
    scale = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)
    train, held_out, unseen = np.split(np.arange(len(X)), [n, n + N_VAL])
    for part in (train, unseen):
        flipped = rng.choice(part, len(part) // 5, replace=False)
        y[flipped] = 1 - y[flipped]
    return [(X[part], y[part]) for part in (train, held_out, unseen)]


def walks(n, n_permutations, seed=None):
    """Data Shapley from exact permutations of n rows."""
    return DataShapley(
        scoring="accuracy",
        sampler="permutation",
        tol=None,
        max_evaluations=n_permutations * (n - MIN_SIZE + 1),
        random_state=seed,
    )


def ground_truth(name, n, seed, cache):
    """Values from many permutations, of a seed that nothing else uses."""
    path = cache and Path(cache) / f"{name}-{n}-{seed}.npy"
    if path and path.exists():
        return np.load(path)
    (X, y), (X_val, y_val), _ = make_rows(name, n, seed)
    valuator = walks(n, TRUE_PERMUTATIONS, seed=10_000 + seed)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, values)
    return values


def r(estimate, reference):
    return agreement(estimate, reference)["pearson"]


def show(label, columns, records):
    """A line of means and standard deviations over the seeds."""
    figures = ([record[column] for record in records] for column in columns)
    cells = [f"{np.mean(each):9.3f} ±{np.std(each):.3f}" for each in figures]
    print(f"{label:24}" + "".join(cells), flush=True)


def budgets(options):
    columns = ["labels", "net", "ridge", "mean", "combined", "weight"]
    least = np.inf
    for name in options.data:
        print(f"\n{name}, n = {options.n}: r with the ground truth")
        print(f"{'permutations':24}" + "".join(f"{c:>15}" for c in columns))
        for n_permutations in PERMUTATIONS:
            records = []
            for seed in range(options.seeds):
                truth = ground_truth(name, options.n, seed, options.cache)
                (X, y), (X_val, y_val), _ = make_rows(name, options.n, seed)
                record = {}
                for regressor in ("net", "ridge", "auto"):
                    valuator = AmortizedShapley(
                        walks(options.n, n_permutations),
                        regressor=regressor,
                        random_state=seed,
                    ).fit(X, y, X_val=X_val, y_val=y_val)
                    record[regressor] = r(valuator.amortized_values_, truth)
                record["mean"] = record.pop("auto")
                record["labels"] = r(valuator.label_values_, truth)
                record["combined"] = r(valuator.data_values_, truth)
                record["weight"] = valuator.label_weight_
                least = min(least, record["combined"] - record["labels"])
                records.append(record)
            show(str(n_permutations), columns, records)
    print(f"\nleast r(combined) - r(labels) over all cells: {least:+.3f}")


def unseen(options):
    print("\nDistributional labels: r on training rows, on unseen rows, seconds of 1e5")
    for name in options.data:
        records = []
        for seed in range(options.seeds):
            (X, y), (X_val, y_val), (X_new, y_new) = make_rows(name, options.n, seed)
            held_out = {"X_val": X_val, "y_val": y_val}
            settings = {
                "scoring": "accuracy",
                "tol": None,
                "max_coalition_size": options.n,
            }
            true = DistributionalShapley(
                **settings, max_evaluations=4000, random_state=10_000 + seed
            ).fit(X, y, **held_out)
            labels = DistributionalShapley(**settings, max_evaluations=500)
            valuator = AmortizedShapley(labels, random_state=seed)
            valuator.fit(X, y, **held_out)
            many = np.resize(X_new, (100_000, X.shape[1]))
            start = time.process_time()
            valuator.predict_values(many, np.resize(y_new, 100_000))
            spent = time.process_time() - start
            records.append(
                {
                    "labels": r(valuator.label_values_, true.data_values_),
                    "training": r(valuator.amortized_values_, true.data_values_),
                    "unseen": r(
                        valuator.predict_values(X_new, y_new),
                        true.predict_values(X_new, y_new),
                    ),
                    "seconds": spent,
                }
            )
        show(name, list(records[0]), records)


def compute(options):
    name, seed = options.data[0], 0
    truth = ground_truth(name, options.n, seed, options.cache)
    (X, y), (X_val, y_val), _ = make_rows(name, options.n, seed)
    print(f"\n{name}, n = {options.n}: r against CPU seconds, one seed")
    cells = [
        (f"{n} permutations{what}", wrap(walks(options.n, n, seed=1)))
        for n in (2, 10, 50, 200)
        for what, wrap in (
            ("", lambda valuator: valuator),
            (", amortized", lambda valuator: AmortizedShapley(valuator)),
        )
    ]
    cells += [
        (f"{n} shared subsets", DataShapley(scoring="accuracy", sampler="shared"))
        for n in (20, 100, 500)
    ]
    for label, valuator in cells:
        if "shared" in label:
            valuator.set_params(tol=None, max_evaluations=int(label.split()[0]))
        start = time.process_time()
        valuator.set_params(random_state=1).fit(X, y, X_val=X_val, y_val=y_val)
        spent = time.process_time() - start
        print(f"{label:32}{spent:8.2f} s   r = {r(valuator.data_values_, truth):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {"budgets": budgets, "unseen": unseen, "compute": compute}
    parser.add_argument("table", nargs="+", choices=tables)
    parser.add_argument(
        "--data", nargs="+", default=["adult", "2dplanes", "electricity"]
    )
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", help="folder of ground truths")
    arguments = parser.parse_args()
    for table in arguments.table:
        tables[table](arguments)
