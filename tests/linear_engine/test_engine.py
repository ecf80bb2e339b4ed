"""The batched engine against scikit-learn's own solutions of the same problems."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from skvalue._linear_engine.applies import engine_applies, make_engine
from skvalue.semivalues._row_utility import RowUtility
from skvalue.semivalues._utility import Utility

N, N_VAL = 60, 40

ESTIMATORS = {
    "logistic": LogisticRegression(),
    "strong": LogisticRegression(C=0.05),
    "weak": LogisticRegression(C=50.0, max_iter=1000),
    "no intercept": LogisticRegression(fit_intercept=False),
    "ridge": Ridge(alpha=2.0),
    "ridge classifier": RidgeClassifier(),
}


def rows(n_classes, seed=0, n=N, d=5):
    X, y = make_classification(
        n + N_VAL,
        d,
        n_informative=3,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        flip_y=0.2,
        random_state=seed,
    )
    return X[:n], y[:n], X[n:], y[n:]


def games(name, n_classes, scoring=None, seed=0, **size):
    """The engine of a game, and a game that refits to high precision."""
    estimator = ESTIMATORS[name]
    if isinstance(estimator, Ridge):
        X, y = make_regression(N + N_VAL, 5, noise=30.0, random_state=seed)
        data, classes = (X[:N], y[:N], X[N:], y[N:]), None
    else:
        data, classes = rows(n_classes, seed, **size), np.arange(n_classes)
    fast = Utility(estimator, *data, classes=classes, scoring=scoring)
    precise = estimator
    if isinstance(estimator, LogisticRegression):
        precise = Precise(**estimator.get_params()).set_params(tol=1e-10, max_iter=5000)
    slow = Utility(precise, *data, classes=classes, scoring=scoring)
    assert fast.engine is not None
    return fast, slow


class Precise(LogisticRegression):
    """The same model, which the engine does not know."""


def coalitions(n, n_masks=24, seed=1):
    rng = np.random.default_rng(seed)
    sizes = np.linspace(3, n, n_masks).astype(int)
    return np.array([rng.permutation(n) < size for size in sizes])


CASES = [
    (name, n_classes)
    for name in ESTIMATORS
    for n_classes in (2, 3)
    if not (name == "ridge" and n_classes == 3)
]


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_scores_are_those_of_refits(name, n_classes):
    fast, slow = games(name, n_classes)
    masks = coalitions(N)
    expected = [slow.value(np.flatnonzero(mask)) for mask in masks]
    assert_allclose(fast.scores(masks), expected, atol=2e-3)


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_walks_are_refits_of_prefixes(name, n_classes):
    fast, slow = games(name, n_classes)
    rng = np.random.default_rng(2)
    permutations = np.array([rng.permutation(N) for _ in range(3)])
    walked = fast.walk(permutations, 4)
    for permutation, contributions in zip(permutations, walked, strict=True):
        worth = [slow.value(permutation[:size]) for size in range(4, N + 1)]
        assert np.isnan(contributions[permutation[:4]]).all()
        assert_allclose(contributions[permutation[4:]], np.diff(worth), atol=4e-3)


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_in_out_is_a_refit_with_each_row_changed(name, n_classes):
    fast, slow = games(name, n_classes)
    masks = coalitions(N, 6)
    found, expected = fast.in_out(masks), np.empty(masks.shape)
    for j, mask in enumerate(masks):
        worth = slow.value(np.flatnonzero(mask))
        for i in range(N):
            changed = mask.copy()
            changed[i] ^= True
            change = slow.value(np.flatnonzero(changed)) - worth
            expected[j, i] = -change if mask[i] else change
    # One step from a solution: off by little where a row moves much, and rarely so.
    atol = 2e-8 if name.startswith("ridge") else 2e-2
    assert_allclose(found, expected, atol=atol)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.05 * expected.std()


def outlier_game():
    """A mislabelled row far out, in a direction that few rows have."""
    X, y, X_val, y_val = rows(2, seed=3, n=200)
    X = np.column_stack([X, np.zeros(len(X))])
    X[0] = 6 * (X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0))
    X[0, 5] = 15.0
    X[1:4, 5] = 1.0
    y[0] = 0
    return X, y, np.column_stack([X_val, np.zeros(len(X_val))]), y_val


def test_a_mislabelled_outlier_moves_the_model_as_a_refit_does():
    """Newton's steps of its scalar equation cycle from the usual start."""
    X, y, X_val, y_val = outlier_game()
    classes = np.array([0, 1])
    fast = Utility(LogisticRegression(), X, y, X_val, y_val, classes=classes)
    slow = Utility(Precise(tol=1e-10), X, y, X_val, y_val, classes=classes)
    mask = np.arange(len(y)) > 0
    expected = slow.value(np.arange(len(y))) - slow.value(np.flatnonzero(mask))
    assert abs(expected) > 0.002
    assert fast.in_out(mask[None])[0, 0] == pytest.approx(expected, rel=0.02)


def test_proximal_shift_solves_its_equation():
    import torch

    from skvalue._linear_engine.proximal import proximal_shift

    margin, leverage = torch.meshgrid(
        torch.linspace(-30, 30, 61, dtype=torch.float64),
        torch.logspace(-6, 4, 41, dtype=torch.float64),
        indexing="ij",
    )
    for label in (0.0, 1.0):
        target = torch.full_like(margin, label)
        shift, _ = proximal_shift(margin, leverage, target, n_steps=60)
        left = shift - target + torch.sigmoid(margin + leverage * shift)
        assert float(left.abs().max()) < 1e-9
        assert ((shift * (2 * target - 1)) >= 0).all()
        few, excess = proximal_shift(margin, leverage, target)
        # What is reported bounds what the last step may still move.
        assert ((few - shift).abs() <= excess + 1e-9).all()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", ["logistic", "weak"])
def test_log_loss_is_as_exact_as_a_refit(name, n_classes):
    fast, slow = games(name, n_classes, "neg_log_loss")
    masks = coalitions(N)
    expected = [slow.value(np.flatnonzero(mask)) for mask in masks]
    # scikit-learn's default tolerance leaves .008 open here.
    assert_allclose(fast.scores(masks), expected, atol=5e-3)


@pytest.mark.parametrize("scoring", ["accuracy", "r2", "neg_mean_squared_error"])
def test_scorings_are_those_of_scikit_learn(scoring):
    name = "ridge classifier" if scoring == "accuracy" else "ridge"
    fast, slow = games(name, 3 if scoring == "accuracy" else 2, scoring)
    masks = coalitions(N, 8)
    expected = [slow.value(np.flatnonzero(mask)) for mask in masks]
    assert_allclose(fast.scores(masks), expected, rtol=1e-8, atol=1e-10)


def test_the_same_block_gives_the_same_bits_and_inputs_stay():
    fast, _ = games("logistic", 2)
    masks = coalitions(N)
    before = masks.copy()
    assert (fast.in_out(masks) == fast.in_out(masks)).all()
    assert (masks == before).all()


APPLIES = [
    (LogisticRegression(), None, True),
    (LogisticRegression(), "accuracy", True),
    (LogisticRegression(C=0.1), None, True),
    (LogisticRegression(), "neg_log_loss", True),
    (LogisticRegression(C=50.0), None, True),
    (LogisticRegression(C=1e3), None, False),
    (LogisticRegression(class_weight="balanced"), None, False),
    (LogisticRegression(solver="liblinear"), None, False),
    (LogisticRegression(l1_ratio=1.0, solver="saga"), None, False),
    (Precise(), None, False),
    (RidgeClassifier(), None, True),
    (RidgeClassifier(alpha=0.0), None, False),
    (RidgeClassifier(positive=True, solver="lbfgs"), None, False),
]


@pytest.mark.parametrize(
    ("estimator", "scoring", "expected"),
    APPLIES,
    ids=[f"{number}" for number in range(len(APPLIES))],
)
def test_where_the_engine_applies(estimator, scoring, expected):
    X = np.zeros((3, 2))
    assert engine_applies(estimator, scoring, X, True) is expected


def test_the_engine_gives_the_thread_count_back():
    import torch

    X, y, X_val, y_val = rows(2)
    before = torch.get_num_threads()
    engine = make_engine(
        LogisticRegression(),
        None,
        X,
        y,
        X_val,
        y_val,
        classes=np.array([0, 1]),
        empty_value=0.5,
        one_class_value=lambda code: 0.5,
    )
    engine.scores(coalitions(N, 2))
    assert torch.get_num_threads() == before


BY_ROW = [
    ("logistic", None, "probability"),
    ("logistic", "neg_log_loss", "neg_log_loss"),
    ("logistic", "accuracy", "accuracy"),
    ("ridge classifier", "accuracy", "accuracy"),
    ("ridge", "neg_mean_squared_error", "neg_squared_error"),
]


@pytest.mark.parametrize(("name", "scoring", "output"), BY_ROW)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_by_row_the_scores_are_what_they_average(name, scoring, output, n_classes):
    together, _ = games(name, n_classes, scoring)
    alone = RowUtility(
        together.estimator,
        together.X,
        together.y,
        together.X_val,
        together.y_val,
        classes=together.classes,
        scoring=output,
    )
    sizes = np.array([0, 1, 2, 4, 20, N])
    masks = np.arange(N) < sizes[:, None]
    for method in ("scores", "in_out"):
        found = getattr(alone, method)(masks)
        expected = getattr(together, method)(masks)
        assert found.shape == (*expected.shape, N_VAL)
        scale = np.abs(expected).max()
        assert_allclose(found.mean(axis=-1), expected, atol=1e-6 * scale)
    rows = np.arange(5)
    found = alone.exact_engine.leave_one_out(rows)
    expected = together.exact_engine.leave_one_out(rows)
    assert_allclose(found.mean(axis=-1), expected, atol=1e-9 * scale)
