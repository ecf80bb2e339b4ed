"""Which labels are wrong, by class probabilities of models that did not see them.

A correct row of a rare class often has a label of a probability below one half, so that
alone does not make it doubtful: `_label_noise` says how probable a *wrong* label is,
and here is decided when improbable labels are doubted all the same.

Source: this library (measurements in the user guide, "Rare classes").
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from ._label_noise import (
    anchors,
    noise_in_every_class,
    normalised,
    transition_matrix,
    wrong_label_probabilities,
    wrong_labels,
)

# Each pair: from the first number on improbable labels are doubted for that reason, and
# from the second on nothing else counts. Rates of noise in every class.
IN_EVERY_CLASS = 0.05, 0.1
# Expected share of wrong ones among the improbable labels of a class.
MOSTLY_WRONG = 0.6, 0.9
# The same among all improbable labels, and the purity of the anchors, of more than two
# classes: below, their overlap or a poor model cannot be told from noise.
WORTH_IT, NOT_POOR = (0.25, 0.5), (0.5, 0.6)
# For models that saw the labels: the mean probability, beside the next, of improbable
# labels from which on they are taken for overlap, and below which for noise.
SHADED = 0.25, 0.3
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
    unseen = [item for item in evidence if not item.saw_labels]
    # A model that saw the labels explains some of the noise: its anchors look clean,
    # and the observed label is always a probable one.
    judged = calibrated(unseen or evidence, target)
    if unseen:
        evidence = _not_by_heart(evidence, judged, target)
    is_mixed = 0 < len(unseen) < len(evidence)
    probabilities = calibrated(evidence, target) if is_mixed else judged
    odd = anchors(judged, target)
    unlikely = anchors(judged, target, only_unlikely=True) if unseen else odd
    transition = transition_matrix(unlikely, np.bincount(target))
    expected = wrong_labels(judged, transition)
    beside = _probability_beside_the_next(evidence, target, probabilities)
    if unseen:
        trust = _trust_in_the_improbable(beside, target, expected, odd, unlikely)
    else:
        trust = _trust_in_the_improbable(
            beside,
            target,
            expected / BELIEVED_WHEN_SEEN,
            odd,
            shown=SHOWN_WHEN_SEEN,
        )
    wrong = wrong_label_probabilities(probabilities, transition, target)
    return (1 - trust) * wrong + trust * (1 - beside) <= 0.5


def _trust_in_the_improbable(beside, target, expected, odd, unlikely=None, shown=1):
    """How far an improbable label is a wrong one, in [0, 1], of each row.

    Parameters
    ----------
    beside : ndarray of shape (n_samples,)
        As `_probability_beside_the_next` returns it.

    target : ndarray of shape (n_samples,)
        Codes of the observed labels.

    expected : ndarray of shape (n_classes,)
        Wrong labels of each class that the noise makes.

    odd, unlikely : Anchors, Anchors or None
        All odd labels of the anchors, and those that overlap does not explain.

    shown : float, default=1
        Part of the noise that the anchors show.

    Returns
    -------
    trust : ndarray of shape (n_samples,)
        The same for all rows of a label.
    """
    improbable = beside < 0.5
    found = np.bincount(target[improbable], minlength=len(expected))
    everywhere = _ramp(noise_in_every_class(odd) / shown, IN_EVERY_CLASS)
    mostly = _ramp(expected / np.maximum(found, 1), MOSTLY_WRONG)
    if len(expected) > 2:
        # Overlap of many classes looks like noise: some odd labels in every class.
        if unlikely is None:
            shade = beside[improbable].mean() if improbable.any() else 0.5
            everywhere, mostly = (
                part * (1 - _ramp(shade, SHADED)) for part in (everywhere, mostly)
            )
        else:
            wrong = noise_in_every_class(unlikely) * len(target)
            worth_it = _ramp(wrong / max(found.sum(), 1), WORTH_IT)
            everywhere *= worth_it * _ramp(odd.purity, NOT_POOR)
    return np.maximum(everywhere, mostly)[target]


def _ramp(number, limits):
    low, high = limits
    return np.clip((number - low) / (high - low), 0, 1)


def _not_by_heart(evidence, judged, target):
    """The evidence without models that learned wrong labels by heart.

    `judged` are calibrated probabilities of models that did not see the labels.
    """
    doubted = judged.argmax(axis=1) != target

    def is_by_heart(item):
        believed = item.probabilities[doubted].argmax(axis=1) == target[doubted]
        return item.saw_labels and believed.sum() > BY_HEART * doubted.sum()

    return [item for item in evidence if not is_by_heart(item)]


def _probability_beside_the_next(evidence, target, probabilities):
    """Probability of each label if only the best other one is possible.

    Mean over the models; of what one that did not see the labels says, half is taken
    as calibrated: `probabilities`, where it is the only one. With two classes it is
    `probability_of_label`.
    """

    def opinion(item):
        if item.saw_labels:
            return item.probabilities
        alone = probabilities if len(evidence) == 1 else calibrated([item], target)
        return (item.probabilities + alone) / 2

    mean = np.mean([opinion(item) for item in evidence], axis=0)
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


def skill(probabilities, target):
    """Share of the labels' entropy that calibrated probabilities explain, at most 1."""
    fitted = calibrated([Evidence(probabilities, saw_labels=False)], target)
    frequency = np.bincount(target) / len(target)
    own = np.arange(len(target)), target
    entropy = -np.log(frequency[target]).mean()
    return 1 + np.log(np.maximum(fitted[own], 1 / (2 * len(target)))).mean() / entropy
