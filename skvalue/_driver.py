"""The base of every valuator that samples coalitions: budget, precision, continuing.

`SamplingRun` holds the state and keeps the order; here it meets the constructor's
parameters, the workers, the progress reports and the disk. What ``warm_start``
continues is what ``checkpoint`` saves.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from ._checkpoint import Checkpoint
from ._coalition_games import GameValuator
from ._coalitions import run_block
from ._fingerprint import check_same_run, fingerprint
from ._sampling_run import SamplingRun
from .utils._sklearn import Interval

# Standard errors from fewer batches are too uncertain to stop by.
MIN_BATCHES = 8

# What an unset budget allows: so many fits, or so many of the sampler's units.
DEFAULT_EVALUATIONS = 1000
DEFAULT_UNITS = 10

# Parameters that decide how long, how fast or how loudly, but not what is computed.
NOT_IN_FINGERPRINT = {
    "max_evaluations",
    "tol",
    "drop",
    "warm_start",
    "checkpoint",
    "checkpoint_interval",
    "n_jobs",
    "random_state",
    "verbose",
}


@dataclass
class SavedState:
    """A state that a fit may go on with, and where it comes from."""

    source: str
    header: dict
    arrays: dict


class SamplingValuator(GameValuator):
    """Base of the valuators that sample coalitions.

    A subclass gives `_make_sampler`; one whose values are not means of what was
    sampled also `_set_values`.
    """

    _parameter_constraints = {
        **GameValuator._parameter_constraints,
        "max_evaluations": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "warm_start": ["boolean"],
        "checkpoint": [str, PathLike, None],
        "checkpoint_interval": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        scoring=None,
        max_evaluations=None,
        tol=0.05,
        cv=5,
        drop="auto",
        warm_start=False,
        checkpoint=None,
        checkpoint_interval=60.0,
        device="cpu",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            estimator,
            scoring=scoring,
            cv=cv,
            drop=drop,
            device=device,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.max_evaluations = max_evaluations
        self.tol = tol
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_interval = checkpoint_interval

    # Units of the sampler that a game needs for values at all.
    _least_units = 1
    # Whether a budget that does not buy them raises, or is raised.
    _least_budget_is_enough = False
    # What warm_start goes on with.
    _saved = None

    def _make_sampler(self, utility):
        """Sampler of coalitions of one game; raises where the game is too small."""
        raise NotImplementedError

    def _fit(self, X, y, X_val, y_val):
        with Checkpoint(self.checkpoint, self.checkpoint_interval) as checkpoint:
            states = self._find_states(checkpoint)
            seed = states[0].header["seed"] if states else self._draw_seed()
            games = self._make_games(X, y, X_val, y_val, seed)
            run = self._make_run(games, seed, len(y))
            header = None
            if self.warm_start or self.checkpoint is not None:
                data = {"X": X, "y": y, "X_val": X_val, "y_val": y_val}
                header = self._header(data, games, seed)
                self._go_on(run, states, header)
            self._sample(run, seed, header, checkpoint)
            self._saved = (header, run.to_arrays()) if self.warm_start else None
            self._set_values(run, seed)
            self.n_evaluations_ = run.n_evaluations

    # ------------------------------------------------------------ going on, saving

    def _find_states(self, checkpoint):
        """What this fit may go on with: the last fit of this object, the file."""
        states = []
        if self.warm_start and self._saved is not None:
            states.append(SavedState("warm_start=True: the fitted state", *self._saved))
        header, arrays = checkpoint.load()
        if header is not None:
            source = f"checkpoint={str(self.checkpoint)!r}"
            states.append(SavedState(source, header, arrays))
        return states

    def _go_on(self, run, states, header):
        """Restore the state that is further on; all must be of this run."""
        for state in states:
            check_same_run(_identity(state.header), _identity(header), state.source)
        if states:
            run.restore(max(states, key=lambda s: s.arrays["used"].sum()).arrays)

    def _header(self, data, games, seed):
        """What a later fit must share with this one to continue it, and the seed."""
        data["folds"] = np.concatenate([game.rows for game in games])
        data["classes"] = getattr(self, "classes_", None)
        parameters = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in NOT_IN_FINGERPRINT
        }
        if self.estimator is not None:
            # Only clones are fitted: what it may have learnt before does not count.
            parameters["estimator"] = clone(self.estimator)
        # None continues any seed; a RandomState instance has moved on by then.
        if isinstance(self.random_state, Integral):
            parameters["random_state"] = int(self.random_state)
        parameters["valuator"] = type(self)
        return {"seed": seed, "fingerprint": fingerprint(data, parameters)}

    # -------------------------------------------------------------------- sampling

    def _make_run(self, games, seed, n_samples):
        samplers = [self._make_sampler(game.utility) for game in games]
        costs = [
            self._least_units * sampler.unit_cost(game.utility)
            for sampler, game in zip(samplers, games, strict=True)
        ]
        total = self.max_evaluations
        if total is None:
            total = max(DEFAULT_EVALUATIONS, DEFAULT_UNITS * max(costs) * len(costs))
        if self._least_budget_is_enough:
            total = max(total, max(costs) * len(costs))
        if total < max(costs) * len(costs):
            where = f" in each of {len(costs)} folds" if len(costs) > 1 else ""
            raise ValueError(
                f"max_evaluations={total} is too small: the least that can be sampled "
                f"costs {max(costs)} fits{where}. Give at least "
                f"{max(costs) * len(costs)}."
            )
        share, rest = divmod(total, len(games))
        budgets = [share + (number < rest) for number in range(len(games))]
        return SamplingRun(games, samplers, budgets, n_samples)

    def _sample(self, run, seed, header, checkpoint):
        """Run until the budget is used up or the values are precise enough."""
        n_workers = effective_n_jobs(self.n_jobs)
        with Parallel(n_jobs=self.n_jobs) as parallel:
            while not self._is_precise(run):
                wave = run.next_wave(n_workers)
                if not wave:
                    break
                with self._task("coalitions"):
                    results = parallel(
                        delayed(run_block)(
                            run.games[block.game].utility,
                            run.samplers[block.game],
                            (seed, block.game),
                            block.start,
                            block.n_units,
                        )
                        for block in wave
                    )
                run.accept(wave, results, lambda: self._is_precise(run))
                self._report(run)
                checkpoint.save_if_due(header, run.to_arrays)

    def _is_precise(self, run):
        """Whether the largest standard error is below `tol` of the values' spread."""
        batches = [accumulator.n_batches for accumulator in run.accumulators]
        if self.tol is None or not run.between_rounds or min(batches) < MIN_BATCHES:
            return False
        values, errors = run.estimate()
        # A row without an estimate has no error yet: NaN compares false.
        return bool(errors.max() <= self.tol * values.std())

    def _report(self, run):
        if self.verbose:
            budget = sum(run.budgets)
            print(
                f"[{type(self).__name__}] {run.n_evaluations} of {budget} evaluations"
            )

    def _set_values(self, run, seed):
        values, errors = run.estimate()
        self._check_all_valued(values, run)
        self.data_values_ = values
        self.data_values_stderr_ = errors

    def _check_all_valued(self, values, run):
        missing = np.flatnonzero(np.isnan(values))
        if len(missing):
            raise ValueError(
                f"{len(missing)} row(s), the first of them row {missing[0]}, made no "
                f"contribution that counts in {run.n_evaluations} evaluations; raise "
                "max_evaluations."
            )


def _identity(header):
    return header["fingerprint"] | {"seed": header["seed"]}
