"""Integer seeds from scikit-learn's ``random_state``: the one way to seed."""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state


def integer_seed(random_state):
    """Seed of a fit; the global random state is neither read nor moved.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An integer is returned as it is; None gives fresh entropy.

    Returns
    -------
    seed : int
        In [0, 2 ** 32).
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(random_state, Integral):
        check_random_state(int(random_state))
        return int(random_state)
    return draw_seed(check_random_state(random_state))


def draw_seed(rng):
    """Seed of a part of a fit, from the generator of the whole.

    Parameters
    ----------
    rng : RandomState instance
        Moves on.

    Returns
    -------
    seed : int
        In [0, 2 ** 31 - 1).
    """
    return int(rng.randint(np.iinfo(np.int32).max))


def seeded(estimator, seed):
    """Clone in which every `random_state` that is None has a seed, however deep.

    Parameters
    ----------
    estimator : estimator
        Left as it is.

    seed : int
        The same for all: common random numbers wherever the clone is fitted again.

    Returns
    -------
    estimator : estimator
        The clone.
    """
    cloned = clone(estimator)
    # Not its return value: FrozenEstimator.set_params returns nothing.
    cloned.set_params(
        **{
            name: seed % 2**31
            for name, value in cloned.get_params(deep=True).items()
            if value is None
            and (name == "random_state" or name.endswith("__random_state"))
        }
    )
    return cloned
