"""Attributions as a prediction of what models trained on other subsets do.

Source: Park et al., "TRAK: Attributing Model Behavior at Scale", ICML 2023.
"""

from numbers import Integral, Real

import numpy as np
from scipy.stats import rankdata
from sklearn.base import clone, is_classifier
from sklearn.utils import check_array, check_X_y
from sklearn.utils.parallel import Parallel, delayed

from ..utils._naming import naming
from ..utils._predictions import class_probabilities, finite_predictions
from ..utils._random import draw_seed, integer_seed, seeded


def linear_datamodeling_score(attributions, subsets, outputs):
    r"""How well sums of attributions foretell models trained on other subsets.

    For held-out row e and subsets :math:`S_1, S_2, \ldots` of the training rows, the
    Spearman correlation over the subsets of

    .. math:: \sum_{i \in S_j} \tau_{ie} \quad\text{and}\quad f_e(S_j),

    the sum of the attributions of the rows of a subset and the output for e of the
    model trained on them. 1 is best, 0 is chance.

    Parameters
    ----------
    attributions : array-like of shape (n_samples, n_val)
        Of each training row for each held-out row, such as the ``attributions`` of a
        valuator gives; higher where the row is better for it.

    subsets : array-like of shape (n_subsets, n_samples), dtype bool or 0/1
        The training rows of each subset; at least 2 subsets.

    outputs : array-like of shape (n_subsets, n_val)
        What the models trained on the subsets give, higher being better; only the
        order over the subsets counts. `retrained_outputs` computes both.

    Returns
    -------
    scores : dict
        - `mean`: mean of the correlations, a float;
        - `per_row`: ndarray of shape (n_val,), the correlation of each held-out row,
          NaN where the sums or the outputs are all equal; not part of the mean, which
          is NaN where they all are.

    Raises
    ------
    ValueError
        If an argument is not usable; the message names it.

    See Also
    --------
    retrained_outputs : Subsets, and the outputs of the models trained on them.

    Notes
    -----
    O(n_subsets n_samples n_val) time. A correlation over m subsets has a standard error
    of about :math:`1 / \sqrt{m}`, and that of their mean hardly falls with the number
    of held-out rows: they share the subsets.

    References
    ----------
    S. M. Park, K. Georgiev, A. Ilyas, G. Leclerc, A. Madry (2023). TRAK: Attributing
    Model Behavior at Scale. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skvalue.metrics import linear_datamodeling_score
    >>> attributions = np.array([[1.0, 0.0], [2.0, 1.0], [4.0, -1.0]])
    >>> subsets = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
    >>> outputs = np.array([[0.1, 0.9], [0.4, 0.2], [0.8, 0.3]])
    >>> scores = linear_datamodeling_score(attributions, subsets, outputs)
    >>> scores["mean"], scores["per_row"].tolist()
    (1.0, [1.0, 1.0])
    """
    attributions, outputs = (
        _finite(numbers, name)
        for numbers, name in ((attributions, "attributions"), (outputs, "outputs"))
    )
    subsets = np.asarray(subsets)
    if subsets.ndim != 2 or not np.isin(subsets, [0, 1]).all():
        raise ValueError(
            "subsets must hold booleans, or 0 and 1, in an array of shape (n_subsets, "
            f"n_samples); got shape {subsets.shape}."
        )
    expected = len(subsets), attributions.shape[1]
    if subsets.shape[1] != len(attributions) or outputs.shape != expected:
        raise ValueError(
            f"attributions of shape {attributions.shape}, subsets of shape "
            f"{subsets.shape} and outputs of shape {outputs.shape} do not fit; give "
            "(n_samples, n_val), (n_subsets, n_samples) and (n_subsets, n_val)."
        )
    if len(subsets) < 2:
        raise ValueError("subsets holds one subset; a correlation needs at least 2.")
    sums = subsets.astype(np.float64) @ attributions
    ranks = [rankdata(numbers, axis=0) for numbers in (sums, outputs)]
    first, second = (rank - rank.mean(axis=0) for rank in ranks)
    length = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    products = (first * second).sum(axis=0)
    defined = length > 0
    per_row = np.divide(
        products, length, out=np.full_like(length, np.nan), where=defined
    )
    mean = float(per_row[defined].mean()) if defined.any() else np.nan
    return {"mean": mean, "per_row": per_row}


def _finite(numbers, name):
    with naming(name):
        return check_array(numbers, dtype=np.float64, input_name=name)


def retrained_outputs(
    estimator,
    X,
    y,
    X_val,
    y_val,
    *,
    n_subsets=100,
    subset_size=0.5,
    n_jobs=None,
    random_state=None,
):
    """Outputs for held-out rows of models trained on random subsets of the rows.

    Parameters
    ----------
    estimator : estimator
        A classifier with ``predict_proba``, or a regressor; cloned and fitted. A
        ``random_state`` that is None gets the same seed for every subset.

    X : array-like of shape (n_samples, n_features)
        Training rows.

    y : array-like of shape (n_samples,)
        Their labels or real targets.

    X_val : array-like of shape (n_val, n_features)
        Held-out rows.

    y_val : array-like of shape (n_val,)
        Their labels or real targets.

    n_subsets : int, default=100
        Number of models, at least 2.

    subset_size : float, default=0.5
        Share of the rows in each subset, in (0, 1).

    n_jobs : int or None, default=None
        Models in parallel. The outputs do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws the subsets and seeds the models.

    Returns
    -------
    subsets : ndarray of shape (n_subsets, n_samples), dtype bool
        The rows of each subset, drawn uniformly without replacement.

    outputs : ndarray of shape (n_subsets, n_val)
        Probability of the label, 0 for a label that the subset lacks; of a regressor
        minus the squared error. Higher is better.

    Raises
    ------
    ValueError
        If an argument is not usable, or a subset has rows of one class only.

    See Also
    --------
    linear_datamodeling_score : What the outputs are for.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skvalue import InfluenceFunction
    >>> from skvalue.metrics import linear_datamodeling_score, retrained_outputs
    >>> X, y = load_iris(return_X_y=True)
    >>> X, y, X_val, y_val = X[::2], y[::2], X[1::20], y[1::20]
    >>> model = LogisticRegression(max_iter=1000)
    >>> influence = InfluenceFunction(model).fit(X, y, X_val=X_val, y_val=y_val)
    >>> outputs = retrained_outputs(
    ...     model, X, y, X_val, y_val, n_subsets=30, random_state=0
    ... )
    >>> scores = linear_datamodeling_score(
    ...     influence.attributions(X_val, y_val), *outputs
    ... )
    >>> scores["mean"] > 0.5
    True
    """
    with naming("X", "y"):
        X, y = check_X_y(X, y, dtype=None, ensure_all_finite="allow-nan")
    with naming("X_val", "y_val"):
        X_val, y_val = check_X_y(
            X_val, y_val, dtype=None, ensure_all_finite="allow-nan"
        )
    if not isinstance(n_subsets, Integral) or n_subsets < 2:
        raise ValueError(f"n_subsets={n_subsets!r} must be a whole number >= 2.")
    if not isinstance(subset_size, Real) or not 0 < subset_size < 1:
        raise ValueError(f"subset_size={subset_size!r} must be a number in (0, 1).")
    classes = np.unique(y) if is_classifier(estimator) else None
    if classes is not None and not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"estimator={type(estimator).__name__} has no predict_proba, which outputs "
            "are made of; calibrate it (CalibratedClassifierCV) or give another."
        )
    if classes is not None and not np.isin(y_val, classes).all():
        raise ValueError("y_val has labels that y lacks; no model can predict them.")
    rng = np.random.RandomState(integer_seed(random_state) % 2**32)
    n_rows = max(1, round(subset_size * len(y)))
    subsets = np.zeros((n_subsets, len(y)), dtype=bool)
    for number, subset in enumerate(subsets):
        subset[rng.permutation(len(y))[:n_rows]] = True
        if classes is not None and len(np.unique(y[subset])) < 2:
            raise ValueError(
                f"subset_size={subset_size} gave subset {number} rows of one class "
                "only; raise it, or give more rows of each label in y."
            )
    model = seeded(estimator, draw_seed(rng))
    outputs = Parallel(n_jobs=n_jobs)(
        delayed(_outputs)(clone(model), X[subset], y[subset], X_val, y_val, classes)
        for subset in subsets
    )
    return subsets, np.array(outputs)


def _outputs(model, X, y, X_val, y_val, classes):
    """Output of a model trained on some rows, for each held-out row."""
    model.fit(X, y)
    if classes is None:
        return -((finite_predictions(model, X_val) - y_val) ** 2)
    probabilities = class_probabilities(model, X_val, classes)
    return probabilities[np.arange(len(y_val)), np.searchsorted(classes, y_val)]
