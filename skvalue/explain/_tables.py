"""Rows, mixed with background rows by columns, in the container that they came in.

Tables of numbers are mixed as one array; in frames and arrays of objects every column
keeps its dtype, so that a Pipeline finds strings and categories as it was fitted on.
"""

import sys

import numpy as np
from sklearn.utils import check_array

from .._columns import NUMBERS, columns_of, kind_of
from ..utils._missing import is_missing
from ..utils._rows import is_frame, take_rows
from ..utils._sklearn import is_pandas_df, is_polars_df, num_samples


def is_mixed(X):
    """Whether columns must be handled one by one: a frame, or an array with strings."""
    if is_frame(X):
        return True
    kind = getattr(getattr(X, "dtype", None), "kind", None)
    if kind == "O" and isinstance(X, np.ndarray):
        return any(isinstance(cell, str) for cell in X.ravel())
    return kind == "U" and isinstance(X, np.ndarray)


class Schema:
    """What the columns hold, and in which container the model gets them.

    Parameters
    ----------
    X : {ndarray, dataframe} of shape (n_rows, n_columns)
        The background, as the user gave it where `is_mixed`.
    """

    def __init__(self, X):
        self.maker = FrameMaker(X) if is_frame(X) else None
        self.holds_numbers = not is_mixed(X) or (
            is_frame(X) and all(is_number_column(column) for column in columns_of(X))
        )

    def table(self, X, allow_nan):
        """Rows of the same columns as a table.

        Parameters
        ----------
        X : {ndarray, dataframe} of shape (n_rows, n_columns)
            Rows.

        allow_nan : bool
            Whether numbers may be missing.

        Returns
        -------
        table : NumberTable or MixedTable
            Of these rows.

        Raises
        ------
        ValueError
            If they hold something else than the background.
        """
        if num_samples(X) == 0:
            raise ValueError("X has 0 rows (shape=(0, ...)); at least 1 is needed.")
        if self.holds_numbers:
            finite = "allow-nan" if allow_nan else True
            kinds = [np.float64, np.float32]
            X = check_array(X, dtype=kinds, ensure_all_finite=finite, input_name="X")
            return NumberTable(X, self.maker)
        if is_frame(X) != (self.maker is not None):
            container = "a frame" if self.maker else "an array"
            raise ValueError(
                f"X must be {container}, as it was in fit, where some columns hold no "
                f"numbers; got {type(X).__name__}."
            )
        return MixedTable(X if is_frame(X) else X.astype(object))


class FrameMaker:
    """Makes frames of arrays of numbers.

    Parameters
    ----------
    frame : dataframe
        Of pandas or polars; its columns are those of the frames.
    """

    def __init__(self, frame):
        self.columns = list(frame.columns)
        self.is_polars = is_polars_df(frame)

    def __call__(self, cells):
        """A frame of these cells."""
        if self.is_polars:
            import polars

            return polars.DataFrame(cells, schema=self.columns)
        import pandas

        return pandas.DataFrame(cells, columns=self.columns, copy=False)


class NumberTable:
    """Rows of numbers.

    Parameters
    ----------
    cells : ndarray of shape (n_rows, n_columns)
        Of one dtype.

    as_rows : callable or None, default=None
        Makes of such an array what the model takes; None: the array itself.
    """

    def __init__(self, cells, as_rows=None):
        self.cells, self.as_rows = cells, as_rows

    def __len__(self):
        return len(self.cells)

    def part(self, rows):
        return NumberTable(self.cells[rows], self.as_rows)

    def rows(self):
        """What the model takes."""
        return self.cells if self.as_rows is None else self.as_rows(self.cells)

    def mixed(self, background, known):
        """These rows for each coalition and background row, in this order.

        Parameters
        ----------
        background : NumberTable
            Where the cells of unknown columns come from.

        known : ndarray of shape (n_coalitions, n_columns), dtype bool
            The other columns.

        Returns
        -------
        rows : what the model takes
            ``n_coalitions * n_rows * n_background`` of them.
        """
        cells = np.where(
            known[:, None, None, :],
            self.cells[:, None, :],
            background.cells[None, :, :],
        )
        mixed = NumberTable(cells.reshape(-1, cells.shape[-1]), self.as_rows)
        return mixed.rows()

    def mean(self):
        """One row: the mean of each column, without missing cells."""
        is_known = ~np.isnan(self.cells)
        sums = np.where(is_known, self.cells, 0.0).sum(axis=0, dtype=np.float64)
        counts = is_known.sum(axis=0)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        return NumberTable(means[None].astype(self.cells.dtype), self.as_rows)


class MixedTable:
    """Rows of columns of any kind: a frame, or an array of objects.

    Parameters
    ----------
    X : {dataframe, ndarray of objects} of shape (n_rows, n_columns)
        Left as it is.
    """

    def __init__(self, X):
        self.X = X

    def __len__(self):
        return num_samples(self.X)

    def part(self, rows):
        return MixedTable(take_rows(self.X, rows))

    def rows(self):
        """What the model takes."""
        return self.X

    def mixed(self, background, known):
        """See `NumberTable.mixed`."""
        n_rows, n_background = len(self), len(background)
        own = np.arange(n_rows)[:, None]
        others = n_rows + np.arange(n_background)
        columns = []
        pairs = zip(columns_of(self.X), columns_of(background.X), strict=True)
        for place, (mine, theirs) in enumerate(pairs):
            taken = np.where(known[:, place, None, None], own, others)
            columns.append(_take(_stacked(mine, theirs), taken.ravel()))
        return _table_of(columns, self.X)

    def mean(self):
        """One row: means of numbers, else (booleans, too) the most frequent value."""
        columns = [_typical(column) for column in columns_of(self.X)]
        return MixedTable(_table_of(columns, self.X))


def is_number_column(column):
    """Whether a column has a mean: numbers, but neither booleans nor categories."""
    if "bool" in str(column.dtype).lower() or hasattr(column.dtype, "categories"):
        return False
    if kind_of(column) != NUMBERS:
        return False
    return not any(isinstance(value, (bool, np.bool_)) for value in _objects(column))


def _objects(column):
    is_object = getattr(column.dtype, "kind", None) == "O"
    return column if is_object else ()


def _typical(column):
    """The mean or the most frequent value of a column, as a column of one row."""
    if is_number_column(column):
        values = np.array(
            [np.nan if is_missing(value) else float(value) for value in column]
        )
        known = values[~np.isnan(values)]
        mean = known.mean() if len(known) else np.nan
        if isinstance(column, np.ndarray):
            return np.array([mean], dtype=object)
        if hasattr(column, "iloc"):
            return type(column)([mean])
        return type(column)(column.name, [mean])
    counts = {}
    for place, value in enumerate(column):
        key = None if is_missing(value) else value
        counts.setdefault(key, [0, place])[0] += 1
    known = {key: entry for key, entry in counts.items() if key is not None}
    # The first of several, so that the order of the rows decides, not that of a hash.
    _, place = max((known or counts).values(), key=lambda entry: (entry[0], -entry[1]))
    return _take(column, np.array([place]))


def _take(column, places):
    if isinstance(column, np.ndarray):
        return column[places]
    return column.take(places) if hasattr(column, "iloc") else column[places]


def _stacked(first, second):
    """Two columns, one below the other, of a dtype that holds both."""
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    if not hasattr(first, "iloc"):
        polars = sys.modules["polars"]
        frames = [column.alias("x").to_frame() for column in (first, second)]
        return polars.concat(frames, how="vertical_relaxed")["x"]
    pandas = sys.modules["pandas"]
    both_categories = all(
        isinstance(column.dtype, pandas.CategoricalDtype) for column in (first, second)
    )
    if both_categories and first.dtype != second.dtype:
        joined = pandas.api.types.union_categoricals([first, second])
        return pandas.Series(joined)
    return pandas.concat([first, second], ignore_index=True)


def _table_of(columns, like):
    """Columns side by side, in the container that they come from."""
    if not is_frame(like):
        return np.column_stack([column.astype(object) for column in columns])
    if is_pandas_df(like) or hasattr(like, "iloc"):
        pandas = sys.modules["pandas"]
        data = [column.array for column in columns]
        frame = pandas.DataFrame(dict(enumerate(data)), copy=False)
        frame.columns = like.columns
        return frame
    names = list(like.columns)
    return sys.modules["polars"].DataFrame(
        [column.alias(name) for name, column in zip(names, columns, strict=True)]
    )
