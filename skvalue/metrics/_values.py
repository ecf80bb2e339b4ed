"""How good values are: agreement with a reference, detection of known bad rows.

Detection takes the negative value for a score of badness. A threshold ``t`` flags the
rows with ``value <= t``, and ``F1 = 2 TP / (flagged + bad)``.
"""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from .._drop import two_means_lower
from ..utils._vectors import check_same_length, finite_vector, mask_of_some


def agreement(estimate, reference):
    """How well estimated values agree with more precise ones.

    Parameters
    ----------
    estimate : array-like of shape (n_samples,)
        Finite values.

    reference : array-like of shape (n_samples,)
        Finite values, not all equal; in the units of the estimate.

    Returns
    -------
    scores : dict of str to float
        - `normalized_squared_error`: mean squared difference over the variance of the
          reference; 0 is best, 1 is what its mean alone would score;
        - `pearson`, `spearman`: correlation of the values and of their ranks, NaN
          where all estimates are equal;
        - `sign_agreement`: share of rows where both have the same sign, zero being one.

    Raises
    ------
    ValueError
        If an argument is not usable; the message names it.

    See Also
    --------
    detection : How well values find rows that are known to be bad.

    References
    ----------
    I. Covert, C. Kim, S.-I. Lee, J. Zou and T. Hashimoto (2024). Stochastic
    Amortization: A Unified Approach to Accelerate Feature and Data Attribution.
    NeurIPS.

    Examples
    --------
    >>> from skvalue.metrics import agreement
    >>> scores = agreement([1.0, -2.0, 4.0, 3.0], [1.0, -1.0, 3.0, 5.0])
    >>> {name: round(score, 3) for name, score in scores.items()}
    {'normalized_squared_error': 0.3, 'pearson': 0.878, 'spearman': 0.8,
     'sign_agreement': 1.0}
    """
    estimate, reference = (
        finite_vector(array, name)
        for array, name in ((estimate, "estimate"), (reference, "reference"))
    )
    check_same_length(estimate=estimate, reference=reference)
    if np.ptp(reference) == 0:
        raise ValueError(
            "reference must hold at least two distinct values; all are "
            f"{reference[0]:g}."
        )
    constant = np.ptp(estimate) == 0
    error = np.mean((estimate - reference) ** 2)
    return {
        "normalized_squared_error": float(error / reference.var()),
        "pearson": np.nan
        if constant
        else float(np.corrcoef(estimate, reference)[0, 1]),
        "spearman": np.nan
        if constant
        else float(spearmanr(estimate, reference).statistic),
        "sign_agreement": float(np.mean(np.sign(estimate) == np.sign(reference))),
    }


def detection(values, is_bad):
    """How well low values point at the bad rows.

    Every figure is in [0, 1]; higher is better.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Finite data values, higher is better.

    is_bad : array-like of shape (n_samples,), dtype bool or 0/1
        Which rows are bad; at least one is, and at least one is not.

    Returns
    -------
    scores : dict of str to float
        - `roc_auc`: probability that a bad row has a lower value than a good one, ties
          counted half;
        - `average_precision`: mean precision over the bad rows, in order of value;
        - `negative_share`: share of the bad rows whose value is below 0;
        - `two_means_f1`: F1 of the lower cluster of the exact 2-means split;
        - `oracle_f1`: highest F1 of any threshold on the values, which only someone
          who knows the bad rows can choose.

    Raises
    ------
    ValueError
        If `values` or `is_bad` is not usable; the message names it.

    See Also
    --------
    detection_curve : The share of the bad rows found, by the share inspected.
    skvalue.datasets.make_label_noise : Labels that are known to be wrong.

    Notes
    -----
    O(n log n) time, O(n) memory.

    References
    ----------
    Liang, Z., Gao, H. and Zhang, J. (2024). "Neural Dynamic Data Valuation".
    Manuscript, 13 June 2024.

    Covert, I., Kim, C., Lee, S.-I., Zou, J. and Hashimoto, T. (2024). "Stochastic
    Amortization: A Unified Approach to Accelerate Feature and Data Attribution".
    NeurIPS. Table 2.

    Examples
    --------
    >>> from skvalue.metrics import detection
    >>> values, is_bad = [-2.0, 0.9, -1.5, 1.0, 1.1], [1, 0, 1, 0, 1]
    >>> scores = detection(values, is_bad)
    >>> {name: round(score, 3) for name, score in scores.items()}
    {'roc_auc': 0.667, 'average_precision': 0.867, 'negative_share': 0.667,
     'two_means_f1': 0.8, 'oracle_f1': 0.8}
    """
    values = finite_vector(values, "values")
    is_bad = mask_of_some(is_bad, "is_bad")
    check_same_length(values=values, is_bad=is_bad)
    return {
        "roc_auc": float(roc_auc_score(is_bad, -values)),
        "average_precision": float(average_precision_score(is_bad, -values)),
        "negative_share": float(np.mean(values[is_bad] < 0)),
        "two_means_f1": float(f1_score(is_bad, two_means_lower(values))),
        "oracle_f1": _best_f1(values, is_bad),
    }


def detection_curve(values, is_bad):
    r"""Share of the bad rows found, by the share of the rows inspected.

    Rows are inspected from the lowest value on. Rows of equal value are in no order:
    the curve is the straight line of their mean over all orders. The area under it is

    .. math:: \frac{p}{2} + (1 - p)\, \text{ROC-AUC}

    for a share p of bad rows: 1 - p / 2 at best, 1 / 2 for a random order.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Finite data values, higher is better.

    is_bad : array-like of shape (n_samples,), dtype bool or 0/1
        Which rows are bad; at least one is, and at least one is not.

    Returns
    -------
    inspected : ndarray of shape (n_distinct + 1,)
        Shares of the rows, from 0 to 1: all that have at most each distinct value.

    found : ndarray of shape (n_distinct + 1,)
        Shares of the bad rows that are among them, from 0 to 1.

    Raises
    ------
    ValueError
        If `values` or `is_bad` is not usable; the message names it.

    See Also
    --------
    detection : Figures of the same order.
    skvalue.inspection.DetectionCurveDisplay : Draws it.

    References
    ----------
    Ghorbani, A. and Zou, J. (2019). "Data Shapley: Equitable Valuation of Data for
    Machine Learning". International Conference on Machine Learning.

    Examples
    --------
    >>> from skvalue.metrics import detection_curve
    >>> inspected, found = detection_curve([-2.0, 0.9, -1.5, 0.9], [1, 0, 1, 0])
    >>> inspected.tolist(), found.tolist()
    ([0.0, 0.25, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    values = finite_vector(values, "values")
    is_bad = mask_of_some(is_bad, "is_bad")
    check_same_length(values=values, is_bad=is_bad)
    _, level = np.unique(values, return_inverse=True)
    inspected, found = np.bincount(level), np.bincount(level, weights=is_bad)
    return tuple(
        np.append(0, np.cumsum(counts)) / counts.sum() for counts in (inspected, found)
    )


def _best_f1(values, is_bad):
    order = np.argsort(values, kind="stable")
    # A threshold cannot tell equal values apart.
    last_of_ties = np.append(np.diff(values[order]) > 0, True)
    flagged = np.arange(1, len(values) + 1)[last_of_ties]
    true_positives = np.cumsum(is_bad[order])[last_of_ties]
    return float(np.max(2 * true_positives / (flagged + is_bad.sum())))
