"""Odd arrays in any combination: the right values or one error that names the argument.

The sweep goes through the kinds one by one; here dtype, layout, container and an odd
number meet, for training and held-out rows at once.
"""

import numpy as np
import pandas as pd
import pytest
from _input_kinds import X_VAL, Y_VAL, Kind, X, Y, memmap, read_only, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from test_input_sweep import ESTIMATORS, outcome

DTYPES = [">f8", "<f8", "g", "f2", "f4", ">f4", ">i2", "u1", "i8"]
LAYOUTS = {
    "plain": lambda rows: rows,
    "negative strides": lambda rows: rows[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "unaligned": lambda rows: unaligned(rows.astype(float)),
    "in a file": lambda rows: memmap(rows, "r"),
    "every other": lambda rows: np.repeat(rows, 2, axis=0)[::2],
}
CONTAINERS = {
    "array": lambda rows: rows,
    "frame": lambda rows: pd.DataFrame(rows.astype(rows.dtype.newbyteorder("="))),
    "lists": lambda rows: rows.tolist(),
    "sparse": lambda rows: sparse.csr_array(rows.astype(float)),
}
ODD_NUMBERS = [1.7e308, -1.7e308, 1e30, -1e30, np.nan, np.inf, 1e-320, -0.0]


@st.composite
def odd_rows(draw, rows):
    """Some rows as an odd array, and the plain array of the same numbers."""
    dtype = draw(st.sampled_from(DTYPES))
    odd = rows.astype(dtype)
    number = draw(st.one_of(st.none(), st.sampled_from(ODD_NUMBERS)))
    # float16 and float32 have no such number.
    if number is not None and dtype in {">f8", "<f8", "g"}:
        odd[draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, 2))] = number
    plain = odd.astype(float)
    odd = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](odd)
    return CONTAINERS[draw(st.sampled_from(sorted(CONTAINERS)))](odd), plain


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(derandomize=True, deadline=None, max_examples=12, database=None)
@given(training=odd_rows(X), held_out=st.one_of(st.none(), odd_rows(X_VAL)))
def test_right_values_or_one_clear_error(name, training, held_out):
    (rows, plain), y_val = training, Y_VAL
    rows_val = plain_val = None
    if held_out is None:
        y_val = None
    else:
        rows_val, plain_val = held_out
    # Sparse rows are solved another way, and single precision in its own.
    like, loose = (plain, Y, plain_val, y_val), False
    if sparse.issparse(rows):
        like = None
    loose = getattr(rows, "dtype", None) == np.float32 or isinstance(rows, pd.DataFrame)
    kind = Kind(rows, Y, rows_val, y_val, like=like, tolerance=0.1 if loose else 1e-6)
    what, why = outcome(name, kind)
    assert what != "suspicious", why
