"""Running an experiment: a task for each problem and valuator, its lines in order.

With `memory`, what a task has computed is kept by `joblib.Memory` under a key of all
that it depends on: the rows, the valuator, what is measured. The values of a problem
are kept apart from what is measured on them, so that experiments share them.
"""

import time
import traceback
import warnings
from collections import Counter
from functools import partial
from itertools import chain
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.utils.parallel import delayed

from .._coalitions.fingerprint import fingerprint
from .._coalitions.object_parts import sha256
from .._memory import memory_of
from .._pipelines import fit_valuator
from .._targets import last_step, task_of_estimator
from ..utils._progress import Progress, in_parallel
from ..utils._random import integer_seed, seeded
from ._inputs import check_count, checked_rates, named_data, named_valuators
from ._problems import Sizes, make_problem, named_noises

# Parameters that decide how fast or how loudly values are computed, and what stands
# for them in the key of what is kept.
QUIET = {"n_jobs": None, "verbose": 0, "memory": None}


class Valued(NamedTuple):
    """What is kept of a fit."""

    values: np.ndarray
    # Rows that `drop` keeps; None where nobody asked.
    kept: np.ndarray | None
    # Seconds.
    fit_time: float


class Lines(NamedTuple):
    """What one frame holds for each problem and valuator."""

    # What tells its lines apart: a dict each, of columns; of one line {}.
    keys: list
    # Columns of figures.
    figures: list


class Experiment:
    """What all experiments have in common, checked before anything is computed.

    Parameters
    ----------
    who : str
        Name of the function, for what is printed.

    options : dict
        Its arguments: `valuators`, `datasets`, `noise`, `noise_rate`, `train_size`,
        `val_size`, `n_repeats`, `error_score`, `n_jobs`, `random_state`, `memory` and
        `verbose`, as in `detection_experiment`; maybe `test_size`.

    references : sequence of str, default=()
        Names of what is measured beside the valuators.

    needs_wrong_rows : bool, default=False
        Whether ``noise=None`` is refused.

    estimators : sequence of estimators, default=()
        What is scored: they know whether targets are real.
    """

    def __init__(
        self, who, options, *, references=(), needs_wrong_rows=False, estimators=()
    ):
        _import_pandas(who)
        self.who = who
        self.noises = named_noises(options["noise"], needs_wrong_rows=needs_wrong_rows)
        self.rates = checked_rates(options["noise_rate"])
        self.n_repeats = check_count("n_repeats", options["n_repeats"])
        self.error_score = options["error_score"]
        if self.error_score != "raise" and not isinstance(self.error_score, Real):
            raise ValueError(
                f"error_score={self.error_score!r} must be a number, such as NaN, or "
                "'raise'."
            )
        self.seed = integer_seed(options["random_state"])
        self.memory = memory_of(options["memory"])
        if self.memory is not None and options["random_state"] is None:
            warnings.warn(
                "memory keeps nothing that another call finds: random_state=None draws "
                "anew; give it an integer.",
                UserWarning,
                stacklevel=3,
            )
        self.n_jobs, self.verbose = options["n_jobs"], options["verbose"]
        valuators = named_valuators(options["valuators"])
        taken = [name for name in references if name in valuators]
        if taken:
            raise ValueError(
                f"valuators has the name {taken[0]!r}, which stands for what they are "
                "compared with; give it another."
            )
        self.contenders = dict.fromkeys(references) | valuators
        for name, valuator in valuators.items():
            if self.memory is not None:
                fingerprint({}, {f"valuators[{name!r}]": quiet(valuator)})
        tasks = [last_step(valuator)._known_task() for valuator in valuators.values()]
        tasks += [task_of_estimator(estimator) for estimator in estimators]
        self.is_regression = "regression" in tasks
        self.sizes = Sizes(
            options["train_size"], options["val_size"], options.get("test_size")
        )
        self.datasets = named_data(options["datasets"])
        for name, (_, y) in self.datasets.items():
            self.sizes.counts(len(y), name)

    def run(self, measure, *frames):
        """Value the rows of all problems, and measure.

        Parameters
        ----------
        measure : callable
            ``measure(problem, name, value)`` returns, for each frame, a list of dicts
            of figures, one a line. ``name`` is that of the valuator or the reference,
            and ``value(problem)`` fits the valuator.

        *frames : Lines
            What each frame holds.

        Returns
        -------
        frames : list of DataFrame
            The lines of each problem, and in it of each contender, one after the other.
        """
        settings = self._settings()
        for setting in settings:
            if setting["repeat"] == 0:
                # Noise that the rows do not allow is refused before anything is valued.
                self._problem(setting)
        progress = Progress(
            self.who, len(settings) * len(self.contenders), "tasks", self.verbose
        )
        tasks = (
            delayed(run_task)(
                measure, problem, name, valuator, self.memory, self.error_score
            )
            for problem in map(self._problem, settings)
            for name, valuator in self.contenders.items()
        )
        outcomes = in_parallel(tasks, progress, n_jobs=self.n_jobs)
        places = [
            setting | {"valuator": name}
            for setting in settings
            for name in self.contenders
        ]
        self._tell_failures(places, outcomes)
        return [
            self._frame(places, outcomes, number, lines)
            for number, lines in enumerate(frames)
        ]

    def _settings(self):
        return [
            {"dataset": name, "noise": kind, "noise_rate": rate, "repeat": repeat}
            for name in self.datasets
            for kind, noise in self.noises.items()
            for rate in (self.rates if noise else [0.0])
            for repeat in range(self.n_repeats)
        ]

    def _problem(self, setting):
        return make_problem(
            self.datasets[setting["dataset"]],
            self.sizes,
            self.noises[setting["noise"]],
            setting,
            self.seed,
            regression=self.is_regression,
        )

    def _tell_failures(self, places, outcomes):
        errors = [found for found in outcomes if isinstance(found, str)]
        if not errors:
            return
        details = "\n".join(
            f"{'-' * 80}\n{count} with:\n{error}"
            for error, count in Counter(errors).items()
        )
        details = f"Set error_score='raise' to debug. What failed:\n{details}"
        # Without references: what they are for is gone.
        valuations = [
            found
            for place, found in zip(places, outcomes, strict=True)
            if self.contenders[place["valuator"]] is not None
        ]
        if all(isinstance(found, str) for found in valuations):
            raise ValueError(f"All {len(valuations)} valuations failed. {details}")
        warnings.warn(
            f"{len(errors)} of {len(outcomes)} tasks failed; their figures are "
            f"{self.error_score}. {details}",
            FitFailedWarning,
            stacklevel=4,
        )

    def _frame(self, places, outcomes, number, lines):
        pandas = _import_pandas(self.who)
        failed = dict.fromkeys(lines.figures, self.error_score)
        if "fit_time" in failed:
            failed["fit_time"] = np.nan
        records = [
            place | key | figures
            for place, outcome in zip(places, outcomes, strict=True)
            for key, figures in zip(
                lines.keys,
                [failed] * len(lines.keys)
                if isinstance(outcome, str)
                else outcome[number],
                strict=True,
            )
        ]
        columns = dict.fromkeys(chain(*places[:1], *lines.keys[:1], lines.figures))
        return pandas.DataFrame(records, columns=list(columns))


def run_task(measure, problem, name, valuator, memory, error_score):
    """Measure one contender on one problem.

    Parameters
    ----------
    measure : callable
        See `Experiment.run`.

    problem : Problem
        Rows, and what is known of them.

    name : str
        Of the valuator, or the reference.

    valuator : valuator, Pipeline or None
        None for a reference.

    memory : joblib.Memory or None
        Where the lines are kept.

    error_score : "raise" or float
        Whether an error is raised.

    Returns
    -------
    lines : tuple of list of dict, or str
        Figures, a list for each frame; the traceback where it failed.
    """
    value = partial(value_rows, valuator, memory=memory)
    try:
        return remembered(
            memory,
            problem,
            valuator,
            {"measure": measure, "name": name},
            partial(measure, problem, name, value),
        )
    except Exception as error:
        setting = ", ".join(f"{key}={part!r}" for key, part in problem.setting.items())
        error.add_note(f"In the experiment: valuator={name!r}, {setting}.")
        if error_score == "raise":
            raise
        return traceback.format_exc()


def value_rows(valuator, problem, *, memory, with_kept=False):
    """Fit a clone of a valuator, seeded where it has no seed of its own.

    Parameters
    ----------
    valuator : valuator or Pipeline
        Left as it is.

    problem : Problem
        Its test rows are not looked at.

    memory : joblib.Memory or None
        Where values are kept.

    with_kept : bool, default=False
        Whether to ask `drop`, which may be costly, and may refuse.

    Returns
    -------
    valued : Valued
        As it was kept, with the time that it took then.
    """

    def compute():
        fitted = seeded(valuator, problem.seed)
        given = {}
        if problem.X_val is not None:
            given = {"X_val": problem.X_val, "y_val": problem.y_val}
        began = time.perf_counter()
        fitted = last_step(fit_valuator(fitted, problem.X, problem.y, **given))
        seconds = time.perf_counter() - began
        kept = fitted.get_support() if with_kept else None
        return Valued(fitted.data_values_, kept, seconds)

    seen = problem._replace(is_wrong=None, kinds=None, X_test=None, y_test=None)
    return remembered(memory, seen, valuator, {"with_kept": with_kept}, compute)


def quiet(valuator):
    """A clone whose parameters are those that what it computes depends on."""
    if valuator is None:
        return None
    cloned = clone(valuator)
    names = cloned.get_params(deep=True)
    return cloned.set_params(
        **{
            name: QUIET[kind]
            for name in names
            if (kind := name.rpartition("__")[2]) in QUIET
        }
    )


def remembered(memory, problem, valuator, parameters, compute):
    """What was computed before, or what is now.

    Parameters
    ----------
    memory : joblib.Memory or None
        Where it is kept.

    problem : Problem
        The rows that it depends on.

    valuator : valuator, Pipeline or None
        What is fitted to them.

    parameters : dict
        All else that it depends on.

    compute : callable
        Computes it.

    Returns
    -------
    found : object
        What `compute` returns, or has returned.
    """
    if memory is None:
        return compute()
    data = problem._asdict()
    seen = parameters | {"seed": data.pop("seed"), "valuator": quiet(valuator)}
    # Its name, the noise and the number of the repeat are in the rows, if anywhere.
    del data["setting"]
    key = sha256(repr(sorted(fingerprint(data, seen).items())))
    return memory.cache(computed, ignore=["compute"])(key, compute)


def computed(key, compute):
    """What joblib keeps, by the key alone."""
    return compute()


def _import_pandas(who):
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{who} returns a frame of pandas; install it, pip install pandas."
        ) from error
    return pandas
