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


def money(n, spread, seed):
    """Four classes, one of a few rows, told by a column of money and others of 0 and 1.

    Coalitions that one amount separates have coefficients of hundreds of its spread,
    where hardly any row is uncertain.
    """
    rng = np.random.default_rng(seed)
    amount, kinds = rng.lognormal(7, spread, n), rng.integers(0, 4, n)
    risk = 1.5 * (amount < 400) + (kinds == 1) + 0.5 * rng.normal(size=n)
    y = np.digitize(risk, [0.9, 2.2])
    y[rng.choice(n, n // 10, replace=False)] = rng.integers(0, 3, n // 10)
    y[: n // 100] = 3
    others = rng.integers(18, 90, n), rng.random((n, 4)) < 0.3
    return np.column_stack([amount, kinds[:, None] == np.arange(4), *others]), y


def test_contributions_beside_a_rare_class_and_a_column_of_money_are_those_of_refits():
    X, y = money(500, 1.5, seed=11)
    rows = X[:400], y[:400], X[400:], y[400:]
    precise = LogisticRegression(solver="newton-cholesky", tol=1e-9, max_iter=1000)
    game = Utility(LogisticRegression(), *rows, classes=np.arange(4))
    refits = Utility(precise, *rows, classes=np.arange(4))
    rng = np.random.default_rng(0)
    masks = np.array([rng.permutation(400) < size for size in (60, 120, 250, 400)])
    masks[:, :2] = True
    for mask, contributions in zip(masks, game.in_out(masks), strict=True):
        for row in (*range(8), 390):
            others = np.setdiff1d(np.flatnonzero(mask), row)
            expected = refits.value(np.append(others, row)) - refits.value(others)
            assert contributions[row] == pytest.approx(expected, rel=0.05, abs=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
def test_certain_rows_are_fitted_from_where_the_hessian_tells_no_way(seed):
    """Of conjugate gradients, and of steps from the coalition's model, some fail."""
    X, y = money(800, 2.5, seed=seed)
    rows = X[:700], y[:700], X[700:], y[700:]
    game = Utility(LogisticRegression(), *rows, classes=np.arange(4))
    rng = np.random.default_rng(0)
    masks = np.array([rng.permutation(700) < size for size in (8, 10, 12, 100, 400)])
    masks[:, 0] = True
    assert np.isfinite(game.in_out(masks)).all()
