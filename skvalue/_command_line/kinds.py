"""Strings of a text table as numbers, dates or levels, a column at a time."""

import re

# Cells that hold nothing. The question mark is that of the UCI repository.
MISSING = (
    *("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "na", "NaN", "nan", "-nan", "-NaN"),
    *("NULL", "Null", "null", "None", "none", "NaT", "."),
)

# What leading zeros say: this is a name that happens to be made of digits.
_CODE = re.compile(r"[+-]?0\d")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,?\d+(?:[eE][+-]?\d+)?")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)


def typed(strings, separator, missing=MISSING):
    """A column as what its cells hold.

    Parameters
    ----------
    strings : list of str
        Cells, as they were read.

    separator : str
        Of the table; where it is no comma, a comma may be the decimal point.

    missing : collection of str, default=MISSING
        Cells that hold nothing.

    Returns
    -------
    column : Series of shape (n_rows,)
        Of float64 or int64, of dates, or of strings. Numbers, ISO dates: where all
        cells are; codes with leading zeros are strings.
    """
    import pandas as pd

    stripped = [cell.strip() for cell in strings]
    missing = set(missing)
    is_missing = {cell for cell in set(stripped) if cell in missing}
    levels = set(stripped) - is_missing
    if not levels:
        return pd.Series(float("nan"), index=range(len(stripped)))
    known = _convert(levels, separator)
    values = [None if cell in is_missing else known[cell] for cell in stripped]
    if any(isinstance(value, str) for value in known.values()):
        return pd.Series(values, dtype=object)
    return pd.Series(values)


def _convert(levels, separator):
    """What each distinct cell stands for: all of one kind."""
    import pandas as pd

    if not any(_CODE.match(level) and "." not in level for level in levels):
        numbers = _numbers(levels, str)
        if numbers is None and separator != ",":
            as_points = all(_DECIMAL_COMMA.fullmatch(level) for level in levels)
            numbers = _numbers(levels, _with_point) if as_points else None
        if numbers is not None:
            return numbers
    if all(_DATE.fullmatch(level) for level in levels):
        ordered = sorted(levels)
        try:
            times = pd.to_datetime(ordered, format="ISO8601", utc=True)
        except ValueError:
            return {level: level for level in levels}
        return dict(zip(ordered, times.tz_localize(None), strict=True))
    return {level: level for level in levels}


def _with_point(level):
    return level.replace(",", ".")


def _numbers(levels, form):
    """The numbers that they are; None where one is none."""
    numbers = {}
    for level in levels:
        # Python reads 1_000 as a number; here it is a name.
        if "_" in level:
            return None
        try:
            numbers[level] = float(form(level))
        except ValueError:
            return None
    if all(number.is_integer() and abs(number) < 2**53 for number in numbers.values()):
        return {level: int(number) for level, number in numbers.items()}
    return numbers
