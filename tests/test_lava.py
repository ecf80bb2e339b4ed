"""LAVA against a direct computation with POT and against what transport promises."""

import sys
import tracemalloc

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_digits, load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skvalue import _row_transport, _transport
from skvalue.lava import LAVA

ot = pytest.importorskip("ot")


@parametrize_with_checks([LAVA(drop=0.0), LAVA(drop=0.0, regularization=0.0)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def iris(n_samples=90):
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    return X[:n_samples], y[:n_samples], X[n_samples:], y[n_samples:]


def flipped_digits(n_samples):
    X, y = load_digits(return_X_y=True)
    generator = np.random.default_rng(0)
    order = generator.permutation(len(X))
    X, y = X[order] / 16, y[order]
    is_bad = np.arange(n_samples) < n_samples // 10
    shift = generator.integers(1, 10, n_samples) * is_bad
    held_out = slice(n_samples, 3 * n_samples // 2)
    labels = (y[:n_samples] + shift) % 10
    return X[:n_samples], labels, X[held_out], y[held_out], is_bad


def test_agrees_with_a_direct_computation():
    X, y, X_val, y_val = iris(73)
    valuator = LAVA(label_cost=2.0, regularization=0.0).fit(
        X, y, X_val=X_val, y_val=y_val
    )
    cost = ot.dist(X, X_val, metric="sqeuclidean")
    for label in range(3):
        for other in range(3):
            distance = ot.emd2(
                ot.unif(np.sum(y == label)),
                ot.unif(np.sum(y_val == other)),
                ot.dist(X[y == label], X_val[y_val == other], metric="sqeuclidean"),
            )
            assert valuator.label_distances_[label, other] == pytest.approx(distance)
            cost[np.ix_(y == label, y_val == other)] += 2.0 * distance
    _, log = ot.emd(ot.unif(73), ot.unif(77), cost, log=True)
    f = log["u"]
    expected = [-(f[i] - np.delete(f, i).mean()) for i in range(73)]
    np.testing.assert_allclose(valuator.data_values_, expected, atol=1e-9)


def test_value_is_the_fall_of_the_distance_when_weight_moves_to_the_row():
    X, y, X_val, y_val = iris(73)
    values = LAVA(label_cost=0.0, regularization=0.0)
    values = values.fit(X, y, X_val=X_val, y_val=y_val).data_values_
    cost = ot.dist(X, X_val, metric="sqeuclidean")
    step = 1e-7
    for row in range(0, 73, 6):
        weights = np.full(73, 1 / 73 - step / 72)
        weights[row] = 1 / 73 + step
        before = ot.emd2(ot.unif(73), ot.unif(77), cost)
        after = ot.emd2(weights, ot.unif(77), cost)
        assert values[row] == pytest.approx((before - after) / step, abs=1e-4)


def test_regularised_values_approach_the_exact_ones():
    X, y, X_val, y_val = iris(73)
    exact, blurred = (
        LAVA(regularization=regularization)
        .fit(X, y, X_val=X_val, y_val=y_val)
        .data_values_
        for regularization in (0.0, 0.003)
    )
    assert np.corrcoef(exact, blurred)[0, 1] > 0.99


def test_sinkhorn_potentials_agree_with_pot(monkeypatch):
    monkeypatch.setattr(_transport, "SINKHORN_TOLERANCE", 1e-9)
    X, _, X_val, _ = iris()
    cost = ot.dist(X, X_val)
    temperature = 0.1 * cost.mean()
    potential, *_ = _transport.solve_transport(cost, 0.1)
    weights = ot.unif(len(X)), ot.unif(len(X_val))
    _, log = ot.sinkhorn(
        *weights, cost, temperature, method="sinkhorn_log", log=True, stopThr=1e-10
    )
    expected = temperature * log["log_u"]
    np.testing.assert_allclose(
        potential - potential.mean(), expected - expected.mean(), atol=1e-5
    )


@pytest.mark.parametrize("regularization", [0.0, 0.03, 0.1, 3.0])
def test_pooled_transports_cost_what_each_costs_alone(regularization):
    rng = np.random.default_rng(0)
    sizes = [(1, 1), (1, 7), (5, 1), (3, 4), (4, 3), (17, 9), (30, 31), (80, 60)]
    blocks = [rng.exponential(size=size) ** 2 for size in 3 * sizes]
    blocks.append(np.zeros((4, 5)))
    together = _transport.transport_costs(blocks, regularization)
    alone = [_transport.solve_transport(b, regularization)[2] for b in blocks]
    np.testing.assert_allclose(together, alone, rtol=1e-9)
    # Nor does a transport depend on those that it is solved with.
    some = _transport.transport_costs(blocks[1::3], regularization)
    np.testing.assert_allclose(some, together[1::3], rtol=1e-12)


def test_many_classes_are_valued_in_few_solves(monkeypatch):
    n_classes = 40
    rng = np.random.default_rng(0)
    centers, y = rng.normal(size=(n_classes, 5)), np.arange(160) % n_classes
    X, X_val = (centers[y] + 0.1 * rng.normal(size=(160, 5)) for _ in range(2))
    solved = []
    solve = _transport._Pool.__init__

    def count(pool, cost, *args):
        solved.append(len(cost))
        solve(pool, cost, *args)

    monkeypatch.setattr(_transport._Pool, "__init__", count)
    valuator = LAVA(task="classification").fit(X, y, X_val=X_val, y_val=y)
    assert sum(solved) == n_classes**2 + 1
    assert len(solved) == 2
    distances = valuator.label_distances_
    assert (distances.argmin(axis=1) == np.arange(n_classes)).all()


def test_a_pooled_solve_that_stops_early_is_told_of(monkeypatch):
    monkeypatch.setattr(_transport, "SINKHORN_ITERATIONS", 1)
    blocks = [np.random.default_rng(0).exponential(size=(6, 8)) ** 3] * 3
    with pytest.warns(ConvergenceWarning, match="raise regularization"):
        _transport.transport_costs(blocks, 0.01)


@pytest.mark.parametrize("regularization", [0.0, 0.1])
def test_finds_flipped_digits(regularization):
    X, y, X_val, y_val, is_bad = flipped_digits(500)
    valuator = LAVA(regularization=regularization).fit(X, y, X_val=X_val, y_val=y_val)
    auc = roc_auc_score(is_bad, -valuator.data_values_)
    # The exact potentials follow single held-out rows; blurring averages over them.
    assert auc > (0.85 if regularization else 0.6)


def test_cross_fitted_values_find_flipped_digits():
    X, y, _, _, is_bad = flipped_digits(500)
    values = LAVA(random_state=0).fit(X, y).data_values_
    assert roc_auc_score(is_bad, -values) > 0.9


@pytest.mark.parametrize("regularization", [0.0, 0.1])
def test_predict_values_of_the_training_rows_are_their_values(regularization):
    X, y, X_val, y_val = iris(73)
    valuator = LAVA(regularization=regularization)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    # A training row is one of the n that calibrate it, a new row is not.
    expected = valuator.data_values_ * 72 / 73
    tolerance = 1e-2 if regularization else 1e-9
    np.testing.assert_allclose(valuator.predict_values(X, y), expected, atol=tolerance)


def test_real_targets_are_moved_with_the_features():
    X, y = make_regression(120, 5, random_state=0)
    y[:12] = np.random.default_rng(0).permutation(y[:12]) + 3 * y.std()
    is_bad = np.arange(120) < 12
    first, second = (
        LAVA(random_state=0).fit(X, target).data_values_ for target in (y, 5 * y + 1)
    )
    assert roc_auc_score(is_bad, -first) > 0.7
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_same_values_for_any_n_jobs_and_seed():
    X, y, *_ = iris()
    with parallel_config(backend="threading"):
        one, two = (
            LAVA(n_jobs=n, random_state=3).fit(X, y).data_values_ for n in (1, 2)
        )
    np.testing.assert_array_equal(one, two)


def test_sinkhorn_says_when_it_has_not_converged(monkeypatch):
    X, y, X_val, y_val = iris()
    monkeypatch.setattr(_transport, "SINKHORN_ITERATIONS", 1)
    with pytest.warns(ConvergenceWarning, match="raise regularization"):
        LAVA(regularization=0.01).fit(X, y, X_val=X_val, y_val=y_val)


def test_missing_pot_names_the_extra(monkeypatch):
    X, y, *_ = iris()
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(ImportError, match=r"skvalue\[ot\]"):
        LAVA(regularization=0.0).fit(X, y)


# ------------------------------------------------------------------------ batches


def solve_to_the_last_digit(monkeypatch):
    monkeypatch.setattr(_transport, "SINKHORN_TOLERANCE", 1e-9)
    monkeypatch.setattr(_transport, "SINKHORN_ITERATIONS", 100_000)


def direct_values(X, y, X_val, y_val, regularization):
    """One transport of all rows, by POT, to the last digit."""
    cost = ot.dist(X, X_val)
    distances = np.full((3, 3), np.nan)
    for label in range(3):
        for other in range(3):
            block = cost[np.ix_(y == label, y_val == other)]
            plan = ot.sinkhorn(
                *map(ot.unif, block.shape),
                block,
                regularization * block.mean(),
                method="sinkhorn_log",
                stopThr=1e-12,
                numItermax=100_000,
            )
            distances[label, other] = (plan * block).sum()
    cost += distances[y[:, None], y_val]
    temperature = regularization * cost.mean()
    _, log = ot.sinkhorn(
        *map(ot.unif, cost.shape),
        cost,
        temperature,
        method="sinkhorn_log",
        log=True,
        stopThr=1e-12,
        numItermax=100_000,
    )
    f = temperature * log["log_u"]
    return (f.mean() - f) * len(f) / (len(f) - 1)


def in_batches(X, y, X_val, y_val, batch_size, *, regularization=0.1, seed=0):
    settings = _row_transport.Settings(
        3, "sqeuclidean", 1.0, regularization, batch_size
    )
    transport = _row_transport.Transport(X_val, y_val, len(y))
    _row_transport._transport_in_batches(X, y, transport, settings, seed)
    values = _row_transport.values_of_new_rows(X, y, transport, "sqeuclidean")
    return (values - values.mean()) * len(y) / (len(y) - 1)


@pytest.mark.parametrize("regularization", [0.1, 0.3])
def test_one_batch_of_all_rows_is_the_whole_transport(monkeypatch, regularization):
    solve_to_the_last_digit(monkeypatch)
    X, y, X_val, y_val = iris(75)
    expected = direct_values(X, y, X_val, y_val, regularization)
    batched = in_batches(X, y, X_val, y_val, 75, regularization=regularization)
    np.testing.assert_allclose(batched, expected, atol=1e-6 * np.ptp(expected))
    for size in (75, 4096, None):
        at_once = LAVA(regularization=regularization, batch_size=size)
        at_once.fit(X, y, X_val=X_val, y_val=y_val)
        np.testing.assert_allclose(
            at_once.data_values_, expected, atol=1e-6 * np.ptp(expected)
        )


@pytest.mark.parametrize("regularization", [0.0, 0.3])
def test_batches_of_the_same_rows_are_the_whole_transport(monkeypatch, regularization):
    solve_to_the_last_digit(monkeypatch)
    X, y, X_val, y_val = iris(60)
    whole = in_batches(X, y, X_val, y_val, 60, regularization=regularization)

    def deal_copies(target, n_batches, classification, seed):
        return np.arange(len(target)) // 60

    # Each batch is a copy of all rows, so that a mean over batches changes nothing.
    monkeypatch.setattr(_row_transport, "deal", deal_copies)
    copies = in_batches(
        *(np.concatenate([rows] * 3) for rows in (X, y)),
        X_val,
        y_val,
        60,
        regularization=regularization,
    )
    np.testing.assert_allclose(copies[:60] / (180 / 179), whole / (60 / 59), atol=1e-9)


def blobs(n_samples, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n_samples)
    return rng.normal(size=(n_samples, 4)) + 2 * np.eye(3, 4)[y], y


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_batches_come_near_the_whole_transport_and_nearer_with_their_size(seed):
    X, y = blobs(3000, seed)
    X_val, y_val = blobs(200, seed + 10)
    held_out = {"X_val": X_val, "y_val": y_val}
    whole = LAVA(batch_size=None).fit(X, y, **held_out).data_values_
    r = [
        np.corrcoef(
            LAVA(batch_size=size, random_state=seed).fit(X, y, **held_out).data_values_,
            whole,
        )[0, 1]
        for size in (300, 1500)
    ]
    assert r[1] > 0.998
    assert r[1] > r[0] > 0.9


def test_order_of_the_rows_changes_the_batches_only():
    X, y = blobs(1200, 0)
    X_val, y_val = blobs(150, 1)
    order = np.random.default_rng(2).permutation(1200)
    for size, least in ((None, 1 - 1e-9), (300, 0.99)):
        values, reordered = (
            LAVA(batch_size=size, random_state=0)
            .fit(X[rows], y[rows], X_val=X_val, y_val=y_val)
            .data_values_
            for rows in (np.arange(1200), order)
        )
        assert np.corrcoef(values[order], reordered)[0, 1] > least


def test_held_out_rows_beyond_a_batch_are_drawn_from_every_class():
    X, y = blobs(300, 0)
    X_val, y_val = blobs(900, 1)
    valuator = LAVA(batch_size=300, random_state=0)
    valuator.fit(X, y, X_val=X_val, y_val=y_val)
    whole = LAVA(batch_size=None).fit(X, y, X_val=X_val, y_val=y_val)
    (transport,) = valuator._transports
    assert len(transport.y_val) == 300
    shares = [np.bincount(labels) / len(labels) for labels in (transport.y_val, y_val)]
    np.testing.assert_allclose(*shares, atol=1 / 300)
    assert np.corrcoef(valuator.data_values_, whole.data_values_)[0, 1] > 0.97


def test_a_class_that_few_batches_hold_has_values(monkeypatch):
    monkeypatch.setattr(_row_transport, "MAX_BATCHES", 2)
    X, y = blobs(1000, 0)
    # Two rows of a class, for ten batches of which two are transported.
    y = np.where(np.arange(1000) < 2, 3, y)
    X_val, y_val = blobs(90, 1)
    y_val[:3] = 3
    valuator = LAVA(batch_size=100, random_state=0)
    for seed in range(5):
        valuator.set_params(random_state=seed).fit(X, y, X_val=X_val, y_val=y_val)
        assert np.isfinite(valuator.label_distances_).all()
        assert np.isfinite(valuator.data_values_).all()


@pytest.mark.parametrize("real", [False, True])
def test_batches_are_the_same_for_any_n_jobs(real):
    X, y = blobs(300, 0)
    y = X[:, 0] + y if real else y
    with parallel_config(backend="threading"):
        values = [
            LAVA(n_jobs=n, batch_size=50, random_state=3).fit(X, y).data_values_
            for n in (1, 2)
        ]
    np.testing.assert_array_equal(*values)
    other = LAVA(batch_size=50, random_state=4).fit(X, y).data_values_
    assert not np.array_equal(values[0], other)


def test_real_targets_in_batches_come_near_the_whole_transport():
    X, y = make_regression(800, 5, noise=5.0, random_state=0)
    held_out = {"X_val": X[600:], "y_val": y[600:]}
    whole, batched = (
        LAVA(batch_size=size, random_state=0).fit(X[:600], y[:600], **held_out)
        for size in (None, 200)
    )
    r = np.corrcoef(whole.data_values_, batched.data_values_)[0, 1]
    assert r > 0.99
    new = batched.predict_values(X[:600], y[:600])
    np.testing.assert_allclose(new * 600 / 599, batched.data_values_, atol=1e-9)


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr("skvalue.utils._chunks.CHUNK_ELEMENTS", 100_000)
    peaks = []
    for n_samples in (2000, 8000):
        X, y = blobs(n_samples, 0)
        X_val, y_val = blobs(200, 1)
        valuator = LAVA(batch_size=500, random_state=0)
        tracemalloc.start()
        valuator.fit(X, y, X_val=X_val, y_val=y_val)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Four times the rows add vectors, not a cost matrix of 6000 x 200 floats.
    assert peaks[1] - peaks[0] < 6000 * 200 * 8 / 4
