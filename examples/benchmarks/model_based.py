"""What the model-based methods promise, measured.

``python model_based.py influence`` prints the agreement with leave-one-out refits and
the time beside the closed form in plain numpy; ``detection`` the ROC-AUC of flipped
digits (10 %) with held-out rows and cross-fitted.
"""

import sys
import time

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from skvalue.dvrl import DVRL
from skvalue.influence import InfluenceFunction
from skvalue.lava import LAVA

METHODS = {
    "influence": InfluenceFunction,
    "LAVA": LAVA,
    "LAVA, exact": lambda **settings: LAVA(regularization=0.0, **settings),
    "DVRL": DVRL,
}


def influence():
    X, y = make_classification(
        1000, 10, n_informative=6, n_redundant=2, flip_y=0.1, random_state=0
    )
    X, y, X_val, y_val = X[:500], y[:500], X[500:], y[500:]
    values = InfluenceFunction().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    model = LogisticRegression(max_iter=1000)

    def loss(rows):
        return log_loss(y_val, model.fit(X[rows], y[rows]).predict_proba(X_val))

    rows = np.arange(500)
    refits = np.array([loss(np.delete(rows, row)) for row in rows]) - loss(rows)
    print(f"r with 500 refits: {np.corrcoef(values, refits)[0, 1]:.3f}")

    generator = np.random.default_rng(0)
    X = generator.normal(size=(11000, 50))
    y = (X @ generator.normal(size=50) + 2 * generator.normal(size=11000) > 0) * 1
    data = X[:10000], y[:10000], X[10000:], y[10000:]
    ours = cpu_seconds(
        lambda: InfluenceFunction().fit(*data[:2], X_val=data[2], y_val=data[3])
    )
    plain = cpu_seconds(lambda: closed_form(*data))
    print(f"n=1e4, 1000 held out: {ours:.4f} s; plain numpy {plain:.4f} s (CPU)")


def closed_form(X, y, X_val, y_val):
    model = LogisticRegression().fit(X, y)
    A, B = (np.c_[rows, np.ones(len(rows))] for rows in (X, X_val))
    p, q = (model.predict_proba(rows)[:, 1] for rows in (X, X_val))
    hessian = (A * (p * (1 - p))[:, None]).T @ A / len(A) + 1e-3 * np.eye(A.shape[1])
    response = np.linalg.solve(hessian, (q - y_val) @ B / len(B))
    return (p - y) * (A @ response) / len(A)


def cpu_seconds(function, repeats=15):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return np.median(times)


def detection(n_samples=1000, n_seeds=3):
    for name, method in METHODS.items():
        for held_out in (True, False):
            aucs, seconds = [], time.process_time()
            for seed in range(n_seeds):
                X, y, X_val, y_val, is_bad = flipped_digits(n_samples, seed)
                pair = {"X_val": X_val, "y_val": y_val} if held_out else {}
                values = method(random_state=seed).fit(X, y, **pair).data_values_
                aucs.append(roc_auc_score(is_bad, -values))
            seconds = (time.process_time() - seconds) / n_seeds
            where = "held-out rows" if held_out else "cross-fitted"
            print(
                f"{name:26s} {where:14s} AUC {np.mean(aucs):.3f} "
                f"{np.round(aucs, 3)} {seconds:.1f} s CPU",
                flush=True,
            )


def flipped_digits(n_samples, seed):
    X, y = load_digits(return_X_y=True)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(X))
    X, y = X[order] / 16, y[order]
    is_bad = np.arange(n_samples) < n_samples // 10
    labels = (y[:n_samples] + is_bad * generator.integers(1, 10, n_samples)) % 10
    return X[:n_samples], labels, X[n_samples:], y[n_samples:], is_bad


if __name__ == "__main__":
    for task in sys.argv[1:] or ["influence", "detection"]:
        {"influence": influence, "detection": detection}[task]()
