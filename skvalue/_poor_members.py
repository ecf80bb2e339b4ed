"""Which members of a consensus judge labels clearly worse than others.

Only probabilities that did not see the labels can be compared. Where a member's did, as
those of a network trained on all rows, a linear model that is cross-validated on the
same rows stands in for it: what is linear, the network finds too.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ._encoder import encode
from ._label_errors import skill
from ._pipelines import rows_for_last_step
from ._targets import last_step
from .utils._rows import take_rows

# A member is poor that explains less than this share of what the best one explains of
# the labels' entropy, and less by this much of the entropy.
POOR_SHARE = 0.5
POOR_GAP = 0.05
# More rows do not make the comparison clearer.
MOST_ROWS = 2000
FOLDS = 3


def without_poor(members, X, y, seed, sample_weight=None):
    """Weights 1, and 0 for members that are clearly worse judges of labels than others.

    Parameters
    ----------
    members : list of valuators or Pipelines
        Fitted.

    X, y : array-like, ndarray of shape (n_samples,)
        The rows that they valued, and class codes or real targets.

    seed : int
        Draws the rows and folds of the comparison.

    sample_weight : ndarray of shape (n_samples,), default=None
        How often each row counts.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        At least one is 1.
    """
    judges = [
        (place, member)
        for place, member in enumerate(members)
        if hasattr(last_step(member), "class_probabilities_")
    ]
    unseen = [item for item in judges if not last_step(item[1])._saw_labels]
    skills = np.full(len(members), np.nan)
    if len(judges) < 2 or not unseen:
        return np.ones(len(members))
    for place, member in unseen:
        skills[place] = skill(last_step(member).class_probabilities_, y)
    best = np.nanmax(skills)
    for _, member in judges:
        if last_step(member)._saw_labels:
            best = max(best, _linear_skill(member, X, y, seed, sample_weight))
    poor = (skills < best * POOR_SHARE) & (skills < best - POOR_GAP)
    return np.where(poor, 0.0, 1.0)


def _linear_skill(member, X, y, seed, sample_weight):
    """Skill of a cross-validated linear model on the rows that a member reads."""
    # Imported here: methods do not depend on one another.
    from .confidence import SelfConfidence

    rows = _rows_of_common_classes(np.random.default_rng(seed).permutation(len(y)), y)
    rows = _rows_of_common_classes(rows[:MOST_ROWS], y)
    classes, target = np.unique(y[rows], return_inverse=True)
    if len(classes) < 2:
        return -np.inf
    valuator = last_step(member)
    numbers = encode(valuator, rows_for_last_step(member, take_rows(X, rows)), "X")
    # Margins of variance 1 before the labels are seen, for any number of columns.
    linear = make_pipeline(
        StandardScaler(with_mean=not issparse(numbers)),
        LogisticRegression(C=1 / numbers.shape[1], max_iter=1000),
    )
    judge = SelfConfidence(linear, cv=FOLDS, random_state=seed, task="classification")
    judge.fit(
        numbers,
        target,
        sample_weight=None if sample_weight is None else sample_weight[rows],
    )
    return skill(judge.class_probabilities_, target)


def _rows_of_common_classes(rows, y):
    """Those rows whose class is in every fold."""
    return rows[np.bincount(y[rows])[y[rows]] >= FOLDS]
