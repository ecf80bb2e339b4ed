r"""Known wrong labels: anywhere, of chosen classes, or near the class boundary.

Near the boundary, the rows to make wrong are drawn one by one with chances

    w_i = 4 q_i (1 - q_i),   q_i = p_i(y_i) / (p_i(y_i) + p_i(k_i)),

from class probabilities ``p_i`` of a linear model that did not see row i, with its
likeliest other class ``k_i``. Chen et al. (2021) take wrong labels from such a score.
"""

from numbers import Real

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ..utils._folds import make_folds
from ..utils._naming import naming
from ..utils._random import draw_seed
from ..utils._sklearn import Interval, StrOptions, validate_params
from ._draws import other_class, other_target

N_FOLDS = 5
# A log-probability; rows that are further from the boundary come last in any case.
LEAST_LOG_PROBABILITY = -1000.0


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both"), dict],
        "kind": [StrOptions({"uniform", "class_dependent", "feature_dependent"})],
        "X": ["array-like", "sparse matrix", None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_label_noise(y, rate, *, kind="uniform", X=None, random_state=None):
    r"""Make a share of the labels wrong, and say which.

    Exactly ``round(rate * n_samples)`` rows, drawn without replacement, get another
    label. With `kind`, which rows and which label depend on

    - ``"uniform"``: nothing. The rows are drawn uniformly, and the label uniformly from
      the other classes; where the targets are continuous, it is the target of a row
      drawn uniformly from those whose target differs.
    - ``"class_dependent"``: the label. Only rows of the rarest class, or of the classes
      that `rate` names, are drawn; their other label is drawn as above.
    - ``"feature_dependent"``: the row. With :math:`p_i`, the class probabilities that a
      logistic regression gives row :math:`i`, and its likeliest class :math:`k_i` other
      than :math:`y_i`, rows are drawn one after the other with chances proportional to

      .. math::

          w_i = 4 q_i (1 - q_i),
          \quad q_i = \frac{p_i(y_i)}{p_i(y_i) + p_i(k_i)},

      and get the label :math:`k_i`. The weight is 1 on the boundary between the two
      classes, and falls with the distance from it on both sides.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type, or real targets; left as they are.

    rate : float or dict
        Share of labels to make wrong, in [0, 1]. With ``kind="class_dependent"`` a dict
        gives the share of each class to make wrong: exactly ``round(share * n)`` of
        the ``n`` rows of a label, and none of the labels that it does not name.

    kind : {"uniform", "class_dependent", "feature_dependent"}, default="uniform"
        What the noise depends on. All but ``"uniform"`` need classes.

    X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
        Numeric rows, for ``kind="feature_dependent"`` only. Missing values count as the
        mean of their column, and columns are standardised.

    random_state : int, RandomState instance or None, default=None
        Pass an int for reproducible output.

    Returns
    -------
    y_noisy : ndarray of shape (n_samples,)
        The labels, with the dtype of `y`.

    is_flipped : ndarray of shape (n_samples,), dtype bool
        True where the label is wrong.

    Raises
    ------
    ValueError
        If `y` has fewer than two distinct labels and `rate` asks for a wrong one, if
        `kind` needs classes or an `X` that is not there, if `rate` names a label that
        `y` does not have, or if the rarest class has fewer rows than `rate` asks for.

    See Also
    --------
    make_feature_noise : Turns known features wrong.
    make_two_planes : Rows and labels with a known posterior.
    skvalue.metrics.detection : How well values find the wrong labels.

    Notes
    -----
    Whether targets are continuous is decided as scikit-learn does: real numbers that
    are all whole count as classes.

    The class probabilities are cross-fitted: five folds, each predicted by a
    `~sklearn.linear_model.LogisticRegression` of the others.

    References
    ----------
    Natarajan, N., Dhillon, I. S., Ravikumar, P. and Tewari, A. (2013). "Learning with
    Noisy Labels". Advances in Neural Information Processing Systems 26.

    Chen, P., Ye, J., Chen, G., Zhao, J. and Heng, P.-A. (2021). "Beyond
    Class-Conditional Assumption: A Primary Attempt to Combat Instance-Dependent Label
    Noise". AAAI Conference on Artificial Intelligence 35.

    Examples
    --------
    >>> from skvalue.datasets import make_label_noise
    >>> y = ["cat", "dog", "cat", "dog", "cat", "dog"]
    >>> y_noisy, is_flipped = make_label_noise(y, 1 / 3, random_state=0)
    >>> y_noisy.tolist()
    ['cat', 'dog', 'dog', 'dog', 'cat', 'cat']
    >>> is_flipped
    array([False, False,  True, False, False,  True])

    Every third dog is called a cat, and no cat a dog:

    >>> y_noisy, _ = make_label_noise(
    ...     y, {"dog": 1 / 3}, kind="class_dependent", random_state=0
    ... )
    >>> y_noisy.tolist()
    ['cat', 'dog', 'cat', 'dog', 'cat', 'cat']

    The two rows at the boundary are mistaken for each other:

    >>> X = [[-9.0], [9.0], [-8.0], [8.0], [-0.1], [0.1]]
    >>> _, is_flipped = make_label_noise(
    ...     y, 1 / 3, kind="feature_dependent", X=X, random_state=0
    ... )
    >>> is_flipped
    array([False, False, False, False,  True,  True])
    """
    y = column_or_1d(y, warn=True, input_name="y")
    assert_all_finite(y, input_name="y")
    rng = check_random_state(random_state)
    continuous = type_of_target(y, input_name="y").startswith("continuous")
    if kind == "uniform":
        _refuse_shares(rate, kind)
        rows = rng.choice(len(y), size=round(rate * len(y)), replace=False)
        if rows.size == 0:
            return y.copy(), np.zeros(len(y), dtype=bool)
        labels, codes, counts = _classes(y, rate)
        draw = other_target if continuous else other_class
        return _with_labels(y, rows, labels[draw(codes[rows], counts, rng)])
    if continuous:
        raise ValueError(
            f"kind={kind!r} needs classes, but y is continuous; use kind='uniform'."
        )
    if kind == "feature_dependent":
        _refuse_shares(rate, kind)
        X = _numeric_rows(X, y)
    if not rate:
        return y.copy(), np.zeros(len(y), dtype=bool)
    labels, codes, counts = _classes(y, rate)
    if kind == "class_dependent":
        rows = _rows_of_classes(codes, _flips_of_classes(rate, labels, counts), rng)
        other = other_class(codes[rows], counts, rng)
    else:
        logits, rivals = _boundary(X, codes, len(labels), rng)
        rows = _rows_near_zero(logits, round(rate * len(y)), rng)
        other = rivals[rows]
    return _with_labels(y, rows, labels[other])


def _refuse_shares(rate, kind):
    if isinstance(rate, dict):
        raise ValueError(
            f"rate={rate} names classes, which needs kind='class_dependent'; with "
            f"kind={kind!r} give one share."
        )


def _classes(y, rate):
    labels, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(labels) < 2:
        raise ValueError(
            f"y has one distinct label ({labels[0]!r}), so rate={rate} cannot make "
            "any of them wrong."
        )
    return labels, codes, counts


def _with_labels(y, rows, new_labels):
    y_noisy = y.copy()
    y_noisy[rows] = new_labels
    is_flipped = np.zeros(len(y), dtype=bool)
    is_flipped[rows] = True
    return y_noisy, is_flipped


def _flips_of_classes(rate, labels, counts):
    """How many rows of each class become wrong."""
    flips = np.zeros(len(labels), dtype=int)
    names = labels.tolist()
    if not isinstance(rate, dict):
        rarest = np.argmin(counts)
        flips[rarest] = round(rate * counts.sum())
        if flips[rarest] > counts[rarest]:
            raise ValueError(
                f"rate={rate} asks for {flips[rarest]} wrong labels of the rarest "
                f"class, {names[rarest]!r}, which has {counts[rarest]} rows. Lower "
                "rate, or give the share of each class that is to be wrong, such as "
                f"rate={{{names[rarest]!r}: 0.5}}."
            )
        return flips
    place = {name: code for code, name in enumerate(names)}
    for name, share in rate.items():
        if name not in place:
            raise ValueError(
                f"rate names the label {name!r}, which y does not have; allowed: "
                f"{names[:20]}."
            )
        if not isinstance(share, Real) or not 0 <= share <= 1:
            raise ValueError(
                f"rate[{name!r}] = {share!r} must be a share in [0, 1] of the rows "
                "with that label."
            )
        flips[place[name]] = round(share * counts[place[name]])
    return flips


def _rows_of_classes(codes, flips, rng):
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(codes == code), size=n_flips, replace=False)
            for code, n_flips in enumerate(flips)
        ]
    )


def _numeric_rows(X, y):
    if X is None:
        raise ValueError("kind='feature_dependent' needs X, the rows that y labels.")
    with naming("X"):
        X = check_array(
            X,
            accept_sparse="csr",
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            input_name="X",
        )
    with naming("X", "y"):
        check_consistent_length(X, y)
    return X


def _boundary(X, codes, n_classes, rng):
    """Logit of each label against its likeliest rival, and the rival's code."""
    n_samples = len(codes)
    log_probability = np.full((n_samples, n_classes), -np.inf)
    model = make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(with_mean=isinstance(X, np.ndarray)),
        LogisticRegression(max_iter=1000),
    )
    folds = make_folds(X, codes, min(N_FOLDS, n_samples), True, draw_seed(rng))
    for train, held_out in folds:
        present = np.unique(codes[train])
        decision = np.zeros((len(held_out), len(present)))
        if len(present) > 1:
            scores = model.fit(X[train], codes[train]).decision_function(X[held_out])
            decision[:, 1 if scores.ndim == 1 else slice(None)] = scores
        log_probability[np.ix_(held_out, present)] = log_softmax(decision, axis=1)
    # A class that a fold never saw is as far away as can be.
    log_probability = np.maximum(log_probability, LEAST_LOG_PROBABILITY)
    everyone = np.arange(n_samples)
    own = log_probability[everyone, codes]
    log_probability[everyone, codes] = -np.inf
    rivals = np.argmax(log_probability, axis=1)
    return own - log_probability[everyone, rivals], rivals


def _rows_near_zero(logits, n_rows, rng):
    """Rows drawn one by one with chances 4 q (1 - q), where q is the logits' sigmoid.

    The largest sums of log-weight and Gumbel noise are such a draw.
    """
    log_weight = log_expit(logits) + log_expit(-logits)
    keys = log_weight + rng.gumbel(size=len(logits))
    return np.argsort(-keys, kind="stable")[:n_rows]
