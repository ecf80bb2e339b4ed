"""What the Displays share: axes, colours, and the valuator that they draw.

The colours are those of Okabe and Ito ("Color Universal Design", 2008), which readers
of any colour vision tell apart, without their black and yellow.
"""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..base import BaseValuator
from ..utils._sklearn import num_samples

COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]
RIGHT, WRONG = COLORS[:2]
REFERENCE = "0.45"
HATCH = "/////"
VALUE = "data value (higher is better)"


def fitted_valuator(valuator):
    """The fitted valuator itself, or the one that a meta-estimator or Pipeline holds.

    Parameters
    ----------
    valuator : estimator
        A valuator, what holds one as ``valuator_``, or a Pipeline that ends in either.

    Returns
    -------
    valuator : BaseValuator
        Fitted.
    """
    found = valuator
    while not isinstance(found, BaseValuator):
        if hasattr(found, "valuator_"):
            found = found.valuator_
        elif hasattr(found, "steps"):
            found = found.steps[-1][1]
        else:
            raise TypeError(
                f"valuator={type(valuator).__name__} has no data values; give a fitted "
                "valuator, a fitted CuratedEstimator or ValueSampler, or a Pipeline "
                "that ends in one of them."
            )
    check_is_fitted(found, "data_values_")
    return found


def check_rows(n_samples, **arrays):
    """Refuse what has not one entry a row; None is left out.

    Parameters
    ----------
    n_samples : int
        Number of rows.

    **arrays : array-like or None
        By the name of the argument.
    """
    for name, array in arrays.items():
        if array is not None and num_samples(array) != n_samples:
            raise ValueError(
                f"{name} has {num_samples(array)} entries, but there are {n_samples} "
                "values; give one a row."
            )


def own_axes(ax, size=None):
    """The axes given, or those of a new figure; colours that all tell apart.

    Parameters
    ----------
    ax : matplotlib Axes or None
        As the user gave it.

    size : tuple of float or None, default=None
        Width and height in inches of a new figure.

    Returns
    -------
    ax : matplotlib Axes
        The colours of its next lines are ours, unless something is drawn on it or the
        user has chosen a style.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    chosen, default = (
        parameters["axes.prop_cycle"]
        for parameters in (mpl.rcParams, mpl.rcParamsDefault)
    )
    if not ax.has_data() and chosen == default:
        styles = mpl.cycler(linestyle=["-", "--", ":", "-."])
        ax.set_prop_cycle(styles * mpl.cycler(color=COLORS))
    return ax


def panels(ax, n_rows, n_columns, size=None, *, sharex=False, heights=None):
    """A grid of axes inside one.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes or None
        Where the grid goes; as many axes as it needs are the grid itself.

    n_rows, n_columns : int
        Shape of the grid.

    size : tuple of float or None, default=None
        Width and height in inches of a new figure.

    sharex : bool, default=False
        Whether all have the same x axis, with numbers at the lowest only.

    heights : list of float or None, default=None
        Relative heights of the rows of the grid; None: all the same.

    Returns
    -------
    outer : matplotlib Axes
        What was given, without a frame, or the first axes of the grid.

    grid : ndarray of shape (n_rows, n_columns), of Axes
        What to draw on.
    """
    shape = n_rows, n_columns
    if ax is not None and np.ndim(ax) > 0:
        given = np.asarray(ax, dtype=object).ravel()
        if len(given) != n_rows * n_columns:
            raise ValueError(
                f"ax holds {len(given)} axes; give one, or {n_rows * n_columns}."
            )
        return given[0], given.reshape(shape)
    outer = own_axes(ax, size)
    if shape == (1, 1):
        return outer, np.array([[outer]], dtype=object)
    outer.set_axis_off()
    cells = outer.get_subplotspec()
    if cells is None:
        raise ValueError(
            "ax must be one of a grid, as plt.subplots makes them, to hold "
            f"{n_rows * n_columns} axes; or give that many."
        )
    cells = cells.subgridspec(n_rows, n_columns, height_ratios=heights)
    grid = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        first = grid.flat[0] if sharex and any(place) else None
        grid[place] = own_axes(outer.figure.add_subplot(cells[place], sharex=first))
        if sharex and place[0] < n_rows - 1:
            grid[place].tick_params(labelbottom=False)
    return outer, grid


def percent(axis):
    """Show shares on a matplotlib Axis as percentages."""
    axis.set_major_formatter(lambda share, _: f"{round(100 * share, 6):g} %")


def legend(ax, **style):
    """A legend that ends with what the curves are compared with.

    Parameters
    ----------
    ax : matplotlib Axes
        Where.

    **style : dict
        Of `matplotlib.axes.Axes.legend`.
    """
    handles, _ = ax.get_legend_handles_labels()
    handles.sort(key=lambda handle: handle.get_gid() == "reference")
    if handles:
        ax.legend(handles=handles, frameon=False, fontsize="small", **style)


def reference_line(ax, x, y, label, **style):
    """A grey line for comparison, once an axes however many Displays draw on it.

    Parameters
    ----------
    ax : matplotlib Axes
        Where.

    x, y : array-like of shape (n_points,)
        Its points.

    label : str
        For the legend.

    **style : dict
        Of `matplotlib.lines.Line2D`.

    Returns
    -------
    line : matplotlib Line2D
        One that is there already if it is the same.

    is_new : bool
        Whether it was drawn now.
    """
    for line in ax.lines:
        same = line.get_label() == label and len(line.get_xdata()) == len(x)
        if same and np.allclose(line.get_xydata(), np.column_stack([x, y])):
            return line, False
    style = {"color": REFERENCE, "linewidth": 1.2, "zorder": 1.5} | style
    (line,) = ax.plot(x, y, label=label, gid="reference", **style)
    return line, True
