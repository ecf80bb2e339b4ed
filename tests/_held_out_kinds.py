"""More kinds of input for the sweep: held-out rows and their labels or targets."""

import numpy as np
import pandas as pd
import polars as pl
import torch
from _input_kinds import (
    DAYS,
    FLOATS,
    HELD_OUT,
    HELD_OUT_REAL,
    NAMES,
    REAL,
    REAL_VAL,
    SINGLE,
    WIDTHS,
    X_VAL,
    Y_VAL,
    Kind,
    X,
    Y,
    changed,
    each_dtype,
    either,
    frame,
    held_out,
    memmap,
    read_only,
    refused,
    unaligned,
)
from _value_kinds import LARGEST, WORDS


def real_val(X_val=X_VAL, y_val=REAL_VAL, **given):
    return held_out(X_val, y_val, y=REAL, like=HELD_OUT_REAL, **given)


OF_HELD_OUT = {
    **each_dtype(
        "X_val", lambda X, tolerance: held_out(X), X_VAL, [*WIDTHS, *FLOATS, "f8"]
    ),
    **each_dtype(
        "y_val", lambda y, tolerance: held_out(y_val=y), Y_VAL, ["u1", "i8", *FLOATS]
    ),
    "X of float32, X_val of >f8": held_out(
        X_VAL.astype(">f8"), X=X.astype("f4"), tolerance=SINGLE["f4"]
    ),
    "X of int8, X_val of longdouble": held_out(X_VAL.astype("g"), X=X.astype("i1")),
    "X_val with negative row strides": held_out(X_VAL[::-1].copy()[::-1]),
    "X_val with negative strides": held_out(X_VAL[::-1, ::-1].copy()[::-1, ::-1]),
    "X_val in Fortran order": held_out(np.asfortranarray(X_VAL)),
    "X_val unaligned": held_out(unaligned(X_VAL)),
    "X_val read-only": held_out(read_only(X_VAL)),
    "X_val in a file": held_out(memmap(X_VAL, "r")),
    "X_val of objects": held_out(X_VAL.astype(object)),
    "X_val lists": held_out(X_VAL.tolist()),
    "X_val a tensor": held_out(torch.tensor(X_VAL)),
    "X_val masked": refused(X_val=np.ma.array(X_VAL, mask=X_VAL > 7), y_val=Y_VAL),
    "X_val a frame beside an array": either(
        X_val=frame(X_VAL), y_val=Y_VAL, like=HELD_OUT
    ),
    "X_val an array beside a frame": either(frame(), X_val=X_VAL, y_val=Y_VAL),
    "X_val a frame beside a frame": held_out(frame(X_VAL), X=frame()),
    "X_val polars beside pandas": held_out(
        pl.DataFrame(X_VAL, schema=NAMES), X=frame()
    ),
    "X_val with other names": refused(
        frame(), X_val=frame(X_VAL).rename(columns={"a": "z"}), y_val=Y_VAL
    ),
    "X_val with names in another order": refused(
        frame(), X_val=frame(X_VAL)[NAMES[::-1]], y_val=Y_VAL
    ),
    "X_val of dates": refused(X_val=X_VAL.astype("datetime64[D]"), y_val=Y_VAL),
    "X_val of strings": refused(X_val=X_VAL.astype(str), y_val=Y_VAL),
    "X_val complex": refused(X_val=X_VAL + 1j, y_val=Y_VAL),
    # Where a user's estimator takes them, it gets them.
    "X_val with NaN": Kind(X_val=changed(X_VAL, np.nan), y_val=Y_VAL),
    "X_val with infinity": refused(X_val=changed(X_VAL, np.inf), y_val=Y_VAL),
    "X_val longdouble beyond float64": refused(
        X_val=X_VAL.astype("g") * np.longdouble("1e4000"), y_val=Y_VAL
    ),
    "X_val of fewer columns": refused(X_val=X_VAL[:, :2], y_val=Y_VAL),
    "X_val of one dimension": refused(X_val=X_VAL[:, 0], y_val=Y_VAL),
    "X_val without rows": refused(X_val=X_VAL[:0], y_val=Y_VAL[:0]),
    "X_val alone": refused(X_val=X_VAL),
    "y_val alone": refused(y_val=Y_VAL),
    "X_val of one row": either(X_val=X_VAL[:1], y_val=Y_VAL[:1]),
    "X_val of equal rows": either(X_val=X_VAL[[0] * 4], y_val=Y_VAL[[0] * 4]),
    "X_val is X": either(X_val=X, y_val=Y),
    **{
        f"X_val with one {value:g}": either(X_val=changed(X_VAL, value), y_val=Y_VAL)
        for value in [1e10, 1e20, 1e30, 1e100, 1e200, LARGEST, -LARGEST]
    },
    "X_val with one 1e30 in a constant column": either(
        X * [0, 1, 1], X_val=changed(X_VAL, 1e30), y_val=Y_VAL
    ),
    "X_val of 1e-300 times": either(X_val=X_VAL * 1e-300, y_val=Y_VAL),
    "X and X_val of 1e200 times": either(X * 1e200, X_val=X_VAL * 1e200, y_val=Y_VAL),
    "y_val of one class": either(X_val=X_VAL, y_val=Y_VAL * 0),
    "y_val of bools": held_out(y_val=Y_VAL.astype(bool)),
    "y_val list": held_out(y_val=Y_VAL.tolist()),
    "y_val of objects": either(X_val=X_VAL, y_val=Y_VAL.astype(object), like=HELD_OUT),
    "y_val Series": held_out(y_val=pd.Series(Y_VAL, index=range(10)[::-1])),
    "y_val of categories": held_out(
        y_val=pd.Series(WORDS[Y_VAL], dtype="category"), y=WORDS[Y]
    ),
    "y_val of str, y of object str": held_out(
        y_val=WORDS[Y_VAL], y=WORDS[Y].astype(object)
    ),
    "y_val of one column": either(X_val=X_VAL, y_val=Y_VAL[:, None]),
    "y_val of str": refused(X_val=X_VAL, y_val=Y_VAL.astype(str)),
    "y_val unseen": refused(X_val=X_VAL, y_val=Y_VAL + 1),
    "y_val too short": refused(X_val=X_VAL, y_val=Y_VAL[:-1]),
    "y_val with NaN": refused(X_val=X_VAL, y_val=changed(Y_VAL, np.nan, float)),
    "y_val with None": refused(X_val=X_VAL, y_val=changed(Y_VAL, None, object)),
    "y_val of dates": refused(X_val=X_VAL, y_val=DAYS[:10]),
    "y_val masked": refused(X_val=X_VAL, y_val=np.ma.array(Y_VAL, mask=Y_VAL == 1)),
    "real y_val": real_val(),
    **each_dtype(
        "real y_val", lambda y, tolerance: real_val(y_val=y), REAL_VAL, [*FLOATS, "f8"]
    ),
    "real y_val of ints": either(y=REAL, X_val=X_VAL, y_val=np.arange(10)),
    "real y_val of objects": either(
        y=REAL, X_val=X_VAL, y_val=REAL_VAL.astype(object), like=HELD_OUT_REAL
    ),
    "real y_val constant": either(y=REAL, X_val=X_VAL, y_val=REAL_VAL * 0 + 0.5),
    "real y_val of str": refused(y=REAL, X_val=X_VAL, y_val=["a"] * 10),
    "real y_val with NaN": refused(
        y=REAL, X_val=X_VAL, y_val=changed(REAL_VAL, np.nan)
    ),
    "real y_val longdouble beyond float64": refused(
        y=REAL, X_val=X_VAL, y_val=REAL_VAL.astype("g") * np.longdouble("1e4000")
    ),
    **{
        f"real y_val of {scale:g} times": either(
            y=REAL, X_val=X_VAL, y_val=REAL_VAL * scale
        )
        for scale in [1e-300, 1e10, 1e30, 1e100, 1e200, 1e306]
    },
    "real y_val of dates": refused(y=REAL, X_val=X_VAL, y_val=DAYS[:10]),
    "real y_val of bytes": refused(y=REAL, X_val=X_VAL, y_val=np.array([b"a"] * 10)),
    "real y_val complex": refused(y=REAL, X_val=X_VAL, y_val=REAL_VAL + 1j),
}
