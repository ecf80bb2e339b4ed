"""Wrong labels: as many as asked for, of the classes or near the boundary."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from scipy.stats import chisquare, spearmanr

from skvalue.datasets import make_label_noise
from skvalue.datasets._label_noise import _boundary, _rows_near_zero

LABELS = {
    "int": np.array([3, 1, 2]),
    "bool": np.array([False, True]),
    "str": np.array(["ant", "bumblebee", "cat"]),
    "object": np.array(["ant", "bumblebee", "cat"], dtype=object),
    "float": np.array([0.0, 2.0]),
}


def draw_labels(kind, n, seed):
    labels = LABELS[kind]
    rng = np.random.default_rng(seed)
    y = labels[rng.integers(len(labels), size=n)]
    y[: len(labels)] = labels
    return y, rng


def assert_wrong_exactly(y, y_noisy, is_flipped):
    assert_array_equal(y_noisy != y, is_flipped)
    assert y_noisy.dtype == y.dtype
    assert set(y_noisy) <= set(y)
    assert not np.shares_memory(y, y_noisy)


def test_uniform_noise_is_what_it_was_before_there_were_kinds():
    y = np.arange(12) % 3
    y_noisy, _ = make_label_noise(y, 0.5, random_state=0)
    assert y_noisy.tolist() == [0, 1, 0, 0, 2, 2, 1, 1, 1, 0, 0, 0]
    y_noisy, _ = make_label_noise(1.5 * y, 0.5, kind="uniform", random_state=0)
    expected = [0, 1.5, 1.5, 0, 0, 3, 1.5, 1.5, 1.5, 0, 0, 1.5]
    assert y_noisy.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(LABELS)),
    n=st.integers(3, 40),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=3),
    seed=st.integers(0, 2**31),
)
def test_exactly_the_asked_share_of_each_class_is_wrong(kind, n, shares, seed):
    y, _ = draw_labels(kind, n, seed)
    before = y.copy()
    rate = dict(zip(LABELS[kind].tolist(), shares, strict=False))
    y_noisy, is_flipped = make_label_noise(
        y, rate, kind="class_dependent", random_state=seed
    )
    assert_array_equal(y, before)
    assert_wrong_exactly(y, y_noisy, is_flipped)
    for label in LABELS[kind].tolist():
        rows = y == label
        assert is_flipped[rows].sum() == round(rate.get(label, 0) * rows.sum())


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(sorted(LABELS)),
    n=st.integers(3, 40),
    rate=st.floats(0, 1),
    constant=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_exactly_the_asked_share_is_wrong_near_the_boundary(
    kind, n, rate, constant, seed
):
    y, rng = draw_labels(kind, n, seed)
    before = y.copy()
    X = np.ones((n, 2)) if constant else rng.normal(size=(n, 2))
    first, second = (
        make_label_noise(y, rate, kind="feature_dependent", X=X, random_state=seed)
        for _ in range(2)
    )
    assert_array_equal(first[0], second[0])
    assert_array_equal(y, before)
    assert_wrong_exactly(y, *first)
    assert first[1].sum() == round(rate * n)


def test_one_share_makes_only_the_rarest_class_wrong():
    y = np.repeat(["many", "rare", "some"], [60, 15, 25])
    y_noisy, is_flipped = make_label_noise(
        y, 0.1, kind="class_dependent", random_state=0
    )
    assert is_flipped.sum() == 10
    assert set(y[is_flipped]) == {"rare"}
    assert set(y_noisy[is_flipped]) == {"many", "some"}


def test_order_of_the_classes_in_rate_does_not_matter():
    y = np.repeat([0, 1, 2], 20)
    rates = {0: 0.2, 2: 0.4}, {2: 0.4, 0: 0.2}
    noisy = [
        make_label_noise(y, rate, kind="class_dependent", random_state=0)[0]
        for rate in rates
    ]
    assert_array_equal(*noisy)


def test_rows_of_a_class_are_drawn_uniformly():
    y = np.repeat([0, 1], [30, 10])
    flips = sum(
        make_label_noise(y, {1: 0.3}, kind="class_dependent", random_state=seed)[1]
        for seed in range(400)
    )
    assert flips[:30].sum() == 0
    assert chisquare(flips[30:]).pvalue > 1e-4


def three_classes(n, seed=0):
    """Classes 0, 1 and 2 along a line: only neighbours touch."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 3, size=(n, 1))
    return np.hstack([X, rng.normal(size=(n, 1))]), X[:, 0].astype(int)


def test_a_flip_is_likelier_the_nearer_the_boundary():
    X, y = three_classes(600)
    distance = np.minimum(np.abs(X[:, 0] - 1), np.abs(X[:, 0] - 2))
    nearer, flips = np.argsort(distance), np.zeros(600)
    for seed in range(8):
        y_noisy, is_flipped = make_label_noise(
            y, 0.1, kind="feature_dependent", X=X, random_state=seed
        )
        flips += is_flipped
        # Ends of the line are no neighbours.
        assert np.abs(y_noisy - y).max() == 1
    by_distance = [part.mean() for part in np.split(flips[nearer], 6)]
    assert by_distance == sorted(by_distance, reverse=True)
    assert by_distance[0] > 10 * by_distance[-1]


def test_weight_peaks_on_the_boundary_and_is_what_the_equation_says():
    X, y = three_classes(400)
    logits, rivals = _boundary(X, y, 3, np.random.RandomState(0))
    assert (rivals != y).all()
    assert_array_equal(rivals[y != 1], 1)
    side = y == 0
    assert spearmanr(logits[side], 1 - X[side, 0]).statistic > 0.95
    # Chances of the first of one draw: 4 q (1 - q), over their sum.
    logits = np.array([-2.0, 0.0, 1.0, 4.0])
    rng = np.random.RandomState(0)
    first = [_rows_near_zero(logits, 1, rng)[0] for _ in range(20_000)]
    chance = 1 / (1 + np.exp(-logits)) / (1 + np.exp(logits))
    counts = np.bincount(first, minlength=4)
    assert chisquare(counts, 20_000 * chance / chance.sum()).pvalue > 1e-4


@pytest.mark.parametrize("container", ["frame", "sparse", "scaled", "missing"])
def test_boundary_is_found_in_any_container(container):
    X, y = three_classes(300)
    columns = {
        "frame": pd.DataFrame(X, columns=["line", "other"]),
        "sparse": csr_array(X),
        "scaled": X * [1e6, 1e-3] + [0, 5],
        "missing": np.column_stack([X, np.full(300, np.nan)]),
    }
    flips = [
        make_label_noise(y, 0.1, kind="feature_dependent", X=rows, random_state=0)[1]
        for rows in (X, columns[container])
    ]
    # Sparse rows are not centred, which moves a penalised model a little.
    assert np.mean(flips[0] == flips[1]) > 0.97


@pytest.mark.parametrize("counts", [(1, 1), (9, 1), (1, 1, 1), (30, 1, 1)])
def test_classes_of_single_rows_can_be_near_a_boundary(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    X = np.arange(len(y))[:, None]
    y_noisy, is_flipped = make_label_noise(
        y, 1.0, kind="feature_dependent", X=X, random_state=0
    )
    assert is_flipped.all()
    assert (y_noisy != y).all()


def test_without_flips_labels_are_copied():
    y = np.array([1, 1, 1])
    for kind in ["uniform", "class_dependent", "feature_dependent"]:
        y_noisy, is_flipped = make_label_noise(y, 0, kind=kind, X=[[1], [2], [3]])
        assert_array_equal(y_noisy, y)
        assert not np.shares_memory(y, y_noisy)
        assert not is_flipped.any()


@pytest.mark.parametrize("kind", ["class_dependent", "feature_dependent"])
def test_global_random_state_is_left_alone(kind):
    X, y = three_classes(60)
    state = np.random.get_state()[1].copy()
    make_label_noise(y, 0.1, kind=kind, X=X, random_state=0)
    assert_array_equal(np.random.get_state()[1], state)


ROWS = [[0.0], [1.0], [2.0], [3.0]]
BOUNDARY = {"kind": "feature_dependent"}
CLASSES = {"kind": "class_dependent"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 0.5, "kind": "odd"}, "'kind' parameter"),
        ({"rate": "half"}, "'rate' parameter"),
        ({"rate": {"a": 0.5}}, "needs kind='class_dependent'"),
        ({"rate": {"a": 0.5}, **BOUNDARY, "X": ROWS}, "needs kind='class_dependent'"),
        ({"rate": {"c": 0.5}, **CLASSES}, "rate names the label 'c'.*'a', 'b'"),
        ({"rate": {"a": 1.5}, **CLASSES}, r"rate\['a'\] = 1.5 must be a share"),
        ({"rate": {"a": "b"}, **CLASSES}, r"rate\['a'\] = 'b' must be a share"),
        ({"rate": 0.75, **CLASSES}, "3 wrong labels of the rarest class, 'b', .* 1 "),
        ({"rate": 0.5, **BOUNDARY}, "needs X"),
        ({"rate": 0.5, **BOUNDARY, "X": ROWS[:3]}, "X and y: .*inconsistent"),
        ({"rate": 0.5, **BOUNDARY, "X": [["u"]] * 4}, "X: .*encode"),
        ({"rate": 0.5, **BOUNDARY, "X": [[np.inf]] * 4}, "X contains infinity"),
        ({"y": [0.5, 1.5, 2.0, 3.0], "rate": 0.5, **CLASSES}, "y is continuous"),
        ({"y": ["a"] * 4, "rate": 0.5, **CLASSES}, "y has one distinct label"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_label_noise(**{"y": ["a", "b", "a", "a"]} | arguments)
