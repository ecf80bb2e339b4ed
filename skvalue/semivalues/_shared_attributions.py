r"""Semivalues of each held-out row's own score, from the subsets of a fit.

.. math:: \tau_{ie} = \frac{1}{n} \sum_{k=0}^{n-1} w(k)\;
          \mathbb{E}_{|S| = k,\, i \notin S} \big[v_e(S \cup i) - v_e(S)\big]

with the output :math:`v_e` of a coalition for held-out row e. The seeds of a fit give
its subsets again, in the same blocks: what is fitted on them is what was fitted then,
so that the mean over the held-out rows of `fit` is the value, not another estimate.
"""

from dataclasses import dataclass

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._coalitions.subsets import SharedSubsets
from .._validation import validate_more_rows
from ..utils._attributions import mean_over_splits
from ..utils._chunks import row_chunks
from ..utils._rows import take_rows
from ..utils._threads import one_thread
from ._row_utility import RowUtility, output_of_scoring


@dataclass(eq=False)
class DrawnSubsets:
    """The subsets that one game of a fit was sampled by.

    Attributes
    ----------
    rows : ndarray of shape (n_players,)
        Training rows that play.

    estimator : BaseEstimator
        What was fitted, with its seed.

    sampler : SharedSubsets
        What drew the subsets.

    seeds : tuple of int
        What it drew them by.

    n_units, block_size : int
        Subsets in all, and in a block.

    variance : float
        Of the held-out targets, in regression.
    """

    rows: np.ndarray
    estimator: BaseEstimator
    sampler: SharedSubsets
    seeds: tuple
    n_units: int
    block_size: int
    variance: float

    def blocks(self):
        """The blocks of the fit.

        Returns
        -------
        blocks : list of (int, int)
            First subset and number of subsets of each.
        """
        bounds = [*range(0, self.n_units, self.block_size), self.n_units]
        return list(zip(bounds[:-1], np.diff(bounds).tolist(), strict=True))


class SharedAttributions:
    """Mixin of the semivalues: what shared subsets say of single held-out rows."""

    # The subsets of each game of the last fit, where they were shared by its rows.
    _drawn = None

    def attributions(self, X_val, y_val):
        """Value of each training row for the score of each of some held-out rows.

        The row of the lowest one is what made a wrong prediction wrong. Only where
        `fit` took shared subsets, as it does for the linear models of the batched
        engine unless `sampler` says otherwise.

        Parameters
        ----------
        X_val : {array-like, dataframe} of shape (n_val, n_features)
            Held-out rows, those of `fit` or others.

        y_val : array-like of shape (n_val,)
            Their labels or real targets.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_val)
            The semivalue of each row in the game of each held-out row's own score, by
            the subsets of `fit`, whose models are fitted again; without `X_val` in
            `fit`, the mean over the folds that have the training row. The mean over the
            held-out rows of `fit` is ``data_values_``. R² is minus the squared error
            over the variance of the held-out targets of `fit`, not clipped. Labels that
            a fold lacks have probability 0.

        Raises
        ------
        ValueError
            If `fit` took no shared subsets, `scoring` is no mean over held-out rows, or
            `unit` is not ``"rows"``.
        """
        check_is_fitted(self, "data_values_")
        if self._by_groups:
            raise ValueError('attributions are of rows; fit with unit="rows".')
        classes = getattr(self, "classes_", None)
        estimator = self._estimator_or_default()
        output, is_ratio = output_of_scoring(self.scoring, estimator, classes)
        if self._drawn is None:
            raise ValueError(
                f"attributions of {type(self).__name__} are read off shared subsets, "
                "and this fit took none. They need estimator=LogisticRegression, Ridge "
                "or RidgeClassifier, where the batched engine knows its parameters and "
                'rows are dense, no sample_weight, and sampler="auto" or "shared". Use '
                "Datamodels or LeaveOneOut, which attribute by any estimator."
            )
        X_val, y_val = validate_more_rows(self, X_val, y_val, names=("X_val", "y_val"))
        blocks = self._attribution_blocks(X_val, y_val, output, is_ratio)
        return mean_over_splits(blocks, (len(self._target), len(y_val)))

    def _attribution_blocks(self, X_val, y_val, output, is_ratio):
        """Training rows, held-out rows and semivalues, a chunk of a game at a time."""
        with Parallel(n_jobs=self.n_jobs) as parallel:
            for drawn in self._drawn:
                rows = drawn.rows
                for chunk in row_chunks(len(y_val), len(rows)):
                    utility = RowUtility(
                        drawn.estimator,
                        take_rows(self._rows, rows),
                        self._target[rows],
                        take_rows(X_val, chunk),
                        y_val[chunk],
                        classes=getattr(self, "classes_", None),
                        scoring=output,
                        device=self.device,
                    )
                    total, count = self._weighted_sums(utility, drawn, parallel)
                    known = count > 0
                    found = total[known] / count[known, None]
                    if is_ratio:
                        found /= drawn.variance
                    yield rows[known], chunk, found

    def _weighted_sums(self, utility, drawn, parallel):
        """Sums over all subsets, in the order of their blocks."""
        total, count = 0.0, 0.0
        blocks, n_workers = drawn.blocks(), effective_n_jobs(self.n_jobs)
        # No more results at a time than keep the workers busy.
        for place in range(0, len(blocks), n_workers):
            results = parallel(
                delayed(_sums)(utility, drawn.sampler, drawn.seeds, *block)
                for block in blocks[place : place + n_workers]
            )
            for numerators, denominators in results:
                total, count = total + numerators, count + denominators
        return total, count

    def _set_values(self, run, seed):
        super()._set_values(run, seed)
        self._drawn = None if self._by_groups else drawn_subsets(run, seed)

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        self._drawn = None
        given = {"sample_weight": sample_weight, "groups": groups}
        super()._fit(X, y, X_val, y_val, **given)
        # Not the games, which hold the rows of every fold.
        self._rows = None if self._drawn is None else X


def drawn_subsets(run, seed):
    """What the games of a run were sampled by, where that can be read by row.

    Parameters
    ----------
    run : SamplingRun
        At its end.

    seed : int
        Of all coalitions.

    Returns
    -------
    drawn : list of DrawnSubsets or None
        One a game; None where one of them has no shared subsets.
    """
    games = list(zip(run.games, run.samplers, strict=True))
    if not all(
        isinstance(sampler, SharedSubsets) and game.shares_subsets
        for game, sampler in games
    ):
        return None
    return [
        DrawnSubsets(
            run.players[number],
            game.estimator,
            sampler,
            (seed, number),
            n_units,
            run.block_sizes[number],
            float(np.var(game.y_val)),
        )
        for number, ((game, sampler), n_units) in enumerate(
            zip(games, run.n_units(), strict=True)
        )
    ]


def _sums(utility, sampler, seeds, start, n_units):
    """Sums of one block, in a worker."""
    with one_thread():
        return sampler.sums_by_row(utility, seeds, start, n_units)
