"""How much values change with what should not matter.

Source: Wang and Jia, "Data Banzhaf", AISTATS 2023.
"""

from functools import partial

import numpy as np

from ..metrics import agreement
from ..utils._rows import take_rows
from ._cells import Experiment, Lines

FIGURES = ["spearman", "pearson", "sign_agreement", "normalized_squared_error"]
VARIED = ("random_state", "held_out", "train")


def stability_experiment(
    valuators,
    datasets,
    *,
    vary="random_state",
    noise=None,
    noise_rate=0.1,
    train_size=0.6,
    val_size=0.1,
    n_repeats=5,
    error_score=np.nan,
    n_jobs=None,
    random_state=None,
    memory=None,
    verbose=0,
):
    """Value rows twice, and see how well the values agree.

    Rows are drawn and made wrong as in `detection_experiment`.

    Parameters
    ----------
    valuators : dict of str to valuator, list of valuators or valuator
        What is compared, see `detection_experiment`. One whose ``random_state`` is an
        integer has the same seed both times.

    datasets : dict of str to data set, or (X, y)
        What it is compared on, see `detection_experiment`.

    vary : {"random_state", "held_out", "train"}, default="random_state"
        What differs between the two fits:

        - ``"random_state"``: the seed, on the same rows;
        - ``"held_out"``: the held-out rows, `val_size` others;
        - ``"train"``: the company. Half of the training rows are valued twice, each
          time together with another quarter of them.

    noise : {"labels", "features", "both"}, dict, list or None, default=None
        What is made wrong, see `detection_experiment`; None: nothing.

    noise_rate : float or array-like of float, default=0.1
        Share of the training rows that are made wrong, in (0, 1).

    train_size : float or int, default=0.6
        Rows to value: a share of the data set, or their number.

    val_size : float or int, default=0.1
        Rows that the valuators get as ``X_val`` and ``y_val``, likewise. With 0 they
        get none.

    n_repeats : int, default=5
        Splits of each data set, and pairs of fits.

    error_score : "raise" or float, default=NaN
        What stands for the figures where a valuator fails, see `detection_experiment`.

    n_jobs : int or None, default=None
        Pairs of valuations in parallel. The figures do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws rows and noise, and seeds the fits.

    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps what each task has computed, see `detection_experiment`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Returns
    -------
    frame : DataFrame
        A line for each valuator in each repeat, with the columns ``dataset``,
        ``noise``, ``noise_rate``, ``repeat``, ``valuator``, the figures of
        `skvalue.metrics.agreement` (``spearman``, ``pearson``, ``sign_agreement``,
        ``normalized_squared_error``) and ``fit_time``, the mean of both fits in
        seconds. Correlations are NaN where all values are equal.

    Raises
    ------
    ImportError
        If pandas is not installed.

    ValueError
        If an argument is not usable; the message names it. If all valuations fail.

    See Also
    --------
    skvalue.metrics.agreement : The figures.
    skvalue.inspection.ConvergenceDisplay : Whether sampled values have settled.

    References
    ----------
    Wang, J. T. and Jia, R. (2023). "Data Banzhaf: A Robust Data Valuation Framework for
    Machine Learning". International Conference on Artificial Intelligence and
    Statistics.

    Examples
    --------
    >>> from skvalue import KNNShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.evaluation import stability_experiment
    >>> X, y = make_two_planes(300, random_state=0)
    >>> frame = stability_experiment(KNNShapley(), (X, y), n_repeats=2, random_state=0)
    >>> frame["spearman"].round(3).tolist()
    [1.0, 1.0]
    """
    # All arguments go on by their names.
    options = dict(locals())
    del options["vary"]
    if vary not in VARIED:
        raise ValueError(f"vary={vary!r} must be one of {list(VARIED)}.")
    if vary == "held_out":
        if not val_size:
            raise ValueError('vary="held_out" needs val_size > 0.')
        # The part that is the test rows elsewhere.
        options["test_size"] = val_size
    experiment = Experiment("stability_experiment", options)
    (frame,) = experiment.run(
        partial(_agree, vary), Lines([{}], [*FIGURES, "fit_time"])
    )
    return frame


def _agree(vary, problem, name, value):
    first, second, common = _pair(vary, problem)
    fits = [value(first), value(second)]
    reference, estimate = (fit.values[:common] for fit in fits)
    figures = dict.fromkeys(FIGURES, np.nan)
    if np.ptp(reference) > 0:
        figures |= agreement(estimate, reference)
    times = np.mean([fit.fit_time for fit in fits])
    return ([figures | {"fit_time": float(times)}],)


def _pair(vary, problem):
    """Two problems, and how many first rows they have in common."""
    if vary == "random_state":
        return problem, problem._replace(seed=problem.seed + 1), len(problem.y)
    if vary == "held_out":
        other = problem._replace(X_val=problem.X_test, y_val=problem.y_test)
        return problem, other, len(problem.y)
    # The rows are in random order.
    half, quarter = len(problem.y) // 2, len(problem.y) // 4
    parts = []
    for start in (half, half + quarter):
        rows = np.r_[:half, start : start + quarter]
        parts.append(
            problem._replace(
                X=take_rows(problem.X, rows),
                y=problem.y[rows],
                is_wrong=problem.is_wrong[rows],
                kinds={},
            )
        )
    return *parts, half
