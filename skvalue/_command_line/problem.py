"""Which columns are features, what the target is, and which rows have one."""

import re
import warnings
from typing import NamedTuple

import numpy as np

from .._targets import is_regression
from .errors import CommandError, say

# Fewer rows differ in every column by chance.
_FEWEST_FOR_IDS = 20
# Names of columns that number the rows, where the numbers do not tell.
_ID_NAME = re.compile(
    r"(?:.*[\W_])?(?i:id|idx|index|key|row|uuid|guid|unnamed: 0|column 1)|.*[a-z]I[dD]"
)
_NO_GROUP = "(none)"


class Problem(NamedTuple):
    """What is valued; n_labelled rows of the table have a target."""

    # Rows of the table that have a target, in order.
    rows: np.ndarray
    X: object
    # Labels as strings, or real targets.
    y: np.ndarray
    task: str
    groups: np.ndarray | None
    # Places of the columns of X, and why the others are not among them, by name.
    features: list
    left_out: dict
    # Cells of the target in rows that have none, with their number.
    no_target: dict


def find_problem(
    table, target, *, group=None, task="auto", ignore=(), use_ids=False, valuator=None
):
    """Say what is valued, and on stderr what is not.

    Parameters
    ----------
    table : TextTable or ParquetTable
        The rows.

    target : str
        Column of the labels or real targets.

    group : str or None, default=None
        Column that says where a row comes from; no feature.

    task : {"auto", "classification", "regression"}, default="auto"
        What the target is.

    ignore : sequence of str, default=()
        Columns that are no features.

    use_ids : bool, default=False
        Whether columns that only number or name the rows are features.

    valuator : BaseValuator
        Whose rule says what the target is, where `task` does not.

    Returns
    -------
    problem : Problem
        Of at least two rows and two classes.
    """
    place = table.place(target, "--target")
    left_out = {place: "the target"}
    if group is not None:
        group = table.place(group, "--group")
        if group == place:
            raise CommandError("--group and --target are the same column.")
        left_out[group] = "the group"
    for name in ignore:
        left_out.setdefault(table.place(name, "--ignore"), "ignored")

    column = table.typed(place)
    rows = np.flatnonzero(column.notna().to_numpy())
    no_target = _count_missing(table, place, column)
    if len(rows) < 2:
        raise CommandError(
            f"--target: {len(rows)} of {table.n_rows} rows have a {target!r}; values "
            "need at least two."
        )
    y, task = _labels(table, place, column.iloc[rows], rows, task, valuator)

    features, columns = [], {}
    for place, name in enumerate(table.names):
        if place in left_out:
            continue
        column = table.typed(place).iloc[rows].reset_index(drop=True)
        reason = None
        if column.isna().all():
            reason = "empty"
        elif not use_ids and _only_names_rows(column, name):
            reason = "another in every row, an id"
        if reason:
            left_out[place] = reason
            continue
        features.append(place)
        columns[name] = column
    if not features:
        raise CommandError(
            f"{table.path} has no column to value rows by; all "
            f"{len(left_out)} are left out: {_listed(table, left_out)}."
        )
    import pandas as pd

    groups = None
    if group is not None:
        groups = np.array([cell or _NO_GROUP for cell in table.shown(group, rows)])
    named = {table.names[place]: reason for place, reason in left_out.items()}
    X = pd.DataFrame(columns)
    return Problem(rows, X, y, task, groups, features, named, no_target)


def _listed(table, left_out):
    return ", ".join(
        f"{table.names[place]!r} ({why})" for place, why in left_out.items()
    )


def _count_missing(table, place, column):
    """Cells that count as no target, by how they are written."""
    missing = np.flatnonzero(column.isna().to_numpy())
    cells, counts = np.unique(table.shown(place, missing), return_counts=True)
    return dict(zip(cells.tolist(), counts.tolist(), strict=True))


def _labels(table, place, column, rows, task, valuator):
    """Labels as they are written, or real targets; and which of them they are."""
    name = table.names[place]
    if column.dtype.kind in "iuf" or (column.dtype == object and _are_numbers(column)):
        numbers = column.to_numpy(dtype=np.float64)
        if _is_regression(numbers, task, valuator, name):
            if not np.isfinite(numbers).all():
                raise CommandError(f"--target: {name!r} holds infinity.")
            if (numbers == numbers[0]).all():
                raise CommandError(
                    f"--target: {name!r} is {numbers[0]:g} in every row."
                )
            return numbers, "regression"
        # 1 and 1.0 are one label; it is called as where it comes first.
        _, first, codes = np.unique(numbers, return_index=True, return_inverse=True)
        labels = np.array(table.shown(place, rows[first]))[codes]
    else:
        if task == "regression":
            cell = table.shown(place, rows[:1])[0]
            raise CommandError(
                f"--task regression: {name!r} holds no numbers but {cell!r}."
            )
        labels = np.array(table.shown(place, rows))
    classes = np.unique(labels)
    if len(classes) < 2:
        raise CommandError(
            f"--target: {name!r} is {str(labels[0])!r} in every row; values need at "
            "least two classes."
        )
    if len(classes) > max(len(rows) / 2, 2) and task == "auto":
        raise CommandError(
            f"--target: {name!r} holds {len(classes)} different strings in {len(rows)} "
            "rows, too many for classes; --task classification takes them for that."
        )
    return labels, "classification"


def _are_numbers(column):
    # Decimals of Parquet, and whole numbers beside missing ones.
    return not any(isinstance(value, (str, bool)) for value in column) and all(
        hasattr(value, "__float__") for value in column
    )


def _is_regression(numbers, task, valuator, name):
    """The rule of the package, in the words of the command line."""
    asked = valuator.set_params(task=task)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = is_regression(asked, numbers)
        except ValueError as error:
            if task != "auto":
                raise CommandError(f"--task {task}: {error}") from error
            n_kinds = len(np.unique(numbers))
            raise CommandError(
                f"--target: {name!r} holds {n_kinds} different whole numbers in "
                f"{len(numbers)} rows; say --task regression where they are amounts, "
                "--task classification where they name classes."
            ) from error
    if caught:
        say(
            f"{name!r} holds {len(np.unique(numbers))} different whole numbers, taken "
            "for classes; say --task regression where they are amounts.",
            "warning",
        )
    return found


def _only_names_rows(column, name):
    """Whether a column is a number or a name of the row, which no rule carries over."""
    n_rows = len(column)
    if n_rows < _FEWEST_FOR_IDS or column.isna().any():
        return False
    try:
        if column.nunique() < n_rows:
            return False
    except TypeError:
        return False
    if column.dtype.kind in "iu":
        is_numbering = int(column.max()) - int(column.min()) == n_rows - 1
        return is_numbering or _ID_NAME.fullmatch(name) is not None
    # Texts are another in every row, too, but have blanks.
    return all(isinstance(value, str) and " " not in value for value in column)
