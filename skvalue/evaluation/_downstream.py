"""What a model gains when the rows that valuators drop are left out."""

from functools import partial

import numpy as np

from ..metrics import removal_curve
from ._cells import Experiment, Lines
from ._inputs import named_estimators

ALL, RIGHT = "no cleaning", "perfect removal"


def downstream_experiment(
    valuators,
    datasets,
    estimator,
    *,
    scoring=None,
    noise="labels",
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
    """Score models that are fitted on the rows that valuators keep.

    Rows are drawn, made wrong and valued as in `detection_experiment`. Then clones of
    the estimator are fitted on the rows that the valuator's `drop` keeps, on all rows,
    and on those that were not made wrong; they are scored on test rows that took no
    part in the valuation.

    Parameters
    ----------
    valuators : dict of str to valuator, list of valuators or valuator
        What is compared, see `detection_experiment`; their `drop` counts.

    datasets : dict of str to data set, or (X, y)
        What it is compared on, see `detection_experiment`.

    estimator : estimator or dict of str to estimator
        What is fitted and scored. Without a name it is called by its class.

    scoring : str, callable or None, default=None
        A scorer; None is the estimator's own ``score``.

    noise : {"labels", "features", "both"}, dict, list or None, default="labels"
        What is made wrong, see `detection_experiment`; None: nothing.

    noise_rate : float or array-like of float, default=0.1
        Share of the training rows that are made wrong, in (0, 1).

    train_size, val_size, test_size : float or int
        Sizes of the parts, as in `removal_experiment`.

    n_repeats : int, default=5
        Splits of each data set.

    error_score : "raise" or float, default=NaN
        What stands for the figures where a valuator or a model fails, see
        `detection_experiment`.

    n_jobs : int or None, default=None
        Valuations in parallel. The scores do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws rows and noise, and seeds the fits.

    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps what each task has computed, see `detection_experiment`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Returns
    -------
    frame : DataFrame
        A line for each model, with the columns ``dataset``, ``noise``, ``noise_rate``,
        ``repeat``, ``valuator``, ``estimator``, ``score``, ``dropped`` (share of the
        training rows) and ``dropped_wrong`` (share of the wrong rows; NaN without any).
        Two more valuators are for comparison, ``"no cleaning"`` and ``"perfect
        removal"``.

    Raises
    ------
    ImportError
        If pandas is not installed.

    ValueError
        If an argument is not usable; the message names it. If all valuations fail.

    See Also
    --------
    removal_experiment : Scores for every share of rows removed.
    skvalue.CuratedEstimator : Such a model, for use.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skvalue import KNNShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.evaluation import downstream_experiment
    >>> frame = downstream_experiment(
    ...     KNNShapley(drop=0.3),
    ...     make_two_planes(300, random_state=0),
    ...     KNeighborsClassifier(),
    ...     noise_rate=0.3,
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> means = frame.groupby("valuator")["score"].mean()
    >>> bool(means["no cleaning"] < means["KNNShapley"] < means["perfect removal"])
    True
    """
    # All arguments go on by their names.
    options = dict(locals())
    del options["estimator"], options["scoring"]
    estimators = named_estimators(estimator)
    experiment = Experiment(
        "downstream_experiment",
        options,
        references=[ALL, RIGHT],
        estimators=estimators.values(),
    )
    measure = partial(_score, list(estimators.values()), scoring)
    keys = [{"estimator": name} for name in estimators]
    (frame,) = experiment.run(
        measure, Lines(keys, ["score", "dropped", "dropped_wrong"])
    )
    return frame


def _score(estimators, scoring, problem, name, value):
    kept = np.ones(len(problem.y), dtype=bool)
    if name == RIGHT:
        kept = ~problem.is_wrong
    elif name != ALL:
        kept = value(problem, with_kept=True).kept
    wrong = problem.is_wrong
    dropped = {
        "dropped": float(np.mean(~kept)),
        "dropped_wrong": float(np.mean(~kept[wrong])) if wrong.any() else np.nan,
    }
    lines = []
    for estimator in estimators:
        # The rows that are dropped, removed as those of the lowest value.
        _, (score,) = removal_curve(
            estimator,
            problem.X,
            problem.y,
            problem.X_test,
            problem.y_test,
            kept.astype(np.float64),
            shares=[dropped["dropped"]],
            scoring=scoring,
            random_state=problem.seed,
        )
        lines.append({"score": float(score)} | dropped)
    return (lines,)
