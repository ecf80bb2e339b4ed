"""KNNShapley against enumeration of all coalitions."""

import tracemalloc
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue.neighbors import KNNShapley


def shapley_by_enumeration(n_rows, utility):
    """Shapley values from all 2^n coalitions; `utility` takes sorted row numbers."""
    subsets = np.arange(2**n_rows)[:, None] >> np.arange(n_rows) & 1
    worth = [utility(np.flatnonzero(subset)) for subset in subsets]
    values = np.zeros(n_rows)
    for code in range(2**n_rows - 1):
        weight = 1 / (n_rows * comb(n_rows - 1, code.bit_count()))
        for i in range(n_rows):
            if not code >> i & 1:
                values[i] += weight * (worth[code | 1 << i] - worth[code])
    return values


def knn_utility(X, y, x, target, k, kind, *, n_classes=None, origin=None, radius=None):
    """Utility of a coalition for one held-out row, as the docstring defines it."""
    distance = cdist([x], X)[0]
    right = (y == target).astype(float)

    def utility(rows):
        rows = np.array(rows, dtype=int)
        nearest = rows[np.argsort(distance[rows], kind="stable")][:k]
        if kind == "hard":
            return right[nearest].sum() / k
        if kind == "weighted":
            closest = distance.min() if origin is None else origin
            with np.errstate(divide="ignore", invalid="ignore"):
                weight = np.where(distance == 0, 1, np.minimum(1, closest / distance))
            return (right * weight)[nearest].sum() / k
        if kind == "soft":
            return right[nearest].mean() if len(nearest) else 1 / n_classes
        if kind == "threshold":
            inside = rows[distance[rows] <= radius]
            return right[inside].mean() if len(inside) else 1 / n_classes
        return -((origin + np.sum(y[nearest] - origin) / k - target) ** 2)

    return utility


def enumerated(X, y, X_val, y_val, k, kind, **options):
    games = [
        shapley_by_enumeration(len(y), knn_utility(X, y, x, target, k, kind, **options))
        for x, target in zip(X_val, y_val, strict=True)
    ]
    return np.mean(games, axis=0)


def small_problem(seed, n_rows=7, n_val=3, ties=True):
    """Rows on a small grid: many are equal or equally far."""
    rng = np.random.default_rng(seed)
    draw = (
        (lambda n: rng.integers(0, 3, (n, 2)).astype(float))
        if ties
        else (lambda n: rng.normal(size=(n, 2)))
    )
    y = np.append([0, 1, 2], rng.integers(0, 3, n_rows - 3))
    return draw(n_rows), y, draw(n_val), rng.integers(0, 3, n_val)


def make(kind, **params):
    if kind == "weighted":
        return KNNShapley(weights="distance", **params)
    return KNNShapley(utility=kind, **params)


KINDS = ["hard", "weighted", "soft", "threshold"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 20])
@pytest.mark.parametrize("ties", [True, False])
def test_equals_enumeration(kind, k, ties):
    X, y, X_val, y_val = small_problem(k, ties=ties)
    options = {}
    valuator = make(kind, n_neighbors=k)
    if kind == "threshold":
        options["radius"] = 1.0
        valuator.set_params(radius=1.0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    expected = enumerated(X, y, X_val, y_val, k, kind, n_classes=3, **options)
    assert_allclose(valuator.data_values_, expected, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 20])
@pytest.mark.parametrize("ties", [True, False])
def test_regression_equals_enumeration(k, ties):
    X, _, X_val, _ = small_problem(k, ties=ties)
    rng = np.random.default_rng(k)
    y, y_val = rng.normal(3, 1, len(X)), rng.normal(3, 1, len(X_val))
    valuator = KNNShapley(n_neighbors=k).fit(X, y, X_val=X_val, y_val=y_val)
    expected = enumerated(X, y, X_val, y_val, k, "regression", origin=y.mean())
    assert_allclose(valuator.data_values_, expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3, 20])
def test_two_rows_equal_enumeration(kind, k):
    X, y = np.array([[0.0], [2.0]]), np.array([0, 1])
    X_val, y_val = np.array([[0.5], [3.0]]), np.array([0, 0])
    valuator = make(kind, n_neighbors=k, radius=1.0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    expected = enumerated(X, y, X_val, y_val, k, kind, n_classes=2, radius=1.0)
    assert_allclose(valuator.data_values_, expected, atol=1e-12)


@pytest.mark.parametrize("metric", ["manhattan", "cosine", "chebyshev"])
def test_other_metrics_equal_enumeration(metric):
    X, y, X_val, y_val = small_problem(0, ties=False)
    valuator = KNNShapley(n_neighbors=2, metric=metric)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    names = {"manhattan": "cityblock"}
    expected = np.zeros(len(y))
    for x, target in zip(X_val, y_val, strict=True):
        order = np.argsort(cdist([x], X, names.get(metric, metric))[0], kind="stable")
        line = np.empty(len(y))
        line[order] = np.arange(len(y))
        game = knn_utility(line[:, None], y, [-1.0], target, 2, "hard")
        expected += shapley_by_enumeration(len(y), game) / len(y_val)
    assert_allclose(valuator.data_values_, expected, atol=1e-12)


@pytest.mark.parametrize("kind", [*KINDS, "regression"])
@pytest.mark.parametrize("k", [1, 2, 4, 20])
@pytest.mark.parametrize("ties", [True, False])
def test_new_row_is_worth_what_it_would_have_been(kind, k, ties):
    X, y, X_val, y_val = small_problem(k + 10, n_rows=6, ties=ties)
    X_new, y_new, _, _ = small_problem(99, n_rows=4, ties=ties)
    valuator = make("hard" if kind == "regression" else kind, n_neighbors=k)
    options = {"n_classes": 3}
    if kind == "regression":
        rng = np.random.default_rng(k)
        y, y_val, y_new = rng.normal(3, 1, 6), rng.normal(3, 1, 3), rng.normal(3, 1, 4)
        options["origin"] = y.mean()
    if kind == "threshold":
        valuator.set_params(radius=1.0)
        options["radius"] = 1.0
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    expected = np.zeros(len(y_new))
    for x, target in zip(X_val, y_val, strict=True):
        if kind == "weighted":
            options["origin"] = cdist([x], X).min()
        for new in range(len(y_new)):
            X_all, y_all = np.vstack([X, X_new[new]]), np.append(y, y_new[new])
            game = knn_utility(X_all, y_all, x, target, k, kind, **options)
            expected[new] += shapley_by_enumeration(7, game)[-1] / len(y_val)
    assert_allclose(valuator.predict_values(X_new, y_new), expected, atol=1e-12)


def test_efficiency_axiom(digits_problem):
    X, y, X_val, y_val = digits_problem
    valuator = KNNShapley(n_neighbors=5).fit(X, y, X_val=X_val, y_val=y_val)
    nearest = np.argsort(cdist(X_val, X), axis=1, kind="stable")[:, :5]
    utility_of_all = (y[nearest] == y_val[:, None]).mean()
    assert_allclose(valuator.data_values_.sum(), utility_of_all)


@pytest.mark.parametrize("max_rank", [5, 20, 100, 10_000])
def test_truncation_error_is_bounded(digits_problem, max_rank):
    X, y, X_val, y_val = digits_problem
    exact = KNNShapley().fit(X, y, X_val=X_val, y_val=y_val).data_values_
    truncated = KNNShapley(max_rank=max_rank).fit(X, y, X_val=X_val, y_val=y_val)
    error = np.abs(truncated.data_values_ - exact).max()
    assert error <= (1 / max_rank if max_rank < len(y) else 1e-15)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_equal_rows_count_in_row_order(offset):
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(40, 30)), 5, axis=0) + offset
    y = rng.integers(0, 2, len(X))
    X_val, y_val = X[::7], y[::7]
    fitted = KNNShapley(n_neighbors=3).fit(X, y, X_val=X_val, y_val=y_val)
    group = np.arange(len(X)) // 5
    distance = cdist(X_val, X[::5])[:, group]
    order = np.argsort(distance, axis=1, kind="stable")
    expected = np.zeros(len(X))
    for row, target in zip(order, y_val, strict=True):
        line = np.empty((len(X), 1))
        line[row, 0] = np.arange(len(X))
        one = KNNShapley(n_neighbors=3)
        one.fit(line, y, X_val=[[-1.0]], y_val=[target])
        expected += one.data_values_ / len(y_val)
    assert_allclose(fitted.data_values_, expected, atol=1e-14)


def test_default_radius_is_the_median_distance_to_the_kth_neighbour(digits_problem):
    X, y, X_val, y_val = digits_problem
    valuator = KNNShapley(n_neighbors=4, utility="threshold")
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    kth = np.sort(cdist(X, X), axis=1)[:, 4]
    assert_allclose(valuator.radius_, np.median(kth))


def test_values_average_over_the_folds(digits_problem):
    X, y, _, _ = digits_problem
    folds = [
        (np.arange(0, 200), np.arange(200, 300)),
        (np.arange(100, 300), np.arange(100)),
    ]
    values = KNNShapley(cv=folds).fit(X, y).data_values_
    total, count = np.zeros(300), np.zeros(300)
    for rows, held_out in folds:
        one = KNNShapley().fit(X[rows], y[rows], X_val=X[held_out], y_val=y[held_out])
        total[rows] += one.data_values_
        count[rows] += 1
    assert_allclose(values, total / count, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_same_values_for_any_n_jobs(digits_problem, kind):
    X, y, _, _ = digits_problem
    one = make(kind, random_state=0).fit(X, y).data_values_
    two = make(kind, random_state=0, n_jobs=2).fit(X, y).data_values_
    assert_array_equal(one, two)


def test_sparse_rows_have_the_values_of_dense_rows(digits_problem):
    X, y, X_val, y_val = digits_problem
    dense = KNNShapley().fit(X, y, X_val=X_val, y_val=y_val)
    sparse = KNNShapley().fit(csr_matrix(X), y, X_val=csr_matrix(X_val), y_val=y_val)
    assert_allclose(sparse.data_values_, dense.data_values_, atol=1e-12)
    assert_allclose(
        sparse.predict_values(csr_matrix(X_val), y_val),
        dense.predict_values(X_val, y_val),
        atol=1e-12,
    )


def test_flipped_labels_score_lower(digits_problem):
    X, y, _, _ = digits_problem
    noisy = y.copy()
    noisy[::10] = (noisy[::10] + 1) % 10
    for kind in KINDS:
        values = make(kind, random_state=0).fit(X, noisy).data_values_
        assert values[::10].mean() < values.mean() - values.std()


def test_memory_does_not_grow_with_the_number_of_held_out_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20_000, 2)), rng.integers(0, 2, 20_000)

    def peak(n_val):
        tracemalloc.start()
        KNNShapley().fit(X, y, X_val=X[:n_val], y_val=y[:n_val])
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(400) < 1.2 * peak(110)


@pytest.mark.parametrize(
    ("params", "regression", "message"),
    [
        ({"utility": "soft"}, True, 'regression has utility="hard"'),
        ({"utility": "threshold"}, True, 'regression has utility="hard"'),
        ({"weights": "distance", "utility": "soft"}, False, "weights"),
        ({"weights": "distance"}, True, "weights"),
        ({"max_rank": 9, "utility": "soft"}, False, "max_rank"),
        ({"max_rank": 9}, True, "max_rank"),
        ({"metric": "precomputed"}, False, "precomputed"),
        ({"max_rank": 3}, False, "below n_neighbors=5"),
        ({"metric": lambda a, b: -1.0}, False, "metric"),
        ({"device": "cpu:0", "metric": "manhattan"}, False, "device='cpu:0' needs"),
    ],
)
def test_refuses_what_is_not_exact(params, regression, message):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    y = rng.normal(size=20) if regression else np.arange(20) % 2
    with pytest.raises(ValueError, match=message):
        KNNShapley(**params).fit(X, y)


@pytest.mark.parametrize(
    "params",
    [{}, {"utility": "soft"}, {"utility": "threshold"}, {"max_rank": 20}],
    ids=lambda params: next(iter(params.values()), "hard"),
)
def test_a_torch_device_gives_the_same_values(digits_problem, params):
    X, y, X_val, y_val = digits_problem
    X = np.concatenate([X, X[:30]])
    y = np.concatenate([y, y[:30]])
    plain, device = (
        KNNShapley(device=device, **params).fit(X, y, X_val=X_val, y_val=y_val)
        for device in ("cpu", "cpu:0")
    )
    assert_allclose(device.data_values_, plain.data_values_, rtol=0, atol=1e-12)
    assert_allclose(
        device.predict_values(X_val, y_val),
        plain.predict_values(X_val, y_val),
        rtol=0,
        atol=1e-12,
    )


def test_predict_values_names_the_argument_that_does_not_fit(digits_problem):
    X, y, _, _ = digits_problem
    valuator = KNNShapley().fit(X, y)
    with pytest.raises(ValueError, match="X has 3 rows, but y has 2 labels"):
        valuator.predict_values(X[:3], y[:2])
    with pytest.raises(ValueError, match="not in the training y"):
        valuator.predict_values(X[:1], [11])


# test_common.py runs the default utility.
@parametrize_with_checks(
    [
        KNNShapley(utility="soft", drop=0.0, random_state=0),
        KNNShapley(utility="threshold", drop=0.0, random_state=0),
    ]
)
def test_check_estimator(estimator, check):
    check(estimator)
