"""What the command line costs and finds: adult as CSV with strings and gaps.

A tenth of the labels is flipped and 5 % of the cells are missing; more rows than adult
has are drawn with replacement. Printed are CPU seconds of ``skvalue clean`` with
all three outputs (one process), and the ROC-AUC of the flipped labels.

    SKVALUE_DATA=... python examples/benchmarks/command_line.py [--rows 10000 30000]
        [--methods quick-consensus consensus]
"""

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _data import ADULT_CATEGORIES, load
from sklearn.metrics import roc_auc_score

from skvalue.__main__ import main as command_line
from skvalue.datasets import make_label_noise

MISSING, FLIPPED = 0.05, 0.1


def adult(n_rows):
    """A frame with strings and gaps, with its labels, and which of them are wrong."""
    X, y = load("adult")
    rng = np.random.default_rng(0)
    if n_rows <= len(y):
        rows = rng.permutation(len(y))[:n_rows]
    else:
        rows = rng.integers(len(y), size=n_rows)
    frame = pd.DataFrame(
        {
            f"c{j}": [f"level {code}" for code in column]
            if j in ADULT_CATEGORIES
            else column.astype(float)
            for j, column in enumerate(X[rows].T)
        }
    )
    frame = frame.mask(rng.random(frame.shape) < MISSING)
    labels, is_wrong = make_label_noise(y[rows], FLIPPED, random_state=0)
    return frame.assign(income=np.where(labels == 1, ">50K", "<=50K")), is_wrong


def measure(method, n_rows):
    """CPU seconds and ROC-AUC of one call."""
    frame, is_wrong = adult(n_rows)
    with tempfile.TemporaryDirectory() as folder:
        table, values = Path(folder) / "adult.csv", Path(folder) / "values.csv"
        frame.to_csv(table, index=False)
        arguments = ["clean", table, "--target", "income", "--method", method]
        arguments += ["--values", values, "--report", Path(folder) / "report.html"]
        began = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            code = command_line([*map(str, arguments), "--n-jobs", "1"])
        seconds = time.process_time() - began
        assert code == 0
        found = pd.read_csv(values)["value"]
    return seconds, roc_auc_score(is_wrong, -found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", type=int, default=[10_000, 30_000])
    parser.add_argument(
        "--methods", nargs="+", default=["quick-consensus", "consensus"]
    )
    options = parser.parse_args()
    for n_rows in options.rows:
        for method in options.methods:
            seconds, auc = measure(method, n_rows)
            print(
                f"{n_rows:7d} rows {method:16s} {seconds:6.1f} CPU s, "
                f"ROC-AUC {auc:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
