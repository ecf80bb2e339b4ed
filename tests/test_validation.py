"""What counts as rows, labels and held-out rows, and how a refusal reads."""

import numpy as np
import pandas as pd
import pytest
from _valuators import NeighbourAgreement
from numpy.testing import assert_array_equal
from scipy import sparse

from skvalue._validation import (
    validate_held_out,
    validate_more_rows,
    validate_rows,
)


@pytest.fixture
def rows():
    return np.arange(12.0).reshape(6, 2), np.array([3, 7, 3, 7, 7, 3])


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes"],
        np.array(["no", "yes"], dtype=object),
        [False, True],
        [-1, 1],
        [0.0, 1.0],
        [10**12, 10**13],
    ],
    ids=str,
)
def test_labels_become_codes_in_their_order(rows, labels):
    valuator = NeighbourAgreement()
    codes = np.array([0, 1, 0, 1, 1, 0])
    _, y = validate_rows(valuator, rows[0], np.asarray(labels)[codes])
    assert_array_equal(y, codes)
    assert_array_equal(valuator.classes_, np.asarray(labels))


def test_real_targets_stay_and_leave_no_classes(rows):
    valuator = NeighbourAgreement()
    validate_rows(valuator, *rows)
    assert hasattr(valuator, "classes_")
    target = np.array([0.5, 1.25, 2, 3, 4, 5], dtype=np.float32)
    _, y = validate_rows(valuator, rows[0], target)
    assert not hasattr(valuator, "classes_")
    assert y.dtype == np.float64
    assert_array_equal(y, target)


def test_a_series_is_taken_by_position(rows):
    X, y = rows
    shuffled = pd.Series(y, index=[5, 4, 3, 2, 1, 0])
    _, codes = validate_rows(NeighbourAgreement(), X, shuffled)
    assert_array_equal(codes, [0, 1, 0, 1, 1, 0])


def test_a_categorical_series_is_a_target(rows):
    y = pd.Series(np.array(["a", "b"])[[0, 1, 0, 1, 1, 0]], dtype="category")
    valuator = NeighbourAgreement()
    _, codes = validate_rows(valuator, rows[0], y)
    assert_array_equal(codes, [0, 1, 0, 1, 1, 0])
    assert_array_equal(valuator.classes_, ["a", "b"])


def test_held_out_rows_need_not_have_every_class(rows):
    valuator = NeighbourAgreement()
    validate_rows(valuator, *rows)
    X_val, y_val = validate_held_out(valuator, rows[0][:1], np.array([7]))
    assert X_val.shape == (1, 2)
    assert_array_equal(y_val, [1])
    assert validate_held_out(valuator, None, None) == (None, None)


def test_sparse_rows_where_the_method_takes_them(rows):
    X = sparse.coo_array(rows[0])
    valuator = NeighbourAgreement()
    checked, _ = validate_rows(valuator, X, rows[1])
    assert checked.format in {"csr", "csc"}
    assert validate_more_rows(valuator, X).format in {"csr", "csc"}


@pytest.mark.parametrize(
    ("X_val", "y_val", "words"),
    [
        (None, [3], ["X_val", "y_val"]),
        ([[0.0, 1.0]], None, ["X_val", "y_val"]),
        ([[0.0, 1.0]], [5], ["y_val", "5", "[3, 7]"]),
        ([[0.0, 1.0]], ["3"], ["y_val", "'3'"]),
        ([[0.0, 1.0]], [3, 7], ["X_val", "y_val", "1 rows", "2"]),
        ([[0.0, 1.0]], [[3, 7]], ["y_val"]),
        ([[0.0]], [3], ["X_val", "2 features"]),
        ([[0.0, np.nan]], [3], ["X_val", "NaN"]),
        ([[0.0, np.inf]], [3], ["X_val", "infinity"]),
        ([0.0, 1.0], [3, 7], ["X_val", "1D"]),
        (np.empty((0, 2)), [], ["X_val", "0 sample"]),
        ([["a", "b"]], [3], ["X_val", "numeric"]),
        ([[0.0, 1.0]], [None], ["y_val"]),
        ([[0.0, 1.0]], [np.nan], ["y_val"]),
        ([[0.0, 1.0]], 3, ["y_val"]),
        (pd.DataFrame([["a", 1.0]]), [3], ["X_val", "'a'", "OneHotEncoder"]),
        (pd.DataFrame([["a", "b"]], dtype="category"), [3], ["X_val", "'a'"]),
    ],
)
def test_a_refusal_names_the_held_out_argument(rows, X_val, y_val, words):
    valuator = NeighbourAgreement()
    validate_rows(valuator, *rows)
    with pytest.raises(ValueError) as error:
        validate_held_out(valuator, X_val, y_val)
    for word in words:
        assert word in str(error.value)


def test_column_names_of_held_out_frames_are_checked():
    names = ["width", "height"]
    X = pd.DataFrame(np.arange(8.0).reshape(4, 2), columns=names)
    y = [0, 1, 0, 1]
    valuator = NeighbourAgreement()
    validate_rows(valuator, X, y)
    validate_held_out(valuator, X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        validate_held_out(valuator, X[names[::-1]], y)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([[0.0], [1.0]], pd.Series(["a", None]), ["y", "NaN"]),
        ([[0.0], [1.0]], [1 + 1j, 2], ["y", "Complex"]),
        ([[0.0], [1.0]], np.array([0, "a"], dtype=object), ["y mixes", "int, str"]),
        ([[0.0], [1.0]], np.array([0, None], dtype=object), ["y mixes", "NoneType"]),
    ],
)
def test_a_refusal_names_what_is_wrong(X, y, words):
    """Not the other argument, and not the step of fit that stumbled over it."""
    with pytest.raises(ValueError) as error:
        validate_rows(NeighbourAgreement(), X, y)
    assert str(error.value).split()[0].strip(":") in {words[0].split()[0], "Input"}
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("X", "y", "name"),
    [
        (pd.DataFrame({"a": [0.0, 1.0], 1: [2.0, 3.0]}), [0, 1], "Feature names"),
        (pd.DataFrame({"a": [0.0, 1.0], "d": [{}, {}]}), [0, 1], "X: column 'd' hol"),
        (pd.DataFrame({"a": [["u"], ["v"]]}), [0, 1], "X: column 'a' holds list"),
        ([[0.0], [1.0]], np.array([b"no", b"yes"]), "y: "),
    ],
)
def test_a_wrong_type_names_the_argument(X, y, name):
    with pytest.raises(TypeError, match=f"^{name}"):
        validate_rows(NeighbourAgreement(), X, y)
