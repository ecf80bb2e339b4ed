"""What cleaning is worth downstream: test accuracy with a fifth of the labels wrong.

Four models are trained on noisy labels in five ways: as they are; behind NDDVValuator
as a step of a plain Pipeline (low-value rows replaced); in a CuratedEstimator and
behind a ValueSampler in imbalanced-learn's Pipeline (both really remove the rows); and
on the rows whose labels are right.

    SKVALUE_DATA=... python examples/benchmarks/noisy_labels.py [--data adult digits]
        [--seeds 5] [--rate 0.2] [--jobs 2]
"""

import argparse

import imblearn.pipeline
import numpy as np
from _data import detection_split
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvalue import CuratedEstimator, NDDVValuator, ValueSampler

MODELS = {
    "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    "3-nearest neighbours": KNeighborsClassifier(3),
    "random forest": RandomForestClassifier(random_state=0),
    "logistic regression": LogisticRegression(max_iter=1000),
}
WAYS = ["no cleaning", "plain step", "curated", "sampler", "perfect removal"]


def accuracies(name, model, seed, rate):
    """Test accuracy of one model after each way of cleaning."""
    split = detection_split(name, 1000, seed, rate)
    valuator = NDDVValuator(random_state=seed)
    estimator = MODELS[model]
    pipelines = {
        "no cleaning": make_pipeline(StandardScaler(), clone(estimator)),
        "plain step": make_pipeline(StandardScaler(), valuator, clone(estimator)),
        "curated": make_pipeline(
            StandardScaler(), CuratedEstimator(estimator, clone(valuator))
        ),
        "sampler": imblearn.pipeline.make_pipeline(
            StandardScaler(), ValueSampler(clone(valuator)), clone(estimator)
        ),
    }
    figures = {
        way: pipeline.fit(split.X, split.y).score(split.X_test, split.y_test)
        for way, pipeline in pipelines.items()
    }
    right = ~split.is_flipped
    perfect = make_pipeline(StandardScaler(), clone(estimator))
    perfect.fit(split.X[right], split.y[right])
    figures["perfect removal"] = perfect.score(split.X_test, split.y_test)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["adult", "digits"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    cells = [
        (name, model, seed)
        for name in options.data
        for model in MODELS
        for seed in range(options.seeds)
    ]
    results = Parallel(n_jobs=options.jobs)(
        delayed(accuracies)(name, model, seed, options.rate)
        for name, model, seed in cells
    )
    print(
        f"test accuracy, n = 1000, {options.rate:.0%} of the labels wrong, "
        f"{options.seeds} seeds: mean ± sd"
    )
    print(f"{'data':8s} {'model':21s}" + "".join(f"{way:>16s}" for way in WAYS))
    for name in options.data:
        for model in MODELS:
            rows = [
                r for c, r in zip(cells, results, strict=True) if c[:2] == (name, model)
            ]
            line = f"{name:8s} {model:21s}"
            for way in WAYS:
                figures = [row[way] for row in rows]
                line += f"   {np.mean(figures):.3f} ± {np.std(figures):.3f}"
            print(line)
    means = {way: np.mean([row[way] for row in results]) for way in WAYS}
    print(f"{'mean':30s}" + "".join(f"{means[way]:16.3f}" for way in WAYS))
    gap = means["plain step"] - means["curated"]
    print(f"plain step minus real removal, on average: {gap:+.4f}")


if __name__ == "__main__":
    main()
