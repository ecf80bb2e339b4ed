"""DVRL: the policy gradient, what it learns, and what it leaves alone."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_digits, make_blobs, make_regression
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue.dvrl import DVRL
from skvalue.utils._progress import Progress

torch = pytest.importorskip("torch")
selectors = pytest.importorskip("skvalue._torch.dvrl")

TINY = {"max_epochs": 3, "cv": 2, "hidden_dim": 4}


@parametrize_with_checks([DVRL(GaussianNB(), drop=0.0, **TINY)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def blobs(n_samples=100):
    X, y = make_blobs(2 * n_samples, centers=3, cluster_std=2.0, random_state=0)
    y[: n_samples // 10] = (y[: n_samples // 10] + 1) % 3
    is_bad = np.arange(n_samples) < n_samples // 10
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:], is_bad


def train(reward, n_samples=40, **settings):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(n_samples, 3))
    doubts = generator.normal(size=(n_samples, 1))
    settings = {
        "n_steps": 300,
        "batch_size": n_samples,
        "baseline_window": 20,
        "hidden_dim": 4,
        "n_layers": 2,
        "lr": 0.01,
        "device": "cpu",
        "seed": 0,
    } | settings
    settings["progress"] = Progress("DVRL", settings["n_steps"], "steps", 0)
    selector, _ = selectors.train_selector(
        rows, doubts, lambda selected: reward(rows, doubts, selected), **settings
    )
    return selectors.selection_probabilities(selector, rows, doubts), rows, doubts


@pytest.mark.parametrize("batch_size", [40, 25])
def test_selector_learns_which_rows_pay(batch_size):
    probabilities, _, doubts = train(
        lambda rows, doubts, selected: -doubts[selected].sum(), batch_size=batch_size
    )
    assert np.corrcoef(probabilities, doubts[:, 0])[0, 1] < -0.9


def test_selector_learns_from_features_alone():
    probabilities, rows, _ = train(
        lambda rows, doubts, selected: rows[selected, 0].sum(),
        n_steps=600,
        hidden_dim=20,
        lr=0.02,
    )
    assert np.corrcoef(probabilities, rows[:, 0])[0, 1] > 0.7


def test_without_a_reward_all_rows_stay_at_one_half():
    probabilities, *_ = train(lambda rows, doubts, selected: 1.0)
    np.testing.assert_allclose(probabilities, 0.5)


def test_a_reward_for_the_number_of_rows_moves_no_row_from_another():
    probabilities, *_ = train(lambda rows, doubts, selected: len(selected), n_steps=50)
    assert abs(probabilities.mean() - 0.5) < 0.05


def test_gradient_is_that_of_reinforce():
    """One step of the update against the formula, written out."""
    generator = torch.Generator().manual_seed(0)
    selector = selectors.Selector(2, 1, hidden_dim=3, n_layers=1, generator=generator)
    rows = torch.randn(5, 2, generator=generator)
    doubts = torch.randn(5, 1, generator=generator)
    logits = selector(rows, doubts)
    centred = logits - logits.mean()
    selected = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0])
    probability = torch.sigmoid(centred)
    log_policy = (
        selected * probability.log() + (1 - selected) * (1 - probability).log()
    ).sum()
    log_policy.backward()
    deviation = (selected - probability).detach()
    deviation = deviation - deviation.mean()
    features = torch.cat((selector.body(rows), doubts), dim=1).detach()
    torch.testing.assert_close(selector.head.weight.grad[0], deviation @ features)


def test_finds_flipped_digits():
    X, y = load_digits(return_X_y=True)
    generator = np.random.default_rng(0)
    order = generator.permutation(len(X))
    X, y = X[order] / 16, y[order]
    is_bad = np.arange(400) < 40
    labels = (y[:400] + is_bad * generator.integers(1, 10, 400)) % 10
    # The cheapest predictor, so that a few hundred fits take a second.
    valuator = DVRL(RidgeClassifier(), max_epochs=250, random_state=0)
    valuator.fit(X[:400], labels, X_val=X[400:700], y_val=y[400:700])
    assert roc_auc_score(is_bad, -valuator.data_values_) > 0.7


def test_values_are_probabilities_and_the_plausible_rows_are_kept():
    X, y, X_val, y_val, _ = blobs()
    valuator = DVRL(GaussianNB(), max_epochs=40, random_state=0)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    assert (values > 0).all() and (values < 1).all()
    assert valuator.get_support()[values >= 0.5].all()
    assert valuator.rewards_[0].shape == (40,)


def test_predict_values_of_the_training_rows_are_their_values():
    X, y, X_val, y_val, _ = blobs()
    valuator = DVRL(GaussianNB(), max_epochs=10, random_state=0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(
        valuator.predict_values(X, y), valuator.data_values_, rtol=1e-6
    )


@pytest.mark.parametrize(
    "estimator", [None, DecisionTreeRegressor(max_depth=3)], ids=repr
)
def test_real_targets(estimator):
    X, y = make_regression(60, 4, random_state=0)
    first, second = (
        DVRL(estimator, random_state=0, **TINY).fit(X, y).data_values_ for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_integer_targets_are_real_for_a_regressor():
    X, y = make_regression(40, 4, random_state=0)
    valuator = DVRL(DecisionTreeRegressor(), random_state=0, **TINY)
    assert not hasattr(valuator.fit(X, y.astype(int)), "classes_")


def test_same_values_for_any_n_jobs_and_random_states_untouched():
    X, y, *_ = blobs(60)
    torch_state = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()
    with parallel_config(backend="threading"):
        one, two = (
            DVRL(GaussianNB(), n_jobs=n, random_state=1, **TINY).fit(X, y).data_values_
            for n in (1, 2)
        )
    np.testing.assert_array_equal(one, two)
    assert torch.equal(torch.get_rng_state(), torch_state)
    now = np.random.get_state()[1]
    np.testing.assert_array_equal(now, numpy_state)


def test_classifier_refuses_real_targets():
    X, y = make_regression(40, 4, random_state=0)
    with pytest.raises(ValueError, match="is a classifier"):
        DVRL(LogisticRegression(), **TINY).fit(X, y)
