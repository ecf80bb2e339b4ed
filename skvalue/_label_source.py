"""The valuators whose values `AmortizedShapley` learns from."""

import os
from numbers import Integral

from sklearn.base import clone

from ._checkpoint import Checkpoint
from .semivalues import DataShapley, DistributionalShapley
from .semivalues._base import BaseSemivalue
from .utils._random import integer_seed, seeded

# Of the checkpoints of the labels and of those that judge the models.
SUFFIXES = ("", ".validation")


def check_source(valuator):
    """The source of labels, or a ValueError where its values are not unbiased.

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
        return DataShapley(sampler="single_permutation")
    if not isinstance(valuator, BaseSemivalue | DistributionalShapley):
        raise ValueError(
            f"valuator={valuator!r} gives no unbiased Monte-Carlo estimates; it must "
            "be DataShapley, BetaShapley, DataBanzhaf, Semivalue or "
            "DistributionalShapley."
        )
    if valuator.warm_start:
        raise ValueError(
            "valuator has warm_start=True, but there are two sets of labels to go on "
            "with; set it to False, and AmortizedShapley's warm_start to True."
        )
    if valuator.checkpoint is not None:
        for suffix in SUFFIXES:
            # The second file is needed late: what is wrong with it shows now.
            with Checkpoint(_checkpoint_of(valuator, suffix)) as checkpoint:
                checkpoint.load()
    return valuator


def _checkpoint_of(source, suffix):
    return os.fsdecode(source.checkpoint) + suffix


def resolve_seed(random_state, kept):
    """Seed of a fit: that of the kept fit which it goes on with, or a new one."""
    if kept is None:
        return integer_seed(random_state)
    seed, _ = kept
    if isinstance(random_state, Integral) and random_state != seed:
        raise ValueError(
            f"warm_start=True: random_state={random_state}, but the fit to go on with "
            f"had {seed}; keep it, or set warm_start to False."
        )
    return seed


def label_rows(transformer, rng, X, y, X_val):
    """What the label valuator sees: flat rows, or what the transformer makes of them.

    Parameters
    ----------
    transformer : transformer or None
        Cloned and fitted on the training rows.

    rng : RandomState instance
        Draws its seeds.

    X : ndarray of shape (n_samples, ...)
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
        rows if rows is None or rows.ndim == 2 else rows.reshape(len(rows), -1)
        for rows in (X, X_val)
    )
    if transformer is None:
        return X, X_val, None
    fitted = seeded(transformer, rng)
    columns = fitted.fit_transform(X, y)
    return columns, None if X_val is None else fitted.transform(X_val), fitted


def label_valuators(source, rng, n_jobs, verbose, states):
    """The two valuators of independent labels.

    Parameters
    ----------
    source : BaseSemivalue or DistributionalShapley
        What both are clones of.

    rng : RandomState instance
        Draws their seeds.

    n_jobs : int or None
        Workers, where the source has none itself.

    verbose : int
        Verbosity, where it is not 0.

    states : list of two states, or None
        What they go on with; a state of None is the beginning of one that is kept.

    Yields
    ------
    valuator : BaseSemivalue or DistributionalShapley
        The second one takes the least budget where its own does not buy it, and saves
        its state beside that of the first.
    """
    seeds = rng.randint(2**31 - 1, size=2)
    for number, (seed, suffix) in enumerate(zip(seeds, SUFFIXES, strict=True)):
        valuator = clone(source).set_params(random_state=int(seed))
        if source.n_jobs is None:
            valuator.set_params(n_jobs=n_jobs)
        if verbose:
            valuator.set_params(verbose=verbose)
        if source.checkpoint is not None:
            valuator.set_params(checkpoint=_checkpoint_of(source, suffix))
        if states is not None:
            valuator.set_params(warm_start=True)
            valuator._saved = states[number]
        valuator._least_budget_is_enough = bool(suffix)
        yield valuator
