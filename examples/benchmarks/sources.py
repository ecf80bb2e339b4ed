"""Three sources with 0, 20 and 45 % of wrong labels: how often they are ranked rightly.

python examples/benchmarks/sources.py [--seeds 20]
"""

import argparse
import time

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification

from skvalue import (
    KAIROS,
    ConsensusValuator,
    DataOOB,
    DataShapley,
    KNNShapley,
    LeaveOneOut,
    NDDVValuator,
    SelfConfidence,
)

VALUATORS = [
    DataShapley(unit="groups"),
    LeaveOneOut(unit="groups"),
    NDDVValuator(),
    DataOOB(n_estimators=200),
    SelfConfidence(),
    KNNShapley(),
    ConsensusValuator(),
    KAIROS(),
]


def problem(seed):
    """Rows, labels of which some are wrong, and the source of each row."""
    X, y = make_classification(
        450, 8, n_informative=4, class_sep=1.5, flip_y=0, random_state=seed
    )
    rng = np.random.default_rng(seed)
    source = rng.permutation(np.arange(450) % 3)
    wrong = rng.random(450) < np.array([0.0, 0.2, 0.45])[source]
    return X, np.where(wrong, 1 - y, y), source


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    n_seeds = parser.parse_args().seeds
    for valuator in VALUATORS:
        right, seconds = 0, []
        for seed in range(n_seeds):
            X, y, source = problem(seed)
            fitted = clone(valuator)
            if "random_state" in fitted.get_params():
                fitted.set_params(random_state=0)
            start = time.process_time()
            fitted.fit(X, y, groups=source)
            seconds.append(time.process_time() - start)
            right += list(fitted.group_values_.argsort()) == [2, 1, 0]
        print(
            f"{valuator!s:30} {right} of {n_seeds}, {np.median(seconds):.2f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    main()
