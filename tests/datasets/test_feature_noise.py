"""Wrong features: in as many rows as asked for, and only there."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.stats import chisquare, kstest

from skvalue.datasets import make_feature_noise, make_mixed_table

DTYPES = ["float64", "float32", "int64", "uint8", "bool", "<U3", "object"]


def same(before, after):
    """Whether entries are equal or both missing, cell by cell."""
    before, after = (pd.DataFrame(X).astype(object) for X in (before, after))
    return ((before == after) | (before.isna() & after.isna())).to_numpy()


def draw_rows(dtype, n, rng):
    X = rng.integers(0, 9, size=(n, 3)).astype(dtype)
    X[:2] = np.array([[0], [1]]).astype(dtype)
    return X


@settings(max_examples=100, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    n=st.integers(2, 30),
    rate=st.floats(0, 1),
    kind=st.sampled_from(["gaussian", "shuffle"]),
    columns=st.sampled_from([None, [1], [0, 2], [False, True, True]]),
    seed=st.integers(0, 2**31),
)
def test_exactly_the_asked_share_of_rows_is_noisy(dtype, n, rate, kind, columns, seed):
    X = draw_rows(dtype, n, np.random.default_rng(seed))
    before = X.copy()
    X_noisy, is_noisy = make_feature_noise(
        X, rate, kind=kind, columns=columns, random_state=seed
    )
    assert_array_equal(X, before)
    assert not np.shares_memory(X, X_noisy)
    becomes_real = kind == "gaussian" and X.dtype.kind in "iu"
    assert X_noisy.dtype == (np.float64 if becomes_real else X.dtype)
    changed = X_noisy != X
    assert is_noisy.sum() == round(rate * n)
    chosen = np.zeros(3, dtype=bool)
    chosen[slice(None) if columns is None else np.arange(3)[columns]] = True
    # Every chosen entry of a noisy row changes, and no other one.
    assert_array_equal(changed, is_noisy[:, None] & chosen)
    if not becomes_real and kind == "shuffle":
        for column, noisy in zip(X.T, X_noisy.T, strict=True):
            assert set(noisy) <= set(column)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(10, 40),
    rate=st.floats(0, 1),
    missing=st.floats(0, 0.5),
    kind=st.sampled_from(["gaussian", "shuffle"]),
    seed=st.integers(0, 2**31),
)
def test_frames_of_any_columns_keep_what_they_are(n, rate, missing, kind, seed):
    frame, *_ = make_mixed_table(n, missing=missing, random_state=seed)
    frame = frame.assign(few=frame["age"].astype("Int64"))
    frame.index = pd.Index(np.arange(n) % 3, name="day")
    before = frame.copy()
    noisy, is_noisy = make_feature_noise(frame, rate, kind=kind, random_state=seed)
    pd.testing.assert_frame_equal(frame, before)
    assert noisy.index.equals(frame.index)
    assert noisy.columns.equals(frame.columns)
    expected = frame.dtypes.to_dict()
    if kind == "gaussian":
        expected |= {"age": np.dtype("float64"), "few": pd.Float64Dtype()}
        assert_array_equal(noisy["income"].isna(), frame["income"].isna())
    assert noisy.dtypes.to_dict() == expected
    assert is_noisy.sum() == round(rate * n)
    unchanged = same(frame, noisy)
    assert unchanged[~is_noisy].all()
    assert not unchanged[is_noisy].all(axis=1).any()


@pytest.mark.parametrize(
    ("entries", "dtype", "expected"),
    [
        ([1, 2, None, 4], "Int8", "Float64"),
        ([1.5, 2.5, None, 4.5], "Float32", "Float32"),
        ([1.5, 2.5, 3.5, 4.5], "float32", "float32"),
        ([0.0, 2.5, 0.0, 4.5], "Sparse[float64]", "float64"),
        ([0, 2, 0, 4], "Sparse[int64]", "float64"),
        ([True, False, None, True], "boolean", "boolean"),
        (["a", None, "b", "c"], "string", "string"),
        (["a", None, "b", "c"], "category", "category"),
    ],
)
def test_dtypes_of_pandas_are_kept_where_noise_allows(entries, dtype, expected):
    frame = pd.DataFrame({"column": pd.array(entries, dtype=dtype), "other": range(4)})
    noisy, is_noisy = make_feature_noise(frame, 0.5, columns=["column"], random_state=0)
    assert str(noisy["column"].dtype) == expected
    assert_array_equal(~same(frame, noisy).all(axis=1), is_noisy)
    assert_array_equal(noisy["other"], frame["other"])


def test_gaussian_noise_has_the_scale_of_its_column():
    rng = np.random.default_rng(0)
    X = rng.normal(5, [1, 100], size=(20_000, 2))
    X_noisy, is_noisy = make_feature_noise(X, 0.5, scale=0.3, random_state=0)
    noise = (X_noisy - X)[is_noisy] / X.std(axis=0)
    for column in noise.T:
        assert kstest(column, "norm", args=(0, 0.3)).pvalue > 1e-4
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.04


def test_scale_only_stretches_the_noise():
    X = np.random.default_rng(0).normal(size=(50, 3))
    small, large = (
        make_feature_noise(X, 0.2, scale=scale, random_state=3)[0] - X
        for scale in [1, 4]
    )
    assert_allclose(large, 4 * small, rtol=1e-9, atol=1e-12)


def test_shuffled_entries_are_those_of_other_rows_drawn_uniformly():
    X = np.repeat(["a", "b", "c"], [6000, 3000, 1000])[:, None]
    X_noisy, _ = make_feature_noise(X, 1.0, kind="shuffle", random_state=0)
    for entry, others in [("a", [3, 1]), ("b", [6, 1]), ("c", [6, 3])]:
        counts = np.unique(X_noisy[entry == X], return_counts=True)[1]
        expected = counts.sum() * np.array(others) / sum(others)
        assert chisquare(counts, expected).pvalue > 1e-4


def test_missing_entries_are_one_entry_among_others():
    X = np.array([["a"], [None], [np.nan], [pd.NA]], dtype=object)
    X_noisy, _ = make_feature_noise(X, 1.0, kind="shuffle", random_state=0)
    assert pd.isna(X_noisy[0, 0])
    assert X_noisy[1:, 0].tolist() == ["a"] * 3


def test_rows_that_cannot_change_are_not_called_noisy():
    X = np.array([[1.0, np.nan], [1.0, 2.0], [1.0, 3.0], [1.0, np.nan]])
    for seed in range(10):
        _, is_noisy = make_feature_noise(X, 0.5, random_state=seed)
        assert is_noisy.tolist() == [False, True, True, False]


def test_noise_is_reproducible_and_leaves_global_state_alone():
    X = np.random.default_rng(0).normal(size=(50, 3))
    state = np.random.get_state()[1].copy()
    first, second = (make_feature_noise(X, 0.2, random_state=7) for _ in range(2))
    assert_array_equal(first[0], second[0])
    assert_array_equal(first[1], second[1])
    assert_array_equal(np.random.get_state()[1], state)


FRAME = pd.DataFrame({"size": [1.0, 2.0, np.inf], "kind": ["a", "b", "a"]})
LISTS = pd.DataFrame({"lists": [[1], [2], [3]]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1.5}, "'rate' parameter"),
        ({"scale": 0}, "'scale' parameter"),
        ({"kind": "odd"}, "'kind' parameter"),
        ({"columns": []}, "columns is empty"),
        ({"columns": [7]}, "columns: "),
        ({"columns": ["size"]}, "columns using strings"),
        ({"X": FRAME, "columns": "price"}, "columns.*price"),
        ({"X": FRAME}, "X: column 'size' holds infinity"),
        ({"X": [[np.inf], [1.0]]}, "X contains infinity"),
        ({"X": [[1.0, 0.1]] * 3}, "asks for 2 noisy rows, but only 0 rows"),
        ({"X": [[1.0], [2.0], [np.nan]], "rate": 1}, "3 noisy rows, but only 2"),
        ({"X": [1.0, 2.0]}, "X: Expected 2D"),
        ({"X": np.ma.masked_equal(np.eye(3), 1)}, "X is a masked array"),
        ({"X": LISTS}, "X: unhashable"),
        ({"X": csr_array(np.eye(3))}, "'X' parameter"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make_feature_noise(**{"X": np.eye(3), "rate": 0.5} | arguments)
