"""Integer seeds from scikit-learn's ``random_state``."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state


def integer_seed(random_state):
    """Seed for workers; the global random state is neither read nor moved.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An integer is returned as it is; None gives fresh entropy.

    Returns
    -------
    seed : int
        In [0, 2 ** 31 - 1).
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(np.iinfo(np.int32).max))
    check_random_state(random_state)
    return int(random_state)


def seeded(estimator, rng):
    """Clone in which every `random_state` that is None has an integer seed.

    Parameters
    ----------
    estimator : estimator
        Left as it is.

    rng : RandomState instance
        Draws the seeds, in the order of the parameter names.

    Returns
    -------
    estimator : estimator
        The clone.
    """
    seeds = {
        name: int(rng.randint(np.iinfo(np.int32).max))
        for name, value in sorted(estimator.get_params(deep=True).items())
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    }
    return clone(estimator).set_params(**seeds)
