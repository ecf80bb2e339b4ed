"""Datamodels: error against the truth, amortized pairs, and what each method foretells.

    SKVALUE_DATA=... python examples/benchmarks/datamodels.py [error] [pairs] [lds]

`error`: mean squared error of the attributions over their variance, by method and
number of fits, and CPU seconds; the truth is 2000 shared subsets (digits 300). The
LASSO for ten targets of adult, seed 0.

`pairs`: the same of the amortized datamodel, which learns from covariances: for the
pairs of `fit`, new targets and new rows, beside the covariances themselves; for a
linear model and, on adult, for a decision tree, whose truth is the covariances of 5000
refits. Errors are less the noise of the truth.

`lds`: linear datamodelling score of each method, for the linear model and, on adult,
for a boosting: 100 subsets of half of the rows, 100 held-out rows.

Output: probability of the label. 300 training rows and 50 targets with true labels,
three seeds (digits one); `lds`: 500 and 100, 10 % flipped, one seed.
"""

import sys
import time

import numpy as np
from _data import detection_split
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skvalue import (
    BoostingInfluence,
    Datamodels,
    InfluenceFunction,
    KNNShapley,
    LeaveOneOut,
)
from skvalue.metrics import linear_datamodeling_score, retrained_outputs

TABLES = ["adult", "digits"]
TRUTH = {"adult": 2000, "digits": 300}
TREE_TRUTH = 5000
N_SEEDS = {"adult": 3, "digits": 1}
N_ROWS, N_TARGETS = 300, 50


def rows(table, seed):
    """Training rows, targets; as many new rows and new targets."""
    split = detection_split(table, 2 * N_ROWS + 2 * N_TARGETS, seed, 0.0)
    bounds = np.cumsum([N_ROWS, N_ROWS, N_TARGETS])
    X, y = np.split(split.X, bounds), np.split(split.y, bounds)
    return [(X[part], y[part]) for part in (0, 2, 1, 3)]


def relative_error(found, truth, noise=0.0):
    return (np.mean((found - truth) ** 2) - noise) / (truth.var() - noise)


def table_of(cells):
    """Print the means over the seeds of {(row, column): [numbers]}."""
    columns = list(dict.fromkeys(column for _, column in cells))
    print(f"{'':40s}" + "".join(f"{column:>12}" for column in columns))
    for row in dict.fromkeys(row for row, _ in cells):
        means = [np.mean(cells.get((row, column), np.nan)) for column in columns]
        print(f"{row:40s}" + "".join(f"{mean:12.4f}" for mean in means), flush=True)


def error():
    for table in TABLES:
        cells = {}
        for seed in range(N_SEEDS[table]):
            train, targets, *_ = rows(table, seed)
            truth = Datamodels(
                max_evaluations=TRUTH[table], output="probability", random_state=100
            )
            truth = truth.fit(*train, *targets).attributions_
            for method in ("shared", "closed_form", "ridge", "lasso"):
                for n_fits in (100, 300, 1000):
                    if (method == "shared" and n_fits == 1000) or (
                        method == "lasso"
                        and (n_fits != 300 or seed or table == "digits")
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
                    cells.setdefault((method, n_fits), []).append(measured)
                    cells.setdefault((f"{method}, CPU s", n_fits), []).append(seconds)
        print(f"{table}: squared error over the variance of the truth")
        table_of(cells)


def pairs():
    for table in TABLES:
        models = {
            "logistic regression": None,
            "decision tree": DecisionTreeClassifier(max_depth=6),
        }
        if table == "digits":
            del models["decision tree"]
        for name, model in models.items():
            cells = {}
            for seed in range(N_SEEDS[table] if model is None else 1):
                settings = {"estimator": model, "output": "probability"}
                add_pairs(cells, rows(table, seed), settings, table, seed)
            print(f"{table}, {name}: squared error over the variance of the truth")
            table_of(cells)


def add_pairs(cells, parts, settings, table, seed):
    train, targets, new_rows, new_targets = parts
    is_linear = settings["estimator"] is None
    n_truth = TRUTH[table] if is_linear else TREE_TRUTH
    reference = Datamodels(**settings, max_evaluations=n_truth, random_state=100)
    reference.fit(*train, *targets)
    truth = reference.attributions_
    noise = np.mean(reference.attributions_stderr_**2)
    if is_linear:
        unseen = Datamodels(**settings, max_evaluations=n_truth, random_state=100)
        of_new_targets = unseen.fit(*train, *new_targets).attributions_
        # New rows are valued beside the training rows: a few at a time, they hardly
        # change the subsets of these.
        parts = [slice(a, a + 10) for a in range(0, N_ROWS, 10)]
        few = [tuple(side[part] for side in new_rows) for part in parts[:5]]
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

        def keep(row, found, expected, column=n_fits, noise=noise):
            measured = relative_error(found, expected, noise)
            cells.setdefault((row, column), []).append(measured)

        keep("covariances", fitted.attributions_, truth)
        predict = fitted.predict_attributions
        keep("amortized, pairs of fit", predict(*train, *targets), truth)
        if is_linear:
            found = predict(*train, *new_targets)
            keep("amortized, new targets", found, of_new_targets)
            keep("amortized, new rows", predict(*new_rows, *targets), of_new_rows)


def lds():
    for table in TABLES:
        split = detection_split(table, 500, 0, 0.1)
        test = split.X_test[:100], split.y_test[:100]
        held_out = {"X_val": test[0], "y_val": test[1]}
        linear = LogisticRegression(max_iter=1000)
        boosting = HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=10)
        cells = {}
        models = {"linear": linear, "boosting": boosting}
        if table == "digits":
            # Ten classes make ten times as many trees.
            del models["boosting"]
        for target, model in models.items():
            outputs = retrained_outputs(model, split.X, split.y, *test, random_state=0)
            methods = {
                "KNNShapley": KNNShapley(),
                "InfluenceFunction, linear": InfluenceFunction(linear),
                "LeaveOneOut, linear": LeaveOneOut(linear),
                "BoostingInfluence": BoostingInfluence(
                    boosting, method="leaf_influence"
                ),
            }
            found = {
                name: method.fit(split.X, split.y, **held_out).attributions(*test)
                for name, method in methods.items()
                if name != "BoostingInfluence" or target == "boosting"
            }
            settings = {"output": "probability", "random_state": 0}
            if target == "linear":
                datamodels = {
                    "Datamodels, shared, 50 fits": Datamodels(
                        linear, max_evaluations=50, **settings
                    ),
                    "Datamodels, covariances, 500 fits": Datamodels(
                        linear, method="closed_form", max_evaluations=500, **settings
                    ),
                }
            else:
                datamodels = {
                    f"Datamodels, {method}, 500 fits": Datamodels(
                        boosting, method=method, max_evaluations=500, **settings
                    )
                    for method in ("closed_form", "ridge")
                }
                datamodels["Datamodels, linear model"] = Datamodels(
                    linear, max_evaluations=50, **settings
                )
            amortized = None
            for name, method in datamodels.items():
                if "500" in name and "ridge" not in name:
                    method.set_params(amortize=True)
                    amortized = method
                method.fit(split.X, split.y, *test)
                found[name.replace("closed_form", "covariances")] = method.attributions_
            found["Datamodels, amortized from these 500"] = (
                amortized.predict_attributions(split.X, split.y, *test)
            )
            for name, attributions in found.items():
                score = linear_datamodeling_score(attributions, *outputs)["mean"]
                cells[name, target] = [score]
        print(f"{table}: linear datamodelling score")
        table_of(cells)


if __name__ == "__main__":
    parts = {"error": error, "pairs": pairs, "lds": lds}
    for part in sys.argv[1:] or parts:
        parts[part]()
