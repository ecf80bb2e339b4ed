"""What counts as a missing cell or label, of any library."""

import datetime
from numbers import Number

import numpy as np

from ._sklearn import is_pandas_na

# Dates, durations and times of day, one by one.
TIMES = (
    datetime.date,
    datetime.timedelta,
    datetime.time,
    np.datetime64,
    np.timedelta64,
)


def is_missing(value):
    """Whether one cell or label is missing: None, NA, NaN or NaT."""
    if value is None or is_pandas_na(value):
        return True
    # NaN and NaT of any library are unlike themselves.
    return isinstance(value, (Number, *TIMES)) and bool(value != value)
