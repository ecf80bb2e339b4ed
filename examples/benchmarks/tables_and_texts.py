"""Wrong labels found in tables and texts as they came, beside the same as numbers.

adult as numeric codes, as a frame whose categories are strings, and as that frame with
5 % of the cells missing; bbc as sparse TF-IDF, and as raw texts through the estimator
of a method that takes one. Printed is the mean ROC-AUC of the flipped labels.

    SKVALUE_DATA=... python examples/benchmarks/tables_and_texts.py [--n 1000]
        [--seeds 5] [--rates .1 .3] [--methods nddv oob confidence consensus]
"""

import argparse
import gzip
import json
import warnings

import numpy as np
import pandas as pd
from _cleaning import VALUATORS
from _data import ADULT_CATEGORIES, data_folder, load
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from skvalue import SelfConfidence
from skvalue.datasets import make_label_noise

MISSING = 0.05


def adult(n, seed):
    """The same rows in three forms, and their labels."""
    X, y = load("adult")
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[:n]
    codes = X[rows].astype(float)
    frame = pd.DataFrame(
        {
            f"c{j}": [f"level {code:.0f}" for code in column]
            if j in ADULT_CATEGORIES
            else column
            for j, column in enumerate(codes.T)
        }
    )
    holes = rng.random(frame.shape) < MISSING
    forms = {"codes": codes, "frame": frame, "frame, gaps": frame.mask(holes)}
    return forms, y[rows]


def bbc(n, seed):
    """Raw texts and their sparse TF-IDF, and the labels."""
    with gzip.open(data_folder() / "bbc.jsonl.gz", "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    rows = np.random.default_rng(seed).permutation(len(records))[:n]
    texts = [records[row]["text"] for row in rows]
    sparse = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    y = np.array([records[row]["label"] for row in rows])
    return {"TF-IDF": sparse, "texts": texts}, y


def auc(name, X, y, rate, seed):
    """ROC-AUC of one valuator; None where it has no estimator that reads texts."""
    valuator = clone(VALUATORS[name]).set_params(random_state=seed)
    if isinstance(X, list):
        if not isinstance(valuator, SelfConfidence):
            return None
        valuator.set_params(
            estimator=make_pipeline(TfidfVectorizer(), LogisticRegression())
        )
    y, is_wrong = make_label_noise(y, rate=rate, random_state=seed)
    with warnings.catch_warnings():
        # Convergence of a baseline's solver is not what is measured.
        warnings.simplefilter("ignore")
        valuator.fit(X, y)
    return roc_auc_score(is_wrong, -valuator.data_values_)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rates", nargs="+", type=float, default=[0.1, 0.3])
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=VALUATORS,
        default=["nddv", "oob", "confidence", "consensus"],
    )
    options = parser.parse_args()
    print(f"ROC-AUC, n = {options.n}, {options.seeds} seeds: mean ± sd")
    for rows in (adult, bbc):
        for rate in options.rates:
            for method in options.methods:
                found = {}
                for seed in range(options.seeds):
                    forms, y = rows(options.n, seed)
                    for form, X in forms.items():
                        found.setdefault(form, []).append(auc(method, X, y, rate, seed))
                line = f"{rows.__name__:6s} {rate:4.0%} flips {method:11s}"
                for form, figures in found.items():
                    if None not in figures:
                        mean, sd = np.mean(figures), np.std(figures)
                        line += f"  {form} {mean:.3f} ± {sd:.3f}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
