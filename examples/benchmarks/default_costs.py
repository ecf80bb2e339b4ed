"""CPU seconds of every valuator with its defaults, on one table of 1000 rows.

    python examples/benchmarks/default_costs.py [--rows 1000] [--seeds 1]

The table is skvalue.datasets.make_mixed_table: six columns, strings, dates and gaps
among them, two classes, a tenth of the labels wrong. One process and one thread.
Seconds are those of the processor, medians over the seeds. It prints a line for each
valuator, cheapest first.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import skvalue
from skvalue.base import BaseValuator
from skvalue.datasets import make_mixed_table


def valuators(seed):
    """Every public valuator, with its defaults."""
    for name in sorted(skvalue.__all__):
        kind = getattr(skvalue, name)
        if not (isinstance(kind, type) and issubclass(kind, BaseValuator)):
            continue
        if name == "Semivalue":  # Has no default weight; with 1 it is DataShapley.
            continue
        valuator = kind()
        if "random_state" in valuator.get_params():
            valuator.set_params(random_state=seed)
        yield name, valuator


def main():
    """Time all of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()

    seconds = {}
    for seed in range(options.seeds):
        X, y, _ = make_mixed_table(
            options.rows, minority=0.3, wrong=0.1, random_state=seed
        )
        for name, valuator in valuators(seed):
            start = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                valuator.fit(X, y)
            seconds.setdefault(name, []).append(time.process_time() - start)
            print(f"seed {seed} {name} {seconds[name][-1]:.2f}", flush=True)
    print(f"\n{options.rows} rows, CPU seconds, median of {options.seeds} seeds")
    for name in sorted(seconds, key=lambda name: np.median(seconds[name])):
        print(f"{name:<24}{np.median(seconds[name]):>8.2f}")


if __name__ == "__main__":
    main()
