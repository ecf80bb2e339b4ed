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
from ._estimates import LASSO_FOLDS, OutputMoments
from ._subset_sums import SubsetSums

DEFAULT_EVALUATIONS = {"shared": 200}


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


def n_subsets_of(method, max_evaluations, alpha):
    """Subsets that a method is given.

    Parameters
    ----------
    method : str
        Not "auto".

    max_evaluations : int or "auto"
        Of `Datamodels`.

    alpha : float or "cv"
        Penalty of the regressions.

    Returns
    -------
    n_subsets : int
        Enough for the method.
    """
    if max_evaluations == "auto":
        return DEFAULT_EVALUATIONS.get(method, 1000)
    if method == "lasso" and alpha == "cv" and max_evaluations < LASSO_FOLDS:
        raise ValueError(
            f"max_evaluations={max_evaluations} leaves too few subsets to choose a "
            f'penalty by; give alpha="cv" at least {LASSO_FOLDS}, or alpha a number.'
        )
    return int(max_evaluations)


class OutputSampling:
    """Trains on subsets, and adds up what the models give for the targets.

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

    Attributes
    ----------
    sums : SubsetSums
        Of the subsets so far; restored to go on with an earlier fit.
    """

    def __init__(
        self, utility, draws, seed, n_subsets, *, shared, held_out_share, keeps
    ):
        self.utility, self.draws, self.seed = utility, draws, seed
        self.work, of_sums = _outputs, OutputMoments
        if shared:
            self.work, of_sums = _contributions, ContributionMoments
        size = utility.block_size("in_out" if shared else "scores")
        bounds, n_first = {*range(0, n_subsets, size), n_subsets}, None
        if held_out_share:
            # Blocks end where the held-out subsets begin.
            n_first = n_subsets - int(held_out_share * n_subsets)
            bounds.add(n_first)
        bounds = sorted(bounds)
        self.blocks = list(zip(bounds[:-1], np.diff(bounds).tolist(), strict=True))
        # A longer fit has no such last block; with held-out subsets there is none.
        self.least = 1 if held_out_share else size
        n_targets = len(utility.y_val)
        self.sums = SubsetSums(draws, of_sums, n_targets, n_first, keeps)

    def run(self, n_jobs, progress, checkpoint, header):
        """Go through the subsets that are not in the sums yet.

        Parameters
        ----------
        n_jobs : int or None
            Workers.

        progress : Progress
            Counts subsets.

        checkpoint : Checkpoint
            Entered; saves the sums of whole blocks where it has a path.

        header : dict or None
            Saved with them.

        Returns
        -------
        sample : Sample
            What all subsets gave.
        """
        sums, n_workers = self.sums, effective_n_jobs(n_jobs)
        left = [block for block in self.blocks if block[0] >= sums.n_subsets]
        with Parallel(n_jobs=n_jobs) as parallel:
            # No more results at a time than keep the workers busy.
            for place in range(0, len(left), n_workers):
                wave = left[place : place + n_workers]
                results = parallel(
                    delayed(self.work)(self.utility, self.draws, self.seed, *block)
                    for block in wave
                )
                whole = [start for start, count in wave if count >= self.least]
                for (start, count), result in zip(wave, results, strict=True):
                    sums.add(start, self.draws.masks(self.seed, start, count), *result)
                    if whole and start == whole[-1]:
                        checkpoint.save_if_due(header, sums.to_arrays)
                    progress.update(start + count)
        progress.finish()
        return self._sample()

    def _sample(self):
        sums, masks = self.sums, None
        if sums.keeps:
            masks = self.draws.masks(self.seed, 0, sums.n_subsets)
        if sums.n_first is None:
            return Sample(sums.moments[0], None, None, masks, sums.outputs())
        first, held_out = sums.moments
        return Sample(first.joined(held_out), first, held_out, masks, sums.outputs())


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
