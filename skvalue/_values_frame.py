"""Values beside the rows that they belong to: the table that a person opens first."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .utils._sklearn import is_pandas_df, is_polars_df, validate_params


class RowNames(NamedTuple):
    """What a valuator keeps of `X`: how its rows are called, never the rows."""

    # "pandas", "polars", or None where X was no frame.
    library: str | None = None
    # An index of pandas; None where the rows are numbered from 0.
    index: object = None


def row_names(X):
    """How the rows of X are called.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
        Training rows as the user gave them.

    Returns
    -------
    names : RowNames
        Nothing but the index is kept, and not where it only numbers the rows.
    """
    if is_polars_df(X):
        return RowNames("polars")
    if not is_pandas_df(X):
        return RowNames()
    index = X.index
    is_numbered = type(index).__name__ == "RangeIndex" and (
        index.start,
        index.step,
        index.name,
    ) == (0, 1, None)
    return RowNames("pandas", None if is_numbered else index.copy())


class ValuesFrameMixin:
    """Mixin of `BaseValuator`, whose ``fit`` sets ``_row_names``: `values_frame`."""

    @validate_params({"sort": ["boolean"]}, prefer_skip_nested_validation=True)
    def values_frame(self, *, sort=False):
        """Lay out the values in a table, one line a training row.

        Parameters
        ----------
        sort : bool, default=False
            Lowest value first, equal values in the order of the rows; else all in the
            order of the rows.

        Returns
        -------
        frame : DataFrame of shape (n_samples, n_columns)
            Of pandas or polars, as `X` was; where `X` was no frame, of pandas if that
            is installed, else of polars. A frame of pandas has the index of `X`, one
            of polars the row number as its first column, ``"index"``. The other
            columns are

            - ``value``: `data_values_`;
            - ``stderr``: standard error of the value, where the method has one;
            - ``kept``: whether `drop` keeps the row;
            - ``label``: the label as it was given, or the real target;
            - ``suggested_label``: the class that the method finds most probable where
              it has `class_probabilities_`, else the class under which the row would be
              worth most; absent where the method has no opinion;
            - ``suggested_probability``: the probability of that class, where there is
              one;
            - ``group``: the row's group, where groups were given.

        Raises
        ------
        ImportError
            If neither pandas nor polars is installed, or not the one that `X` was of.

        ValueError
            If `drop` would leave a class without rows.

        Examples
        --------
        >>> import pandas as pd
        >>> from skvalue import SelfConfidence
        >>> X = pd.DataFrame({"kg": [4, 5, 4, 5, 30, 28, 31]}, index=list("abcdefg"))
        >>> y = ["cat", "cat", "dog", "cat", "dog", "dog", "dog"]
        >>> valuator = SelfConfidence(cv=3, random_state=0).fit(X, y)
        >>> frame = valuator.values_frame(sort=True)
        >>> frame.index[0], frame["label"].iloc[0]
        ('c', 'dog')
        """
        check_is_fitted(self, "data_values_")
        names = getattr(self, "_row_names", RowNames())
        library = _import_library(names.library)
        columns = self._frame_columns()
        order = slice(None)
        if sort:
            order = np.argsort(self.data_values_, kind="stable")
        columns = {name: column[order] for name, column in columns.items()}
        rows = np.arange(len(self.data_values_))[order]
        if library.__name__ == "polars":
            # Arrays of objects would stay objects, whatever they hold.
            lists = {
                name: column.tolist() if column.dtype == object else column
                for name, column in columns.items()
            }
            return library.DataFrame({"index": rows, **lists})
        index = library.RangeIndex(len(rows)) if names.index is None else names.index
        return library.DataFrame(columns, index=index.copy().take(rows))

    def _frame_columns(self):
        """Columns in the order of the rows, each an array of its own."""
        columns = {"value": self.data_values_.copy()}
        if hasattr(self, "data_values_stderr_"):
            columns["stderr"] = self.data_values_stderr_.copy()
        columns["kept"] = self.get_support()
        if hasattr(self, "classes_"):
            columns["label"] = self.classes_[self._target]
            columns |= self._suggestions()
        else:
            columns["label"] = self._target.copy()
        codes = getattr(self, "_group_codes", None)
        if codes is not None:
            columns["group"] = self.groups_[codes]
        return columns

    def _suggestions(self):
        probabilities = getattr(self, "class_probabilities_", None)
        if probabilities is not None:
            return {
                "suggested_label": self.classes_[probabilities.argmax(axis=1)],
                "suggested_probability": probabilities.max(axis=1),
            }
        if hasattr(self, "_best_classes"):
            return {"suggested_label": self.classes_[self._best_classes]}
        return {}


def _import_library(name):
    """pandas or polars: the one named, else the first that is there."""
    libraries = {"pandas": _import_pandas, "polars": _import_polars}
    for library in [name] if name else libraries:
        try:
            return libraries[library]()
        except ImportError as error:
            missing = error
    needs = f"{name}, as X was a frame of it" if name else "pandas or polars"
    raise ImportError(
        f"values_frame needs {needs}; install it, pip install {name or 'pandas'}. "
        "The values themselves are in data_values_."
    ) from missing


def _import_pandas():
    import pandas

    return pandas


def _import_polars():
    import polars

    return polars
