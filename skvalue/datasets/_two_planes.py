"""The 2dplanes data of Breiman et al. (1984), whose posterior is known.

    m(x) = 3 + 3 x2 + 2 x3 + x4   where x1 = 1,
    m(x) = -3 + 3 x5 + 2 x6 + x7  where x1 = -1,

with target ``m(x) + noise * N(0, 1)`` and class 1 where the target is negative.
"""

from numbers import Integral, Real

import numpy as np
from scipy.special import ndtr
from sklearn.utils import check_array, check_random_state

from ..utils._sklearn import Interval, validate_params

N_FEATURES = 10


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "regression": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_two_planes(n_samples=1000, *, noise=1.0, regression=False, random_state=None):
    """Generate the 2dplanes data set.

    The first feature is -1 or 1, the other nine are -1, 0 or 1, all independent and
    uniform; the first chooses between two planes:

    .. math::

        m(x) = \\begin{cases}
            \\phantom{-}3 + 3 x_2 + 2 x_3 + x_4 & x_1 = 1 \\\\
            -3 + 3 x_5 + 2 x_6 + x_7 & x_1 = -1
        \\end{cases}, \\qquad
        y = m(x) + \\text{noise} \\cdot \\varepsilon,
        \\quad \\varepsilon \\sim N(0, 1).

    The class is 1 where that target is below 0, its mean. Features 8 to 10 are noise.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows, at least 1.

    noise : float, default=1.0
        Standard deviation of the target's noise, at least 0. At 1.0 the best possible
        accuracy is 0.930.

    regression : bool, default=False
        Return the target instead of its class.

    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible output.

    Returns
    -------
    X : ndarray of shape (n_samples, 10), dtype float64
        The rows.

    y : ndarray of shape (n_samples,)
        Classes 0 and 1, or real targets.

    See Also
    --------
    two_planes_posterior : The true probability of class 1.
    make_label_noise : Turns known labels wrong.

    References
    ----------
    Breiman, L., Friedman, J. H., Olshen, R. A. and Stone, C. J. (1984).
    "Classification and Regression Trees". Wadsworth, p. 238.

    Examples
    --------
    >>> from skvalue.datasets import make_two_planes
    >>> X, y = make_two_planes(6, random_state=0)
    >>> X.shape, y.tolist()
    ((6, 10), [0, 0, 1, 0, 0, 0])
    """
    rng = check_random_state(random_state)
    X = rng.randint(-1, 2, size=(n_samples, N_FEATURES)).astype(np.float64)
    X[:, 0] = 2 * rng.randint(2, size=n_samples) - 1
    target = _plane(X) + noise * rng.standard_normal(n_samples)
    return X, target if regression else (target < 0).astype(np.int64)


@validate_params(
    {"X": ["array-like"], "noise": [Interval(Real, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def two_planes_posterior(X, noise=1.0):
    """Probability of class 1 under the generator of `make_two_planes`.

    .. math:: P(y = 1 \\mid x) = \\Phi(-m(x) / \\text{noise})

    with the standard normal distribution function. It makes the Bayes-optimal
    detector of wrong labels: nothing that sees only `X` and labels ranks better.

    Parameters
    ----------
    X : array-like of shape (n_samples, 10)
        Rows as `make_two_planes` returns them, not scaled.

    noise : float, default=1.0
        Standard deviation of the target's noise, at least 0.

    Returns
    -------
    posterior : ndarray of shape (n_samples,), dtype float64
        Probabilities in [0, 1].

    Raises
    ------
    ValueError
        If `X` does not have 10 features, the first of them -1 or 1.

    See Also
    --------
    make_two_planes : The generator.

    Examples
    --------
    >>> from skvalue.datasets import two_planes_posterior
    >>> two_planes_posterior([[1, -1, 0, 0, 0, 0, 0, 0, 0, 0],
    ...                       [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]]).round(3)
    array([0.5, 0. ])
    """
    X = check_array(X, dtype=np.float64, input_name="X")
    if X.shape[1] != N_FEATURES or not (np.abs(X[:, 0]) == 1).all():
        raise ValueError(
            f"X must have {N_FEATURES} features, the first of them -1 or 1, as "
            "make_two_planes returns it (not scaled)."
        )
    plane = _plane(X)
    return (plane < 0).astype(np.float64) if noise == 0 else ndtr(-plane / noise)


def _plane(X):
    return np.where(
        X[:, 0] == 1,
        3 + X[:, 1:4] @ [3.0, 2.0, 1.0],
        -3 + X[:, 4:7] @ [3.0, 2.0, 1.0],
    )
