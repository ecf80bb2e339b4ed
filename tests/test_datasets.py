"""Generators keep their promises about distributions and about what they change."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest, chisquare, ks_2samp, kstest

from skvalue.datasets import make_label_noise, make_two_planes, two_planes_posterior


def two_planes(row):
    _, x2, x3, x4, x5, x6, x7, *_ = row
    return 3 + 3 * x2 + 2 * x3 + x4 if row[0] == 1 else -3 + 3 * x5 + 2 * x6 + x7


def test_two_planes_without_noise_follow_their_equation():
    X, y = make_two_planes(300, noise=0.0, regression=True, random_state=0)
    assert_array_equal(y, [two_planes(row) for row in X])
    _, labels = make_two_planes(300, noise=0.0, random_state=0)
    assert_array_equal(labels, y < 0)
    assert_array_equal(labels, two_planes_posterior(X, noise=0))


def test_two_planes_classes_are_the_signs_of_the_targets():
    X, target = make_two_planes(300, regression=True, random_state=3)
    X_again, y = make_two_planes(300, random_state=3)
    assert_array_equal(X, X_again)
    assert_array_equal(y, target < 0)
    assert set(y) == {0, 1}


def test_two_planes_features_are_uniform_and_noise_is_normal():
    X, y = make_two_planes(20_000, noise=2.0, regression=True, random_state=0)
    assert set(X[:, 0]) == {-1, 1}
    assert set(X[:, 1:].ravel()) == {-1, 0, 1}
    for column in X.T:
        assert chisquare(np.unique(column, return_counts=True)[1]).pvalue > 1e-4
    residuals = y - [two_planes(row) for row in X]
    assert kstest(residuals, "norm", args=(0, 2)).pvalue > 1e-4
    assert np.abs(np.corrcoef(X.T)[np.triu_indices(10, 1)]).max() < 0.04


def test_two_planes_posterior_is_calibrated():
    X, y = make_two_planes(40_000, random_state=1)
    posterior = two_planes_posterior(X)
    for probability in np.unique(posterior):
        rows = np.isclose(posterior, probability)
        test = binomtest(int(y[rows].sum()), int(rows.sum()), probability)
        assert test.pvalue > 1e-5
    assert np.mean((posterior > 0.5) == y) == pytest.approx(0.930, abs=0.005)


def test_two_planes_best_accuracy_is_what_the_docstring_says():
    grid = np.array(np.meshgrid(*[[-1, 0, 1]] * 6)).reshape(6, -1).T
    X = np.concatenate(
        [
            np.column_stack([np.full(len(grid), side), grid, np.zeros((len(grid), 3))])
            for side in [-1, 1]
        ]
    )
    posterior = two_planes_posterior(X)
    assert np.maximum(posterior, 1 - posterior).mean() == pytest.approx(0.930, abs=5e-4)


@pytest.mark.skipif("SKVALUE_DATA" not in os.environ, reason="needs SKVALUE_DATA")
def test_two_planes_agree_with_the_published_file():
    file = np.load(Path(os.environ["SKVALUE_DATA"]) / "2dplanes.npz")
    X, y = make_two_planes(len(file["X"]), regression=True, random_state=0)
    assert ks_2samp(y, file["y_reg"]).pvalue > 1e-3
    assert_allclose(X.mean(axis=0), file["X"].mean(axis=0), atol=0.02)
    assert_allclose(X.std(axis=0), file["X"].std(axis=0), atol=0.01)
    # The file puts class 1 below the sample mean, .0096, the generator below 0.
    assert np.mean(file["y"] == (file["y_reg"] < 0)) > 0.998
    posterior = two_planes_posterior(file["X"])
    assert np.mean((posterior > 0.5) == file["y"]) == pytest.approx(0.930, abs=0.003)
    assert np.mean(posterior - file["y"]) == pytest.approx(0, abs=0.005)


def test_two_planes_are_reproducible_and_leave_global_state_alone():
    state = np.random.get_state()[1].copy()
    first, second = (make_two_planes(50, random_state=7) for _ in range(2))
    assert_array_equal(first[0], second[0])
    assert_array_equal(first[1], second[1])
    make_label_noise(first[1], 0.2, random_state=7)
    assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (make_two_planes, {"n_samples": 0}, "'n_samples' parameter"),
        (make_two_planes, {"noise": -1.0}, "'noise' parameter"),
        (make_two_planes, {"regression": 3}, "'regression' parameter"),
        (two_planes_posterior, {"X": np.ones((3, 9))}, "X must have 10 features"),
        (two_planes_posterior, {"X": np.zeros((3, 10))}, "X must have 10 features"),
        (two_planes_posterior, {"X": np.ones((3, 10)), "noise": -1}, "'noise'"),
        (make_label_noise, {"y": [0, 1], "rate": 1.1}, "'rate' parameter"),
        (make_label_noise, {"y": [0, 0], "rate": 0.5}, "y has one distinct label"),
        (make_label_noise, {"y": [[0, 1], [1, 0]], "rate": 0.5}, "y"),
        (make_label_noise, {"y": [0.0, np.nan], "rate": 0.5}, "y contains NaN"),
    ],
)
def test_bad_input_is_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(**arguments)


LABELS = {
    "int": np.array([3, 1, 2]),
    "bool": np.array([False, True]),
    "str": np.array(["ant", "bumblebee", "cat"]),
    "object": np.array(["ant", "bumblebee", "cat"], dtype=object),
    "float": np.array([0.0, 2.0]),
    "continuous": np.array([0.5, 0.25, -1.5, 7.125]),
}


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(sorted(LABELS)),
    n=st.integers(2, 40),
    rate=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_exactly_the_asked_share_of_labels_is_wrong(kind, n, rate, seed):
    labels = LABELS[kind]
    y = labels[np.random.default_rng(seed).integers(len(labels), size=n)]
    y[:2] = labels[:2]
    before = y.copy()
    y_noisy, is_flipped = make_label_noise(y, rate, random_state=seed)
    assert_array_equal(y, before)
    assert is_flipped.sum() == round(rate * n)
    assert_array_equal(y_noisy != y, is_flipped)
    assert y_noisy.dtype == y.dtype
    assert set(y_noisy) <= set(y)
    assert not np.shares_memory(y, y_noisy)


def test_wrong_classes_are_drawn_uniformly():
    y = np.repeat([0, 1, 2, 3], [20_000, 300, 300, 300])
    y_noisy, is_flipped = make_label_noise(y, 1.0, random_state=0)
    assert is_flipped.all()
    # Uniform over classes, not over rows: the large class is no likelier.
    for label in range(4):
        counts = np.unique(y_noisy[y == label], return_counts=True)[1]
        assert len(counts) == 3
        assert chisquare(counts).pvalue > 1e-4


def test_rows_are_drawn_uniformly():
    y = np.tile([0, 1], 10)
    flips = sum(make_label_noise(y, 0.2, random_state=seed)[1] for seed in range(1000))
    assert chisquare(flips).pvalue > 1e-4


def test_wrong_targets_are_those_of_other_rows():
    y = np.repeat([0.5, 1.5, 2.5], [6000, 3000, 1000])
    y_noisy, _ = make_label_noise(y, 1.0, random_state=0)
    # Uniform over the rows with another target.
    for target, others in [(0.5, [3, 1]), (1.5, [6, 1]), (2.5, [6, 3])]:
        counts = np.unique(y_noisy[y == target], return_counts=True)[1]
        expected = counts.sum() * np.array(others) / sum(others)
        assert chisquare(counts, expected).pvalue > 1e-4


def test_labels_may_come_in_any_container():
    y = pd.Series(["ant", "bee", "ant", "bee"], index=list("wxyz"))
    for labels in [y, y.tolist(), y.to_numpy()]:
        y_noisy, is_flipped = make_label_noise(labels, 0.5, random_state=0)
        assert isinstance(y_noisy, np.ndarray)
        assert_array_equal(y_noisy != y.to_numpy(), is_flipped)
    assert y.tolist() == ["ant", "bee", "ant", "bee"]


def _benchmark_data():
    path = Path(__file__).parents[1] / "examples" / "benchmarks" / "_data.py"
    spec = importlib.util.spec_from_file_location("_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_benchmark_split_is_what_it_says():
    data = _benchmark_data()
    _, y = data.load("digits")
    split = data.detection_split("digits", 1000, 0, 0.1)
    assert split.X.shape == (1000, 64)
    sizes = [len(split[f"y_{part}"]) for part in ["val", "meta", "test"]]
    assert sizes == [100, 100, 300]
    assert split.is_flipped.sum() == 100
    assert_array_equal(split.y != split.y_true, split.is_flipped)
    assert_array_equal(split.y_true, y[split.rows])
    assert len(set(split.rows)) == 1000
    parts = np.concatenate([split.X, split.X_val, split.X_meta, split.X_test])
    assert_allclose(parts.mean(axis=0), 0, atol=1e-12)
    assert len(data.detection_split("digits", 20_000, 0, 0.1).y) < 1200


def test_benchmark_data_say_where_they_are_looked_for(monkeypatch):
    monkeypatch.delenv("SKVALUE_DATA", raising=False)
    with pytest.raises(OSError, match="SKVALUE_DATA"):
        _benchmark_data().load("bbc")
