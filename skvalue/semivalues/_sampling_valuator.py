"""The base of every valuator that samples coalitions: budget, precision, continuing.

`skvalue._coalitions` runs the sampling; here it meets the constructor's parameters and
the rows. What ``warm_start`` continues is what ``checkpoint`` saves.
"""

import os
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from .._coalitions.checkpoint import Checkpoint
from .._coalitions.enumeration import worth_of_all
from .._coalitions.fingerprint import check_same_run, fingerprint
from .._coalitions.forecast import warn_of_long_budget
from .._coalitions.precision import (
    AUTO_TOL,
    needed_evaluations,
    relative_error,
    warn_unless_precise,
)
from .._coalitions.run import SamplingRun
from .._coalitions.runner import sample
from ..utils._folds import average_over_splits
from ..utils._random import integer_seed
from ..utils._sklearn import Interval, StrOptions
from ._game_valuator import GameValuator

# Players of a game of groups whose coalitions are all fitted: 4096 of them.
MOST_ENUMERATED = 12

# Parameters that decide how long, how fast or how loudly, but not what is computed.
NOT_IN_FINGERPRINT = {
    "max_evaluations",
    "tol",
    "drop",
    "warm_start",
    "checkpoint",
    "checkpoint_interval",
    "memory",
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
    sampled also `_set_values`; one whose players may be groups also `_exact_values`.
    """

    _parameter_constraints = {
        **GameValuator._parameter_constraints,
        "max_evaluations": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"}), None],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_interval": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        scoring=None,
        max_evaluations=None,
        tol="auto",
        cv=5,
        task="auto",
        encoder="auto",
        drop="auto",
        warm_start=False,
        checkpoint=None,
        checkpoint_interval=60.0,
        device="cpu",
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            estimator,
            scoring=scoring,
            cv=cv,
            task=task,
            encoder=encoder,
            drop=drop,
            device=device,
            n_jobs=n_jobs,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.max_evaluations = max_evaluations
        self.tol = tol
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_interval = checkpoint_interval

    # Units of the sampler that a game needs for values at all.
    _least_units = 1
    # What the next fit goes on with.
    _state = None
    # Whether somebody else uses the values as noisy ones, and says how noisy they are.
    _is_noise_expected = False

    def _make_sampler(self, utility):
        """Sampler of coalitions of one game; raises where the game is too small."""
        raise NotImplementedError

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        with Checkpoint(self.checkpoint, self.checkpoint_interval) as checkpoint:
            states = self._find_states(checkpoint)
            seed = (
                states[0].header["seed"] if states else integer_seed(self.random_state)
            )
            games, players, rows = self._make_games(
                X, y, X_val, y_val, seed, sample_weight, groups
            )
            if self._enumerates(games):
                self._state = None
                self._enumerate(games, players)
                return
            run = SamplingRun(
                games,
                [self._make_sampler(game) for game in games],
                players,
                self._n_players,
                max_evaluations=self.max_evaluations,
                least_units=self._least_units,
            )
            header = None
            if self.warm_start or self.checkpoint is not None:
                data = {"X": X, "y": y, "X_val": X_val, "y_val": y_val}
                if sample_weight is not None:
                    data["sample_weight"] = sample_weight
                if self._by_groups:
                    data["groups"] = self._group_codes
                header = self._header(data, rows, seed)
                _go_on(run, states, header)
            warn_of_long_budget(run, type(self).__name__, self.n_jobs)
            progress = self._progress(
                sum(run.budgets), "evaluations", done=run.n_evaluations
            )
            sample(
                run,
                seed,
                tol=self._tol,
                n_jobs=self.n_jobs,
                task=self._task,
                report=lambda run: self._report(run, progress),
                checkpoint=checkpoint,
                header=header,
            )
            self._state = (header, run.to_arrays()) if self.warm_start else None
            self._set_values(run, seed)
            self.n_evaluations_ = run.n_evaluations
            self.least_evaluations_ = run.least_evaluations
            progress.finish(lambda: _precision(run))
            if run.has_errors:
                self.history_ = run.history()
                if not self._is_noise_expected:
                    warn_unless_precise(
                        type(self).__name__, run, self.tol, self.max_evaluations
                    )

    @property
    def _tol(self):
        return AUTO_TOL if self.tol == "auto" else self.tol

    # ------------------------------------------------------------ going on, saving

    def get_state(self):
        """Get what another valuator needs to go on from here.

        Returns
        -------
        state : object
            For `resume` of a valuator with the same parameters; None where this one
            was not fitted with ``warm_start=True``.
        """
        return self._state

    def resume(self, state):
        """Let the next `fit`, with ``warm_start=True``, go on from a state.

        Parameters
        ----------
        state : object
            What `get_state` returned; None to start anew.

        Returns
        -------
        self : object
            The valuator; `fit` raises where the state is that of another run.
        """
        self._state = state
        return self

    def _find_states(self, checkpoint):
        """What this fit may go on with: the last fit of this object, the file."""
        states = []
        if self.warm_start and self._state is not None:
            states.append(SavedState("warm_start=True: the fitted state", *self._state))
        header, arrays = checkpoint.load()
        if header is not None:
            source = f"checkpoint={os.fsdecode(self.checkpoint)!r}"
            states.append(SavedState(source, header, arrays))
        return states

    # ---------------------------------------------------------------- few groups

    def _enumerates(self, games):
        """Whether every coalition of these games can be paid for."""
        if not self._by_groups or getattr(self, "sampler", "auto") != "auto":
            return False
        sizes = [game.n_players for game in games]
        if max(sizes) > MOST_ENUMERATED:
            return False
        cost = sum(2**size for size in sizes)
        return self.max_evaluations is None or cost <= self.max_evaluations

    def _enumerate(self, games, players):
        """Set exact values, from the worth of every coalition."""
        values, n_evaluations = [], sum(2**game.n_players for game in games)
        progress = self._progress(n_evaluations, "evaluations")
        for game in games:
            with self._task("coalitions"):
                worth = worth_of_all(game, self.n_jobs)
            values.append(self._exact_values(worth, game.n_players))
            progress.update(progress.done + len(worth))
        progress.finish()
        values = average_over_splits(players, values, self._n_players)
        self.n_evaluations_ = self.least_evaluations_ = n_evaluations
        self._keep_exact_values(values)

    def _exact_values(self, worth, n_players):
        """Values of one game's players from the worth of every coalition."""
        raise NotImplementedError

    def _keep_exact_values(self, values):
        self._keep_values(values, np.zeros(len(values)))
        exact = {"max_stderr": 0.0, "rank_correlation": np.nan}
        self.history_ = [{"evaluations": self.n_evaluations_} | exact]

    # ------------------------------------------------------------ the fingerprint

    def _header(self, data, rows, seed):
        """What a later fit must share with this one to continue it, and the seed."""
        data["folds"] = np.concatenate(rows)
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

    # ------------------------------------------------------------------- reporting

    def _report(self, run, progress):
        total = progress.total
        if self.verbose and run.has_errors and run.is_due and self._tol:
            values, errors = run.estimate()
            now = run.n_evaluations, values, errors
            total = min(
                total, needed_evaluations(*now, errors.max(), self._tol) or total
            )
        progress.update(run.n_evaluations, lambda: _precision(run), total)

    def _set_values(self, run, seed):
        values, errors = run.estimate()
        self._check_all_valued(values, run)
        self._keep_values(values, errors)

    def _check_all_valued(self, values, run):
        missing = np.flatnonzero(np.isnan(values))
        if len(missing):
            kind = "group" if self._by_groups else "row"
            raise ValueError(
                f"{len(missing)} {kind}(s), the first of them {kind} {missing[0]}, "
                f"made no contribution that counts in {run.n_evaluations} evaluations; "
                "raise max_evaluations."
            )


def _go_on(run, states, header):
    """Restore the state that is further on; all must be of this run."""
    for state in states:
        check_same_run(_identity(state.header), _identity(header), state.source)
    if states:
        run.restore(max(states, key=lambda s: s.arrays["used"].sum()).arrays)


def _precision(run):
    """What a line of progress says of the values so far."""
    if not run.has_errors:
        return ""
    largest = relative_error(*run.estimate())
    return f"largest standard error {largest:.2g} of the values' spread"


def _identity(header):
    return header["fingerprint"] | {"seed": header["seed"]}
