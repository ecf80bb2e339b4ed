"""An experiment that a kill ends: ``python killed_experiment.py LOG MEMORY``."""

import sys

from _experiment_valuators import Guess, Logged, with_truth

from skvalue.evaluation import detection_experiment


def experiment(log, memory):
    """Its figures; the valuator that writes a log comes second."""
    return detection_experiment(
        {"guess": Guess(), "logged": Logged(log)},
        with_truth(),
        noise_rate=[0.1, 0.2],
        n_repeats=3,
        random_state=0,
        memory=memory,
    )


if __name__ == "__main__":
    experiment(*sys.argv[1:])
