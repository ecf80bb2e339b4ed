"""More kinds of input for the sweep: odd numbers, labels, targets."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import torch
from _input_kinds import (
    BITS,
    DAYS,
    FLOATS,
    N_ROWS,
    PLAIN_REAL,
    REAL,
    WIDE,
    WIDTHS,
    Subclass,
    X,
    Y,
    changed,
    each_dtype,
    either,
    memmap,
    numbers,
    read_only,
    refused,
    taken,
    unaligned,
)
from scipy import sparse

LARGEST = np.finfo(float).max
LARGEST32 = float(np.finfo(np.float32).max)


def of_ends(dtype):
    """Whole numbers from the smallest to the largest that a dtype has."""
    ends = np.iinfo(dtype)
    table = np.where(X > 7, ends.max - X.astype(int).astype(dtype), ends.min)
    return table.astype(dtype)


OF_NUMBERS = {
    **{
        f"X of {scale:g} times": numbers(scale)
        for scale in [
            1e-320,
            1e-300,
            1e-200,
            1e-160,
            1e-120,
            1e-80,
            1e-40,
            1e-30,
            1e-20,
            1e-10,
            1e10,
            1e20,
            1e30,
            1e37,
            1e50,
            1e100,
            1e150,
            1e155,
            1e200,
            1e300,
            1e306,
        ]
    },
    **{
        f"X plus {offset:g}": numbers(1, offset)
        for offset in [
            1e3,
            1e6,
            1e9,
            -1e9,
            1e12,
            1e14,
            1e15,
            1e16,
            1e18,
            1e30,
        ]
    },
    **{
        f"X with one {value:g}": either(changed(X, value))
        for value in [1e10, 1e20, 1e30, 1e100, 1e155, 1e300, LARGEST, -LARGEST, 1e-320]
    },
    **{
        f"X with a column of {scale:g} times": either(X * [scale, 1, 1])
        for scale in [1e-300, 1e-30, 1e-10, 1e10, 1e30, 1e300]
    },
    **{
        f"X with a column plus {offset:g}": either(X + np.array([offset, 0, 0]))
        for offset in [1e9, 1e13, 1e16]
    },
    "X with a constant column of 1e300": either(X * [0, 1, 1] + [1e300, 0, 0]),
    **{
        f"X with the ends of {dtype}": either(
            of_ends(dtype), like=(of_ends(dtype).astype(float), Y, None, None)
        )
        for dtype in ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
    },
    "X float32 to its end": either((X * (LARGEST32 / 15)).astype("f4")),
    "X float32 of 1e20 times": either((X * 1e20).astype("f4")),
    "X float32 of 1e-30 times": either((X * 1e-30).astype("f4")),
    "X float32 plus 1e6": either((X + 1e6).astype("f4")),
    "X float16 to its end": taken(
        (X * 4366).astype("f2"),
        like=((X * 4366).astype("f2").astype(float), Y, None, None),
    ),
    "X longdouble beyond float64": refused(X.astype("g") * np.longdouble("1e4000")),
    "X longdouble below float64": either(X.astype("g") * np.longdouble("1e-4000")),
    "X of ints beyond float64": refused(changed(X.astype(int), 10**400, object)),
    "X of ints beyond int64": either(changed(X.astype(int), 10**25, object)),
    "X of Decimals beyond float64": refused(changed(X, Decimal("1e400"), object)),
    "X with -0.0": taken(np.where(X == 0, -0.0, X)),
    "X of epochs in nanoseconds": either(X * 60e9 + 1.7e18),
    "X of epochs in seconds": either(X * 60 + 1.7e9),
    "X all zero": either(np.zeros_like(X)),
    "X constant": either(np.full_like(X, 3.7)),
    "X with a constant column": either(X * [0, 1, 1]),
    "X with a column constant up to rounding": either(
        X * [0, 1, 1] + np.where(X > 7, [0.1 + 0.2, 0, 0], [0.3, 0, 0])
    ),
    "X of one row, repeated": either(np.tile(X[0], (N_ROWS, 1))),
    "X of two rows, repeated": either(np.tile(X[:2], (12, 1)), np.tile([0, 1], 12)),
    "X with equal columns": either(X[:, [0, 0, 0]]),
    "X with opposite columns": either(np.c_[X, -X]),
    "X of one column": either(X[:, :1]),
    "X of more columns than rows": either(WIDE),
    "X that separates the classes": either(np.c_[Y * 10.0, X]),
    "X of bits": either(BITS),
    **{f"{n} rows": either(X[:n], np.arange(n) % 2) for n in [1, 2, 3, 4, 5, 6]},
    **{f"{n} rows, real targets": either(X[:n], REAL[:n]) for n in [2, 3, 4, 6]},
}

WORDS = np.array(["ham", "spam"])
CODES = {"no": 0, "yes": 1}


def labels(values):
    """Labels in the order of 0 and 1: values do not depend on their names."""
    values = np.asarray(values)
    return taken(y=values[Y])


OF_LABELS = {
    **each_dtype("y", lambda y, tolerance: taken(y=y), Y, [*WIDTHS, *FLOATS, "f8"]),
    "y of str": labels(WORDS),
    "y of object str": labels(WORDS.astype(object)),
    "y of StringDType": refused(y=WORDS.astype(np.dtypes.StringDType())[Y]),
    "y of long and short str": labels(["", "a longer label than most"]),
    "y of emoji": labels(["\N{PILE OF POO}", "\N{GRINNING FACE}"]),
    "y of bool": labels([False, True]),
    "y of -1 and 1": labels([-1, 1]),
    "y of -1. and 1.": labels([-1.0, 1.0]),
    "y of huge ints": labels([10**17, 10**17 + 1]),
    "y of huge negative ints": labels([-(2**63), -(2**63) + 1]),
    "y of huge unsigned ints": labels(np.array([2**64 - 2, 2**64 - 1], dtype="u8")),
    "y of huge floats": either(y=np.array([1e300, 2e300])[Y]),
    "y of object ints": either(y=Y.astype(object), like=(X, Y, None, None)),
    "y of object bools": either(y=Y.astype(bool).astype(object)),
    "y of object floats": either(y=Y.astype(float).astype(object)),
    "y of ints beyond int64": either(y=np.array([0, 10**30], dtype=object)[Y]),
    "y list": taken(y=Y.tolist()),
    "y list of str": taken(y=WORDS[Y].tolist()),
    "y tuple": taken(y=tuple(Y.tolist())),
    "y list of bools": taken(y=Y.astype(bool).tolist()),
    "y range": either(y=range(N_ROWS)),
    "y with negative strides": taken(y=Y[::-1].copy()[::-1]),
    "y every other": taken(y=np.repeat(Y, 2)[::2]),
    "y unaligned": taken(y=unaligned(Y.astype(float))),
    "y read-only": taken(y=read_only(Y)),
    "y in a file": taken(y=memmap(Y, "r")),
    "y of a subclass": taken(y=Y.view(Subclass)),
    "y masked, nothing hidden": taken(y=np.ma.array(Y)),
    "y masked": refused(y=np.ma.array(Y, mask=Y == 1)),
    "y a tensor": taken(y=torch.tensor(Y)),
    "y Series": taken(y=pd.Series(Y)),
    "y Series with another index": taken(y=pd.Series(Y, index=range(N_ROWS)[::-1])),
    "y Series of categories": taken(y=pd.Series(WORDS[Y], dtype="category")),
    "y of ordered categories": taken(
        y=pd.Categorical(WORDS[Y], categories=WORDS, ordered=True)
    ),
    "y of categories in another order": taken(
        y=pd.Series(pd.Categorical(WORDS[Y], categories=WORDS[::-1], ordered=True))
    ),
    "y with an unused category": taken(
        y=pd.Series(pd.Categorical(WORDS[Y], categories=["eggs", *WORDS]))
    ),
    "y of Int64": taken(y=pd.Series(Y, dtype="Int64")),
    "y of UInt8": taken(y=pd.Series(Y, dtype="UInt8")),
    "y of boolean": taken(y=pd.Series(Y.astype(bool), dtype="boolean")),
    "y of pandas strings": taken(y=pd.Series(WORDS[Y], dtype="string")),
    "y frame of one column": either(y=pd.DataFrame({"y": Y})),
    "y of one column": either(y=Y[:, None]),
    "y polars Series": taken(y=pl.Series(Y)),
    "y polars strings": taken(y=pl.Series(WORDS[Y].tolist())),
    "y polars categories": either(y=pl.Series(WORDS[Y].tolist(), dtype=pl.Categorical)),
    "y polars Boolean": taken(y=pl.Series(Y.astype(bool))),
    "y of bytes": refused(y=WORDS.astype("S")[Y]),
    "y of mixed types": refused(y=changed(Y, "u", object)),
    "y with None": refused(y=changed(Y, None, object)),
    "y with NaN": refused(y=changed(Y, np.nan, float)),
    "y with infinity": refused(y=changed(Y, np.inf, float)),
    "y with pd.NA": refused(y=pd.Series(Y, dtype="Int64").mask(Y == 1)),
    "y with a missing str": refused(y=pd.Series(WORDS[Y]).mask(Y == 1)),
    "y complex": refused(y=Y + 1j),
    "y of two columns": refused(y=np.c_[Y, Y]),
    "y one-hot": refused(y=np.eye(2)[Y]),
    "y sparse": refused(y=sparse.csr_array(Y[:, None])),
    "y None": refused(y=None),
    "y a number": refused(y=3),
    "y a string": refused(y="labels"),
    "y too short": refused(y=Y[:-1]),
    "y too long": refused(y=np.r_[Y, 0]),
    "y without labels": refused(y=[]),
    "y of one class": refused(y=np.zeros(N_ROWS, dtype=int)),
    "y of one class of str": refused(y=["spam"] * N_ROWS),
    "y of lists": refused(y=[[label] for label in WORDS[Y]] + [["a", "b"]]),
    "y of dicts": refused(y=[{} for _ in Y]),
    "y of datetime64": refused(y=DAYS),
    "y of timedelta64": refused(y=DAYS - DAYS[0]),
    "y Series of dates": refused(y=pd.Series(DAYS)),
    "y of dates in a time zone": refused(
        y=pd.Series(pd.date_range("2020", periods=N_ROWS, tz="UTC"))
    ),
    "y of date objects": refused(y=[datetime.date(2020, 1, 1 + code) for code in Y]),
    "y of periods": refused(y=pd.Series(pd.period_range("2020", periods=N_ROWS))),
    "y of three classes": either(y=np.arange(N_ROWS) % 3),
    "y of 12 classes": either(y=np.arange(N_ROWS) % 12),
    "y of as many classes as rows": either(y=np.arange(N_ROWS)),
    "30 classes": either(np.r_[X, X, X][:60], np.arange(60) % 30),
    "one row in a class": either(y=changed(Y * 0, 1)),
    "one row in each of two of three classes": either(
        y=np.where(np.arange(N_ROWS) < 2, np.arange(N_ROWS) + 1, 0)
    ),
}

OF_TARGETS = {
    **each_dtype(
        "real y",
        lambda y, tolerance: taken(y=y, like=PLAIN_REAL),
        REAL,
        [*FLOATS, "f8"],
    ),
    "real y of object floats": either(y=REAL.astype(object)),
    "real y of Fractions": either(y=[Fraction(value) for value in REAL]),
    "real y of Decimals": either(y=[Decimal(value) for value in REAL]),
    "real y list": taken(y=REAL.tolist(), like=PLAIN_REAL),
    "real y with negative strides": taken(y=REAL[::-1].copy()[::-1], like=PLAIN_REAL),
    "real y read-only": taken(y=read_only(REAL), like=PLAIN_REAL),
    "real y of Float64": taken(y=pd.Series(REAL, dtype="Float64"), like=PLAIN_REAL),
    "real y masked": refused(y=np.ma.array(REAL, mask=REAL > 2)),
    **{
        f"real y of {scale:g} times": either(y=REAL * scale)
        for scale in [
            1e-320,
            1e-200,
            1e-100,
            1e-20,
            1e20,
            1e30,
            1e37,
            1e100,
            1e155,
            1e200,
            1e306,
        ]
    },
    **{
        f"real y plus {offset:g}": either(y=REAL + offset)
        for offset in [1e6, 1e9, 1e12, 1e14, 1e15, 1e16, 1e30]
    },
    "real y with one 1e30": either(y=changed(REAL, 1e30)),
    "real y with one at the end": either(y=changed(REAL, LARGEST)),
    "real y longdouble beyond float64": refused(
        y=REAL.astype("g") * np.longdouble("1e4000")
    ),
    "real y constant": refused(y=np.full(N_ROWS, 0.5)),
    "real y constant up to rounding": either(y=np.where(Y, 0.1 + 0.2, 0.3)),
    "real y of two values": either(y=np.where(Y, 0.5, 1.5)),
    "real y with NaN": refused(y=changed(REAL, np.nan)),
    "real y with infinity": refused(y=changed(REAL, np.inf, "f4")),
}
