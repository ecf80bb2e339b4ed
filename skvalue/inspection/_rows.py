"""The rows at both ends of the values: as a table, as images or as texts."""

import textwrap
from numbers import Integral, Real

import numpy as np
from scipy import sparse

from ..utils._rows import take_rows
from ..utils._sklearn import check_matplotlib_support
from ..utils._vectors import finite_vector, one_dimensional, row_mask
from ._drawing import check_rows, fitted_valuator

# Columns of X in a table, and characters in a cell, a line of a text.
MAX_COLUMNS = 6
MAX_CELL = 22
LINE = 64


class RowsDisplay:
    """The rows of lowest and of highest value: as a table, as images or as texts.

    It is recommended to use `from_estimator` or `from_values` to create a
    `RowsDisplay`. All parameters are stored as attributes. ``str(display)`` is the
    table as plain text, without matplotlib.

    Parameters
    ----------
    rows : ndarray of shape (n_shown,), dtype int
        Places of the rows shown: the lowest value first, then the highest first.

    n_lowest : int
        How many of them are of the lowest.

    columns : dict of str to list of str, each of length n_shown
        What the table says of each row, by heading.

    images : ndarray of shape (n_shown, height, width[, n_channels]), default=None
        The rows as pictures; None: a table.

    is_wrong : ndarray of shape (n_shown,), dtype bool, default=None
        Which of them are known to be wrong.

    name : str, default=None
        For the title.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each end, or one for each image.

    ax_ : matplotlib Axes
        The axes, or what holds them where there are several.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skvalue.base.BaseValuator.values_frame : All rows, in a frame.
    ValueDistributionDisplay : How the values are spread.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from skvalue import SelfConfidence
    >>> from skvalue.inspection import RowsDisplay
    >>> X = pd.DataFrame({"kg": [4, 5, 4, 5, 30, 28, 31]}, index=list("abcdefg"))
    >>> y = ["cat", "cat", "dog", "cat", "dog", "dog", "dog"]
    >>> valuator = SelfConfidence(cv=3, drop=0.1, random_state=0).fit(X, y)
    >>> display = RowsDisplay.from_estimator(valuator, X, n_lowest=1, n_highest=2)
    >>> print(display)
    lowest values
    row  value   label  suggested  kg
    c    ...     dog    cat        4
    <BLANKLINE>
    highest values
    row  value    label  suggested  kg
    ...
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self, *, rows, n_lowest, columns, images=None, is_wrong=None, name=None
    ):
        self.rows = rows
        self.n_lowest = n_lowest
        self.columns = columns
        self.images = images
        self.is_wrong = is_wrong
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        valuator,
        X,
        *,
        n_lowest=5,
        n_highest=5,
        columns=None,
        image_shape=None,
        is_wrong=None,
        name=None,
        ax=None,
    ):
        """Draw the rows of lowest and highest value of a fitted valuator.

        Parameters
        ----------
        valuator : estimator
            A fitted valuator, or what holds one: a `CuratedEstimator`, a
            `ValueSampler`, a Pipeline that ends in one of them.

        X : {array-like, dataframe, sparse matrix, list of str} of n_samples rows
            The rows that were valued, or what a person would rather see of them.

        n_lowest, n_highest : int, default=5
            How many rows of each end; not both 0.

        columns : list of str or int, default=None
            Columns to show, by their names in a frame, else by their numbers. None:
            the first 6.

        image_shape : tuple of int, default=None
            Shape of a row as a picture: ``(height, width)``, or with channels first or
            last.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1, default=None
            Which rows are known to be wrong.

        name : str, default=None
            For the title; None: the name of the valuator's class.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        Returns
        -------
        display : RowsDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed, or neither pandas nor polars.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        valuator = fitted_valuator(valuator)
        known = valuator.values_frame()
        suggested = None
        if "suggested_label" in known.columns:
            suggested = np.asarray(known["suggested_label"])
        return cls.from_values(
            valuator.data_values_,
            X,
            y=np.asarray(known["label"]),
            suggested=suggested,
            n_lowest=n_lowest,
            n_highest=n_highest,
            columns=columns,
            image_shape=image_shape,
            is_wrong=is_wrong,
            name=type(valuator).__name__ if name is None else name,
            ax=ax,
        )

    @classmethod
    def from_values(
        cls,
        values,
        X,
        *,
        y=None,
        suggested=None,
        n_lowest=5,
        n_highest=5,
        columns=None,
        image_shape=None,
        is_wrong=None,
        name=None,
        ax=None,
    ):
        """Draw the rows of lowest and highest value.

        Parameters
        ----------
        values : array-like of shape (n_samples,)
            Finite data values, higher is better.

        X : {array-like, dataframe, sparse matrix, list of str} of n_samples rows
            The rows that were valued, or what a person would rather see of them.

        y : array-like of shape (n_samples,), default=None
            Their labels or real targets.

        suggested : array-like of shape (n_samples,), default=None
            Labels that the valuation finds more fitting.

        n_lowest, n_highest : int, default=5
            How many rows of each end; not both 0.

        columns : list of str or int, default=None
            Columns to show, by their names in a frame, else by their numbers. None:
            the first 6.

        image_shape : tuple of int, default=None
            Shape of a row as a picture, see `from_estimator`.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1, default=None
            Which rows are known to be wrong.

        name : str, default=None
            For the title.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        Returns
        -------
        display : RowsDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_values")
        values = finite_vector(values, "values")
        y = None if y is None else one_dimensional(y, "y")
        is_wrong = None if is_wrong is None else row_mask(is_wrong, "is_wrong")
        if suggested is not None:
            suggested = one_dimensional(suggested, "suggested")
        check_rows(len(values), X=X, y=y, suggested=suggested, is_wrong=is_wrong)
        rows, n_lowest = _both_ends(values, n_lowest, n_highest)
        is_wrong = None if is_wrong is None else is_wrong[rows]
        names = X.index[rows] if hasattr(X, "iloc") else rows
        table = {"row": names, "value": [f"{value:.4g}" for value in values[rows]]}
        if y is not None:
            table["label"] = y[rows]
        if suggested is not None:
            table["suggested"] = suggested[rows]
        if is_wrong is not None:
            table["known wrong"] = np.where(is_wrong, "yes", "")
        images = None
        if image_shape is None:
            contents = _contents(take_rows(X, rows), columns)
            table |= {
                f"column {heading}" if heading in table else heading: cells
                for heading, cells in contents.items()
            }
        else:
            images = _pictures(take_rows(X, rows), image_shape)
        display = cls(
            rows=rows,
            n_lowest=n_lowest,
            columns={
                heading: [_cell(cell, heading) for cell in cells]
                for heading, cells in table.items()
            },
            images=images,
            is_wrong=is_wrong,
            name=name,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw: a grid inside it, or one of each panel; None: on a new
            figure.

        name : str, default=None
            For the title; None: that of the Display.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.imshow` for images, and to
            `matplotlib.axes.Axes.text` for the cells of a table.

        Returns
        -------
        display : RowsDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from ._rows_drawing import draw_images, draw_tables

        name = self.name if name is None else name
        draw = draw_tables if self.images is None else draw_images
        self.ax_, self.axes_ = draw(self, ax, name, kwargs)
        self.figure_ = self.ax_.figure
        return self

    def ends(self):
        """What is at either end.

        Returns
        -------
        ends : list of (str, slice)
            Title and places in `rows`, of each end that has rows.
        """
        both = [
            ("lowest values", slice(0, self.n_lowest)),
            ("highest values", slice(self.n_lowest, None)),
        ]
        return [(title, part) for title, part in both if len(self.rows[part])]

    def __str__(self):
        lines = []
        for title, part in self.ends():
            shown = {
                heading: [" ".join(cell.split("\n")) for cell in cells[part]]
                for heading, cells in self.columns.items()
            }
            widths = [
                max(map(len, [heading, *cells])) for heading, cells in shown.items()
            ]
            lines.append(title)
            for cells in [tuple(shown), *zip(*shown.values(), strict=True)]:
                padded = [
                    cell.ljust(width) for cell, width in zip(cells, widths, strict=True)
                ]
                lines.append("  ".join(padded).rstrip())
            lines.append("")
        return "\n".join(lines[:-1])


def _both_ends(values, n_lowest, n_highest):
    for name, count in [("n_lowest", n_lowest), ("n_highest", n_highest)]:
        if not isinstance(count, Integral) or count < 0:
            raise ValueError(f"{name}={count!r} must be a whole number >= 0.")
    if not n_lowest + n_highest:
        raise ValueError("n_lowest and n_highest are both 0; one must be above.")
    order = np.argsort(values, kind="stable")
    n_lowest = min(n_lowest, len(order))
    # No row is shown twice.
    n_highest = min(n_highest, len(order) - n_lowest)
    highest = order[len(order) - n_highest :][::-1]
    return np.concatenate([order[:n_lowest], highest]), n_lowest


def _pictures(taken, shape):
    shape = tuple(shape)
    pixels = np.asarray(taken.toarray() if sparse.issparse(taken) else taken)
    if len(shape) not in (2, 3) or np.prod(shape) * len(pixels) != pixels.size:
        raise ValueError(
            f"image_shape={shape} must be (height, width), with channels first or last "
            f"if any, of the {pixels.size // len(pixels)} numbers of a row of X."
        )
    images = pixels.reshape(-1, *shape)
    if len(shape) == 3 and shape[0] in (1, 3, 4) and shape[-1] not in (1, 3, 4):
        images = np.moveaxis(images, 1, -1)
    return images[..., 0] if images.shape[3:] == (1,) else images


def _contents(taken, columns):
    """Cells of the rows by heading: a text, or some of the columns."""
    in_frame = hasattr(taken, "columns")
    if not in_frame and np.ndim(taken[0]) == 0:
        return {"text": [_wrapped(text) for text in taken]}
    if in_frame:
        names = list(taken.columns)
    else:
        taken = np.asarray(taken.toarray() if sparse.issparse(taken) else taken)
        taken = taken.reshape(len(taken), -1)
        names = list(range(taken.shape[1]))
    chosen = names[:MAX_COLUMNS] if columns is None else list(columns)
    if not set(chosen) <= set(names):
        raise ValueError(f"columns={columns!r} must be of {names[:20]}.")
    places = [names.index(name) for name in chosen]
    cells = taken.iloc if hasattr(taken, "iloc") else taken
    return {
        str(name) if in_frame else f"column {name}": list(cells[:, place])
        for name, place in zip(chosen, places, strict=True)
    }


def _wrapped(text):
    return "\n".join(textwrap.wrap(str(text), LINE, max_lines=3, placeholder=" …"))


def _cell(cell, heading):
    if heading == "text":
        return cell
    if isinstance(cell, Real) and not isinstance(cell, (bool, np.bool_, Integral)):
        return f"{cell:.0f}" if 1e4 <= abs(cell) < 1e9 else f"{cell:.4g}"
    # A date needs no midnight.
    text = " ".join(str(cell).removesuffix(" 00:00:00").split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
