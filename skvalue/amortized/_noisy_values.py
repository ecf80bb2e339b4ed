"""What `AmortizedShapley` learns from: two independent sets of noisy values."""

import os
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from .._coalitions.checkpoint import Checkpoint
from .._targets import tell_task
from ..semivalues import DataShapley, DistributionalShapley
from ..semivalues._base import BaseSemivalue
from ..utils._random import draw_seed, integer_seed, seeded

# Of the checkpoints of the values to train on and of those to choose by.
SUFFIXES = ("", ".validation")

# Only clones of it are fitted.
DEFAULT_SOURCE = DataShapley(sampler="single_permutation")


class NoisyValues(NamedTuple):
    """Two independent unbiased estimates of the rows' values.

    Attributes
    ----------
    first, second : ndarray of shape (n_samples,)
        To train on, and to choose by.

    n_first, n_second : int
        Evaluations that each is made of.
    """

    first: np.ndarray
    second: np.ndarray
    n_first: int
    n_second: int

    @classmethod
    def of(cls, first, second):
        """What two fitted valuators say."""
        return cls(
            first.data_values_,
            second.data_values_,
            first.n_evaluations_,
            second.n_evaluations_,
        )

    @property
    def pooled(self):
        """Mean of both, weighted by their evaluations."""
        return np.average(
            [self.first, self.second], axis=0, weights=[self.n_first, self.n_second]
        )

    @property
    def difference_variance(self):
        """Variance of the first plus variance of the second, mean over the rows."""
        return float(np.mean((self.first - self.second) ** 2))

    @property
    def pooled_variance(self):
        """Noise variance of a pooled value."""
        share = self.n_first / (self.n_first + self.n_second)
        return self.difference_variance * share * (1 - share)


def check_source(valuator):
    """The source of noisy values, or a ValueError where its values are not unbiased.

    Parameters
    ----------
    valuator : object
        What the user gave; None for the default.

    Returns
    -------
    source : BaseSemivalue or DistributionalShapley
        Unfitted.
    """
    if valuator is None:
        return DEFAULT_SOURCE
    if not isinstance(valuator, BaseSemivalue | DistributionalShapley):
        raise ValueError(
            f"valuator={valuator!r} gives no unbiased Monte-Carlo estimates; it must "
            "be DataShapley, BetaShapley, DataBanzhaf, Semivalue or "
            "DistributionalShapley."
        )
    if valuator.warm_start:
        raise ValueError(
            "valuator has warm_start=True, but there are two sets of values to go on "
            "with; set it to False, and AmortizedShapley's warm_start to True."
        )
    if getattr(valuator, "unit", "rows") != "rows":
        raise ValueError(
            f"valuator: unit={valuator.unit!r} values groups, and AmortizedShapley "
            'learns values of rows; give it unit="rows".'
        )
    if valuator.checkpoint is not None:
        for suffix in SUFFIXES:
            # The second file is needed late: what is wrong with it shows now.
            with Checkpoint(_checkpoint_of(valuator, suffix)) as checkpoint:
                checkpoint.load()
    return valuator


def _checkpoint_of(source, suffix):
    return os.fsdecode(source.checkpoint) + suffix


def resolve_state(random_state, kept):
    """Seed of a fit and states of both valuators: kept ones, or new ones.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        Of the fit.

    kept : tuple (seed, states) or None
        What an earlier fit left; None to start anew.

    Returns
    -------
    seed : int
        Of everything.

    states : list of two states or None
        See `SamplingValuator.get_state`.
    """
    if kept is None:
        return integer_seed(random_state), [None, None]
    seed, states = kept
    if isinstance(random_state, Integral) and random_state != seed:
        raise ValueError(
            f"warm_start=True: random_state={random_state}, but the fit to go on with "
            f"had {seed}; keep it, or set warm_start to False."
        )
    return seed, states


def valuator_rows(transformer, rng, X, y, X_val):
    """What the valuator sees: flat rows, or what the transformer makes of them.

    Parameters
    ----------
    transformer : transformer or None
        Cloned and fitted on the training rows.

    rng : RandomState instance
        Draws its seed.

    X : {ndarray, dataframe, sparse matrix, list} of shape (n_samples, ...)
        Training rows.

    y : ndarray of shape (n_samples,)
        Their labels.

    X_val : ndarray of shape (n_val, ...) or None
        Held-out rows.

    Returns
    -------
    X, X_val : ndarray of shape (n_rows, n_columns), or None
        Rows for the valuator.

    transformer : transformer or None
        The fitted one.
    """
    X, X_val = (
        rows.reshape(len(rows), -1) if getattr(rows, "ndim", 2) > 2 else rows
        for rows in (X, X_val)
    )
    if transformer is None:
        return X, X_val, None
    fitted = seeded(transformer, draw_seed(rng))
    columns = fitted.fit_transform(X, y)
    return columns, None if X_val is None else fitted.transform(X_val), fitted


def make_valuators(source, rng, *, warm_start, n_jobs, verbose, states, task):
    """The two valuators whose values are independent.

    Parameters
    ----------
    source : BaseSemivalue or DistributionalShapley
        What both are clones of.

    rng : RandomState instance
        Draws their seeds.

    warm_start : bool
        Whether they keep their states.

    n_jobs : int or None
        Workers, where the source has none itself.

    verbose : int
        Verbosity, where it is not 0.

    states : pair of state or None
        What they go on with.

    task : {"classification", "regression"}
        What y is, where the source does not know it.

    Returns
    -------
    first, second : BaseSemivalue or DistributionalShapley
        The second saves its state beside that of the first.
    """
    valuators = []
    for suffix, state in zip(SUFFIXES, states, strict=True):
        valuator = clone(source).set_params(random_state=draw_seed(rng))
        valuator._is_noise_expected = True
        tell_task(valuator, task)
        if source.n_jobs is None:
            valuator.set_params(n_jobs=n_jobs)
        if verbose:
            valuator.set_params(verbose=verbose)
        if source.checkpoint is not None:
            valuator.set_params(checkpoint=_checkpoint_of(source, suffix))
        if warm_start:
            valuator.set_params(warm_start=True).resume(state)
        valuators.append(valuator)
    return valuators


def limit_second(first, second, share):
    """Let the second valuator spend its share of all evaluations, or the least.

    Parameters
    ----------
    first : BaseSemivalue or DistributionalShapley
        Fitted.

    second : BaseSemivalue or DistributionalShapley
        Unfitted; its `max_evaluations` is set.

    share : float
        In (0, 1).
    """
    wanted = round(share / (1 - share) * first.n_evaluations_)
    least = getattr(first, "least_evaluations_", 1)
    second.set_params(max_evaluations=max(wanted, least))
