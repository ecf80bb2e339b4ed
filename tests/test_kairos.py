"""KAIROS against the discrepancy written out, its derivative, and what it promises."""

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris, make_regression
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue._kernel_discrepancy import _kernel_ridge
from skvalue.kairos import KAIROS


@parametrize_with_checks([KAIROS(drop=0.0)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def iris(n_samples=90, seed=0):
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order], y[order]
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def flipped_digits(n_samples, seed=0):
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    X, y = X[order] / 16, y[order]
    is_bad = np.arange(n_samples) < n_samples // 10
    labels = (y[:n_samples] + rng.integers(1, 10, n_samples) * is_bad) % 10
    held_out = slice(n_samples, n_samples + 300)
    return X[:n_samples], labels, X[held_out], y[held_out], is_bad


def scale_of(X_val):
    squared = ((X_val[:, None] - X_val) ** 2).sum(axis=2)
    return np.median(squared[np.triu_indices(len(X_val), 1)])


def discrepancy(weights, X, losses, X_val, feature_weight):
    """The definition: squared distance of the mean embeddings, and mean label loss."""
    gamma = 1 / scale_of(X_val)
    held_out = np.full(len(X_val), 1 / len(X_val))
    squared = (
        weights @ rbf_kernel(X, gamma=gamma) @ weights
        - 2 * weights @ rbf_kernel(X, X_val, gamma=gamma) @ held_out
        + held_out @ rbf_kernel(X_val, gamma=gamma) @ held_out
    )
    return feature_weight * squared + weights @ losses


def label_losses(X, targets, X_val, held_out_targets, ridge):
    """Squared residuals of scikit-learn's kernel ridge regression."""
    mean = held_out_targets.mean(axis=0)
    model = KernelRidge(alpha=ridge, kernel="rbf", gamma=1 / scale_of(X_val))
    model.fit(X_val, held_out_targets - mean)
    return ((targets - mean - model.predict(X)) ** 2).sum(axis=1)


@pytest.mark.parametrize("feature_weight", [0.0, 4.0, 1000.0])
def test_value_is_the_fall_of_the_discrepancy_when_weight_moves_to_the_row(
    feature_weight,
):
    X, y, X_val, y_val = iris(73)
    valuator = KAIROS(feature_weight=feature_weight, ridge=0.3)
    values = valuator.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    losses = label_losses(X, np.eye(3)[y], X_val, np.eye(3)[y_val], 0.3)
    step = 1e-5
    for row in range(0, 73, 6):
        falls = []
        for sign in (1, -1):
            weights = np.full(73, 1 / 73 - sign * step / 72)
            weights[row] = 1 / 73 + sign * step
            falls.append(
                discrepancy(weights, X, losses, X_val, feature_weight) / sign / step
            )
        # Central differences are exact for a quadratic function.
        assert values[row] == pytest.approx(
            -(falls[0] + falls[1]) / 2, abs=1e-9 * max(1, feature_weight)
        )


def test_value_of_real_targets_is_the_fall_of_the_discrepancy():
    X, y = make_regression(100, 4, noise=5.0, random_state=0)
    X, X_val, y, y_val = X[:60], X[60:], y[:60], y[60:]
    values = KAIROS(ridge=0.1).fit(X, y, X_val=X_val, y_val=y_val).data_values_
    unit = y_val.std()
    losses = label_losses(X, y[:, None] / unit, X_val, y_val[:, None] / unit, 0.1)
    gamma = 1 / scale_of(X_val)
    gradient = losses + 8 * (
        rbf_kernel(X, gamma=gamma).mean(axis=1)
        - rbf_kernel(X, X_val, gamma=gamma).mean(axis=1)
    )
    expected = [np.delete(gradient, i).mean() - gradient[i] for i in range(60)]
    assert_allclose(values, expected, atol=1e-9)


def test_closed_form_on_two_points():
    # Two training rows, on held-out rows of distance 1: all kernels are 1 or 1/e.
    X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    X_val = np.array([[0.0], [1.0], [1.0]])
    valuator = KAIROS(feature_weight=1.0, ridge=1e12)
    valuator.fit(X, y, X_val=X_val, y_val=np.array([0, 1, 1]))
    near = np.exp(-1)
    # The training rows are alike; of the held-out rows, two thirds are at 1. A huge
    # ridge leaves the labels' frequencies, 1/3 and 2/3.
    gradient = np.array(
        [
            2 * ((1 + near) / 2 - (1 + 2 * near) / 3) + 2 * (2 / 3) ** 2,
            2 * ((1 + near) / 2 - (near + 2) / 3) + 2 * (1 / 3) ** 2,
        ]
    )
    assert_allclose(valuator.data_values_, gradient[::-1] - gradient, atol=1e-9)


def test_features_of_the_held_out_rows_themselves_have_no_gradient():
    X, y, *_ = iris()
    # Null shift: the training rows are the held-out rows, each of them twice.
    X, y = np.tile(X, (2, 1)), np.tile(y, 2)
    heavy, none = (
        KAIROS(feature_weight=weight, ridge=0.1).fit(X, y, X_val=X[:90], y_val=y[:90])
        for weight in (1e6, 0.0)
    )
    assert_allclose(heavy.data_values_, none.data_values_, atol=1e-7)


def test_rows_that_the_held_out_rows_lack_have_low_values_and_no_others():
    # A shifted half against held-out rows of the other half, over seeds.
    gaps = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, X_val = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
        y, y_val = rng.integers(0, 2, 200), rng.integers(0, 2, 100)
        is_shifted = np.arange(200) < 40
        X[is_shifted] += 2.0
        values = KAIROS().fit(X, y, X_val=X_val, y_val=y_val).data_values_
        gaps.append(values[~is_shifted].mean() - values[is_shifted].mean())
    assert np.mean(gaps) > 4 * np.std(gaps) / np.sqrt(10)


def test_ridge_has_the_least_leave_one_out_error():
    X, y, *_ = iris(60)
    kernel, targets = rbf_kernel(X, gamma=0.3), np.eye(3)[y] - np.eye(3)[y].mean(axis=0)

    def left_out(ridge):
        error = 0
        for row in range(60):
            others = np.delete(np.arange(60), row)
            inner = kernel[np.ix_(others, others)] + ridge * np.eye(59)
            fit = kernel[row, others] @ np.linalg.solve(inner, targets[others])
            error += ((targets[row] - fit) ** 2).sum()
        return error

    chosen, coefficients = _kernel_ridge(kernel, targets, "auto")
    errors = {ridge: left_out(ridge) for ridge in 10.0 ** np.arange(-2, 2.1, 0.5)}
    assert chosen == min(errors, key=errors.get)
    inner = kernel + chosen * np.eye(60)
    assert_allclose(coefficients, np.linalg.solve(inner, targets), atol=1e-8)


@pytest.mark.parametrize("held_out", [True, False])
def test_finds_flipped_digits(held_out):
    aucs = []
    for seed in range(3):
        X, y, X_val, y_val, is_bad = flipped_digits(500, seed)
        rows = {"X_val": X_val, "y_val": y_val} if held_out else {}
        values = KAIROS(random_state=seed).fit(X, y, **rows).data_values_
        aucs.append(roc_auc_score(is_bad, -values))
    assert min(aucs) > (0.98 if held_out else 0.95)


def test_drops_wrong_labels_and_few_others():
    X, y, X_val, y_val, is_bad = flipped_digits(500)
    valuator = KAIROS().fit(X, y, X_val=X_val, y_val=y_val)
    dropped = ~valuator.get_support()
    assert (dropped & is_bad).sum() > 0.8 * is_bad.sum()
    assert (dropped & is_bad).sum() > 0.8 * dropped.sum()


def test_wrong_targets_have_low_values_in_any_unit():
    X, y = make_regression(200, 5, random_state=0)
    is_bad = np.arange(200) < 20
    y[is_bad] += 3 * y.std()
    one, other = (
        KAIROS(random_state=0).fit(X, target).data_values_ for target in (y, 5 * y + 1)
    )
    assert roc_auc_score(is_bad, -one) > 0.85
    assert_allclose(one, other, atol=1e-8)


def test_predict_values_of_the_training_rows_are_their_values():
    X, y, X_val, y_val = iris(73)
    valuator = KAIROS().fit(X, y, X_val=X_val, y_val=y_val)
    expected = valuator.data_values_ * 72 / 73
    assert_allclose(valuator.predict_values(X, y), expected, atol=1e-12)


def test_values_do_not_depend_on_the_order_of_the_rows_nor_of_the_labels():
    X, y, X_val, y_val = iris(73)
    values = KAIROS().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    order = np.random.default_rng(1).permutation(73)
    reordered = KAIROS().fit(X[order], y[order], X_val=X_val[::-1], y_val=y_val[::-1])
    assert_allclose(reordered.data_values_, values[order], atol=1e-10)
    renamed = KAIROS().fit(X, 2 - y, X_val=X_val, y_val=2 - y_val)
    assert_allclose(renamed.data_values_, values, atol=1e-10)


def test_a_far_origin_costs_no_digits():
    X, y, X_val, y_val = iris(73)
    values = KAIROS().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    # 2^20 leaves iris' tenths 2^-33 of error.
    far = KAIROS().fit(X + 2.0**20, y, X_val=X_val + 2.0**20, y_val=y_val)
    assert_allclose(far.data_values_, values, atol=1e-7)


def test_drawn_references_are_unbiased():
    X, y, X_val, y_val = iris(110)
    params = {"feature_weight": 1.0, "ridge": 1e12}
    held_out = {"X_val": X_val, "y_val": y_val}
    whole = KAIROS(**params).fit(X, y, **held_out).data_values_
    drawn = np.array(
        [
            KAIROS(max_reference=40, random_state=seed, **params)
            .fit(X, y, **held_out)
            .data_values_
            for seed in range(300)
        ]
    )
    deviation = drawn.mean(axis=0) - whole
    stderr = drawn.std(axis=0, ddof=1) / np.sqrt(300)
    assert np.abs(deviation / stderr).max() < 4.5


@pytest.mark.parametrize("max_reference", [2000, 20])
def test_same_values_for_any_n_jobs(max_reference):
    X, y, *_ = iris()
    one, two, again = (
        KAIROS(n_jobs=n, max_reference=max_reference, random_state=3)
        .fit(X, y)
        .data_values_
        for n in (1, 2, 1)
    )
    assert_array_equal(one, again)
    assert_array_equal(one, two)
    with parallel_config(backend="threading"):
        threads = KAIROS(n_jobs=2, max_reference=max_reference, random_state=3)
        assert_array_equal(one, threads.fit(X, y).data_values_)


def test_chunks_change_no_value(monkeypatch):
    X, y, X_val, y_val = iris(73)
    values = KAIROS().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    monkeypatch.setattr("skvalue.utils._chunks.CHUNK_ELEMENTS", 300)
    chunked = KAIROS().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    assert_allclose(chunked, values, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ridge", 0.0),
        ("bandwidth", 0.0),
        ("feature_weight", -1.0),
        ("max_reference", 1),
    ],
)
def test_parameters_out_of_range_are_named(name, value):
    X, y, *_ = iris()
    with pytest.raises(ValueError, match=f"'{name}' parameter of KAIROS"):
        KAIROS(**{name: value}).fit(X, y)
