"""What each source of rows is worth."""

from numbers import Integral

import numpy as np

from ..utils._sklearn import check_matplotlib_support, validate_style_kwargs
from ..utils._vectors import finite_vector, one_dimensional
from ._drawing import REFERENCE, RIGHT, WRONG, check_rows, fitted_valuator, own_axes


class GroupValuesDisplay:
    """Bars of the values of groups, with their standard errors where known.

    It is recommended to use `from_estimator` or `from_values` to create a
    `GroupValuesDisplay`. All parameters are stored as attributes.

    Parameters
    ----------
    groups : ndarray of shape (n_groups,)
        What the groups are called.

    values : ndarray of shape (n_groups,)
        Their values, higher is better.

    stderr : ndarray of shape (n_groups,), default=None
        Standard errors of the values.

    name : str, default=None
        Name of the valuator, for the title.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        The bars, the highest value on top.

    order_ : ndarray of shape (n_shown,), dtype int
        Places in `groups` of those shown, from the lowest value to the highest.

    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ValueDistributionDisplay : The values of rows.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skvalue import KNNShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.inspection import GroupValuesDisplay
    >>> X, y = make_two_planes(90, random_state=0)
    >>> source = np.array(["north", "south", "west"])[np.arange(90) % 3]
    >>> y[source == "west"] = 1 - y[source == "west"]
    >>> valuator = KNNShapley(random_state=0).fit(X, y, groups=source)
    >>> GroupValuesDisplay.from_estimator(valuator)
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(self, *, groups, values, stderr=None, name=None):
        self.groups = groups
        self.values = values
        self.stderr = stderr
        self.name = name

    @classmethod
    def from_estimator(cls, valuator, *, name=None, ax=None, **kwargs):
        """Draw the values of the groups that a valuator was fitted with.

        Parameters
        ----------
        valuator : estimator
            A valuator fitted with `groups`, or what holds one: a `CuratedEstimator`, a
            `ValueSampler`, a Pipeline that ends in one of them.

        name : str, default=None
            For the title; None: the name of the valuator's class.

        ax : matplotlib Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : GroupValuesDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the valuator was fitted without `groups`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        valuator = fitted_valuator(valuator)
        if not hasattr(valuator, "group_values_"):
            raise ValueError(
                f"valuator={type(valuator).__name__} was fitted without groups; give "
                "groups to its fit."
            )
        return cls.from_values(
            valuator.groups_,
            valuator.group_values_,
            stderr=getattr(valuator, "group_values_stderr_", None),
            name=type(valuator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_values(cls, groups, values, *, stderr=None, name=None, ax=None, **kwargs):
        """Draw values of groups.

        Parameters
        ----------
        groups : array-like of shape (n_groups,)
            What the groups are called.

        values : array-like of shape (n_groups,)
            Their finite values, higher is better.

        stderr : array-like of shape (n_groups,), default=None
            Standard errors of the values, at least 0.

        name : str, default=None
            For the title.

        ax : matplotlib Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : GroupValuesDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_values")
        groups = one_dimensional(groups, "groups").copy()
        values = finite_vector(values, "values").copy()
        if stderr is not None:
            stderr = finite_vector(stderr, "stderr").copy()
            if stderr.min() < 0:
                raise ValueError("stderr must be at least 0.")
        check_rows(len(values), groups=groups, stderr=stderr)
        display = cls(groups=groups, values=values, stderr=stderr, name=name)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, *, name=None, max_groups=30, **kwargs):
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: on a new figure.

        name : str, default=None
            For the title; None: that of the Display.

        max_groups : int, default=30
            Of more groups only the lowest and the highest are shown, half each; at
            least 2.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.barh`.

        Returns
        -------
        display : GroupValuesDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if not isinstance(max_groups, Integral) or max_groups < 2:
            raise ValueError(f"max_groups={max_groups!r} must be a whole number >= 2.")
        name = self.name if name is None else name
        order = np.argsort(self.values, kind="stable")
        n_groups = len(order)
        n_lowest = n_groups
        if n_groups > max_groups:
            n_lowest = max_groups // 2
            order = np.concatenate([order[:n_lowest], order[n_lowest - max_groups :]])
        self.order_ = order
        # A gap where groups are left out.
        places = np.arange(len(order)) + (np.arange(len(order)) >= n_lowest)
        names = [str(group) for group in self.groups[order]]
        # Long names take nothing from the bars.
        width = 5.6 + 0.08 * min(60, max(map(len, names)))
        height = min(12, 1.3 + 0.3 * max(5, places[-1] + 1))
        self.ax_ = own_axes(ax, (width, height))
        self.figure_ = self.ax_.figure
        values = self.values[order]
        edge = self.ax_.spines["bottom"].get_edgecolor()
        with_errors = self.stderr is not None and self.stderr.any()
        own = {
            "color": [RIGHT if value >= 0 else WRONG for value in values],
            "xerr": self.stderr[order] if with_errors else None,
            "error_kw": {"ecolor": edge, "capsize": 3, "elinewidth": 1.2},
        }
        style = validate_style_kwargs(own, kwargs)
        self.bars_ = self.ax_.barh(places, values, **style)
        self.ax_.axvline(0, color=REFERENCE, linewidth=0.8)
        self.ax_.set_yticks(places, names, parse_math=False)
        self.ax_.set_ylim(-0.6, places[-1] + 0.6)
        title = "Values of the groups"
        if name is not None:
            title += f", {name}"
        if n_groups > len(order):
            title += (
                f"\nthe lowest {n_lowest} and the highest {len(order) - n_lowest} "
                f"of {n_groups}"
            )
        xlabel = "value of the group"
        if self.stderr is not None:
            xlabel += " ± standard error" if with_errors else ", exact"
        xlabel += " (higher is better)"
        self.ax_.set(xlabel=xlabel, title=title)
        return self
