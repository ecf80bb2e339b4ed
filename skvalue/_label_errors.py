r"""Which labels are wrong, by class probabilities of models that did not see them.

Let p be the probabilities of the *observed* labels at a row, and T the chances
that the noise gives each label to each true class. The probabilities q of the true
classes, and the probability w that the label y is wrong, follow from

.. math:: p = q T, \qquad w = 1 - \frac{q_y T_{yy}}{(q T)_y} .

T is read off the rows that the model is surest of, its anchors. A correct row of a rare
class often has :math:`p_y < 1/2`, but it has a large w only if the noise makes that
label.

Sources: Patrini et al., "Making Deep Neural Networks Robust to Label Noise", CVPR 2017
(T from anchors); this library (what is believed of T, measurements in the user guide).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

# A class of fewer anchors takes the noise of all classes together.
LEAST_ANCHORS = 10
# Standard errors of a count of anchors that are taken for chance.
CHANCE = 1
# Rates of noise in every class from which on improbable labels are doubted, and where
# nothing else counts any more.
IN_EVERY_CLASS = 0.05, 0.1
# Expected shares of wrong ones among the improbable labels of a class from which on
# they are doubted, and where nothing else counts any more.
MOSTLY_WRONG = 0.5, 0.75
# A model that saw the labels shows at least about this part of the noise: .2 to .4 on
# digits, .4 on breast cancer, .6 and more where classes overlap (10 % flips).
SHOWN_WHEN_SEEN = 0.2
# Of the noise that `transition_matrix` believes: more, to spare clean rare classes.
BELIEVED_WHEN_SEEN = 0.3
# A model that saw the labels has learned them by heart where it agrees with more than
# this part of those that the other models contradict.
BY_HEART = 0.8
# A class is rare up to the first part of the mean class, and not from the second on.
RARE = 0.4, 0.6
# Above this rate, also the noise of a class without anchors is taken for real.
SURELY_NOISE = 0.2


class Evidence(NamedTuple):
    """Class probabilities of a model, and whether it saw the labels it judges."""

    probabilities: np.ndarray
    saw_labels: bool


def plausible_labels(evidence, target):
    """Rows whose label is believed.

    Parameters
    ----------
    evidence : list of Evidence
        Of one model or more, probabilities of shape (n_samples, n_classes).

    target : ndarray of shape (n_samples,)
        Class codes, the observed labels.

    Returns
    -------
    plausible : ndarray of shape (n_samples,), dtype bool
        True where the label is not doubted.
    """
    if evidence[0].probabilities.shape[1] < 2:
        return np.ones(len(target), dtype=bool)
    evidence = _not_by_heart(evidence, target)
    unseen = [item for item in evidence if not item.saw_labels]
    probabilities = calibrated(evidence, target)
    # A model that saw the labels explains some of the noise: its anchors look clean.
    judged = calibrated(unseen, target) if unseen else probabilities
    counts = anchor_counts(judged, target)
    transition = transition_matrix(counts, np.bincount(target))
    wrong = wrong_label_probabilities(probabilities, transition, target)
    improbable = 1 - _probability_beside_the_next(evidence, target)
    rate = noise_in_every_class(counts) / (1 if unseen else SHOWN_WHEN_SEEN)
    expected = wrong_labels(judged, transition) / (1 if unseen else BELIEVED_WHEN_SEEN)
    found = np.bincount(target[improbable > 0.5], minlength=len(expected))
    precision = expected / np.maximum(found, 1)
    only_improbable = np.maximum(
        _ramp(rate, IN_EVERY_CLASS), _ramp(precision, MOSTLY_WRONG)[target]
    )
    doubt = (1 - only_improbable) * wrong + only_improbable * improbable
    return doubt <= 0.5


def _ramp(number, limits):
    low, high = limits
    return np.clip((number - low) / (high - low), 0, 1)


def _not_by_heart(evidence, target):
    """The evidence without models that learned wrong labels by heart."""
    unseen = [item for item in evidence if not item.saw_labels]
    if not unseen or len(unseen) == len(evidence):
        return evidence
    doubted = calibrated(unseen, target).argmax(axis=1) != target

    def is_by_heart(item):
        believed = item.probabilities[doubted].argmax(axis=1) == target[doubted]
        return item.saw_labels and believed.sum() > BY_HEART * doubted.sum()

    return [item for item in evidence if not is_by_heart(item)]


def _probability_beside_the_next(evidence, target):
    """Probability of each label if only the best other one is possible.

    Mean over the models; of what one that did not see the labels says, half is taken
    as calibrated. With two classes it is `probability_of_label`.
    """
    opinions = [
        item.probabilities
        if item.saw_labels
        else (item.probabilities + calibrated([item], target)) / 2
        for item in evidence
    ]
    mean = np.mean(opinions, axis=0)
    own = probability_of_label(mean, target)
    mean[np.arange(len(target)), target] = 0
    of_others = np.maximum(mean.sum(axis=1), np.finfo(float).tiny)
    return own / (own + (1 - own) * mean.max(axis=1) / of_others)


def probability_of_label(probabilities, target):
    """That of each row's label; of a rare one, as if all classes were as frequent.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of the observed labels.

    target : ndarray of shape (n_samples,)
        Codes of the observed labels.

    Returns
    -------
    probability : ndarray of shape (n_samples,)
        At least that of `probabilities`.
    """
    n_samples, n_classes = probabilities.shape
    own = np.arange(n_samples), target
    frequency = np.bincount(target) / n_samples
    low, high = RARE
    rare = np.clip((high - n_classes * frequency) / (high - low), 0, 1)[target]
    as_frequent = np.maximum(normalised(probabilities / frequency), probabilities)[own]
    return rare * as_frequent + (1 - rare) * probabilities[own]


def normalised(probabilities):
    """Float64 probabilities whose rows sum to 1; uniform where all are 0."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    total = probabilities.sum(axis=1, keepdims=True)
    uniform = 1 / probabilities.shape[1]
    return np.where(total > 0, probabilities / np.where(total > 0, total, 1), uniform)


def calibrated(evidence, target):
    """Probabilities of the observed labels, by logistic regression on the evidence.

    One regression a class, on the logits that the models give it: too few numbers to
    learn single labels by heart.

    Parameters
    ----------
    evidence : list of Evidence
        Of one model or more.

    target : ndarray of shape (n_samples,)
        Class codes; every class occurs.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes)
        Rows sum to 1.
    """
    opinions = [item.probabilities for item in evidence]
    n_samples, n_classes = opinions[0].shape
    floor = 1 / (2 * n_samples)
    logits = logit(np.clip(np.stack(opinions, axis=2), floor, 1 - floor))
    fitted = np.empty((n_samples, n_classes))
    for code in range(n_classes):
        if n_classes == 2 and code == 1:
            fitted[:, 1] = 1 - fitted[:, 0]
            continue
        # Few columns: Newton's method, which no scaling troubles.
        model = LogisticRegression(solver="newton-cholesky")
        model.fit(logits[:, code], target == code)
        fitted[:, code] = model.predict_proba(logits[:, code])[:, 1]
    return normalised(fitted)


def anchor_counts(probabilities, target):
    """Labels of the anchors: of the rows predicted to be of a class, the surer half.

    Returns
    -------
    counts : ndarray of shape (n_classes, n_classes)
        Anchors of each class (row) with each observed label (column).
    """
    n_classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    counts = np.zeros((n_classes, n_classes))
    for code in range(n_classes):
        rows = np.flatnonzero(predicted == code)
        surest = np.argsort(-probabilities[rows, code], kind="stable")
        anchors = rows[surest[: -(-len(rows) // 2)]]
        counts[code] = np.bincount(target[anchors], minlength=n_classes)
    return counts


def transition_matrix(counts, label_counts):
    r"""Chances T of each label (column) for each true class (row).

    The share of label j among the anchors of class k is noise, or the model does not
    know class j. It tells them apart where few of the rows labelled j are anchors of k:
    with :math:`\rho = P(\text{anchor of } k \mid \text{label } j) / P(\text{anchor of }
    k \mid \text{label } k)`, all of the share is believed up to :math:`\rho = 1/6`,
    and nothing from :math:`\rho = 1/3` on. Of the m anchors that are left as noise, a
    standard error, :math:`\sqrt m`, is taken for chance. With K > 2 classes, the noise
    of single pairs is a few anchors: that of a class with :math:`m_k` of them is moved
    by the part :math:`(K - 2) / (m_k + K - 2)` towards the rate of all classes, spread
    evenly over the labels.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, n_classes)
        As `anchor_counts` returns them.

    label_counts : ndarray of shape (n_classes,)
        Rows of each label.

    Returns
    -------
    transition : ndarray of shape (n_classes, n_classes)
        Rows sum to 1.
    """
    n_classes = len(counts)
    reached = counts / label_counts
    own = np.diag(reached)[:, None]
    ratio = np.divide(reached, own, out=np.full_like(counts, np.inf), where=own > 0)
    noise = counts * np.clip(2 - 6 * ratio, 0, 1)
    np.fill_diagonal(noise, 0)
    noise *= np.clip(1 - CHANCE / np.sqrt(max(noise.sum(), 1)), 0, 1)
    total = counts.sum(axis=1, keepdims=True)
    pooled = noise.sum() / total.sum() / (n_classes - 1)
    if n_classes > 2:
        own_part = noise.sum(axis=1, keepdims=True)
        own_part = own_part / (own_part + n_classes - 2)
        noise = own_part * noise + (1 - own_part) * pooled * total
    transition = np.where(total < LEAST_ANCHORS, pooled, noise / np.maximum(total, 1))
    np.fill_diagonal(transition, 0)
    np.fill_diagonal(transition, 1 - transition.sum(axis=1))
    return transition


def wrong_labels(probabilities, transition):
    """Expected number of wrong ones among the labels of each class.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of the observed labels.

    transition : ndarray of shape (n_classes, n_classes)
        As `transition_matrix` returns it.

    Returns
    -------
    expected : ndarray of shape (n_classes,)
        If the predicted classes are the true ones.
    """
    n_classes = len(transition)
    predicted = np.bincount(probabilities.argmax(axis=1), minlength=n_classes)
    return predicted @ (transition - np.diag(np.diag(transition)))


def noise_in_every_class(counts):
    """Rate of wrong labels in all classes but the noisiest; of two, the smaller rate.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, n_classes)
        As `anchor_counts` returns them.

    Returns
    -------
    rate : float
        A class with few anchors counts as free of noise, unless the others are so full
        of noise that no unknown rare class explains it.
    """
    total = counts.sum(axis=1)
    wrong = total - np.diag(counts)
    rates = wrong / np.maximum(total, 1)
    of_all = wrong.sum() / total.sum()
    rates[total < LEAST_ANCHORS] = of_all if of_all > SURELY_NOISE else 0
    others = np.arange(len(rates)) != rates.argmax()
    return np.average(rates[others], weights=np.maximum(total[others], 1))


def true_class_probabilities(probabilities, transition):
    """Probabilities q of the true classes that the noise T turns into p = q T.

    Where no q does, the solution is clipped at 0; with two classes this is
    ``(p_1 - T_01) / (1 - T_01 - T_10)`` clipped to [0, 1].
    """
    return normalised(np.maximum(probabilities @ np.linalg.pinv(transition), 0))


def wrong_label_probabilities(probabilities, transition, target):
    """Posterior probability that each observed label is wrong.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of the observed labels.

    transition : ndarray of shape (n_classes, n_classes)
        Chances of each label (column) for each true class (row).

    target : ndarray of shape (n_samples,)
        Codes of the observed labels.

    Returns
    -------
    wrong : ndarray of shape (n_samples,)
        In [0, 1]; 1 where no true class explains the label.
    """
    true = true_class_probabilities(probabilities, transition)
    own = np.arange(len(target)), target
    explained = (true @ transition)[own]
    right = true[own] * transition[target, target]
    return 1 - np.divide(
        right, explained, out=np.zeros_like(right), where=explained > 0
    )


def skill(probabilities, target):
    """Share of the labels' entropy that calibrated probabilities explain, at most 1."""
    fitted = calibrated([Evidence(probabilities, saw_labels=False)], target)
    frequency = np.bincount(target) / len(target)
    own = np.arange(len(target)), target
    entropy = -np.log(frequency[target]).mean()
    return 1 + np.log(np.maximum(fitted[own], 1 / (2 * len(target)))).mean() / entropy
