"""What the gate makes of numbers, what it refuses, and that it copies no more than it
must."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from _input_kinds import memmap, read_only, unaligned
from _valuators import GivenValues, NeighbourAgreement
from numpy.testing import assert_array_equal
from scipy import sparse

from skvalue import DataOOB, NDDVValuator, _gate
from skvalue._gate import as_floats, pass_training
from skvalue._validation import validate_held_out, validate_more_rows, validate_rows
from skvalue.utils._rows import narrow_indices

X = np.arange(24.0).reshape(8, 3)
Y = np.arange(8) % 2
LAYOUTS = {
    "negative strides": X[::-1, ::-1],
    "Fortran order": np.asfortranarray(X),
    "other rows": np.repeat(X, 2, axis=0)[::2],
    "unaligned": unaligned(X),
    "read-only": read_only(X),
    "broadcast": np.broadcast_to(X[0], X.shape),
}
DTYPES = ["i1", "u1", ">i2", "u4", ">u8", "f2", ">f4", ">f8", "g", "?"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_numbers_come_out_native_and_contiguous(layout, dtype):
    given = LAYOUTS[layout].astype(dtype, order="K", copy=False)
    before = given.copy()
    passed = as_floats(given, "X")
    assert passed.dtype == np.float64
    assert passed.flags.c_contiguous and passed.flags.aligned
    assert_array_equal(passed, before)
    assert_array_equal(given, before)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", ["plain", "read-only", "in a file"])
def test_what_needs_no_change_is_not_copied(dtype, layout):
    given = X.astype(dtype)
    if layout == "read-only":
        given = read_only(given)
    if layout == "in a file":
        given = memmap(given, "r")
    passed, _ = validate_rows(GivenValues(), given, Y)
    assert passed.dtype == dtype
    assert np.shares_memory(passed, given)


def test_validation_takes_no_memory_in_proportion_to_the_rows():
    rows = np.random.default_rng(0).normal(size=(100_000, 20))
    labels = np.arange(100_000) % 2
    valuator = GivenValues()
    validate_rows(valuator, rows, labels)
    tracemalloc.start()
    passed, codes = validate_rows(valuator, rows, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.shares_memory(passed, rows)
    # The labels' codes and what sorting them takes.
    assert peak < 8 * codes.nbytes < rows.nbytes / 2


def test_single_precision_that_is_too_narrow_becomes_double():
    assert pass_training(np.float32(X * 1e10), "X")[0].dtype == np.float32
    assert pass_training(np.float32(X * 1e20), "X")[0].dtype == np.float64
    assert pass_training(np.float32(X * 1e-20), "X")[0].dtype == np.float64


def test_differences_of_whole_numbers_do_not_overflow():
    for dtype in ["i1", "i2", "i4", "i8"]:
        ends = np.iinfo(dtype)
        rows = np.array([[ends.min, 0], [ends.max, 1]], dtype=dtype)
        passed, limits = pass_training(rows, "X")
        spread = float(int(ends.max) - int(ends.min))
        assert float(limits.spread[0]) == passed[1, 0] - passed[0, 0] == spread


NOISE = 3 * np.finfo(float).eps


@pytest.mark.parametrize(
    "column",
    [
        np.full(8, 1e30),
        np.full(8, 3.7),
        1 + NOISE * Y,
        1e12 + X[:, 0],
        1.7e18 + 6e10 * X[:, 0],
        X[:, 0] * 1e30,
        X[:, 0] * 1e-30,
        np.where(Y, 0.0, -0.0),
    ],
)
def test_numbers_that_can_be_valued(column):
    rows = np.c_[X, column]
    assert pass_training(rows, "X")[0] is rows


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (X[:, 0] * 1e200, "numbers of size 2.1e+201"),
        (np.full(8, 1e300), "numbers of size 1e+300"),
        (X[:, 0] * 1e-200, "varies by 2.1e-199 only"),
        (X[:, 0] * 1e-320, "varies by"),
        (1e16 + X[:, 0], "beside numbers of 1e+16"),
        (2**60 + X[:, 0].astype("i8"), "varies by 21 beside numbers of 1.15"),
    ],
)
def test_a_column_that_cannot_be_computed_with_is_named(column, words):
    whole = column.dtype.kind == "i"
    rows = np.c_[X.astype("i8") if whole else X, column]
    with pytest.raises(ValueError, match=r"^X: column 3 .*rescale it") as error:
        validate_rows(GivenValues(), rows, Y)
    assert words in str(error.value)
    with pytest.raises(ValueError, match=r"^X: column 'd' "):
        frame = pd.DataFrame(rows, columns=list("abcd"))
        validate_rows(GivenValues(), frame, Y)


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_sparse_columns_are_judged_like_dense_ones(factor):
    rows = sparse.csr_array(X * [1, factor, 1])
    with pytest.raises(ValueError, match=r"^X: column 1 .*rescale"):
        validate_rows(GivenValues(), rows, Y)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (X[:, 0] / 4 * 1e200, "y holds numbers of size"),
        (X[:, 0] / 4 * 1e-200, "y varies by"),
        (X[:, 0] * 2.5 + 3e15, "y varies by"),
        (0.1 + NOISE / 10 * Y, "y is constant"),
        (X[:, 0].astype("g") / 4 * np.longdouble("1e4000"), r"y holds 7.5e\+3999"),
    ],
)
def test_real_targets_go_through_the_gate(target, words):
    with pytest.raises(ValueError, match=words):
        validate_rows(GivenValues(), X, target)


# --------------------------------------------------------------------- other rows


@pytest.fixture
def fitted():
    valuator = GivenValues()
    validate_rows(valuator, X, Y)
    return valuator


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dok"])
def test_sparse_rows_beside_dense_ones_become_dense(fitted, form):
    X_val, _ = validate_held_out(fitted, sparse.csr_array(X).asformat(form), Y)
    assert type(X_val) is np.ndarray
    assert_array_equal(X_val, X)


def test_sparse_rows_too_many_to_make_dense_are_refused(fitted, monkeypatch):
    monkeypatch.setattr(_gate, "MAX_DENSE", 23)
    with pytest.raises(ValueError, match=r"^X_val is sparse, .* 8 x 3 numbers"):
        validate_held_out(fitted, sparse.csr_array(X), Y)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix])
def test_rows_beside_sparse_ones_become_sparse_alike(make):
    valuator = GivenValues()
    validate_rows(valuator, make(X.astype(np.float32)), Y)
    for given in [X, X.tolist(), sparse.csc_array(X), sparse.coo_matrix(X)]:
        X_val, _ = validate_held_out(valuator, given, Y)
        assert type(X_val) is make and X_val.dtype == np.float32
        assert_array_equal(X_val.toarray(), X)


def test_sparse_rows_come_out_canonical_and_the_given_ones_stay():
    data, indices = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2, 0, 1, 1])
    given = sparse.csr_array((data, indices, [0, 2, 4]), shape=(2, 3))
    before = [part.copy() for part in (given.data, given.indices, given.indptr)]
    passed = as_floats(given, "X")
    assert passed.has_canonical_format
    assert_array_equal(passed.toarray(), [[2, 0, 1], [0, 7, 0]])
    for part, expected in zip(
        (given.data, given.indices, given.indptr), before, strict=True
    ):
        assert_array_equal(part, expected)


@pytest.mark.parametrize("dtype", ["i2", "u4", "i8"])
def test_sparse_indices_of_any_width_become_32_bits(dtype):
    given = sparse.csr_array(X)
    given.indices = given.indices.astype(dtype)
    narrow = narrow_indices(given)
    assert narrow.indices.dtype == narrow.indptr.dtype == np.int32
    assert_array_equal(narrow.toarray(), X)


def test_other_rows_have_the_dtype_of_the_training_rows(fitted):
    assert validate_more_rows(fitted, X.astype("f4")).dtype == np.float64
    validate_rows(fitted, X.astype("f4"), Y)
    assert validate_more_rows(fitted, X.astype(">f8")).dtype == np.float32


def test_other_rows_may_be_larger_but_not_by_any_factor(fitted):
    X_val = X.copy()
    X_val[0, 1] = 1e9
    validate_held_out(fitted, X_val, Y)
    X_val[0, 1] = 1e12
    with pytest.raises(ValueError, match=r"^X_val: column 1 .* rescale it"):
        validate_held_out(fitted, X_val, Y)
    validate_rows(fitted, X, X[:, 0] / 4)
    with pytest.raises(ValueError, match=r"^y_val holds numbers from"):
        validate_held_out(fitted, X, X[:, 0] * 1e12)


# ----------------------------------------------------- what comes back to the user


@pytest.mark.parametrize("dtype", ["g", ">f8", "f2", ">i4", "u1"])
def test_cleaned_rows_keep_the_dtype_that_the_user_gave(dtype):
    values = np.arange(8.0)
    given = X.astype(dtype)
    for rows in (given, given[::-1, ::-1]):
        valuator = GivenValues(values, drop=0.25)
        cleaned = valuator.fit_transform(rows, Y)
        assert cleaned.dtype == given.dtype
        assert_array_equal(cleaned, rows[valuator.fill_indices_])
        assert valuator.transform(rows) is rows


def test_new_rows_of_any_size_pass_unchanged(fitted):
    fitted.fit(X, Y)
    rows = X * 1e300
    assert fitted.transform(rows) is rows


def test_rows_in_a_file_are_valued_as_in_memory():
    rows = np.random.default_rng(0).normal(size=(60, 3))
    labels = (rows[:, 0] > 0).astype(int)
    for valuator in [
        NDDVValuator(n_members=1, max_epochs=2, random_state=0),
        DataOOB(n_estimators=20, random_state=0),
        NeighbourAgreement(),
    ]:
        expected = valuator.fit(rows, labels).data_values_
        for given in (memmap(rows, "r"), memmap(rows.astype(">f8"), "r", "F")):
            assert_array_equal(valuator.fit(given, labels).data_values_, expected)
