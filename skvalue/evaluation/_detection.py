"""How well valuators find rows that were made wrong.

Source: Liang, Gao and Zhang, "Neural Dynamic Data Valuation", 2024, Tables 1, S2, S3.
"""

from functools import partial

import numpy as np
from sklearn.metrics import roc_auc_score

from ..metrics import detection, detection_curve
from ._cells import Experiment, Lines

KINDS = {"labels": "roc_auc_labels", "features": "roc_auc_features"}
FIGURES = [
    "roc_auc",
    "average_precision",
    "negative_share",
    "two_means_f1",
    "oracle_f1",
    *KINDS.values(),
]


def detection_experiment(
    valuators,
    datasets,
    *,
    noise="labels",
    noise_rate=0.1,
    train_size=0.6,
    val_size=0.1,
    n_repeats=5,
    return_curves=False,
    error_score=np.nan,
    n_jobs=None,
    random_state=None,
    memory=None,
    verbose=0,
):
    """Make rows wrong, value them, and see how well low values point at them.

    For each data set, kind of noise, rate and repeat, training and held-out rows are
    drawn, and a share of the training rows is made wrong. Every valuator gets the same
    rows.

    Parameters
    ----------
    valuators : dict of str to valuator, list of valuators or valuator
        What is compared: valuators, or Pipelines that end in one. Without names they
        are called by their class. Clones are fitted; a ``random_state`` that is None
        gets a seed for each repeat.

    datasets : dict of str to data set, or (X, y)
        Each a pair (X, y), a Bunch as scikit-learn's loaders return it, or a function
        of no arguments that returns either, such as
        `skvalue.datasets.fetch_2dplanes`. `X` may be a frame with strings and missing
        cells where the valuators take one.

    noise : {"labels", "features", "both"}, dict, list or None, default="labels"
        What is made wrong. A list compares several kinds.

        - ``"labels"``: another label, see `make_label_noise`;
        - ``"features"``: Gaussian noise on all columns of numbers, entries of other
          rows in the others, see `make_feature_noise`;
        - ``"both"``: labels of half of the wrong rows, features of the other half;
        - dict of str to callable: noises of your own. They take ``X, y, rate,
          random_state`` and return X, y and which rows are wrong.

    noise_rate : float or array-like of float, default=0.1
        Share of the training rows that are made wrong, in (0, 1).

    train_size : float or int, default=0.6
        Rows to value: a share of the data set, or their number.

    val_size : float or int, default=0.1
        Rows that the valuators get as ``X_val`` and ``y_val``, never made wrong: a
        share of the data set, or their number. With 0 they get none.

    n_repeats : int, default=5
        Splits of each data set.

    return_curves : bool, default=False
        Whether to return detection curves, too.

    error_score : "raise" or float, default=NaN
        What stands for the figures where a valuator fails, under a
        `~sklearn.exceptions.FitFailedWarning` that shows the errors. ``"raise"`` stops
        at the first.

    n_jobs : int or None, default=None
        Valuations in parallel, as joblib has it. The figures do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws rows and noise, and seeds the fits. What is drawn for a repeat depends on
        nothing else.

    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps what each task has computed: an experiment that was stopped
        goes on where it was, and one that has more valuators computes only theirs.
        What it holds are pickles: use no folder that others can write to.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Returns
    -------
    scores : DataFrame of shape (n_settings * n_valuators, 13)
        A line for each valuator in each repeat, with the columns ``dataset``,
        ``noise``, ``noise_rate``, ``repeat``, ``valuator``, the figures of
        `skvalue.metrics.detection` (``roc_auc``, ``average_precision``,
        ``negative_share``, ``two_means_f1``, ``oracle_f1``), ``roc_auc_labels`` and
        ``roc_auc_features``, of the rows of one kind of noise against those that are
        right (NaN where there are none), and ``fit_time`` in seconds.

    curves : DataFrame
        Of `skvalue.metrics.detection_curve`, at 101 shares of the rows: columns
        ``dataset`` to ``valuator`` as above, ``inspected`` and ``found``. Only with
        ``return_curves=True``; `DetectionCurveDisplay.from_experiment` draws it.

    Raises
    ------
    ImportError
        If pandas is not installed.

    ValueError
        If an argument is not usable; the message names it. If all valuations fail.

    See Also
    --------
    removal_experiment : What models lose or gain as rows go by their values.
    skvalue.metrics.detection : The figures.
    skvalue.inspection.DetectionCurveDisplay : Draws the curves.

    Notes
    -----
    A task is one valuator on one split; a kill loses those that are running, if there
    is a `memory`. ``fit_time`` is measured beside other tasks where ``n_jobs`` is not
    1, with the loading of torch in the first fit of a process, and is the one that was
    kept where a task was not computed anew.

    References
    ----------
    Liang, Z., Gao, H. and Zhang, J. (2024). "Neural Dynamic Data Valuation".
    Manuscript, 13 June 2024.

    Jiang, K. F., Liang, W., Zou, J. and Kwon, Y. (2023). "OpenDataVal: a Unified
    Benchmark for Data Valuation". Advances in Neural Information Processing Systems 36.

    Examples
    --------
    >>> from skvalue import KNNShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.evaluation import detection_experiment
    >>> frame = detection_experiment(
    ...     {"1": KNNShapley(n_neighbors=1), "10": KNNShapley(n_neighbors=10)},
    ...     {"2dplanes": make_two_planes(300, random_state=0)},
    ...     noise_rate=[0.1, 0.3],
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> frame.shape
    (8, 13)
    >>> means = frame.groupby("valuator")["roc_auc"].mean()
    >>> bool(means["10"] > means["1"] > 0.5)
    True
    """
    # All arguments go on by their names.
    options = dict(locals())
    del options["return_curves"]
    experiment = Experiment("detection_experiment", options, needs_wrong_rows=True)
    inspected = np.linspace(0, 1, 101)
    scores, curves = experiment.run(
        partial(_detect, inspected),
        Lines([{}], [*FIGURES, "fit_time"]),
        Lines([{"inspected": share} for share in inspected], ["found"]),
    )
    return (scores, curves) if return_curves else scores


def _detect(inspected, problem, name, value):
    valued = value(problem)
    figures = detection(valued.values, problem.is_wrong)
    for kind, figure in KINDS.items():
        figures[figure] = np.nan
        if kind in problem.kinds:
            wrong = problem.kinds[kind]
            compared = wrong | ~problem.is_wrong
            figures[figure] = roc_auc_score(wrong[compared], -valued.values[compared])
    shares, found = detection_curve(valued.values, problem.is_wrong)
    curve = [{"found": part} for part in np.interp(inspected, shares, found)]
    return [figures | {"fit_time": valued.fit_time}], curve
