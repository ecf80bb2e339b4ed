"""The valuators whose values `AmortizedShapley` learns from."""

from sklearn.base import clone

from .semivalues import DataShapley, DistributionalShapley
from .semivalues._base import BaseSemivalue


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
        return DataShapley(sampler="permutation")
    if not isinstance(valuator, BaseSemivalue | DistributionalShapley):
        raise ValueError(
            f"valuator={valuator!r} gives no unbiased Monte-Carlo estimates; it must "
            "be DataShapley, BetaShapley, DataBanzhaf, Semivalue or "
            "DistributionalShapley."
        )
    if valuator.warm_start:
        raise ValueError(
            "valuator has warm_start=True, but both sets of labels are drawn anew in "
            "every fit; set it to False."
        )
    return valuator


def label_valuators(source, rng, n_jobs, verbose):
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

    Yields
    ------
    valuator : BaseSemivalue or DistributionalShapley
        The second one takes the least budget where its own does not buy it, and saves
        its state beside that of the first.
    """
    seeds = rng.randint(2**31 - 1, size=2)
    for seed, suffix in zip(seeds, ("", ".validation"), strict=True):
        valuator = clone(source).set_params(random_state=int(seed))
        if source.n_jobs is None:
            valuator.set_params(n_jobs=n_jobs)
        if verbose:
            valuator.set_params(verbose=verbose)
        if source.checkpoint is not None:
            valuator.set_params(checkpoint=f"{source.checkpoint}{suffix}")
        valuator._least_budget_is_enough = bool(suffix)
        yield valuator
