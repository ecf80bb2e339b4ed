"""What a model loses or gains as rows go or come in the order of their values.

Source: Ghorbani and Zou, "Data Shapley", ICML 2019.
"""

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.metrics import check_scoring
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.parallel import Parallel, delayed

from ..utils._naming import naming
from ..utils._random import integer_seed, seeded
from ..utils._rows import take_rows
from ..utils._sklearn import num_samples
from ..utils._vectors import finite_vector

# What stands in place of a valuator in experiments where the order is random.
RANDOM = "random"
# Shares of the rows that are removed or added, unless others are asked for.
DEFAULT_SHARES = {
    "remove": np.linspace(0, 0.5, 11),
    "add": np.linspace(0.05, 0.5, 10),
}


def removal_curve(
    estimator,
    X,
    y,
    X_test,
    y_test,
    values,
    *,
    action="remove",
    first="lowest",
    shares=None,
    scoring=None,
    n_jobs=None,
    random_state=None,
):
    """Scores on test rows as rows of low or high value are removed or added first.

    For every share a clone of the estimator is fitted on the rows that are left, or
    that have come so far, and scored on the test rows. Those must be rows that the
    valuation never saw, neither as training rows nor as `X_val`: else the curve
    measures how well the values fit them.

    Parameters
    ----------
    estimator : estimator
        Cloned for every fit. A ``random_state`` that is None gets the same seed for
        all of them.

    X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
        The rows that were valued.

    y : array-like of shape (n_samples,)
        Their labels or real targets, as they were valued.

    X_test : {array-like, dataframe, sparse matrix} of shape (n_test, n_features)
        Rows to score on.

    y_test : array-like of shape (n_test,)
        Their labels or real targets.

    values : array-like of shape (n_samples,) or (n_orders, n_samples)
        Finite data values, higher is better; those of several valuators at once as
        rows. Rows of equal value go in their own order.

    action : {"remove", "add"}, default="remove"
        Whether rows go from all of them, or come to none.

    first : {"lowest", "highest"}, default="lowest"
        Which values go or come first.

    shares : array-like of shape (n_shares,), default=None
        Shares of the rows that are removed, in [0, 1), or added, in (0, 1]: ``round(
        share * n_samples)`` rows, which must leave or be at least one. None: 0 to 0.5
        in steps of 0.05, without the 0 where rows are added.

    scoring : str, callable or None, default=None
        A scorer; None is the estimator's own ``score``.

    n_jobs : int or None, default=None
        Fits in parallel. The scores do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seeds the fits.

    Returns
    -------
    shares : ndarray of shape (n_shares,)
        As given.

    scores : ndarray of shape (n_shares,) or (n_orders, n_shares)
        In units of `scoring`.

    Raises
    ------
    ValueError
        If an argument is not usable, or a model cannot be scored; the message names it.

    See Also
    --------
    skvalue.inspection.RemovalCurveDisplay : Draws both ends beside random orders.
    detection_curve : How soon rows that are known to be bad are found.

    Notes
    -----
    One fit for each share and order, fewer where they have the same rows. A classifier
    on rows of one class predicts that class.

    References
    ----------
    Ghorbani, A. and Zou, J. (2019). "Data Shapley: Equitable Valuation of Data for
    Machine Learning". International Conference on Machine Learning.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skvalue.datasets import make_label_noise, make_two_planes
    >>> from skvalue import SelfConfidence
    >>> from skvalue.metrics import removal_curve
    >>> X, y = make_two_planes(400, random_state=0)
    >>> X, y, X_test, y_test = X[:200], y[:200], X[200:], y[200:]
    >>> y, is_wrong = make_label_noise(y, 0.3, random_state=0)
    >>> values = SelfConfidence(random_state=0).fit(X, y).data_values_
    >>> shares, scores = removal_curve(
    ...     KNeighborsClassifier(), X, y, X_test, y_test, values, shares=[0, 0.3]
    ... )
    >>> bool(scores[1] > scores[0])
    True
    """
    y, y_test = _targets(X, y, "X", "y"), _targets(X_test, y_test, "X_test", "y_test")
    orders = _orders(values, len(y), first)
    shares, counts = _counts(shares, len(y), action)
    if X_test is X:
        raise ValueError(
            "X_test is X; give rows that the valuation never saw, as train_test_split "
            "sets them apart."
        )
    scorer = check_scoring(estimator, scoring)
    model = seeded(estimator, integer_seed(random_state))
    subsets = {}
    keys = []
    for order in orders:
        for count in counts:
            mask = np.zeros(len(y), dtype=bool)
            mask[order[:count] if action == "add" else order[count:]] = True
            keys.append(mask.tobytes())
            # The same rows, such as all of them, are fitted once.
            subsets.setdefault(keys[-1], np.flatnonzero(mask))
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_score)(model, X, y, rows, X_test, y_test, scorer)
        for rows in subsets.values()
    )
    by_subset = dict(zip(subsets, scores, strict=True))
    found = np.array([by_subset[key] for key in keys]).reshape(len(orders), -1)
    return shares, found if np.ndim(values) == 2 else found[0]


def _targets(X, y, X_name, y_name):
    with naming(y_name):
        y = column_or_1d(y, input_name=y_name)
    if num_samples(X) != len(y) or not len(y):
        raise ValueError(
            f"{X_name} has {num_samples(X)} rows and {y_name} has {len(y)} labels; "
            "give one a row, of at least one row."
        )
    return y


def _orders(values, n_samples, first):
    if first not in ("lowest", "highest"):
        raise ValueError(f"first={first!r} must be 'lowest' or 'highest'.")
    if np.ndim(values) == 2:
        values = check_array(values, dtype=np.float64, input_name="values")
    else:
        values = finite_vector(values, "values")[None]
    if values.shape[1] != n_samples:
        raise ValueError(
            f"values has {values.shape[1]} numbers, but X has {n_samples} rows; give "
            "the rows that were valued."
        )
    values = values if first == "lowest" else -values
    return np.argsort(values, axis=1, kind="stable")


def _counts(shares, n_samples, action):
    if action not in DEFAULT_SHARES:
        raise ValueError(f"action={action!r} must be 'remove' or 'add'.")
    shares = DEFAULT_SHARES[action].copy() if shares is None else shares
    shares = finite_vector(shares, "shares")
    counts = np.round(shares * n_samples).astype(int)
    used = counts if action == "add" else n_samples - counts
    if shares.min() < 0 or shares.max() > 1 or used.min() < 1:
        allowed = "[0, 1)" if action == "remove" else "(0, 1]"
        raise ValueError(
            f"shares={shares.tolist()} must be in {allowed}, with at least one of "
            f"{n_samples} rows to fit on."
        )
    return shares, counts


def _score(model, X, y, rows, X_test, y_test, scorer):
    """Score of a model fitted on some rows."""
    if is_classifier(model) and (y[rows] == y[rows[0]]).all():
        model = DummyClassifier()
    model = clone(model).fit(take_rows(X, rows), y[rows])
    try:
        score = float(scorer(model, X_test, y_test))
    except ValueError as error:
        raise ValueError(
            f"scoring failed for a model of {len(rows)} rows: {str(error).rstrip('.')}."
            " Give another scoring, or shares that leave rows of every class."
        ) from error
    if not np.isfinite(score):
        raise ValueError(
            f"scoring gave {score} for a model of {len(rows)} rows; it must be finite."
        )
    return score
