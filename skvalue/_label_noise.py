r"""Noise of labels, read off class probabilities of models that did not see them.

Let p be the probabilities of the *observed* labels at a row, and T the chances that the
noise gives each label to each true class. The probabilities q of the true classes, and
the probability w that the label y is wrong, follow from

.. math:: p = q T, \qquad w = 1 - \frac{q_y T_{yy}}{(q T)_y} .

T is read off the rows that the model is surest of, its anchors.

Sources: Patrini et al., "Making Deep Neural Networks Robust to Label Noise", CVPR 2017
(T from anchors); this library (what is believed of T, measurements in the user guide).
"""

from typing import NamedTuple

import numpy as np

# A class of fewer anchors takes the noise of all classes together.
LEAST_ANCHORS = 10
# Standard errors of a count of anchors that are taken for chance.
CHANCE = 1
# Above this rate, also the noise of a class without anchors is taken for real.
SURELY_NOISE = 0.2


class Anchors(NamedTuple):
    """Anchors of each class (row) with each observed label (column).

    `weight` is the number of odd labels that each one counted stands for.
    """

    counts: np.ndarray
    weight: float = 1.0

    @property
    def purity(self):
        """Share of the anchors that have the label of their class."""
        return np.trace(self.counts) / self.counts.sum()


def normalised(probabilities):
    """Float64 probabilities whose rows sum to 1; uniform where all are 0."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    total = probabilities.sum(axis=1, keepdims=True)
    uniform = 1 / probabilities.shape[1]
    return np.where(total > 0, probabilities / np.where(total > 0, total, 1), uniform)


def anchors(probabilities, target, *, only_unlikely=False):
    """Labels of the anchors: of the rows predicted to be of a class, the surer half.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of the observed labels.

    target : ndarray of shape (n_samples,)
        Codes of the observed labels.

    only_unlikely : bool, default=False
        Of the odd labels count those that are in the less probable half of the labels
        other than the predicted one, for all of them. Noise does not look at a row;
        where classes overlap, the odd label is a probable one.

    Returns
    -------
    anchors : Anchors
        Of two classes the same, either way.
    """
    n_samples, n_classes = probabilities.shape
    counted = n_classes - 1
    if only_unlikely:
        counted = max(counted // 2, 1)
    weight = (n_classes - 1) / counted
    own = probabilities[np.arange(n_samples), target]
    more_probable = (probabilities > own[:, None]).sum(axis=1)
    predicted = probabilities.argmax(axis=1)
    counts = np.zeros((n_classes, n_classes))
    for code in range(n_classes):
        rows = np.flatnonzero(predicted == code)
        surest = np.argsort(-probabilities[rows, code], kind="stable")
        chosen = rows[surest[: -(-len(rows) // 2)]]
        is_odd = target[chosen] != code
        if only_unlikely:
            is_odd &= more_probable[chosen] >= n_classes - counted
        odd = np.bincount(target[chosen[is_odd]], minlength=n_classes)
        counts[code] = weight * odd
        counts[code, code] = max(len(chosen) - counts[code].sum(), 0)
    return Anchors(counts, weight)


def transition_matrix(anchors, label_counts):
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
    anchors : Anchors
        As the function of that name returns them.

    label_counts : ndarray of shape (n_classes,)
        Rows of each label.

    Returns
    -------
    transition : ndarray of shape (n_classes, n_classes)
        Rows sum to 1.
    """
    counts = anchors.counts
    n_classes = len(counts)
    reached = counts / label_counts
    own = np.diag(reached)[:, None]
    ratio = np.divide(reached, own, out=np.full_like(counts, np.inf), where=own > 0)
    noise = counts * np.clip(2 - 6 * ratio, 0, 1)
    np.fill_diagonal(noise, 0)
    # A count m of labels that stand for `weight` each has the variance weight times m.
    chance = CHANCE * np.sqrt(anchors.weight / max(noise.sum(), anchors.weight))
    noise *= np.clip(1 - chance, 0, 1)
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


def noise_in_every_class(anchors):
    """Rate of wrong labels in all classes but the noisiest; of two, the smaller rate.

    Parameters
    ----------
    anchors : Anchors
        As the function of that name returns them.

    Returns
    -------
    rate : float
        A class with few anchors counts as free of noise, unless the others are so full
        of noise that no unknown rare class explains it.
    """
    counts = anchors.counts
    total = counts.sum(axis=1)
    wrong = total - np.diag(counts)
    rates = wrong / np.maximum(total, 1)
    of_all = wrong.sum() / total.sum()
    rates[total < LEAST_ANCHORS] = of_all if of_all > SURELY_NOISE else 0
    others = np.arange(len(rates)) != rates.argmax()
    return np.average(rates[others], weights=np.maximum(total[others], 1))


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
