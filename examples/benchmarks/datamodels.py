"""Datamodels: error against the truth, amortized pairs, and what each method foretells.

    SKVALUE_DATA=... python examples/benchmarks/datamodels.py [error] [pairs] [lds]
        [--tables adult digits] [--seeds 3] [--cache FOLDER]

`error`: mean squared error of the attributions over their variance, by method and
number of fits, and CPU seconds; the truth is 2000 shared subsets (digits 300). The
LASSO for ten targets of adult, seed 0.

`pairs`: the same of the amortized datamodel, which learns from covariances: for the
pairs of `fit`, new targets and new rows, beside the covariances themselves; for a
linear model and, on adult, for a decision tree, whose truth is the covariances of 5000
refits. Errors are less the noise of the truth.

`lds`: linear datamodelling score of each method, for the linear model and for a
boosting: 100 subsets of half of the rows, 100 held-out rows; CPU seconds of each
method. Covariances of the linear model are of 500 fits. The boosting has 15 iterations
on adult and datamodels of 500 fits; on digits, whose ten classes make ten times as many
trees, 10 iterations and 200 fits.

Output: probability of the label. 300 training rows and 50 targets with true labels;
`lds`: 500 and 100, 10 % flipped. Numbers are means over the seeds, and the largest less
the smallest after "+-". `--cache` keeps what a killed run has found. One thread.
"""

import argparse
import functools
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import joblib
import numpy as np
from _data import detection_split
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skvalue import (
    BoostingInfluence,
    DataBanzhaf,
    Datamodels,
    DataShapley,
    InfluenceFunction,
    KNNShapley,
    LeaveOneOut,
)
from skvalue.metrics import linear_datamodeling_score, retrained_outputs

TABLES = ["adult", "digits"]
TRUTH = {"adult": 2000, "digits": 300}
TREE_TRUTH = 5000
N_ROWS, N_TARGETS = 300, 50
LINEAR = LogisticRegression(max_iter=1000)
ITERATIONS = {"adult": 15, "digits": 10}
# Refits of the datamodels of a boosting.
BOOSTING_FITS = {"adult": 500, "digits": 200}


def rows(table, seed):
    """Training rows, targets; as many new rows and new targets."""
    split = detection_split(table, 2 * N_ROWS + 2 * N_TARGETS, seed, 0.0)
    bounds = np.cumsum([N_ROWS, N_ROWS, N_TARGETS])
    X, y = np.split(split.X, bounds), np.split(split.y, bounds)
    return [(X[part], y[part]) for part in (0, 2, 1, 3)]


def relative_error(found, truth, noise=0.0):
    return (np.mean((found - truth) ** 2) - noise) / (truth.var() - noise)


def error(table, seed):
    """{(method, fits): error or CPU seconds} of one seed."""
    cells = {}
    train, targets, *_ = rows(table, seed)
    truth = Datamodels(
        max_evaluations=TRUTH[table], output="probability", random_state=100
    )
    truth = truth.fit(*train, *targets).attributions_
    for method in ("shared", "closed_form", "ridge", "lasso"):
        for n_fits in (100, 300, 1000):
            if (method == "shared" and n_fits == 1000) or (
                method == "lasso" and (n_fits != 300 or seed or table == "digits")
            ):
                continue
            some = slice(10 if method == "lasso" else None)
            start = time.process_time()
            found = Datamodels(
                method=method,
                max_evaluations=n_fits,
                output="probability",
                random_state=seed,
            ).fit(*train, *(part[some] for part in targets))
            seconds = time.process_time() - start
            measured = relative_error(found.attributions_, truth[:, some])
            cells[method, n_fits] = measured
            cells[f"{method}, CPU s", n_fits] = seconds
    return cells


def pairs(table, seed):
    """{(what, fits): error} of one seed, of the linear model and the tree."""
    cells = pairs_of(None, table, seed)
    if table != "digits":
        found = pairs_of(DecisionTreeClassifier(max_depth=6), table, seed)
        cells |= {(f"tree: {row}", fits): cell for (row, fits), cell in found.items()}
    return cells


def pairs_of(model, table, seed):
    """{(what, fits): error} of a model; None is the linear one."""
    cells, (train, targets, new_rows, new_targets) = {}, rows(table, seed)
    settings = {"estimator": model, "output": "probability"}
    n_truth = TRUTH[table] if model is None else TREE_TRUTH
    reference = Datamodels(**settings, max_evaluations=n_truth, random_state=100)
    reference.fit(*train, *targets)
    truth = reference.attributions_
    noise = np.mean(reference.attributions_stderr_**2)
    if model is None:
        unseen = Datamodels(**settings, max_evaluations=n_truth, random_state=100)
        of_new_targets = unseen.fit(*train, *new_targets).attributions_
        # New rows are valued beside the training rows: a few at a time, they hardly
        # change the subsets of these.
        few = [tuple(side[a : a + 10] for side in new_rows) for a in range(0, 50, 10)]
        of_new_rows = np.concatenate(
            [
                unseen.fit(
                    *(np.concatenate(sides) for sides in zip(train, part, strict=True)),
                    *targets,
                ).attributions_[N_ROWS:]
                for part in few
            ]
        )
        new_rows = tuple(side[:50] for side in new_rows)
    for n_fits in (100, 300, 1000):
        fitted = Datamodels(
            **settings,
            method="closed_form",
            max_evaluations=n_fits,
            amortize=True,
            random_state=seed,
        ).fit(*train, *targets)
        predict = fitted.predict_attributions
        found = {
            "covariances": (fitted.attributions_, truth),
            "amortized, pairs of fit": (predict(*train, *targets), truth),
        }
        if model is None:
            found |= {
                "amortized, new targets": (
                    predict(*train, *new_targets),
                    of_new_targets,
                ),
                "amortized, new rows": (predict(*new_rows, *targets), of_new_rows),
            }
        for row, (predicted, expected) in found.items():
            cells[row, n_fits] = relative_error(predicted, expected, noise)
    return cells


def lds(table, seed, memory):
    """{(method, model that is retrained): score or CPU seconds} of one seed."""
    cells, find = {}, memory.cache(found_by)
    for target in ("linear", "boosting"):
        outputs = memory.cache(outputs_of)(target, table, seed)
        for name, owner in METHODS.items():
            if owner not in ("linear", target):
                continue
            if target == "boosting" and name in LINEAR_REFITS:
                continue
            for label, (attributions, seconds) in find(name, table, seed).items():
                score = linear_datamodeling_score(attributions, *outputs)["mean"]
                cells[label, target] = score
                cells[f"{label}, CPU s", target] = seconds
    return cells


def lds_rows(table, seed):
    """Training rows and held-out rows."""
    split = detection_split(table, 500, seed, 0.1)
    return (split.X, split.y), (split.X_test[:100], split.y_test[:100])


def boosting_of(table):
    return HistGradientBoostingClassifier(
        max_iter=ITERATIONS[table], min_samples_leaf=10, early_stopping=False
    )


def outputs_of(target, table, seed):
    """Subsets, and the outputs of the models that are foretold."""
    train, test = lds_rows(table, seed)
    model = LINEAR if target == "linear" else boosting_of(table)
    return retrained_outputs(model, *train, *test, random_state=seed)


# Methods, and the model that each attributes to.
LINEAR_REFITS = ["Datamodels, linear, covariances"]
METHODS = {
    "KNNShapley": "linear",
    "InfluenceFunction, linear": "linear",
    "LeaveOneOut, linear": "linear",
    "DataShapley, linear, 50 shared fits": "linear",
    "DataBanzhaf, linear, 50 shared fits": "linear",
    "Datamodels, linear, 50 shared fits": "linear",
    "Datamodels, linear, covariances": "linear",
    "BoostingInfluence": "boosting",
    "Datamodels, boosting, covariances": "boosting",
    "Datamodels, boosting, ridge": "boosting",
}


def found_by(name, table, seed):
    """{label: (attributions, CPU seconds)} of a method."""
    method, start = method_of(name, table, seed), time.process_time()
    train, test = lds_rows(table, seed)
    if not isinstance(method, Datamodels):
        method.fit(*train, X_val=test[0], y_val=test[1])
        found = method.attributions(*test)
        return {name: (found, time.process_time() - start)}
    method.fit(*train, *test)
    found = {name: (method.attributions_, time.process_time() - start)}
    if method.amortize:
        predicted = method.predict_attributions(*train, *test)
        found[f"{name}, amortized"] = predicted, time.process_time() - start
    return found


def method_of(name, table, seed):
    """A method of `METHODS`."""
    budget = {"max_evaluations": 50, "random_state": seed}
    datamodels = {"output": "probability", "random_state": seed}
    linear = {"estimator": LINEAR, "max_evaluations": 500, **datamodels}
    boosting = {"estimator": boosting_of(table), **datamodels}
    boosting["max_evaluations"] = BOOSTING_FITS[table]
    influence = {"method": "leaf_influence"}
    return {
        "KNNShapley": KNNShapley(),
        "InfluenceFunction, linear": InfluenceFunction(LINEAR),
        "LeaveOneOut, linear": LeaveOneOut(LINEAR),
        "DataShapley, linear, 50 shared fits": DataShapley(LINEAR, tol=None, **budget),
        "DataBanzhaf, linear, 50 shared fits": DataBanzhaf(LINEAR, tol=None, **budget),
        "Datamodels, linear, 50 shared fits": Datamodels(
            LINEAR, output="probability", **budget
        ),
        "Datamodels, linear, covariances": Datamodels(
            method="closed_form", amortize=True, **linear
        ),
        "BoostingInfluence": BoostingInfluence(boosting["estimator"], **influence),
        "Datamodels, boosting, covariances": Datamodels(
            method="closed_form", amortize=True, **boosting
        ),
        "Datamodels, boosting, ridge": Datamodels(method="ridge", **boosting),
    }[name]


def print_table(cells):
    """Print means and ranges over the seeds of {(row, column): [numbers]}."""
    columns = list(dict.fromkeys(column for _, column in cells))
    print(f"{'':40s}" + "".join(f"{column:>18}" for column in columns))
    for row in dict.fromkeys(row for row, _ in cells):
        texts = []
        for column in columns:
            found = cells.get((row, column))
            text = found and f"{np.mean(found):.4f} +- {np.ptp(found):.4f}"
            texts.append(f"{text or '':>18}")
        print(f"{row:40s}" + "".join(texts), flush=True)


TITLES = {
    "error": "squared error over the variance of the truth",
    "pairs": "squared error over the variance of the truth",
    "lds": "linear datamodelling score",
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=list(TITLES), metavar="part")
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", help="folder of what was found before")
    options = parser.parse_args()
    if not set(options.parts) <= set(TITLES):
        parser.error(f"parts are {list(TITLES)}")
    memory = joblib.Memory(options.cache, verbose=0)
    functions = {
        "error": memory.cache(error),
        "pairs": memory.cache(pairs),
        "lds": functools.partial(lds, memory=memory),
    }
    for part in options.parts:
        for table in options.tables:
            cells = {}
            for seed in range(options.seeds):
                for cell, number in functions[part](table, seed).items():
                    cells.setdefault(cell, []).append(number)
            print(f"{table}: {TITLES[part]}")
            print_table(cells)
