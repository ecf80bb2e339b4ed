"""Fits that are killed again and again: `checkpoint_kills.py FOLDER NAME=KILLS ...`.

A program of its own, which imports torch but computes nothing with it: then each fit
can be a forked child, which takes milliseconds to start. It leaves ``kills.json`` in
the folder.
"""

import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from coalition_oracles import CentroidClassifier
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from skvalue import AmortizedShapley, DistributionalShapley
from skvalue._coalitions.checkpoint import Checkpoint
from skvalue.semivalues import AME, DataBanzhaf, DataShapley

X, Y = make_classification(24, 4, random_state=0)

COMMON = {"cv": 2, "random_state": 0}
EXACT = {"tol": None, **COMMON}
REFITS = DataShapley(CentroidClassifier(), max_evaluations=2500, **EXACT)
SHARED = DataShapley(
    LogisticRegression(), sampler="shared", max_evaluations=800, **EXACT
)
VALUATORS = {
    "shared subsets": SHARED,
    "refits": REFITS,
    "shared subsets, two workers": clone(SHARED).set_params(n_jobs=2),
    "refits, two workers": clone(REFITS).set_params(n_jobs=2),
    "banzhaf": DataBanzhaf(CentroidClassifier(), max_evaluations=2500, **EXACT),
    "ame": AME(CentroidClassifier(), max_evaluations=2500, **COMMON),
    "distributional": DistributionalShapley(
        CentroidClassifier(), max_evaluations=4000, min_coalition_size=2, **EXACT
    ),
    "amortized": AmortizedShapley(
        clone(REFITS), regressor="ridge", validation_share=0.4, random_state=0
    ),
}

# Writes between two kills, at most.
WRITES = {"amortized": 30, "shared subsets": 2, "shared subsets, two workers": 2}


def with_checkpoint(name, path):
    """The valuator, saving after every wave."""
    valuator = clone(VALUATORS[name])
    sampling = valuator.valuator if name == "amortized" else valuator
    sampling.set_params(checkpoint=path, checkpoint_interval=0.0)
    return valuator


def result(valuator):
    return [valuator.n_evaluations_, valuator.data_values_.tolist()]


def used(path):
    """Evaluations in the file; it must be free and whole, whatever was killed."""
    if not path.exists():
        return 0
    with Checkpoint(path) as checkpoint:
        _, arrays = checkpoint.load()
    return int(arrays["used"].sum())


def kill_and_resume(name, n_kills, folder):
    """Kill a fit at most so often, then let it finish.

    Returns
    -------
    kills : int
        How often a fit was killed that had saved something since the last kill.

    progress : list of int
        Evaluations in its files after each kill, and at the end.

    values : list
        Its `result`.
    """
    out, moments = folder / "result.json", random.Random(0)
    paths = [folder / "values.ckpt", folder / "values.ckpt.validation"]
    kills, progress = 0, []
    while not out.exists():
        child = os.fork()
        if not child:
            # Of its own session: its workers outlive it, until they are killed below.
            os.setsid()
            values = result(with_checkpoint(name, paths[0]).fit(X, Y))
            out.write_text(json.dumps(values))
            os._exit(0)
        if kills < n_kills:
            for _ in range(moments.randint(1, WRITES.get(name, 8))):
                _wait_for_a_write(child, paths)
            time.sleep(moments.uniform(0.0, 0.02))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        progress.append(sum(used(path) for path in paths))
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if os.WIFSIGNALED(status):
            kills += 1
        elif status:
            sys.exit(f"{name}: the fit ended with {status}")
    return kills, progress, json.loads(out.read_text())


def _wait_for_a_write(child, paths):
    """Until a file is written, or the child is done."""
    before = _written(paths)
    for _ in range(60_000):
        done = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if done or _written(paths) != before:
            return
        time.sleep(0.002)
    sys.exit("the fit makes no progress")


def _written(paths):
    return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]


if __name__ == "__main__":
    folder, results = Path(sys.argv[1]), {}
    for number, order in enumerate(sys.argv[2:]):
        name, n_kills = order.split("=")
        place = folder / str(number)
        place.mkdir()
        results[name] = kill_and_resume(name, int(n_kills), place)
        (folder / "kills.json").write_text(json.dumps(results))
