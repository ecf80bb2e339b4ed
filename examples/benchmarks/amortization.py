"""What amortizing adds to noisy values, beside the values themselves.

`budgets`: Pearson r with the ground truth of labels from 1, 5, 10 and 50 contributions
a row, of the network, the ridge regression and their mixture, and of the combined
values; mean and standard deviation over the seeds. `measures`: squared error, Pearson
and Spearman correlation and agreement of signs, of labels and combined values (Covert
et al. 2024, Figures 4, 17 and 18). `sizes`: r from 50 contributions a row by number of
rows (Figure 4, right). `truths`: how far 4000 permutations agree with 20 000 shared
subsets, which `budgets --truth shared` compares with. `unseen`: the same measures for
distributional values, of training rows and of rows that were not in the training data,
by contributions a row (Figures 5 and 19), and the seconds that 100 000 rows take.

    SKVALUE_DATA=... python examples/benchmarks/amortization.py budgets measures truths
        sizes unseen [--data adult 2dplanes electricity] [--n 1000 ...] [--seeds 3]
        [--sizes 250 500 ...] [--contributions 1 5 10 50] [--second 10]
        [--truth shared] [--cache FOLDER]

Beside the contributions a row that the models are chosen from come a fifth as many to
choose by, and one at least; or as many as `--second` says (10 in the paper). A fifth of
the labels flipped, 100 clean held-out rows, accuracy of logistic regression. The ground
truth comes from 4000 exact permutations; `--cache` keeps it. One thread.
"""

import argparse
import functools
import os
import time
from itertools import product
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from _data import load

from skvalue import AmortizedShapley, DataShapley, DistributionalShapley
from skvalue.metrics import agreement

N_VAL, N_UNSEEN = 100, 1000
UNSEEN_CONTRIBUTIONS = [1, 5, 25, 100]
TRUE_PERMUTATIONS, TRUE_SUBSETS = 4000, 20_000
TRUTHS = ["permutations", "shared"]
CONTRIBUTIONS = [1, 5, 10, 50]
SIZES = [250, 500, 1000, 2500, 10_000]
MIN_SIZE = 5
MEASURES = {
    "normalized_squared_error": "squared error",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "sign_agreement": "signs",
}


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


def walks(n, n_contributions, seed=None, antithetic=False, estimator=None):
    """Data Shapley from exact permutations of n rows."""
    # Walks begin with MIN_SIZE rows, and each of those costs two fits of its own.
    least = n - MIN_SIZE + 1 if antithetic else n + MIN_SIZE + 1
    return DataShapley(
        estimator,
        scoring="accuracy",
        sampler="permutation" if antithetic else "single_permutation",
        tol=None,
        max_evaluations=n_contributions * least,
        random_state=seed,
    )


def shared_subsets(n_subsets, seed=None):
    """Data Shapley from coalitions that value all rows at once."""
    return DataShapley(
        scoring="accuracy",
        sampler="shared",
        tol=None,
        max_evaluations=n_subsets,
        random_state=seed,
    )


@functools.cache
def ground_truth(name, n, seed, cache, truth="permutations"):
    """Values from many evaluations, of a seed that nothing else uses."""
    path = cache and f"{cache}/{name}"
    if truth == "shared":
        valuator = shared_subsets(TRUE_SUBSETS, seed=10_000 + seed)
        return cached_values(valuator, name, n, seed, path and f"{path}-shared")
    valuator = walks(n, TRUE_PERMUTATIONS, seed=10_000 + seed, antithetic=True)
    return cached_values(valuator, name, n, seed, path)


def cached_values(valuator, name, n, seed, cache):
    """What a valuator says of the training rows, kept in a file for the next time."""
    path = cache and Path(f"{cache}-{n}-{seed}.npy")
    if path and path.exists():
        return np.load(path)
    (X, y), (X_val, y_val), _ = make_rows(name, n, seed)
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
    print(f"{label:30}" + "".join(cells), flush=True)


@functools.cache
def amortized(name, n, n_contributions, seed, regressor="auto", n_second=None):
    """The fitted valuator."""
    share = 1 / 6 if n_second is None else n_second / (n_contributions + n_second)
    (X, y), (X_val, y_val), _ = make_rows(name, n, seed)
    valuator = AmortizedShapley(
        walks(n, n_contributions),
        regressor=regressor,
        validation_share=share,
        random_state=seed,
    )
    return valuator.fit(X, y, X_val=X_val, y_val=y_val)


def budgets(options):
    columns = ["labels", "net", "ridge", "mixture", "combined", "net's share"]
    least = np.inf
    for name, n in product(options.data, options.n):
        print(f"\n{name}, n = {n}: r with the ground truth")
        print(f"{'contributions a row':30}" + "".join(f"{c:>15}" for c in columns))
        for n_contributions in options.contributions:
            records = []
            for seed in range(options.seeds):
                truth = ground_truth(name, n, seed, options.cache, options.truth)
                # All of the same labels.
                valuator, net, ridge = (
                    amortized(name, n, n_contributions, seed, regressor, options.second)
                    for regressor in ("auto", "net", "ridge")
                )
                record = {
                    "labels": r(valuator.noisy_values_, truth),
                    "net": r(net.amortized_values_, truth),
                    "ridge": r(ridge.amortized_values_, truth),
                    "mixture": r(valuator.amortized_values_, truth),
                    "combined": r(valuator.data_values_, truth),
                    "net's share": valuator.net_weight_,
                }
                least = min(least, record["combined"] - record["labels"])
                records.append(record)
            show(str(n_contributions), columns, records)
    print(f"\nleast r(combined) - r(labels) over all cells: {least:+.3f}")


def measures(options):
    for name, n in product(options.data, options.n):
        print(f"\n{name}, n = {n}")
        print(
            f"{'contributions a row':30}"
            + "".join(f"{m:>15}" for m in MEASURES.values())
        )
        for n_contributions in options.contributions:
            valuators = [
                amortized(name, n, n_contributions, seed, n_second=options.second)
                for seed in range(options.seeds)
            ]
            for label, attribute in {
                f"{n_contributions} labels": "noisy_values_",
                f"{n_contributions} combined": "data_values_",
            }.items():
                records = [
                    agreement(
                        getattr(valuator, attribute),
                        ground_truth(name, n, seed, options.cache),
                    )
                    for seed, valuator in enumerate(valuators)
                ]
                show(label, MEASURES, records)


def truths(options):
    for name, n in product(options.data, options.n):
        found = [
            r(*(ground_truth(name, n, seed, options.cache, t) for t in TRUTHS))
            for seed in range(options.seeds)
        ]
        figures = ", ".join(f"{each:.3f}" for each in found)
        print(f"{name}, n = {n}: r of both ground truths, by seed: {figures}")


def sizes(options):
    columns = ["labels", "combined"]
    for name in options.data:
        print(f"\n{name}: r from 50 contributions a row")
        print(f"{'rows':30}" + "".join(f"{c:>15}" for c in columns))
        for n in options.sizes:
            records = []
            for seed in range(options.seeds):
                truth = ground_truth(name, n, seed, options.cache)
                valuator = amortized(name, n, 50, seed)
                estimates = valuator.noisy_values_, valuator.data_values_
                records.append(
                    dict(zip(columns, (r(e, truth) for e in estimates), strict=True))
                )
            show(str(n), columns, records)


def distributional(n_contributions, seed=None, valued_share=0.02):
    """Distributional Shapley, each coalition for a fiftieth of the rows."""
    return DistributionalShapley(
        scoring="accuracy",
        tol=None,
        max_coalition_size=1000,
        valued_share=valued_share,
        max_evaluations=round(n_contributions / valued_share),
        random_state=seed,
    )


def unseen(options):
    """Truth from as many coalitions for all rows, seen and unseen."""
    for name, n in product(options.data, options.n):
        print(f"\n{name}, n = {n}, distributional values, by contributions a row")
        print(f"{'':30}" + "".join(f"{m:>15}" for m in MEASURES.values()))
        found, spent = {}, []
        for seed in range(options.seeds):
            (X, y), (X_val, y_val), (X_new, y_new) = make_rows(name, n, seed)
            held_out = {"X_val": X_val, "y_val": y_val}
            source = distributional(TRUE_PERMUTATIONS, 10_000 + seed, valued_share=1)
            true = source.fit(X, y, **held_out)
            true_new = true.predict_values(X_new, y_new)
            for n_contributions in UNSEEN_CONTRIBUTIONS:
                valuator = AmortizedShapley(
                    distributional(n_contributions), random_state=seed
                ).fit(X, y, **held_out)
                for label, estimate, truth in (
                    ("labels", valuator.noisy_values_, true.data_values_),
                    ("training rows", valuator.amortized_values_, true.data_values_),
                    ("combined", valuator.data_values_, true.data_values_),
                    ("unseen rows", valuator.predict_values(X_new, y_new), true_new),
                ):
                    records = found.setdefault(f"{n_contributions} {label}", [])
                    records.append(agreement(estimate, truth))
            many = np.resize(X_new, (100_000, X.shape[1]))
            start = time.process_time()
            valuator.predict_values(many, np.resize(y_new, 100_000))
            spent.append(time.process_time() - start)
        for label, records in found.items():
            show(label, MEASURES, records)
        print(f"100 000 unseen rows: {np.median(spent):.2f} CPU seconds (median)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = {
        "budgets": budgets,
        "measures": measures,
        "truths": truths,
        "sizes": sizes,
        "unseen": unseen,
    }
    parser.add_argument("table", nargs="+", choices=tables)
    parser.add_argument(
        "--data", nargs="+", default=["adult", "2dplanes", "electricity"]
    )
    parser.add_argument("--n", nargs="+", type=int, default=[1000])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--contributions", nargs="+", type=int, default=CONTRIBUTIONS)
    parser.add_argument("--second", type=int, help="contributions to choose by")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--truth", choices=TRUTHS, default=TRUTHS[0], help="of budgets")
    parser.add_argument("--cache", help="folder of ground truths")
    arguments = parser.parse_args()
    for table in arguments.table:
        tables[table](arguments)
