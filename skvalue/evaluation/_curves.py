"""What models lose or gain as rows go or come in the order of valuators' values.

Source: Ghorbani and Zou, "Data Shapley", ICML 2019.
"""

from functools import partial

import numpy as np

from ..metrics import removal_curve
from ..metrics._removal import DEFAULT_SHARES, RANDOM
from ..utils._vectors import finite_vector
from ._cells import Experiment, Lines
from ._inputs import named_estimators

ENDS = ("lowest", "highest")


def removal_experiment(
    valuators,
    datasets,
    estimator,
    *,
    first=ENDS,
    shares=None,
    scoring=None,
    noise=None,
    noise_rate=0.1,
    train_size=0.6,
    val_size=0.1,
    test_size=0.3,
    n_repeats=5,
    error_score=np.nan,
    n_jobs=None,
    random_state=None,
    memory=None,
    verbose=0,
):
    """Score models while the rows of lowest or highest value are removed first.

    Rows are drawn, made wrong and valued as in `detection_experiment`. Then clones of
    the estimator are fitted on what is left of them, and scored on test rows that took
    no part in the valuation, neither as training nor as held-out rows.

    Parameters
    ----------
    valuators : dict of str to valuator, list of valuators or valuator
        What is compared, see `detection_experiment`.

    datasets : dict of str to data set, or (X, y)
        What it is compared on, see `detection_experiment`.

    estimator : estimator or dict of str to estimator
        What is fitted and scored. Without a name it is called by its class.

    first : {"lowest", "highest"} or sequence of them, default=("lowest", "highest")
        Which values go first; a curve each.

    shares : array-like of shape (n_shares,), default=None
        Shares of the rows that are removed, in [0, 1); None: 0 to 0.5 in steps of 0.05.

    scoring : str, callable or None, default=None
        A scorer; None is the estimator's own ``score``.

    noise : {"labels", "features", "both"}, dict, list or None, default=None
        What is made wrong, see `detection_experiment`; None: nothing.

    noise_rate : float or array-like of float, default=0.1
        Share of the training rows that are made wrong, in (0, 1).

    train_size : float or int, default=0.6
        Rows to value: a share of the data set, or their number.

    val_size : float or int, default=0.1
        Rows that the valuators get as ``X_val`` and ``y_val``, likewise. With 0 they
        get none.

    test_size : float or int, default=0.3
        Rows that models are scored on, likewise. No row is in two parts.

    n_repeats : int, default=5
        Splits of each data set.

    error_score : "raise" or float, default=NaN
        What stands for the scores where a valuator or a model fails, see
        `detection_experiment`.

    n_jobs : int or None, default=None
        Valuations in parallel, each with its curves. The scores do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws rows, noise and random orders, and seeds the fits.

    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps what each task has computed, see `detection_experiment`. With
        the same sizes, rates and `random_state` the values are those of that
        experiment, and are not computed again.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Returns
    -------
    frame : DataFrame
        A line for each score, with the columns ``dataset``, ``noise``, ``noise_rate``,
        ``repeat``, ``valuator``, ``estimator``, ``action``, ``first``, ``share`` and
        ``score``. The action is ``"remove"``; the valuator ``"random"`` stands for
        random orders. `RemovalCurveDisplay.from_experiment` draws it.

    Raises
    ------
    ImportError
        If pandas is not installed.

    ValueError
        If an argument is not usable; the message names it. If all valuations fail.

    See Also
    --------
    addition_experiment : The same while rows are added.
    skvalue.metrics.removal_curve : Computes a curve.
    skvalue.inspection.RemovalCurveDisplay : Draws the curves.

    References
    ----------
    Ghorbani, A. and Zou, J. (2019). "Data Shapley: Equitable Valuation of Data for
    Machine Learning". International Conference on Machine Learning.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skvalue import KNNShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.evaluation import removal_experiment
    >>> frame = removal_experiment(
    ...     KNNShapley(),
    ...     {"2dplanes": make_two_planes(300, random_state=0)},
    ...     KNeighborsClassifier(),
    ...     noise="labels",
    ...     noise_rate=0.3,
    ...     shares=[0, 0.3],
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> means = frame.groupby(["valuator", "first", "share"])["score"].mean()
    >>> float(means["KNNShapley", "lowest"].idxmax())
    0.3
    """
    # All arguments go on by their names.
    return _curves("remove", **locals())


def addition_experiment(
    valuators,
    datasets,
    estimator,
    *,
    first=ENDS,
    shares=None,
    scoring=None,
    noise=None,
    noise_rate=0.1,
    train_size=0.6,
    val_size=0.1,
    test_size=0.3,
    n_repeats=5,
    error_score=np.nan,
    n_jobs=None,
    random_state=None,
    memory=None,
    verbose=0,
):
    """Score models while the rows of lowest or highest value are added first.

    Everything but the order is as in `removal_experiment`.

    Parameters
    ----------
    valuators : dict of str to valuator, list of valuators or valuator
        What is compared, see `detection_experiment`.

    datasets : dict of str to data set, or (X, y)
        What it is compared on, see `detection_experiment`.

    estimator : estimator or dict of str to estimator
        What is fitted and scored. Without a name it is called by its class.

    first : {"lowest", "highest"} or sequence of them, default=("lowest", "highest")
        Which values come first; a curve each.

    shares : array-like of shape (n_shares,), default=None
        Shares of the rows that are added, in (0, 1]; None: 0.05 to 0.5 in steps of
        0.05.

    scoring : str, callable or None, default=None
        A scorer; None is the estimator's own ``score``.

    noise : {"labels", "features", "both"}, dict, list or None, default=None
        What is made wrong, see `detection_experiment`; None: nothing.

    noise_rate : float or array-like of float, default=0.1
        Share of the training rows that are made wrong, in (0, 1).

    train_size, val_size, test_size : float or int
        Sizes of the parts, as in `removal_experiment`.

    n_repeats : int, default=5
        Splits of each data set.

    error_score : "raise" or float, default=NaN
        What stands for the scores where a valuator or a model fails, see
        `detection_experiment`.

    n_jobs : int or None, default=None
        Valuations in parallel, each with its curves. The scores do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws rows, noise and random orders, and seeds the fits.

    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps what each task has computed, as in `removal_experiment`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Returns
    -------
    frame : DataFrame
        As `removal_experiment` returns it, but for the action ``"add"``.

    Raises
    ------
    ImportError
        If pandas is not installed.

    ValueError
        If an argument is not usable; the message names it. If all valuations fail.

    See Also
    --------
    removal_experiment : The same while rows are removed.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skvalue import KNNShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.evaluation import addition_experiment
    >>> frame = addition_experiment(
    ...     KNNShapley(),
    ...     {"2dplanes": make_two_planes(300, random_state=0)},
    ...     KNeighborsClassifier(),
    ...     shares=[0.2],
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> means = frame.groupby(["valuator", "first"])["score"].mean()
    >>> bool(means["KNNShapley", "highest"] > means["KNNShapley", "lowest"])
    True
    """
    # All arguments go on by their names.
    return _curves("add", **locals())


def _curves(action, *, estimator, first, shares, scoring, **options):
    ends = (first,) if isinstance(first, str) else tuple(first)
    if not ends or not set(ends) <= set(ENDS) or len(set(ends)) < len(ends):
        raise ValueError(f"first={first!r} must be of {ENDS[0]!r} and {ENDS[1]!r}.")
    shares = (
        DEFAULT_SHARES[action] if shares is None else finite_vector(shares, "shares")
    )
    estimators = named_estimators(estimator)
    who = {"remove": "removal_experiment", "add": "addition_experiment"}[action]
    experiment = Experiment(
        who, options, references=[RANDOM], estimators=estimators.values()
    )
    keys = [
        {"estimator": name, "action": action, "first": end, "share": share}
        for name in estimators
        for end in ends
        for share in shares.tolist()
    ]
    measure = partial(_score, action, ends, shares, list(estimators.values()), scoring)
    (frame,) = experiment.run(measure, Lines(keys, ["score"]))
    return frame


def _score(action, ends, shares, estimators, scoring, problem, name, value):
    if name == RANDOM:
        rng = np.random.RandomState(problem.seed)
        orders = [rng.permutation(len(problem.y)) for _ in ends]
    else:
        values = value(problem).values
        orders = [values if end == "lowest" else -values for end in ends]
    lines = []
    for estimator in estimators:
        _, scores = removal_curve(
            estimator,
            problem.X,
            problem.y,
            problem.X_test,
            problem.y_test,
            np.array(orders, dtype=np.float64),
            action=action,
            shares=shares,
            scoring=scoring,
            random_state=problem.seed,
        )
        lines += [{"score": score} for score in scores.ravel().tolist()]
    return (lines,)
