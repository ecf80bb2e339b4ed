"""Influence on a gradient boosting: what it costs, what it finds, what it foretells.

    SKVALUE_DATA=... python examples/benchmarks/boosting_influence.py
        [speed] [detection] [datamodeling]

`speed`: CPU time of all values beside that of the model's own fit, of one refit a row
(estimated from that fit) and of attributions; 10^5 rows, 100 trees, 1000 held out.

`detection`: ROC-AUC of flipped labels (10 %, 1000 rows, mean of three seeds) of
methods that see no clean rows, and of those that measure on 100 clean ones.

`datamodeling`: linear datamodelling score (100 subsets of half of the rows, 100
held-out rows) for a boosting, by its own attributions and those of other models.
"""

import sys
import time

import numpy as np
from _data import detection_split
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skvalue import (
    BoostingInfluence,
    DataOOB,
    InfluenceFunction,
    KNNShapley,
    NDDVValuator,
)
from skvalue.metrics import linear_datamodeling_score, retrained_outputs

METHODS = ["boostin", "leaf_influence"]
TABLES = ["adult", "pol"]
N_ROWS, N_HELD_OUT = 100_000, 1000


def cpu_seconds(function, *args, **settings):
    start = time.process_time()
    function(*args, **settings)
    return time.process_time() - start


def speed():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS + N_HELD_OUT, 20))
    score = X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=len(X))
    y = (score > 0).astype(int)
    X, y, X_val, y_val = X[:N_ROWS], y[:N_ROWS], X[N_ROWS:], y[N_ROWS:]
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False)
    own = cpu_seconds(model.fit, X, y)
    print(f"n = {N_ROWS}, 100 trees; the model's own fit: {own:.1f} CPU s")
    for method in METHODS:
        valuator = BoostingInfluence(model, method=method)
        values = cpu_seconds(valuator.fit, X, y, X_val=X_val, y_val=y_val) - own
        columns = cpu_seconds(valuator.attributions, X_val[:40], y_val[:40])
        print(
            f"{method:15s} values, beyond the fit: {values / own:5.2f} fits "
            f"(one refit a row: {N_ROWS:.0e}); attributions for 40 held-out rows: "
            f"{columns / own:5.2f} fits"
        )


def detection():
    cross_fitted = {
        **{
            f"BoostingInfluence, {method}": BoostingInfluence(method=method)
            for method in METHODS
        },
        "InfluenceFunction": InfluenceFunction(),
        "DataOOB, log-probability": DataOOB(scoring="log_proba"),
        "NDDVValuator, cost": NDDVValuator(utility="cost"),
    }
    held_out = {name: v for name, v in cross_fitted.items() if "Influence" in name}
    for title, valuators in [
        ("noisy rows only", cross_fitted),
        ("100 clean held-out rows", held_out),
    ]:
        print(f"{title:36s}" + "".join(f"{name:>9s}" for name in TABLES))
        for name, valuator in valuators.items():
            areas = []
            for table in TABLES:
                areas.append([])
                for seed in range(3):
                    split = detection_split(table, 1000, seed, 0.1)
                    clean = {"X_val": split.X_val, "y_val": split.y_val}
                    given = clean if valuators is held_out else {}
                    valuator.set_params(random_state=seed)
                    values = valuator.fit(split.X, split.y, **given).data_values_
                    areas[-1].append(roc_auc_score(split.is_flipped, -values))
            means = "".join(f"{np.mean(area):9.3f}" for area in areas)
            print(f"  {name:34s}{means}", flush=True)


def datamodeling():
    model = HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=10)
    linear = LogisticRegression(max_iter=1000)
    valuators = {
        **{method: BoostingInfluence(model, method=method) for method in METHODS},
        "influence on a linear model": InfluenceFunction(linear),
        "KNN-Shapley": KNNShapley(),
    }
    for table in TABLES:
        split = detection_split(table, 1000, 0, 0.1)
        held_out = split.X_val, split.y_val
        print(f"{table}: linear datamodelling score")
        outputs = retrained_outputs(model, split.X, split.y, *held_out, random_state=0)
        for name, valuator in valuators.items():
            valuator.fit(split.X, split.y, X_val=held_out[0], y_val=held_out[1])
            attributions = valuator.attributions(*held_out)
            score = linear_datamodeling_score(attributions, *outputs)["mean"]
            print(f"  {name:34s}{score:9.3f}", flush=True)


if __name__ == "__main__":
    parts = {"speed": speed, "detection": detection, "datamodeling": datamodeling}
    for part in sys.argv[1:] or parts:
        parts[part]()
