"""Detection of bad rows by every method, on every data set at hand.

Two kinds of bad rows, 10 % of each data set: `labels` (another class, uniformly) and
`features` (N(0, 1) added to every standardised column, as OpenDataVal has it). Printed
are F1 of the exact 2-means split, ROC-AUC and average precision, means over the seeds.

    SKVALUE_DATA=... python examples/benchmarks/methods_detection.py
        [--kind labels features both] [--methods NAME ...] [--data NAME ...]
        [--only KIND/DATA/METHOD ...] [--n 1000] [--seeds 5] [--jobs 2] [--json FILE]

`both` corrupts labels and features of different rows, and prints the AUC against
either kind. A cell (kind, data, method, seed) is one task; they run in parallel.
"""

import argparse
import json
import time
import warnings
from fnmatch import fnmatch
from importlib import import_module

import numpy as np
from _data import NAMES, detection_split
from joblib import Parallel, delayed
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor

from skvalue.metrics import detection

RATE = 0.1
KINDS = ["labels", "features", "both"]


def public(name, module):
    """Class from its module, so that a cell imports only what it uses."""
    return getattr(import_module(f"skvalue.{module}"), name)


def nddv(**params):
    return public("NDDVValuator", "nddv")(utility="cost", **params)


def oob(**params):
    return public("DataOOB", "data_oob")(**params)


def outliers(detector):
    return public("OutlierValuator", "outliers")(detector)


def consensus(members=None):
    return public("ConsensusValuator", "consensus")(members)


def features():
    return public("FeatureConfidence", "feature_confidence")()


METHODS = {
    "consensus": consensus,
    "nddv": nddv,
    "oob": lambda: oob(scoring="log_proba"),
    "oob_accuracy": oob,
    "confidence": lambda: public("SelfConfidence", "confidence")(),
    "knn": lambda: public("KNNShapley", "neighbors")(),
    "knn_soft": lambda: public("KNNShapley", "neighbors")(utility="soft"),
    "knn_threshold": lambda: public("KNNShapley", "neighbors")(utility="threshold"),
    "influence": lambda: public("InfluenceFunction", "influence")(),
    "boosting": lambda: public("BoostingInfluence", "influence")(),
    "lava": lambda: public("LAVA", "lava")(),
    "kairos": lambda: public("KAIROS", "kairos")(),
    "dvrl": lambda: public("DVRL", "dvrl")(),
    "feature_confidence": features,
    "isolation_forest": lambda: outliers(IsolationForest(n_estimators=200)),
    "local_outlier_factor": lambda: outliers(LocalOutlierFactor(20)),
    "nddv+features": lambda: consensus([("nddv", nddv()), ("features", features())]),
    "consensus+features": lambda: consensus(
        [
            ("nddv", nddv()),
            ("oob", oob(scoring="log_proba")),
            ("features", features()),
        ]
    ),
}


# Methods that measure on the split's held-out rows, which are clean; the others, NDDV
# among them, see the training rows only.
ON_HELD_OUT = {
    "knn",
    "knn_soft",
    "knn_threshold",
    "influence",
    "lava",
    "kairos",
    "dvrl",
}


def make_problem(kind, name, n, seed):
    """Rows, held-out rows, and which rows are bad by kind."""
    split = detection_split(name, n, seed, 0.0 if kind == "features" else RATE)
    X, bad = split.X, {"labels": split.is_flipped}
    if kind != "labels":
        rng = np.random.default_rng(10_000 + seed)
        clean = np.flatnonzero(~split.is_flipped)
        rows = rng.choice(clean, round(RATE * len(X)), replace=False)
        X = X.copy()
        X[rows] += rng.normal(size=(len(rows), X.shape[1]))
        bad["features"] = np.isin(np.arange(len(X)), rows)
    return X, split.y, (split.X_val, split.y_val), bad


def cell(kind, name, method, n, seed):
    """Figures of one method on one problem."""
    X, y, (X_val, y_val), bad = make_problem(kind, name, n, seed)
    valuator = METHODS[method]()
    if "random_state" in valuator.get_params(deep=False):
        valuator.set_params(random_state=seed)
    held_out = {"X_val": X_val, "y_val": y_val} if method in ON_HELD_OUT else {}
    start = time.perf_counter()
    with warnings.catch_warnings():
        # Convergence of a baseline's solver is not what is measured.
        warnings.simplefilter("ignore")
        values = valuator.fit(X, y, **held_out).data_values_
    figures = {"seconds": time.perf_counter() - start}
    if kind == "both":
        for which, mask in bad.items():
            other = np.any([m for k, m in bad.items() if k != which], axis=0)
            figures[f"auc_{which}"] = roc_auc_score(mask[~other], -values[~other])
        figures["auc"] = roc_auc_score(np.any(list(bad.values()), axis=0), -values)
    else:
        scores = detection(values, bad[kind])
        figures["f1"] = scores["two_means_f1"]
        figures["auc"] = scores["roc_auc"]
        figures["ap"] = scores["average_precision"]
    return {"kind": kind, "data": name, "method": method, "seed": seed, **figures}


def table(kind, records):
    """Print means over the seeds, a method a row."""
    data = list(dict.fromkeys(record["data"] for record in records))
    methods = list(dict.fromkeys(record["method"] for record in records))
    names = ["auc_labels", "auc_features", "auc"] if kind == "both" else None
    for figure in names or ["f1", "auc", "ap", "seconds"]:
        print(f"\n{kind}: {figure}\n{'':22s}" + "".join(f"{d:>12s}" for d in data))
        for method in methods:
            means = [
                np.mean(
                    [
                        record[figure]
                        for record in records
                        if (record["data"], record["method"]) == (d, method)
                    ]
                    or np.nan
                )
                for d in data
            ]
            line = "".join(f"{mean:12.3f}" for mean in means)
            print(f"{method:22s}{line}   mean {np.mean(means):.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS[:2])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--data", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--only", nargs="+", default=["*"], help="KIND/DATA/METHOD")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", help="also write every cell to this file")
    options = parser.parse_args()
    cells = [
        (kind, name, method, options.n, seed)
        for kind in options.kind
        for name in options.data
        for method in options.methods
        for seed in range(options.seeds)
        if any(fnmatch(f"{kind}/{name}/{method}", only) for only in options.only)
    ]
    records = Parallel(n_jobs=options.jobs)(delayed(cell)(*task) for task in cells)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(records, file, indent=1)
    for kind in options.kind:
        chosen = [record for record in records if record["kind"] == kind]
        if chosen:
            table(kind, chosen)


if __name__ == "__main__":
    main()
