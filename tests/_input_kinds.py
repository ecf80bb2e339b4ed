"""Kinds of input for the sweep: what a user may hand over as X, y, X_val and y_val.

The numbers are small whole ones, so that every dtype holds them exactly and the plain
float64 array of the same numbers says what the values must be.
"""

import datetime
import tempfile
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import torch
from scipy import sparse

rng = np.random.default_rng(0)
N_ROWS, N_HELD_OUT, N_COLUMNS = 24, 10, 3
X = rng.integers(0, 16, size=(N_ROWS, N_COLUMNS)).astype(float)
X_VAL = rng.integers(0, 16, size=(N_HELD_OUT, N_COLUMNS)).astype(float)
Y = (X[:, 0] + rng.integers(-6, 7, N_ROWS) > 7).astype(int)
Y_VAL = (X_VAL[:, 0] > 7).astype(int)
# Quarters, which float16 holds exactly too.
REAL = X[:, 0] / 4 + rng.integers(-4, 5, N_ROWS) / 4
REAL_VAL = X_VAL[:, 0] / 4
NAMES = list("abc")


class Kind(NamedTuple):
    """What fit is given, and what must come of it."""

    X: object = X
    y: object = Y
    X_val: object = None
    y_val: object = None
    # The plain input of the same numbers, and how close its values must be in units
    # of their spread; None: any finite values.
    like: tuple | None = None
    tolerance: float = 1e-6
    # Whether it must be refused, must be taken, or depends on the method (None).
    is_refused: bool | None = None
    # Whether every method takes it that encodes rows; a user's estimator may not.
    is_encoded: bool = False


PLAIN = (X, Y, None, None)
HELD_OUT = (X, Y, X_VAL, Y_VAL)
PLAIN_REAL = (X, REAL, None, None)
HELD_OUT_REAL = (X, REAL, X_VAL, REAL_VAL)


def taken(X=X, y=Y, like=PLAIN, **given):
    return Kind(X, y, like=like, is_refused=False, **given)


def held_out(X_val=X_VAL, y_val=Y_VAL, X=X, y=Y, like=HELD_OUT, **given):
    return Kind(X, y, X_val, y_val, like=like, **{"is_refused": False, **given})


def refused(X=X, y=Y, X_val=None, y_val=None):
    return Kind(X, y, X_val, y_val, is_refused=True)


def encoded(X=X, y=Y, X_val=None, y_val=None):
    """A result of every method that encodes the rows for itself."""
    return Kind(X, y, X_val, y_val, is_encoded=True)


def either(X=X, y=Y, like=None, **given):
    """A result, equal to that of the plain numbers where given, or a refusal."""
    return Kind(X, y, like=like, **given)


def numbers(scale, offset=0.0):
    """A table of other numbers, which is its own plain input."""
    return either(X * scale + offset)


def changed(array, value, dtype=None, place=(5, 0)):
    array = np.array(array, dtype=dtype)
    array[place[: array.ndim]] = value
    return array


def frame(X=X, **options):
    return pd.DataFrame(X, columns=NAMES, **options)


def with_column(values):
    return pd.DataFrame({"a": X[:, 0], "b": values, "c": X[:, 2]})


def memmap(array, mode, order="C"):
    with tempfile.TemporaryFile() as file:
        options = {"dtype": array.dtype, "shape": array.shape, "order": order}
        mapped = np.memmap(file, mode="w+", **options)
        mapped[:] = array
        mapped.flush()
        return np.memmap(file, mode=mode, **options)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    packed = np.zeros(
        array.shape[0], dtype=[("flag", "i1"), ("x", "f8", array.shape[1:])]
    )
    packed["x"] = array
    return packed["x"]


class Subclass(np.ndarray):
    """An array by another name."""


class WithArray:
    """An array-like of a library that numpy knows nothing of."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)


class WithInterface:
    """An array-like by its memory."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = array.__array_interface__


DAYS = np.datetime64("2020-01-01") + np.arange(N_ROWS)
WIDE = rng.integers(0, 16, size=(N_ROWS, 60)).astype(float)
BITS = (X > 7).astype(float)
BITS_PLAIN = (BITS, Y, None, None)
WIDTHS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
FLOATS = ["f2", "f4", "g"]
# Solved in single precision, as the user asked by the dtype.
SINGLE = {"f4": 0.02}


def each_dtype(role, make, array, widths):
    """A kind for every dtype in either byte order."""
    return {
        f"{role} of {np.dtype(order + width).str}": make(
            array.astype(order + width), tolerance=SINGLE.get(width, 1e-6)
        )
        for width in widths
        for order in "<>"
    }


OF_X = {
    **each_dtype("X", taken, X, [*WIDTHS, *FLOATS, "f8"]),
    "X of bool": taken(BITS.astype(bool), like=BITS_PLAIN),
    "X of object ints": taken(X.astype(int).astype(object)),
    "X of object floats": taken(X.astype(object)),
    "X of Fractions": taken([[Fraction(v) for v in row] for row in X]),
    "X of Decimals": taken([[Decimal(v) for v in row] for row in X]),
    "X with negative row strides": taken(X[::-1].copy()[::-1]),
    "X with negative column strides": taken(X[:, ::-1].copy()[:, ::-1]),
    "X with negative strides": taken(X[::-1, ::-1].copy()[::-1, ::-1]),
    "X in Fortran order": taken(np.asfortranarray(X)),
    "X of every other row": taken(np.repeat(X, 2, axis=0)[::2]),
    "X of every other column": taken(np.repeat(X, 2, axis=1)[:, ::2]),
    "X of big-endian negative strides": taken(X[::-1].astype(">f8")[::-1]),
    "X unaligned": taken(unaligned(X)),
    "X read-only": taken(read_only(X)),
    "X in a read-only file": taken(memmap(X, "r")),
    "X in a copy-on-write file": taken(memmap(X, "c")),
    "X in a file in Fortran order": taken(memmap(X, "r", "F")),
    "X in a big-endian file": taken(memmap(X.astype(">f8"), "r")),
    "X of a subclass": taken(X.view(Subclass)),
    "X masked, nothing hidden": taken(np.ma.array(X)),
    "X masked": refused(np.ma.array(X, mask=X > 14)),
    "X a matrix": refused(X.view(np.matrix)),
    "X a record array": refused(np.rec.fromarrays(X.T, names=NAMES)),
    "X lists": taken(X.tolist()),
    "X lists of ints": taken(X.astype(int).tolist()),
    "X a list of tuples": taken([tuple(row) for row in X]),
    "X a tuple of arrays": taken(tuple(X)),
    "X with __array__": taken(WithArray(X)),
    "X with __array_interface__": taken(WithInterface(X)),
    "X a tensor": taken(torch.tensor(X)),
    "X a float32 tensor": taken(torch.tensor(X, dtype=torch.float32), tolerance=0.02),
    "X a memoryview": either(memoryview(X), like=PLAIN),
    "X a generator": refused(iter(X)),
    "X a set": refused({1, 2, 3}),
    "X a dict": refused({"a": X[:, 0]}),
    "X None": refused(None),
    "X a string": refused("rows"),
    "X a number": refused(3.0),
    "X of strings": encoded(np.where(X > 7, "u", "v")),
    "X of numbers as strings": encoded(X.astype(str)),
    "X of bytes": refused(X.astype("S3")),
    "X complex": refused(X + 1j),
    "X complex without imaginary part": refused(X + 0j),
    "X of datetime64": encoded(X.astype("datetime64[D]")),
    "X of timedelta64": encoded(X.astype("timedelta64[s]")),
    "X of date objects": encoded(
        [[datetime.date(2020, m, d + 1) for m in (1, 2, 3)] for d in range(24)]
    ),
    "X ragged": refused([[1.0, 2.0], [3.0]] * 12),
    "X of one dimension": refused(X[:, 0]),
    "X of three dimensions": refused(X[:, :, None]),
    "X without columns": refused(X[:, :0]),
    "X without rows": refused(X[:0], Y[:0]),
    "X with NaN": encoded(changed(X, np.nan)),
    "X with infinity": refused(changed(X, np.inf)),
    "X with minus infinity": refused(changed(X, -np.inf, "f4")),
    "X with NaN in longdouble": encoded(changed(X, np.nan, "g")),
    "X with None": encoded(changed(X, None, object)),
    "X with a string": encoded(changed(X, "u", object)),
    "X with a list": refused([[1.0, [2.0], 3.0]] * N_ROWS),
}

OF_FRAMES = {
    "frame": taken(frame()),
    "frame of int8": taken(frame(X.astype("i1"))),
    "frame of float16": taken(frame(X.astype("f2"))),
    "frame of float32": taken(frame(X.astype("f4")), tolerance=0.02),
    "frame of object ints": taken(frame(X.astype(int).astype(object))),
    "frame of mixed widths": taken(frame().astype({"a": "i1", "b": "f4", "c": "u8"})),
    "frame with a bool column": taken(
        with_column(BITS[:, 1].astype(bool)),
        like=(np.c_[X[:, 0], BITS[:, 1], X[:, 2]], Y, None, None),
    ),
    "frame of Int64": taken(frame(X.astype(int)).astype("Int64")),
    "frame of UInt8": taken(frame(X.astype(int)).astype("UInt8")),
    "frame of Float32": taken(frame().astype("Float32"), tolerance=0.02),
    "frame of boolean": taken(
        frame(BITS.astype(bool)).astype("boolean"), like=BITS_PLAIN
    ),
    "frame of numeric categories": taken(with_column(pd.Categorical(X[:, 1]))),
    "frame with a sparse column": taken(
        with_column(pd.arrays.SparseArray(X[:, 1], fill_value=0.0))
    ),
    "frame with labels as index": taken(frame(index=[f"r{i}" for i in range(N_ROWS)])),
    "frame with a repeated index": taken(frame(index=[0] * N_ROWS)),
    "frame with a reversed index": taken(frame(index=range(N_ROWS)[::-1])),
    "frame with dates as index": taken(frame(index=pd.DatetimeIndex(DAYS))),
    "frame with two index levels": taken(
        frame(index=pd.MultiIndex.from_product([range(6), range(4)]))
    ),
    "frame with numbers as names": taken(pd.DataFrame(X)),
    "frame with repeated names": refused(pd.DataFrame(X, columns=["a", "a", "b"])),
    "frame with names of two types": refused(pd.DataFrame(X, columns=["a", 1, "b"])),
    "frame with two levels of names": taken(
        pd.DataFrame(X, columns=pd.MultiIndex.from_product([["u"], NAMES]))
    ),
    "frame in Fortran order": taken(frame(np.asfortranarray(X))),
    "polars frame": taken(pl.DataFrame(X, schema=NAMES)),
    "polars frame of Int8": taken(pl.DataFrame(X.astype("i1"), schema=NAMES)),
    "polars frame of Float32": taken(
        pl.DataFrame(X.astype("f4"), schema=NAMES), tolerance=0.02
    ),
    "polars frame of Boolean": taken(
        pl.DataFrame(BITS.astype(bool), schema=NAMES), like=BITS_PLAIN
    ),
    "polars frame with a null": encoded(
        pl.DataFrame({"a": X[:, 0], "b": [None, *X[1:, 1]]})
    ),
    "polars frame with dates": encoded(pl.DataFrame({"a": X[:, 0], "b": DAYS})),
    "polars frame with strings": encoded(pl.DataFrame({"a": X[:, 0], "b": ["u"] * 24})),
    "frame with pd.NA": encoded(frame(X.astype(int)).astype("Int64").mask(X > 14)),
    "frame with strings": encoded(with_column(["u"] * N_ROWS)),
    "frame with categories": encoded(with_column(pd.Categorical(["u", "v"] * 12))),
    "frame with dates": encoded(with_column(DAYS)),
    "frame with dates in a time zone": encoded(
        with_column(pd.date_range("2020", periods=N_ROWS, tz="UTC"))
    ),
    "frame with durations": encoded(with_column(DAYS - DAYS[0])),
    "frame with periods": encoded(
        with_column(pd.period_range("2020", periods=N_ROWS, freq="D"))
    ),
    "frame of dates only": encoded(pd.DataFrame({"a": DAYS, "b": DAYS})),
    "frame with date objects": encoded(with_column([datetime.date(2020, 1, 1)] * 24)),
    "frame with intervals": refused(
        with_column(pd.interval_range(0, N_ROWS).to_series().to_numpy())
    ),
    "a Series as X": refused(pd.Series(X[:, 0])),
}


def csr_with(X=X, **parts):
    """A CSR array whose parts are replaced, unchecked by scipy."""
    made = sparse.csr_array(X)
    for name, part in parts.items():
        setattr(made, name, part)
    return made


CSR = sparse.csr_array(X)
PLAIN_CSR = (CSR, Y, None, None)
HELD_OUT_CSR = (CSR, Y, sparse.csr_array(X_VAL), Y_VAL)
ODD_INDEX = {"indices": CSR.indices.astype("i8"), "indptr": CSR.indptr.astype("i8")}


def shuffled_columns():
    made = csr_with()
    for start, stop in zip(made.indptr[:-1], made.indptr[1:], strict=True):
        for part in (made.data, made.indices):
            part[start:stop] = part[start:stop][::-1]
    made.has_sorted_indices = False
    return made


def halves_twice():
    rows, columns = np.nonzero(X)
    halves = X[rows, columns] / 2
    doubled = (np.tile(halves, 2), (np.tile(rows, 2), np.tile(columns, 2)))
    made = sparse.coo_array(doubled, shape=X.shape)
    order = np.argsort(made.row, kind="stable")
    indptr = np.r_[0, np.cumsum(np.bincount(made.row, minlength=N_ROWS))]
    return sparse.csr_array((made.data[order], made.col[order], indptr), X.shape)


# A method that takes no sparse rows refuses them.
OF_SPARSE = {
    "frame of sparse columns": either(
        frame().astype(pd.SparseDtype(float, 0.0)), like=PLAIN_CSR
    ),
    **{
        f"X {form} array": either(CSR.asformat(form), like=PLAIN_CSR)
        for form in ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]
    },
    **{
        f"X csr array of {dtype}": either(
            csr_with(X.astype(dtype)), like=PLAIN_CSR, tolerance=SINGLE.get(dtype, 1e-6)
        )
        for dtype in ["i1", "u1", "i8", "u8", "f4", "g"]
    },
    "X csr array of bool": either(
        sparse.csr_array(BITS > 0), like=(sparse.csr_array(BITS), Y, None, None)
    ),
    "X csr array of float16": refused(csr_with(data=CSR.data.astype("f2"))),
    "X csr array of >f8": either(csr_with(data=CSR.data.astype(">f8")), like=PLAIN_CSR),
    "X csr array of object": refused(csr_with(data=CSR.data.astype(object))),
    "X csr matrix": either(sparse.csr_matrix(X), like=PLAIN_CSR),
    "X csc matrix": either(sparse.csc_matrix(X), like=PLAIN_CSR),
    "X with 64-bit indices": either(csr_with(**ODD_INDEX), like=PLAIN_CSR),
    "X with 16-bit indices": either(
        csr_with(indices=CSR.indices.astype("i2")), like=PLAIN_CSR
    ),
    "X with unsigned indices": either(
        csr_with(indices=CSR.indices.astype("u4")), like=PLAIN_CSR
    ),
    "X with unsorted indices": either(shuffled_columns(), like=PLAIN_CSR),
    "X with doubled entries": either(halves_twice(), like=PLAIN_CSR),
    "X with explicit zeros": either(
        csr_with(data=np.where(CSR.data > 12, 0, CSR.data)),
        like=(sparse.csr_array(np.where(X > 12, 0, X)), Y, None, None),
    ),
    "X with read-only entries": either(
        csr_with(data=read_only(CSR.data)), like=PLAIN_CSR
    ),
    "X with empty rows": either(
        sparse.csr_array(X * (X[:, :1] > 7)),
        like=(sparse.csr_array(X * (X[:, :1] > 7)), Y, None, None),
    ),
    "X without entries": either(sparse.csr_array(X.shape)),
    "X complex csr": refused(sparse.csr_array(X + 1j)),
    "X csr with NaN": refused(csr_with(changed(X, np.nan))),
    "X csr with infinity": refused(csr_with(changed(X, np.inf))),
    "X csr, huge": either(csr_with(X * 1e300)),
    "X csr, tiny": either(csr_with(X * 1e-300)),
    "X csr, X_val dense": either(CSR, X_val=X_VAL, y_val=Y_VAL, like=HELD_OUT_CSR),
    "X csr, X_val csr": either(
        CSR, X_val=sparse.csr_array(X_VAL), y_val=Y_VAL, like=HELD_OUT_CSR
    ),
    "X csr, X_val csc matrix": either(
        CSR, X_val=sparse.csc_matrix(X_VAL), y_val=Y_VAL, like=HELD_OUT_CSR
    ),
    "X csr, X_val of int64": either(
        CSR, X_val=X_VAL.astype(int), y_val=Y_VAL, like=HELD_OUT_CSR
    ),
    "X csr, X_val lists": either(
        CSR, X_val=X_VAL.tolist(), y_val=Y_VAL, like=HELD_OUT_CSR
    ),
    **{
        f"X dense, X_val {form}": held_out(
            sparse.csr_array(X_VAL).asformat(form), is_refused=None
        )
        for form in ["csr", "csc", "coo", "dok"]
    },
    "X dense, X_val csr of >f8": held_out(
        csr_with(X_VAL, data=sparse.csr_array(X_VAL).data.astype(">f8")),
        is_refused=None,
    ),
    "frame, X_val csr": held_out(
        sparse.csr_array(X_VAL), X=pd.DataFrame(X), is_refused=None
    ),
}
