"""What `AmortizedShapley` learns from: two independent sets of noisy values."""

import os
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier

from .._coalitions.checkpoint import Checkpoint
from .._linear_engine import MAX_JOINT_PARAMETERS
from .._targets import tell_task
from ..base import BaseValuator
from ..semivalues import DataShapley, DistributionalShapley
from ..semivalues._base import BaseSemivalue
from ..utils._random import draw_seed, integer_seed, seeded

# Of the checkpoints of the values to train on and of those to choose by.
SUFFIXES = ("", ".validation")

# Only clones of these are fitted. Walks of a linear model of two classes, or of a real
# target, cost thousandths of a refit; a step of a walk among several classes costs more
# than a tenth of one, and one fit that all rows share no more than a few steps.
DEFAULT_SOURCE = DataShapley(sampler="single_permutation")
SHARED_SOURCE = DataShapley(sampler="shared", tol=None, max_evaluations=75)
# Beyond the parameters up to which multinomial models share subsets.
RIDGE_SOURCE = DataShapley(
    RidgeClassifier(), sampler="shared", tol=None, max_evaluations=500
)


def default_source(n_classes, n_columns):
    """The cheapest source of noisy values with a default estimator.

    Parameters
    ----------
    n_classes : int or None
        None: regression.

    n_columns : int
        Of the numbers that the rows are.

    Returns
    -------
    source : DataShapley
        Unfitted.
    """
    if n_classes is None or n_classes <= 2:
        return DEFAULT_SOURCE
    joint = n_classes * (n_columns + 1)
    return SHARED_SOURCE if joint <= MAX_JOINT_PARAMETERS else RIDGE_SOURCE


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
            evaluations_of(first),
            evaluations_of(second),
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
        What the user gave.

    Returns
    -------
    source : object
        Unfitted.
    """
    if not isinstance(valuator, BaseSemivalue | DistributionalShapley):
        if not _is_oracle(valuator):
            raise ValueError(
                f"valuator={valuator!r} gives no unbiased Monte-Carlo estimates; it "
                "must be DataShapley, BetaShapley, DataBanzhaf, Semivalue, "
                "DistributionalShapley, or an object of yours with fit, get_params and "
                "set_params, and parameters max_evaluations and random_state."
            )
        return valuator
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


def _is_oracle(valuator):
    """Whether an object that is none of this library can be asked for values."""
    if isinstance(valuator, BaseValuator) or not hasattr(valuator, "get_params"):
        return False
    return {"max_evaluations", "random_state"} <= set(valuator.get_params(deep=False))


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
        known = valuator.get_params(deep=False)
        if "n_jobs" in known and source.n_jobs is None:
            valuator.set_params(n_jobs=n_jobs)
        if verbose and "verbose" in known:
            valuator.set_params(verbose=verbose)
        if getattr(source, "checkpoint", None) is not None:
            valuator.set_params(checkpoint=_checkpoint_of(source, suffix))
        if warm_start and hasattr(valuator, "resume"):
            valuator.set_params(warm_start=True).resume(state)
        valuators.append(valuator)
    return valuators


def evaluations_of(valuator):
    """Fits that the values of a fitted source are made of."""
    used = getattr(valuator, "n_evaluations_", None)
    return valuator.max_evaluations if used is None else used


def value_twice(source, X, y, X_val, y_val, *, rng, task, share, fitting, **settings):
    """Both valuators, fitted to the same rows with seeds of their own.

    Parameters
    ----------
    source : object
        What they are clones of.

    X, y, X_val, y_val : objects
        Rows and labels, held-out ones or None.

    rng : RandomState instance
        Draws their seeds.

    task : {"classification", "regression"}
        What y is.

    share : float
        Of all evaluations, for the second.

    fitting : callable
        ``with fitting(name):`` surrounds each fit.

    **settings
        Of `make_valuators`; ``given``, further arguments of ``fit``.

    Returns
    -------
    first, second : object
        Fitted.
    """
    given = settings.pop("given")
    if X_val is not None:
        given = given | {"X_val": X_val, "y_val": y_val}
    first, second = make_valuators(source, rng, task=task, **settings)
    with fitting("noisy values"):
        first.fit(X, y, **given)
    limit_second(first, second, share)
    with fitting("independent noisy values"):
        second.fit(X, y, **given)
    return first, second


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
    wanted = round(share / (1 - share) * evaluations_of(first))
    least = getattr(first, "least_evaluations_", 1)
    second.set_params(max_evaluations=max(wanted, least))
