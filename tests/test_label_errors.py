"""Which labels are wrong, against problems whose noise and posteriors are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from skvalue._label_errors import (
    Evidence,
    calibrated,
    plausible_labels,
    probability_of_label,
    skill,
)
from skvalue._label_noise import (
    Anchors,
    anchors,
    noise_in_every_class,
    normalised,
    transition_matrix,
    true_class_probabilities,
    wrong_label_probabilities,
    wrong_labels,
)

NOISE = {
    2: np.array([[0.97, 0.03], [0.25, 0.75]]),
    3: np.array([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.2, 0.1, 0.7]]),
}


def simulated(transition, n_samples=20_000, overlap=1.0, seed=0):
    """True classes, their posteriors, and labels under class-dependent noise.

    Classes are unit normals around the corners of a simplex, the last one rare.
    """
    rng = np.random.default_rng(seed)
    n_classes = len(transition)
    prior = np.append(np.full(n_classes - 1, 0.8 / (n_classes - 1)), 0.2)
    true = rng.choice(n_classes, n_samples, p=prior)
    centres = 4 / overlap * np.eye(n_classes)
    X = rng.normal(size=(n_samples, n_classes)) + centres[true]
    log_density = -0.5 * ((X[:, None] - centres) ** 2).sum(axis=2)
    posterior = softmax(log_density + np.log(prior), axis=1)
    y = (rng.random((n_samples, 1)) > transition[true].cumsum(axis=1)).sum(axis=1)
    return true, posterior, y


def random_problem(n_classes, seed):
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.ones(n_classes), size=n_classes)
    transition = 0.6 * np.eye(n_classes) + 0.4 * transition
    return rng.dirichlet(np.ones(n_classes), size=50), transition


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_noise_is_recovered_from_confident_rows(n_classes):
    _, posterior, y = simulated(NOISE[n_classes])
    found = anchors(posterior @ NOISE[n_classes], y)
    transition = transition_matrix(found, np.bincount(y))
    # Four standard errors of the smallest class, and its anchors that are not pure.
    assert_allclose(transition, NOISE[n_classes], atol=0.05)
    assert_allclose(transition.sum(axis=1), 1)
    assert found.counts.sum() == pytest.approx(len(y) / 2, abs=n_classes)
    # More than nine of ten have the label of their class.
    assert found.purity == pytest.approx(0.95 if n_classes == 2 else 0.9, abs=0.05)


def test_a_class_of_few_anchors_takes_the_noise_of_all():
    counts = np.array([[400.0, 25.0], [0.0, 4.0]])
    transition = transition_matrix(Anchors(counts), np.array([500, 1000]))
    # The standard error of 25 is 5.
    own, pooled = 20 / 425, 20 / 429
    assert_allclose(transition, [[1 - own, own], [pooled, 1 - pooled]])


def test_a_label_of_a_rare_class_is_judged_as_if_it_were_frequent():
    target = np.repeat([0, 1], [90, 10])
    probabilities = np.tile([0.7, 0.3], (100, 1))
    found = probability_of_label(probabilities, target)
    # Odds of 3 to 7, times 9.
    assert_allclose(found, np.where(target == 1, 27 / 34, 0.7))
    # Not as rare: half of the way, in the probability.
    target = np.repeat([0, 1], [75, 25])
    found = probability_of_label(probabilities, target)
    assert_allclose(found, np.where(target == 1, (0.3 + 9 / 16) / 2, 0.7))


def test_what_may_be_chance_is_no_noise():
    counts = np.array([[400.0, 1.0], [0.0, 50.0]])
    assert_allclose(transition_matrix(Anchors(counts), np.array([500, 200])), np.eye(2))


def test_noise_of_single_pairs_of_classes_leans_on_that_of_all():
    counts = np.array([[90.0, 0, 0, 4], [0, 90, 0, 0], [0, 0, 90, 0], [0, 0, 0, 90]])
    transition = transition_matrix(Anchors(counts), np.full(4, 200))
    # The standard error of 4 is 2; K - 2 = 2 more anchors are those of all classes.
    left, of_all = 2.0, 2 / 364
    own = left / (left + 2)
    assert_allclose(transition[0, 3], own * left / 94 + (1 - own) * of_all / 3)
    assert_allclose(transition[0, 1], (1 - own) * of_all / 3)
    assert_allclose(transition[1, [0, 2, 3]], of_all / 3)
    assert_allclose(transition.sum(axis=1), 1)


def test_a_label_that_the_model_does_not_know_is_no_noise():
    """Label 1 is as frequent among the anchors of class 0 as anywhere."""
    counts = np.array([[450.0, 50.0], [0.0, 0.0]])
    assert_allclose(transition_matrix(Anchors(counts), np.array([900, 100])), np.eye(2))


def test_anchors_are_the_surer_half_of_what_is_predicted():
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2])
    y = np.array([0, 1, 1, 1, 0, 1, 1])
    for only_unlikely in (False, True):
        found = anchors(np.stack([p, 1 - p], axis=1), y, only_unlikely=only_unlikely)
        assert_array_equal(found.counts, [[1, 1], [0, 2]])
        assert found.weight == 1


@pytest.mark.parametrize(
    ("counts", "rate"),
    [
        ([[90, 10], [20, 80]], 0.1),
        ([[100, 0], [20, 80]], 0.0),
        # The class of few anchors may be free of noise ...
        ([[90, 10], [5, 4]], 0.0),
        # ... but not where a third of all labels is wrong.
        ([[60, 40], [0, 0]], 0.4),
        ([[100, 0, 0], [0, 90, 10], [5, 40, 5]], 0.05),
    ],
)
def test_noise_in_every_class_leaves_the_noisiest_out(counts, rate):
    counts = np.array(counts, dtype=float)
    assert noise_in_every_class(Anchors(counts)) == pytest.approx(rate)


def test_unlikely_odd_labels_tell_noise_from_overlap():
    """Seven classes around an octagon: neighbours overlap, others do not."""
    rng = np.random.default_rng(0)
    true = rng.integers(7, size=20_000)
    angle = np.arange(7) * np.pi / 4
    centres = 1.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    X = rng.normal(size=(20_000, 2)) + centres[true]
    posterior = softmax(-0.5 * ((X[:, None] - centres) ** 2).sum(axis=2), axis=1)
    noise = 0.9 * np.eye(7) + 0.1 * (1 - np.eye(7)) / 6
    noisy = (rng.random((20_000, 1)) > noise[true].cumsum(axis=1)).sum(axis=1)
    rates = {
        (name, only_unlikely): 1 - anchors(p, y, only_unlikely=only_unlikely).purity
        for name, p, y in [
            ("clean", posterior, true),
            ("noisy", posterior @ noise, noisy),
        ]
        for only_unlikely in (False, True)
    }
    assert rates["clean", False] > 0.25
    assert rates["clean", True] < 0.02
    assert rates["noisy", True] == pytest.approx(0.1, abs=0.02)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_true_class_probabilities_invert_the_noise(n_classes, seed):
    true, transition = random_problem(n_classes, seed)
    assert_allclose(
        true_class_probabilities(true @ transition, transition), true, atol=1e-12
    )


def test_two_classes_are_the_closed_form():
    p = np.linspace(0, 1, 21)
    transition = np.array([[0.9, 0.1], [0.3, 0.7]])
    q = true_class_probabilities(np.stack([1 - p, p], axis=1), transition)
    assert_allclose(q[:, 1], np.clip((p - 0.1) / (1 - 0.1 - 0.3), 0, 1), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 5), st.integers(0, 1000))
def test_a_wrong_label_has_the_probability_that_bayes_gives_it(n_classes, seed):
    true, transition = random_problem(n_classes, seed)
    for label in range(n_classes):
        joint = true * transition[:, label]
        expected = 1 - joint[:, label] / joint.sum(axis=1)
        y = np.full(len(true), label)
        w = wrong_label_probabilities(true @ transition, transition, y)
        assert_allclose(w, expected, atol=1e-10)


def test_that_probability_is_the_share_of_wrong_labels():
    true, posterior, y = simulated(NOISE[3], overlap=2.5)
    w = wrong_label_probabilities(posterior @ NOISE[3], NOISE[3], y)
    wrong = true != y
    for low in np.arange(0, 1, 0.2):
        inside = (w >= low) & (w < low + 0.2)
        error = np.sqrt(0.25 / inside.sum())
        assert w[inside].mean() == pytest.approx(wrong[inside].mean(), abs=4 * error)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 4), st.integers(0, 1000))
def test_it_is_a_probability_whatever_the_estimates(n_classes, seed):
    rng = np.random.default_rng(seed)
    # Estimates that no noise explains, and noise that cannot be inverted.
    probabilities = rng.dirichlet(np.full(n_classes, 0.2), size=30)
    for transition in [
        rng.dirichlet(np.full(n_classes, 0.5), size=n_classes),
        np.full((n_classes, n_classes), 1 / n_classes),
        np.eye(n_classes)[np.zeros(n_classes, dtype=int)],
    ]:
        w = wrong_label_probabilities(
            probabilities, transition, rng.integers(n_classes, size=30)
        )
        assert (w >= -1e-12).all() and (w <= 1 + 1e-12).all()


def test_calibration_undoes_a_wrong_temperature_and_offset():
    _, posterior, y = simulated(np.eye(2), overlap=3)
    logit = np.log(posterior[:, 1]) - np.log(posterior[:, 0])
    p = 1 / (1 + np.exp(-(0.5 * logit - 1)))
    fitted = calibrated([Evidence(np.stack([1 - p, p], axis=1), False)], y)
    assert_allclose(fitted, posterior, atol=0.02)
    assert_allclose(fitted.sum(axis=1), 1)


def test_calibration_learns_which_model_to_believe():
    _, posterior, y = simulated(np.eye(3), overlap=3)
    guess = np.random.default_rng(0).dirichlet(np.ones(3), size=len(y))
    both = [Evidence(guess, False), Evidence(posterior, False)]
    assert_allclose(calibrated(both, y), posterior, atol=0.1)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_correct_rare_rows_are_believed(rate):
    """Five in a hundred, hidden among the others, some with wrong labels or none."""
    noise = np.array([[1.0, 0.0], [rate, 1 - rate]])
    rng = np.random.default_rng(0)
    true = (rng.random(4000) < 0.05).astype(int)
    x = rng.normal(size=4000) + 2 * true
    odds = 0.05 / 0.95 * np.exp(2 * x - 2)
    posterior = np.stack([1 / (1 + odds), odds / (1 + odds)], axis=1)
    y = np.where(rng.random(4000) < noise[true, 1], 1, 0)
    own = (posterior @ noise)[np.arange(4000), y]
    rare = (y == 1) & (true == 1)
    believed = plausible_labels([Evidence(posterior @ noise, False)], y)
    assert np.mean(own[rare] < 0.5) > 0.4
    assert np.mean(~believed[rare]) < 0.1


def test_rows_are_normalised():
    assert_allclose(
        normalised([[2, 2, 0], [0, 0, 0]]), [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]
    )
    assert normalised(np.ones((1, 2), dtype=np.float32)).dtype == np.float64


def test_noise_everywhere_doubts_what_is_improbable():
    noise = np.array([[0.7, 0.3], [0.3, 0.7]])
    _, posterior, y = simulated(noise, n_samples=2000)
    p = posterior @ noise
    own = p[np.arange(len(y)), y]
    assert_array_equal(plausible_labels([Evidence(p, False)], y), own >= 0.5)


def test_the_noise_is_not_asked_of_a_model_that_saw_the_labels():
    noise = np.array([[0.8, 0.2], [0.2, 0.8]])
    _, posterior, y = simulated(noise, n_samples=2000)
    seen = 0.5 * np.eye(2)[y] + 0.5 * posterior
    both = [Evidence(seen, True), Evidence(posterior @ noise, False)]
    own = np.mean([item.probabilities for item in both], axis=0)[np.arange(2000), y]
    assert_array_equal(plausible_labels(both, y), own >= 0.5)
    # Alone it sees no noise at all, and doubts nothing that it has learnt by heart.
    assert plausible_labels(both[:1], y).all()


def test_of_many_classes_a_label_is_doubted_where_another_is_more_probable():
    noise = 0.7 * np.eye(5) + 0.06
    _, posterior, y = simulated(noise, n_samples=5000, overlap=1.5)
    p = posterior @ noise
    believed = plausible_labels([Evidence(p, False)], y)
    own = p[np.arange(len(y)), y]
    best_other = np.where(np.eye(5)[y] == 1, 0, p).max(axis=1)
    clear = np.abs(own - best_other) > 0.1
    assert_array_equal(believed[clear], (own > best_other)[clear])
    # Improbable, and yet the most probable of the five.
    assert np.mean(believed & (own < 0.5)) > 0.02


@pytest.mark.parametrize(("known", "counts"), [(0.7, True), (0.9, False)])
def test_a_model_that_learned_labels_by_heart_is_not_asked(known, counts):
    """It knows seven, or nine, of ten labels that the other model contradicts."""
    noise = 0.7 * np.eye(5) + 0.06
    _, posterior, y = simulated(noise, n_samples=5000, overlap=0.5)
    by_heart = np.random.default_rng(1).random((len(y), 1)) < known
    seen = np.where(by_heart, np.eye(5)[y], posterior)
    other = [Evidence(posterior @ noise, False)]
    alone, both = (
        plausible_labels(evidence, y)
        for evidence in (other, [*other, Evidence(seen, True)])
    )
    assert (alone != both).any() == counts


def test_improbable_labels_go_where_most_of_them_are_wrong():
    """Noise of 6 % in one class: too little for all classes, most of what is odd."""
    noise = np.array([[1.0, 0.0], [0.06, 0.94]])
    true, posterior, y = simulated(noise, n_samples=5000)
    p = posterior @ noise
    believed = plausible_labels([Evidence(p, False)], y)
    own = p[np.arange(len(y)), y]
    # Of the labels 0 that are improbable nine of ten are wrong, of the labels 1 none.
    for label in (0, 1):
        assert (np.mean((true != y)[(y == label) & (own < 0.5)]) > 0.9) == (label == 0)
    assert_array_equal(believed[y == 0], own[y == 0] >= 0.5)
    assert believed[y == 1].all()


@pytest.mark.parametrize("saw_labels", [False, True])
def test_overlap_of_many_classes_is_not_taken_for_noise(saw_labels):
    """Seven overlapping classes, no label wrong; a model that is sure, one that saw."""
    noise = np.eye(7)
    _, posterior, y = simulated(noise, n_samples=3000, overlap=3)
    p = posterior if not saw_labels else 0.8 * posterior + 0.2 * np.eye(7)[y]
    own = posterior[np.arange(len(y)), y]
    assert np.mean(own < posterior.max(axis=1)) > 0.25
    assert np.mean(~plausible_labels([Evidence(p, saw_labels)], y)) < 0.03


def test_expected_wrong_labels_are_those_of_the_noise():
    true, posterior, y = simulated(NOISE[3], overlap=0.5)
    expected = wrong_labels(posterior @ NOISE[3], NOISE[3])
    assert_allclose(expected, np.bincount(y[true != y], minlength=3), rtol=0.05)


def test_one_class_is_believed():
    evidence = [Evidence(np.ones((5, 1)), False)]
    assert plausible_labels(evidence, np.zeros(5, dtype=int)).all()


def test_skill_is_the_share_of_the_entropy_explained():
    _, posterior, y = simulated(np.eye(2), overlap=3)
    own = posterior[np.arange(len(y)), y]
    prior = np.bincount(y)[y] / len(y)
    expected = 1 - np.log(own).mean() / np.log(prior).mean()
    assert skill(posterior, y) == pytest.approx(expected, abs=0.01)
    constant = np.full_like(posterior, 0.5)
    assert skill(constant, y) == pytest.approx(0, abs=1e-6)
