"""The outputs of models trained on random subsets, and their sums.

Workers train; subsets are drawn from seeds of their own, and what comes back is added
up in order: neither the number of workers nor the blocks change a digit of the rest.
"""

from typing import NamedTuple

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from ..utils._threads import one_thread
from ._contribution_moments import ContributionMoments
from ._estimates import OutputMoments


class Sample(NamedTuple):
    """What subsets gave.

    Attributes
    ----------
    moments : OutputMoments or ContributionMoments
        Of all subsets.

    first, held_out : OutputMoments, ContributionMoments or None
        Of those that are not held out, and of those that are.

    masks : ndarray of shape (n_subsets, n_samples), dtype bool, or None
        The subsets, where they are kept.

    outputs : ndarray of shape (n_subsets, n_targets) or None
        Their outputs.
    """

    moments: OutputMoments | ContributionMoments
    first: OutputMoments | ContributionMoments | None
    held_out: OutputMoments | ContributionMoments | None
    masks: np.ndarray | None
    outputs: np.ndarray | None


def resolve_method(method, utility, draws):
    """The method that ``"auto"`` stands for; any other if it is possible.

    Parameters
    ----------
    method : str
        Of `Datamodels`.

    utility : RowUtility
        What subsets give.

    draws : SubsetDraws
        Which subsets.

    Returns
    -------
    method : str
        Not "auto".
    """
    can_share = utility.shares_subsets and draws.subset_size is None
    if method == "auto":
        return "shared" if can_share else "closed_form"
    if method == "shared" and not can_share:
        raise ValueError(
            'method="shared" needs subset_size=None and a linear model that the '
            'batched engine fits (see DataShapley); use "closed_form".'
        )
    return method


def sample_outputs(
    utility, draws, seed, n_subsets, *, shared, held_out_share, keeps, n_jobs, progress
):
    """Train on subsets, and add up what the models give for the targets.

    Parameters
    ----------
    utility : RowUtility
        What subsets give.

    draws : SubsetDraws
        Which subsets.

    seed : int
        Of the subsets.

    n_subsets : int
        Their number.

    shared : bool
        Whether each subset gives the contributions of all rows.

    held_out_share : float
        Share of them whose sums are kept by themselves; 0: none.

    keeps : bool
        Whether subsets and outputs are kept too.

    n_jobs : int or None
        Workers.

    progress : Progress
        Counts subsets.

    Returns
    -------
    sample : Sample
        The sums.
    """
    n_first = n_subsets - int(held_out_share * n_subsets)
    size = utility.block_size("in_out" if shared else "scores")
    work, of_sums = _outputs, OutputMoments
    if shared:
        work, of_sums = _contributions, ContributionMoments
    # Blocks end where the held-out subsets begin.
    bounds = sorted({*range(0, n_subsets, size), n_first, n_subsets})
    blocks = list(zip(bounds[:-1], np.diff(bounds), strict=True))
    sums, records = [], []
    n_workers = effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs) as parallel:
        # No more results at a time than keep the workers busy.
        for place in range(0, len(blocks), n_workers):
            wave = blocks[place : place + n_workers]
            results = parallel(
                delayed(work)(utility, draws, seed, *block) for block in wave
            )
            for (start, count), result in zip(wave, results, strict=True):
                masks, outputs = draws.masks(seed, start, count), result[0]
                if not sums or (start == n_first and held_out_share):
                    origin = sums[0].origin if sums else outputs.mean(axis=0)
                    sums.append(of_sums(draws, len(origin), origin))
                with one_thread():
                    sums[-1].add(masks, *result)
                if keeps:
                    records.append((masks, outputs))
                progress.update(start + count)
    progress.finish()
    kept = [np.concatenate(part) for part in zip(*records, strict=True)]
    if not held_out_share:
        return Sample(sums[0], None, None, *(kept or (None, None)))
    return Sample(sums[0].joined(sums[1]), *sums, *(kept or (None, None)))


def _outputs(utility, draws, seed, start, n_subsets):
    """Outputs of a block of subsets, in a worker."""
    masks = draws.masks(seed, start, n_subsets)
    with one_thread():
        return (utility.scores(masks),)


def _contributions(utility, draws, seed, start, n_subsets):
    """The same, and sums over them of the rows' contributions and their squares."""
    masks = draws.masks(seed, start, n_subsets)
    with one_thread():
        contributions = utility.in_out(masks)
        sums = contributions.sum(axis=0)
        np.square(contributions, out=contributions)
        return utility.scores(masks), sums, contributions.sum(axis=0)
