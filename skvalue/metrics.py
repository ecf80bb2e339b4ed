"""How good values are at finding rows that are known to be bad.

Detection takes the negative value for a score of badness. A threshold ``t`` flags the
rows with ``value <= t``, and ``F1 = 2 TP / (flagged + bad)``.
"""

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.utils import check_array, check_consistent_length

from ._drop import two_means_lower


def detection(values, is_bad):
    """How well low values point at the bad rows.

    Every figure is in [0, 1]; apart from `negative_share`, higher is better.

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
        - `negative_share`: share of all rows whose value is below 0;
        - `two_means_f1`: F1 of the lower cluster of the exact 2-means split;
        - `oracle_f1`: highest F1 of any threshold on the values, which only someone
          who knows the bad rows can choose.

    Raises
    ------
    ValueError
        If `values` or `is_bad` is not usable; the message names it.

    See Also
    --------
    skvalue.datasets.make_label_noise : Labels that are known to be wrong.

    Notes
    -----
    O(n log n) time, O(n) memory.

    References
    ----------
    Liang, Z., Gao, H. and Zhang, J. (2024). "Neural Dynamic Data Valuation".
    Manuscript, 13 June 2024.

    Examples
    --------
    >>> from skvalue.metrics import detection
    >>> values, is_bad = [-2.0, 0.9, -1.5, 1.0, 1.1], [1, 0, 1, 0, 1]
    >>> scores = detection(values, is_bad)
    >>> {name: round(score, 3) for name, score in scores.items()}
    {'roc_auc': 0.667, 'average_precision': 0.867, 'negative_share': 0.4,
     'two_means_f1': 0.8, 'oracle_f1': 0.8}
    """
    values = check_array(
        _one_dimensional(values, "values"),
        ensure_2d=False,
        dtype=np.float64,
        input_name="values",
    )
    is_bad = _check_mask(_one_dimensional(is_bad, "is_bad"))
    check_consistent_length(values, is_bad)
    return {
        "roc_auc": float(roc_auc_score(is_bad, -values)),
        "average_precision": float(average_precision_score(is_bad, -values)),
        "negative_share": float(np.mean(values < 0)),
        "two_means_f1": float(f1_score(is_bad, two_means_lower(values))),
        "oracle_f1": _best_f1(values, is_bad),
    }


def _one_dimensional(array, name):
    array = np.asarray(array)
    if array.ndim != 1 or not array.size:
        raise ValueError(
            f"{name} must be a non-empty 1-d array; got shape {array.shape}."
        )
    return array


def _check_mask(is_bad):
    if not np.isin(is_bad, [0, 1]).all():
        raise ValueError("is_bad must hold booleans, or 0 and 1.")
    is_bad = is_bad.astype(bool)
    if is_bad.all() or not is_bad.any():
        raise ValueError("is_bad must mark at least one row, and not every row.")
    return is_bad


def _best_f1(values, is_bad):
    order = np.argsort(values, kind="stable")
    # A threshold cannot tell equal values apart.
    last_of_ties = np.append(np.diff(values[order]) > 0, True)
    flagged = np.arange(1, len(values) + 1)[last_of_ties]
    true_positives = np.cumsum(is_bad[order])[last_of_ties]
    return float(np.max(2 * true_positives / (flagged + is_bad.sum())))
