"""Tables, noises and cached valuators of the benchmarks of cleaning."""

import functools
import os
import time
import warnings

import joblib
import numpy as np
from _data import NAMES, load
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification, make_moons
from sklearn.utils import Bunch

from skvalue._drop import keep_mask
from skvalue._label_errors import calibrated
from skvalue._label_noise import LEAST_ANCHORS, anchors, wrong_label_probabilities
from skvalue.confidence import SelfConfidence
from skvalue.consensus import ConsensusValuator
from skvalue.data_oob import DataOOB
from skvalue.datasets import make_label_noise
from skvalue.kairos import KAIROS
from skvalue.nddv import NDDVValuator
from skvalue.neighbors import KNNShapley

VALUATORS = {
    "nddv": NDDVValuator(),
    "oob": DataOOB(),
    "confidence": SelfConfidence(),
    "consensus": ConsensusValuator(),
    "knn": KNNShapley(),
    "kairos": KAIROS(),
}
GENERATED = {
    "classes": {"n_informative": 6, "n_redundant": 2, "class_sep": 0.8},
    "rare20": {"n_informative": 5, "weights": [0.8], "class_sep": 0.7},
    "three": {"n_informative": 6, "n_classes": 3, "weights": [0.6, 0.3, 0.1]},
}
TABLES = [
    *(name for name in NAMES if name not in {"bbc", "mnist_test"}),
    *GENERATED,
    "moons",
    "breast_cancer",
]
NOISES = {
    "none": {"rate": 0.0},
    "5 % flips": {"rate": 0.05},
    "10 % flips": {"rate": 0.1},
    "20 % flips": {"rate": 0.2},
    "30 % flips": {"rate": 0.3},
    "20 % of one class": {"rate": 0.2, "kind": "class_dependent"},
    "near the boundary": {"rate": 0.15, "kind": "feature_dependent"},
}


@functools.lru_cache(maxsize=4)
def table(name):
    """Rows and class codes; ``imbalanced5`` has 5 % of a class, ``adult5`` too."""
    if name in NAMES:
        X, y = load(name)
    elif name in GENERATED:
        X, y = make_classification(
            20_000, 20, flip_y=0, random_state=7, **GENERATED[name]
        )
    elif name == "moons":
        X, y = make_moons(20_000, noise=0.3, random_state=7)
    elif name == "breast_cancer":
        X, y = load_breast_cancer(return_X_y=True)
    else:
        X, y = _thinned(name)
    return X, np.unique(y, return_inverse=True)[1]


def _thinned(name):
    kind = name.rstrip("0123456789")
    share = int(name[len(kind) :]) / 100
    if kind == "imbalanced":
        return make_classification(
            40_000, 20, n_informative=5, weights=[1 - share], flip_y=0, random_state=7
        )
    X, y = load(kind)
    rare, common = sorted((np.flatnonzero(y == code) for code in (0, 1)), key=len)
    n_rare = round(len(common) * share / (1 - share))
    rare = np.random.default_rng(7).choice(rare, n_rare, replace=False)
    rows = np.concatenate([common, rare])
    return X[rows], y[rows]


def problem(name, noise, n, seed):
    """Training rows with known wrong labels, and test rows with right ones."""
    X, y = table(name)
    n_test = min(4000, len(y) // 3)
    n = min(n, len(y) - n_test)
    rows = np.random.default_rng(500 + seed).permutation(len(y))[: n + n_test]
    X, y = X[rows].astype(np.float64), y[rows]
    scale = X[:n].std(axis=0)
    X = (X - X[:n].mean(axis=0)) / np.where(scale > 0, scale, 1)
    true = y[:n]
    settings = dict(NOISES[noise], random_state=seed)
    if settings.get("kind") == "class_dependent":
        settings["rate"] = {int(np.bincount(true).argmin()): settings["rate"]}
    if settings.get("kind") == "feature_dependent":
        settings["X"] = X[:n]
    noisy, is_wrong = make_label_noise(true, **settings)
    return Bunch(
        X=X[:n], y=noisy, y_true=true, is_wrong=is_wrong, X_test=X[n:], y_test=y[n:]
    )


def fitted(method, name, noise, n, seed, cache, trees):
    """A fitted valuator, from the cache where it is there."""
    path = os.path.join(cache, f"{method}-{name}-{noise}-{n}-{seed}-{trees}.joblib")
    path = path.replace(" ", "_").replace("%", "percent")
    if os.path.exists(path):
        return joblib.load(path)
    valuator = clone(VALUATORS[method]).set_params(random_state=seed)
    if method == "oob":
        valuator.set_params(n_estimators=trees)
    if method == "consensus":
        valuator.set_params(oob__n_estimators=trees)
    data = problem(name, noise, n, seed)
    start = time.process_time()
    with warnings.catch_warnings():
        # Convergence of a baseline's solver is not what is measured.
        warnings.simplefilter("ignore")
        valuator.fit(data.X, data.y)
    os.makedirs(cache, exist_ok=True)
    joblib.dump(valuator, path, compress=3)
    print(f"{path}: {time.process_time() - start:.1f} s", flush=True)
    return valuator


def old_rule(valuator, y):
    """Rows that ``drop="auto"`` kept before: labels of a probability of one half."""
    plausible = None
    if not isinstance(valuator, KNNShapley):
        plausible = valuator.label_probabilities_ >= 0.5
    return _kept(valuator, y, plausible)


def specified_rule(valuator, y):
    """Rows that the rule of the design keeps: one guard or the other, by the noise.

    Transitions from anchors as they are counted; labels of a probability of one half
    where every class has more than 5 % of noise, else the posterior of a wrong label.
    """
    evidence = valuator._label_evidence()
    if not evidence:
        return old_rule(valuator, y)
    probabilities = calibrated(evidence, y)
    counts = anchors(probabilities, y).counts
    total = counts.sum(axis=1, keepdims=True)
    wrong = counts - np.diag(np.diag(counts))
    pooled = wrong.sum() / total.sum() / (len(counts) - 1)
    transition = np.where(total < LEAST_ANCHORS, pooled, wrong / np.maximum(total, 1))
    np.fill_diagonal(transition, 0)
    np.fill_diagonal(transition, 1 - transition.sum(axis=1))
    if np.sort(1 - np.diag(transition))[:-1].mean() > 0.05:
        plausible = valuator.label_probabilities_ >= 0.5
    else:
        plausible = wrong_label_probabilities(probabilities, transition, y) <= 0.5
    return _kept(valuator, y, plausible)


def _kept(valuator, y, plausible):
    return keep_mask(
        valuator.data_values_,
        "auto",
        y,
        classes=valuator.classes_,
        plausible=plausible,
    )
