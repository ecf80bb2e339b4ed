"""Odd numbers in the batched engine: resolved while they can be, else one error."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from skvalue.semivalues._utility import Utility

N = 60


def data(n_classes=2):
    X, y = make_classification(
        N + 30,
        5,
        n_informative=4,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        flip_y=0.1,
        random_state=0,
    )
    return X[:N], y[:N], X[N:], y[N:]


def contributions(rows, estimator=None, n_classes=2):
    estimator = LogisticRegression() if estimator is None else estimator
    game = Utility(estimator, *rows, classes=np.arange(n_classes), precision="float64")
    masks = np.arange(N) % np.array([[2], [3], [N]]) > 0
    return game.in_out(masks)


# Of units in the last place of its values, a column that varies by 1 has at 1e12 eight
# thousand, at 1e14 sixty.
@pytest.mark.parametrize(("offset", "digits"), [(1e6, 8), (1e12, 3), (1e14, 1)])
def test_a_column_with_a_huge_offset_counts_as_far_as_it_is_resolved(offset, digits):
    X, y, X_val, y_val = data()
    scaled = X * [1e-2, 1, 1, 1, 1], X_val * [1e-2, 1, 1, 1, 1]
    expected = contributions((scaled[0], y, scaled[1], y_val))
    without = [rows * [0, 1, 1, 1, 1] for rows in scaled]
    shift = np.array([offset / 100, 0, 0, 0, 0])
    found = contributions((scaled[0] + shift, y, scaled[1] + shift, y_val))
    assert_allclose(found, expected, atol=10.0**-digits * expected.std())
    dropped = contributions((without[0], y, without[1], y_val))
    assert np.abs(found - expected).max() < np.abs(dropped - expected).max()


@pytest.mark.parametrize("constant", [0.1, 1e6 / 3, 1e12 / 3, 1e200])
def test_a_constant_column_changes_nothing(constant):
    X, y, X_val, y_val = data()
    expected = contributions((X, y, X_val, y_val))
    # Held-out rows may vary there: no coefficient meets it.
    more = [np.full(len(X), constant), np.linspace(-constant, constant, len(X_val))]
    rows = [np.column_stack(pair) for pair in zip((X, X_val), more, strict=True)]
    found = contributions((rows[0], y, rows[1], y_val))
    assert_allclose(found, expected, atol=1e-9)


def test_a_column_of_next_to_no_spread_is_held_at_zero():
    X, y, X_val, y_val = data()
    expected = contributions((X, y, X_val, y_val))
    for size in (1e-20, 1e-100, 1e-300):
        rows = [np.column_stack([part, part[:, 0] * size]) for part in (X, X_val)]
        found = contributions((rows[0], y, rows[1], y_val))
        assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("size", [1e160, 1e300, 1.7e308])
@pytest.mark.parametrize("estimator", [LogisticRegression(), RidgeClassifier()])
def test_columns_at_the_end_of_the_range_raise_by_name(estimator, size):
    X, y, X_val, y_val = data()
    X[:, 2] = size * np.sign(X[:, 2])
    with pytest.raises(ValueError, match=r"^X holds numbers .* rescale"):
        contributions((X, y, X_val, y_val), estimator)


def test_held_out_rows_far_from_the_training_rows_raise_by_name():
    X, y, X_val, y_val = data()
    X_val[3, 1] = 1e60
    game = Utility(LogisticRegression(), X, y, X_val, y_val, classes=np.arange(2))
    with pytest.raises(ValueError, match=r"^X_val holds numbers .* rescale"):
        game.scores(np.ones((1, N), dtype=bool))


def test_a_singular_system_raises_by_name():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(N, 1)), 3, axis=1)
    game = Utility(Ridge(alpha=1e-300), X, X[:, 0], X, X[:, 0], classes=None)
    with pytest.raises(ValueError, match=r"rows of X .* raise alpha"):
        game.scores(np.ones((1, N), dtype=bool))


def test_scores_that_are_no_numbers_raise_by_name():
    rows = data()
    game = Utility(LogisticRegression(), *rows, classes=np.arange(2))
    with torch.inference_mode():
        game.engine.problem.X_val[0] = torch.inf
    everyone = np.ones((1, N), dtype=bool)
    for method, argument in (("scores", everyone), ("in_out", everyone)):
        with pytest.raises(ValueError, match="rescale X and X_val"):
            getattr(game, method)(argument)
    with pytest.raises(ValueError, match="rescale X and X_val"):
        game.walk(np.arange(N)[None], 5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_of_large_scale_are_fitted_though_newton_steps_lead_off(n_classes):
    """A penalty that is hardly noticeable: each step is halved until the loss falls."""
    rng = np.random.RandomState(0)
    X, y = 1e5 * rng.normal(size=(40, 5)), rng.randint(n_classes, size=40)
    few = np.stack([rng.permutation(40) < 12 for _ in range(8)])
    scores = Utility(
        LogisticRegression(), X, y, X, y, classes=np.arange(n_classes)
    ).scores(few)
    for mask, score in zip(few, scores, strict=True):
        reference = LogisticRegression(solver="newton-cholesky", tol=1e-12)
        # The same problem in columns of unit scale.
        reference.set_params(C=1e10, max_iter=1000).fit(X[mask] / 1e5, y[mask])
        found = reference.predict_proba(X / 1e5)
        columns = np.searchsorted(reference.classes_, y)
        known = np.isin(y, reference.classes_)
        right = found[np.arange(40), columns.clip(max=found.shape[1] - 1)] * known
        assert score == pytest.approx(right.mean(), abs=1e-4)
