"""The loop that samples coalitions: workers, precision, saving.

`SamplingRun` holds the state and keeps the order; here it meets the workers and the
disk. Nothing here knows what the players are, so whatever values players can run it.
"""

from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from ..utils._threads import one_thread


def run_block(game, sampler, seeds, start, n_units):
    """One task of a worker.

    Parameters
    ----------
    game : Game
        What coalitions are worth.

    sampler : sampler
        Which coalitions: a small immutable object whose `run` is a pure function of a
        game, seeds and a block's place in the run.

    seeds : tuple of int
        Identifies the run and the game in it.

    start : int
        Number of units in the blocks before this one.

    n_units : int
        Units of this block.

    Returns
    -------
    accumulator : RatioMoments or ScoreRecord
        What the block says.

    n_evaluations : int
        Coalitions that were fitted.
    """
    # Sums depend on the number of threads in their last digits.
    with one_thread():
        return sampler.run(game, seeds, start, n_units)


def sample(run, seed, *, tol, n_jobs, task, report, checkpoint, header):
    """Run until the budget is used up or the values are precise enough.

    Parameters
    ----------
    run : SamplingRun
        Where it begins, and where the results go.

    seed : int
        Of all coalitions.

    tol : float or None
        Largest standard error to stop at, in standard deviations of the values.

    n_jobs : int or None
        Joblib workers.

    task : callable
        ``with task(name):`` surrounds each wave of blocks.

    report : callable
        Called with the run after each wave.

    checkpoint : Checkpoint
        Entered; saves the state where it has a path.

    header : dict or None
        Saved with the state.
    """
    n_workers = effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs) as parallel:
        while not run.is_precise(tol):
            wave = run.next_wave(n_workers)
            if not wave:
                break
            with task("coalitions"):
                results = parallel(
                    delayed(run_block)(
                        run.games[block.game],
                        run.samplers[block.game],
                        (seed, block.game),
                        block.start,
                        block.n_units,
                    )
                    for block in wave
                )
            run.accept(wave, results, lambda: run.is_precise(tol))
            report(run)
            checkpoint.save_if_due(header, run.to_arrays)
