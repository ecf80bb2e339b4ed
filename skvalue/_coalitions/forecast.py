"""What a budget will take, told before it is spent.

Only for people: nothing that is computed depends on it, since clocks differ.
"""

import time
import warnings

import numpy as np
from joblib import effective_n_jobs

from .run import unit_operations

# Seconds from which a budget is announced.
LONG = 60.0
# Multiplications a second of one thread, in the products of the batched engine.
RATE = 1e10
# Where a fit is not announced it is not timed either: fewer than these are not worth
# another.
LEAST_TIMED = 50


def warn_of_long_budget(run, name, n_jobs):
    """Warn where the budget of a run may take more than a minute.

    A refit is timed by one on all rows, a fit of the batched engine that gives all
    contributions by its multiplications.

    Parameters
    ----------
    run : SamplingRun
        Before it starts.

    name : str
        Who spends the budget.

    n_jobs : int or None
        Joblib workers.
    """
    if run.used.any():
        # Who goes on has seen what it takes.
        return
    seconds = sum(
        _seconds(game, sampler, budget)
        for game, sampler, budget in zip(
            run.games, run.samplers, run.budgets, strict=True
        )
    )
    seconds /= effective_n_jobs(n_jobs)
    if seconds > LONG:
        warnings.warn(
            f"{name}: {sum(run.budgets)} fits of coalitions may take "
            f"{_readable(seconds)}. max_evaluations, tol or n_jobs make it less; a "
            "checkpoint keeps what is done.",
            UserWarning,
            stacklevel=2,
        )


def _seconds(game, sampler, n_fits):
    """CPU seconds that fits of one game may take at most; 0 where they are fast."""
    if n_fits < LEAST_TIMED:
        return 0.0
    if not game.is_batched:
        return n_fits * _timed(game, n_fits)
    return n_fits / sampler.unit_cost(game) * unit_operations(sampler, game) / RATE


def _timed(game, n_fits):
    """CPU seconds of a refit on all rows, the lesser of two where that is long."""
    everyone, spent = np.arange(game.n_players), np.inf
    for _ in range(2):
        start = time.process_time()
        game.value(everyone)
        spent = min(spent, time.process_time() - start)
        # The first fit may import what later ones find.
        if n_fits * spent <= LONG / 10:
            break
    return spent


def _readable(seconds):
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
