"""The tables and figures of the NDDV paper, by skvalue, on the data at hand.

Liang, Gao, Zhang, "Neural Dynamic Data Valuation" (2024). One experiment after the
other, each with a CSV file and a picture in a folder:

    detection       Table 1 (n = 1000), Figures 4, S3, S4
    detection_large Table 1 (n = 10 000)
    ablation        Figures S12 to S16
    label_noise     Table S2, Figures S8, S9
    feature_noise   Table S3, Figures S10, S11
    training        Figures S1, S2, S5, S6
    time_small      Figure S7
    time            Figure 3

    SKVALUE_DATA=... python examples/benchmarks/nddv_paper.py [experiment ...]
        [--folder nddv_paper] [--seeds 5] [--data NAME ...] [--methods NAME ...]
    python examples/benchmarks/nddv_paper.py --quick
    python examples/benchmarks/nddv_paper.py --tables [--rst] [--folder nddv_paper]
        [--page doc/user_guide/reproducing_nddv.rst]

A run that was stopped goes on from its CSV files: what is there is not computed again,
and `--seeds 1` may come before `--seeds 5`. `--quick` does all of it on few rows of
digits, which scikit-learn has, to see that it runs; its figures say nothing. `--tables`
draws and prints what is there: ours beside the paper's; `--page` puts it into the user
guide.

Every valuation of `time` and `time_small` runs in a process of its own, which measures
seconds, CPU seconds and its peak memory, with the rows (float32) in it.
"""

import argparse
import functools
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
import pandas as pd
from _data import detection_split
from _nddv_paper_methods import METHODS, SLOW, TIMED, VARIANTS
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Bunch

from skvalue.metrics import detection, detection_curve, removal_curve

KEY = ["data", "noise", "rate", "n", "d", "method", "seed"]
COLUMNS = [*KEY, "figure", "at", "value"]
INSPECTED = np.linspace(0, 1, 21)
ENDS = [(a, f) for a in ("remove", "add") for f in ("highest", "lowest")]
EFFICIENT = ["NDDV, one member", "KNN Shapley", "NDDV", "NDDV, paper", "Data-OOB"]
EFFICIENT += ["Influence", "AME"]
RETRAINING = ["NDDV, paper", "LOO", "Data Shapley", "Beta Shapley", "Data Banzhaf"]
# The paper's six rates, and its sizes for Figures 3 and S7.
RATES = [0.1, 0.3, 0.05, 0.2, 0.4, 0.45]
SIZES = {"time": [10**4, 5 * 10**4, 10**5, 5 * 10**5, 10**6]}
SIZES["time_small"] = [500, 700, 1000, 3000, 5000]
# What does not scale is measured up to here.
LARGEST = {"NDDV, one member": 10**6, "NDDV": 10**5, "KNN Shapley": 10**5}
TABLES = ["2dplanes", "electricity", "pol", "bbc"]


# ---------------------------------------------------------------------------- cells


def plan(experiment, options):
    """Cells of an experiment, the most telling first: dicts with the columns of KEY."""
    quick, seeds = options.quick, range(options.seeds)
    n = 150 if quick else 1000
    data = options.data or (["digits"] if quick else TABLES)
    one = (options.data or (["digits"] if quick else ["pol"]))[0]
    methods = options.methods or [m for m in METHODS if not (quick and m in SLOW)]
    cells = []

    def add(**cell):
        cells.append({"noise": "labels", "rate": 0.1, "d": 0, "n": n, **cell})

    if experiment == "detection":
        for seed in seeds:
            for name in data:
                for method in methods:
                    # Thousands of fits of five classes and 256 columns.
                    if seed and name == "bbc" and method in SLOW:
                        continue
                    add(data=name, method=method, seed=seed)
    elif experiment == "detection_large":
        methods = options.methods or ["NDDV, paper", "NDDV", "KNN Shapley", "Data-OOB"]
        for seed in seeds:
            for name in options.data or (["digits"] if quick else TABLES[:2]):
                for method in methods:
                    add(data=name, method=method, seed=seed, n=n if quick else 10**4)
    elif experiment in ("label_noise", "feature_noise"):
        for seed in seeds:
            for rate in RATES[: 2 if quick else None]:
                for method in methods:
                    kind = experiment.split("_")[0] + "s"
                    add(data=one, noise=kind, rate=rate, method=method, seed=seed)
    elif experiment == "ablation":
        for seed in seeds:
            variants = ["random", *VARIANTS][: 4 if quick else None]
            for method in options.methods or variants:
                add(data=one, method=method, seed=seed)
    elif experiment == "training":
        for name in data:
            add(data=name, method="NDDV, paper", seed=0)
    else:
        methods = RETRAINING if experiment == "time_small" else EFFICIENT
        methods = methods[:1] if quick else methods
        sizes = [200] if quick else SIZES[experiment]
        for d in [5] if quick else [5, 50, 500]:
            for n_rows in sizes:
                for method in options.methods or methods:
                    if n_rows <= LARGEST.get(method, 10**4):
                        add(data="Gaussian", n=n_rows, d=d, method=method, seed=0)
        cells.sort(key=lambda c: (c["n"] * c["d"], methods.index(c["method"])))
    return cells


def compute(experiment, cell, quick):
    """Lines ``(figure, at, value)`` of a cell."""
    if experiment.startswith("time"):
        return measure_alone(cell, quick)
    if experiment == "training":
        return train(cell, quick)
    return value_and_use(experiment, cell, quick)


@functools.lru_cache(maxsize=2)
def make_rows(data, noise, rate, n, seed):
    """Noisy training rows, and which are wrong; held-out, meta and test rows."""
    split = detection_split(data, n, seed, rate if noise == "labels" else 0.0)
    split.is_wrong = split.is_flipped
    if noise == "features":
        # N(0, 1) on every standardised column, as OpenDataVal has it.
        rng = np.random.default_rng(10_000 + seed)
        rows = rng.choice(len(split.X), round(rate * len(split.X)), replace=False)
        split.X = split.X.copy()
        split.X[rows] += rng.normal(size=(len(rows), split.X.shape[1]))
        split.is_wrong = np.isin(np.arange(len(split.X)), rows)
    return split


def value_and_use(experiment, cell, quick):
    """Value the rows; find the wrong ones; remove and add rows by value."""
    split = make_rows(*(cell[k] for k in ("data", "noise", "rate", "n", "seed")))
    meta, test = (split.X_meta, split.y_meta), (split.X_test, split.y_test)
    if experiment == "ablation":
        # 300 meta rows: a third of the test rows are meta rows in all variants.
        cut = len(split.X_test) // 3
        pool = [
            np.concatenate([split[f"{c}_meta"], split[f"{c}_val"], test[i][:cut]])
            for i, c in enumerate("Xy")
        ]
        meta, test = pool, tuple(part[cut:] for part in test)
    start = time.perf_counter(), time.process_time()
    values = fit(cell, split, meta, quick)
    lines = [
        ("seconds", np.nan, time.perf_counter() - start[0]),
        ("cpu_seconds", np.nan, time.process_time() - start[1]),
    ]
    scores = detection(values, split.is_wrong)
    lines += [(name, np.nan, score) for name, score in scores.items()]
    inspected, found = detection_curve(values, split.is_wrong)
    curve = np.interp(INSPECTED, inspected, found)
    lines += [("found", *point) for point in zip(INSPECTED, curve, strict=True)]
    if cell["n"] > 1000:
        return lines
    for action, first in ENDS:
        shares = np.linspace(0 if action == "remove" else 0.1, 0.5, 3 if quick else 6)
        model = LogisticRegression(max_iter=1000)
        shares, scores = removal_curve(
            model,
            *(split.X, split.y, *test, values),
            action=action,
            first=first,
            shares=shares,
        )
        name = f"{action}_{first}"
        lines += [(name, *point) for point in zip(shares, scores, strict=True)]
    return lines


def fit(cell, split, meta, quick):
    """Values of the training rows by a method."""
    make, held_out = (METHODS | TIMED | VARIANTS)[cell["method"]]
    if make is None:
        return np.random.default_rng(cell["seed"]).random(len(split.y))
    valuator = make(len(split.y_val))
    settings = {"random_state": cell["seed"]}
    if quick:
        settings |= {"max_epochs": 5, "n_estimators": 50, "max_evaluations": 50}
    known = valuator.get_params(deep=False)
    valuator.set_params(**{k: v for k, v in settings.items() if k in known})
    pair = {}
    if held_out == "val":
        pair = {"X_val": split.X_val, "y_val": split.y_val}
    elif held_out:
        n_meta = len(split.y_meta) if held_out == "meta" else held_out
        pair = {"X_val": meta[0][:n_meta], "y_val": meta[1][:n_meta]}
    return valuator.fit(split.X, split.y, **pair).data_values_


def train(cell, quick):
    """Losses by epoch; states and values of right and wrong rows on their way."""
    split = make_rows(*(cell[k] for k in ("data", "noise", "rate", "n", "seed")))
    make, _ = METHODS[cell["method"]]
    valuator = make(0).set_params(record_trajectories=True, random_state=0)
    if quick:
        valuator.set_params(max_epochs=5)
    valuator.fit(split.X, split.y, X_val=split.X_meta, y_val=split.y_meta)
    lines = []
    for number, epoch in enumerate(valuator.history_, start=1):
        lines += [
            ("training loss", number, epoch["train_loss"]),
            ("meta loss", number, epoch["valid_loss"]),
        ]
    for name, rows in [("right", ~split.is_wrong), ("wrong", split.is_wrong)]:
        for epoch, values in enumerate(valuator.value_trajectories_, start=1):
            lines.append((f"value, {name}", epoch, values[rows].mean()))
        times = np.linspace(0, 1, len(valuator.state_trajectories_))
        for what, path in [
            ("state", valuator.state_trajectories_),
            ("costate", valuator.adjoint_trajectories_),
        ]:
            norms = np.linalg.norm(path[:, rows], axis=-1).mean(axis=1)
            lines += [
                (f"{what}, {name}", *point) for point in zip(times, norms, strict=True)
            ]
    return lines


# ---------------------------------------------------------------------------- time


def measure_alone(cell, quick):
    """Fit in a process of its own: seconds, CPU seconds and megabytes."""
    arguments = json.dumps([cell, quick])
    finished = subprocess.run(
        [sys.executable, __file__, "--measure", arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [tuple(line) for line in json.loads(finished.stdout.splitlines()[-1])]


def measure(cell, quick):
    """Time one fit on Gaussian rows with labels by a hyperplane, a tenth wrong."""
    n, d = cell["n"], cell["d"]
    rng = np.random.default_rng(0)
    sizes = {"": n, "_val": max(50, n // 10), "_meta": 100}
    split = Bunch()
    for part, rows in sizes.items():
        X = np.empty((rows, d), dtype=np.float32)
        for start in range(0, rows, 10_000):
            chunk = X[start : start + 10_000]
            chunk[:] = rng.standard_normal(chunk.shape, dtype=np.float32)
        split[f"X{part}"], split[f"y{part}"] = X, (X[:, :5].sum(axis=1) > 0).astype(int)
    split["y"] ^= rng.random(n) < 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The first torch operation of a process loads libraries: none of a fit's cost.
        small = Bunch(**{name: rows[:50] for name, rows in split.items()})
        fit(cell, small, (small.X_meta, small.y_meta), quick=True)
        start = time.perf_counter(), time.process_time()
        fit(cell, split, (split["X_meta"], split["y_meta"]), quick)
        spent = time.perf_counter() - start[0], time.process_time() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = zip(["seconds", "cpu_seconds", "peak_mb"], [*spent, peak], strict=True)
    print(json.dumps([(name, None, value) for name, value in figures]))


# ------------------------------------------------------------------------ bookkeeping


def run(experiment, options):
    """Compute what the CSV lacks; return whether all went well."""
    path = options.folder / f"{experiment}.csv"
    done = set()
    if path.exists():
        done = set(read(path)[KEY].itertuples(index=False, name=None))
    else:
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    well = True
    for cell in plan(experiment, options):
        key = tuple(cell[k] for k in KEY)
        if key in done:
            continue
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                # Convergence of a baseline's solver is not what is measured.
                warnings.simplefilter("ignore")
                lines = compute(experiment, cell, options.quick)
        except (ValueError, MemoryError, subprocess.CalledProcessError) as error:
            print(f"{experiment} {key} FAILED: {error}", flush=True)
            well = False
            continue
        frame = pd.DataFrame([(*key, *line) for line in lines], columns=COLUMNS)
        # One write a cell: a kill leaves whole cells.
        with path.open("a", encoding="utf-8") as file:
            file.write(frame.to_csv(index=False, header=False))
        seconds = time.perf_counter() - start
        print(f"{experiment} {key} {seconds:.1f} s", flush=True)
    return well


def read(path):
    """Lines of a CSV file; of a cell that was computed twice, the last."""
    frame = pd.read_csv(path)
    return frame.drop_duplicates([*KEY, "figure", "at"], keep="last")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = __doc__.split("folder:\n\n")[1].split("\n\n")[0].split("\n")
    names = [line.split()[0] for line in names]
    parser.add_argument("experiments", nargs="*", metavar="experiment", default=names)
    parser.add_argument("--folder", type=Path, default=Path("nddv_paper"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--data", nargs="+")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--tables", action="store_true", help="compute nothing")
    parser.add_argument("--rst", action="store_true", help="tables of the user guide")
    parser.add_argument("--page", type=Path, help="page whose tables are replaced")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*json.loads(options.measure))
        return
    if unknown := set(options.experiments) - set(names):
        parser.error(f"unknown experiments {sorted(unknown)}; there are {names}")
    options.seeds = options.seeds or (1 if options.quick else 5)
    options.folder.mkdir(parents=True, exist_ok=True)
    well = True
    for experiment in [] if options.tables else options.experiments:
        well &= run(experiment, options)

    from _nddv_paper_figures import draw
    from _nddv_paper_tables import fill, print_tables

    frames = {
        name: read(path)
        for name in options.experiments
        if (path := options.folder / f"{name}.csv").exists() and len(read(path))
    }
    draw(frames, options.folder)
    print_tables(frames, rst=options.rst)
    if options.page:
        page = options.page.read_text(encoding="utf-8")
        options.page.write_text(fill(page, frames), encoding="utf-8")
    sys.exit(not well)


if __name__ == "__main__":
    main()
