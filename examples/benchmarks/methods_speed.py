"""Time the closed-form methods beside plain NumPy and scikit-learn.

Each line computes the same values twice on the same synthetic rows: by skvalue, and by
the shortest reference in NumPy and scikit-learn, written out here. A ratio below 1 is
for skvalue. Set OMP_NUM_THREADS=1 to time one thread; process CPU seconds are printed.

    OMP_NUM_THREADS=1 python examples/benchmarks/methods_speed.py [line ...]

The lines are `knn` (1e4 rows, 1000 held out), `knn_large` (1e5 x 1000), `knn_huge` (1e6
x 100, skvalue only), `oob` (1e4 rows, 100 trees), `oob_large` (1000 trees) and
`influence` (1e4 x 1000); without names, `knn oob influence`.
"""

import argparse
import resource
import time

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import euclidean_distances

from skvalue.data_oob import DataOOB
from skvalue.influence import InfluenceFunction
from skvalue.neighbors import KNNShapley


def make_rows(n_samples, n_val, n_features=50, seed=0):
    """Logistic labels, 10 % of the training labels flipped."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=n_features) / np.sqrt(n_features)
    X = rng.normal(size=(n_samples + n_val, n_features))
    y = (rng.random(len(X)) < 1 / (1 + np.exp(-4 * X @ direction))).astype(int)
    flipped = rng.random(n_samples) < 0.1
    y[:n_samples] ^= flipped
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def reference_knn(X, y, X_val, y_val, k=5):
    """KNN-Shapley: argsort of float64 distances, reversed cumulative sum."""
    n_samples, total = len(X), np.zeros(len(X))
    weights = 1 / np.maximum(k, np.arange(1, n_samples))
    step = max(1, 20_000_000 // n_samples)
    for start in range(0, len(X_val), step):
        chunk = slice(start, start + step)
        distances = euclidean_distances(X_val[chunk], X, squared=True)
        order = np.argsort(distances, axis=1)
        right = (y[order] == y_val[chunk, None]).astype(np.float64)
        values = np.empty_like(right)
        values[:, -1] = right[:, -1] / n_samples
        values[:, :-1] = (right[:, :-1] - right[:, 1:]) * weights
        values = np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
        total += np.bincount(order.ravel(), values.ravel(), n_samples)
    return total / len(X_val)


def reference_influence(X, y, X_val, y_val):
    """Influence on the summed log loss of an unpenalised-intercept logistic model."""
    model = LogisticRegression().fit(X, y)
    design = np.column_stack([X, np.ones(len(X))])
    design_val = np.column_stack([X_val, np.ones(len(X_val))])
    p, p_val = model.predict_proba(X)[:, 1], model.predict_proba(X_val)[:, 1]
    hessian = (design * (p * (1 - p))[:, None]).T @ design / len(X)
    hessian += 1e-3 * np.eye(design.shape[1])
    gradient = (p_val - y_val) @ design_val
    return (p - y)[:, None] * design @ np.linalg.solve(hessian, gradient)


def measure(function, repeat):
    """Median CPU seconds, and what the function returned."""
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        result = function()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds)), result


def compare(line, ours, reference, repeat):
    """Print one line; the two take turns in one process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, values = measure(ours, repeat)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    text = f"{line:10s} skvalue {seconds:8.3f} s, {memory:5.0f} MB more"
    if reference is not None:
        reference_seconds, expected = measure(reference, repeat)
        text += f"  reference {reference_seconds:8.3f} s"
        text += f"  ratio {seconds / reference_seconds:5.2f}"
        if expected is not None:
            text += f"  r {np.corrcoef(values, expected)[0, 1]:.6f}"
    print(text, flush=True)


def knn(line, n_samples, n_val, repeat, *, reference=True):
    X, y, X_val, y_val = make_rows(n_samples, n_val)
    valuator = KNNShapley()
    compare(
        line,
        lambda: valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_,
        (lambda: reference_knn(X, y, X_val, y_val)) if reference else None,
        repeat,
    )


def oob(line, n_trees):
    """The reference only fits the forest: out-of-bag scores are to be free."""
    X, y, _, _ = make_rows(10_000, 10)
    forest = RandomForestClassifier(n_trees, random_state=0)
    compare(
        line,
        lambda: DataOOB(n_estimators=n_trees, random_state=0).fit(X, y).data_values_,
        lambda: forest.fit(X, y) and None,
        1,
    )


def influence(line):
    X, y, X_val, y_val = make_rows(10_000, 1000)
    valuator = InfluenceFunction(LogisticRegression())
    compare(
        line,
        lambda: valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_,
        lambda: reference_influence(X, y, X_val, y_val),
        3,
    )


LINES = {
    "knn": lambda: knn("knn", 10_000, 1000, 3),
    "knn_large": lambda: knn("knn_large", 100_000, 1000, 1),
    "knn_huge": lambda: knn("knn_huge", 1_000_000, 100, 1, reference=False),
    "oob": lambda: oob("oob", 100),
    "oob_large": lambda: oob("oob_large", 1000),
    "influence": lambda: influence("influence"),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", nargs="*", choices=[[], *LINES])
    for name in parser.parse_args().lines or ["knn", "oob", "influence"]:
        LINES[name]()
