"""How the values are spread, and which of the rows are dropped."""

from numbers import Integral

import numpy as np

from ..utils._naming import sorted_labels
from ..utils._sklearn import check_matplotlib_support, validate_style_kwargs
from ..utils._vectors import finite_vector, one_dimensional, row_mask
from ._drawing import (
    HATCH,
    REFERENCE,
    RIGHT,
    VALUE,
    WRONG,
    check_rows,
    fitted_valuator,
    panels,
)

# More histograms are not read.
MAX_CLASSES = 40


class ValueDistributionDisplay:
    """Histogram of data values, with the rows dropped and those known to be wrong.

    It is recommended to use `from_estimator` or `from_values` to create a
    `ValueDistributionDisplay`. All parameters are stored as attributes.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Data values, higher is better.

    kept : ndarray of shape (n_samples,), dtype bool, default=None
        Which rows are kept; None: all of them, and nothing is said of it.

    is_wrong : ndarray of shape (n_samples,), dtype bool, default=None
        Which rows are known to be wrong.

    labels : ndarray of shape (n_samples,), default=None
        Labels of the rows: one histogram for each class.

    name : str, default=None
        Name of the valuator, for the title.

    Attributes
    ----------
    threshold_ : float or None
        The highest value of a dropped row, where every row with a higher value is
        kept, and no other; None where there is no such limit.

    bars_ : list of matplotlib BarContainer
        The bars: for each class, those of one kind of row on top of another's.

    axes_ : ndarray of shape (n_panels,), of matplotlib Axes
        The histograms: one, or one for each class.

    ax_ : matplotlib Axes
        The axes, or what holds them where there are several.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    DetectionCurveDisplay : How soon rows known to be wrong are found.
    RowsDisplay : The rows at both ends.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skvalue import SelfConfidence
    >>> from skvalue.datasets import make_label_noise, make_two_planes
    >>> from skvalue.inspection import ValueDistributionDisplay
    >>> X, y = make_two_planes(300, random_state=0)
    >>> y, is_wrong = make_label_noise(y, 0.1, random_state=0)
    >>> valuator = SelfConfidence(drop=0.1, random_state=0).fit(X, y)
    >>> ValueDistributionDisplay.from_estimator(valuator, is_wrong=is_wrong)
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(self, *, values, kept=None, is_wrong=None, labels=None, name=None):
        self.values = values
        self.kept = kept
        self.is_wrong = is_wrong
        self.labels = labels
        self.name = name

    @classmethod
    def from_estimator(
        cls, valuator, *, is_wrong=None, y=None, name=None, ax=None, **kwargs
    ):
        """Draw the values of a fitted valuator.

        Parameters
        ----------
        valuator : estimator
            A fitted valuator, or what holds one: a `CuratedEstimator`, a
            `ValueSampler`, a Pipeline that ends in one of them.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1, default=None
            Which rows are known to be wrong.

        y : array-like of shape (n_samples,), default=None
            Labels of the rows: one histogram for each class.

        name : str, default=None
            For the title; None: the name of the valuator's class.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ValueDistributionDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        valuator = fitted_valuator(valuator)
        return cls.from_values(
            valuator.data_values_,
            kept=valuator.get_support(),
            is_wrong=is_wrong,
            y=y,
            name=type(valuator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_values(
        cls,
        values,
        *,
        kept=None,
        is_wrong=None,
        y=None,
        name=None,
        ax=None,
        **kwargs,
    ):
        """Draw values.

        Parameters
        ----------
        values : array-like of shape (n_samples,)
            Finite data values, higher is better.

        kept : array-like of shape (n_samples,), dtype bool or 0/1, default=None
            Which rows are kept; None: all of them.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1, default=None
            Which rows are known to be wrong.

        y : array-like of shape (n_samples,), default=None
            Labels of the rows: one histogram for each class.

        name : str, default=None
            For the title.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ValueDistributionDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_values")
        values = finite_vector(values, "values").copy()
        kept = None if kept is None else row_mask(kept, "kept")
        is_wrong = None if is_wrong is None else row_mask(is_wrong, "is_wrong")
        labels = None if y is None else one_dimensional(y, "y").copy()
        check_rows(len(values), kept=kept, is_wrong=is_wrong, y=labels)
        display = cls(
            values=values, kept=kept, is_wrong=is_wrong, labels=labels, name=name
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, *, name=None, bins=50, yscale="sqrt", **kwargs):
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        name : str, default=None
            For the title; None: that of the Display.

        bins : int, default=50
            Number of bins between the lowest and the highest value, about.

        yscale : {"sqrt", "linear"}, default="sqrt"
            Scale of the numbers of rows; square roots show the few rows at the lower
            end beside the many at the upper.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.bar`.

        Returns
        -------
        display : ValueDistributionDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if not isinstance(bins, Integral) or bins < 1:
            raise ValueError(f"bins={bins!r} must be a whole number >= 1.")
        if yscale not in ("sqrt", "linear"):
            raise ValueError(f"yscale={yscale!r} must be 'sqrt' or 'linear'.")
        name = self.name if name is None else name
        parts = [(None, np.ones(len(self.values), dtype=bool))]
        if self.labels is not None:
            classes = sorted_labels(self.labels, "y")
            if len(classes) > MAX_CLASSES:
                raise ValueError(
                    f"y has {len(classes)} distinct labels; at most {MAX_CLASSES} have "
                    "a histogram each."
                )
            parts = [(label, self.labels == label) for label in classes]
        self.threshold_ = self._threshold()
        edges = self._edges(bins)
        size = None if self.labels is None else (6.4, 1.6 + 1.05 * len(parts))
        self.ax_, grid = panels(ax, len(parts), 1, size, sharex=True)
        self.axes_ = grid[:, 0]
        self.figure_ = self.ax_.figure
        self.bars_ = []
        for panel, (label, rows) in zip(self.axes_, parts, strict=True):
            self._draw(panel, rows, edges, kwargs)
            if yscale == "sqrt":
                # Low panels have room for few ticks.
                _scale_by_roots(panel, gap=0.11 if label is None else 0.3)
            scale = " (square-root scale)" if yscale == "sqrt" else ""
            panel.set_ylabel(f"number of rows{scale}" if label is None else "rows")
            if label is not None:
                n_dropped = 0 if self.kept is None else (rows & ~self.kept).sum()
                text = f"{label}: {rows.sum()} rows"
                if self.kept is not None:
                    text += f", {n_dropped} dropped"
                style = {"fontsize": "medium", "loc": "left", "pad": 3}
                panel.set_title(text, parse_math=False, **style)
        self.axes_[-1].set_xlabel(VALUE)
        self._add_legend_and_title(name, is_own=ax is None)
        return self

    def _threshold(self):
        """Where `kept` begins, if one limit on the values makes it."""
        if self.kept is None or self.kept.all() or not self.kept.any():
            return None
        highest = self.values[~self.kept].max()
        return float(highest) if highest < self.values[self.kept].min() else None

    def _edges(self, bins):
        """Edges of bins of one width, one of them where the dropped rows end."""
        lowest, highest = self.values.min(), self.values.max()
        width = (highest - lowest) / bins
        if not width > 0:
            return lowest + 0.5 * np.array([-1.0, 1.0]) * max(1, abs(lowest)) * 1e-3
        if self.threshold_ is None:
            return np.linspace(lowest, highest, bins + 1)
        start = np.nextafter(self.threshold_, np.inf)
        below = max(1, np.ceil((start - lowest) / width))
        above = max(1, np.ceil((highest - start) / width))
        return start + width * np.arange(-below, above + 1)

    def _kinds(self):
        """Label, mask, colour and hatch of what is told apart; the first is lowest."""
        every = np.ones(len(self.values), dtype=bool)
        wrong = ~every if self.is_wrong is None else self.is_wrong
        dropped = ~every if self.kept is None else ~self.kept
        known = self.is_wrong is not None
        kinds = [
            (f"{wording}{', dropped' if is_dropped else ''}", mask, color, hatch)
            for wording, of_kind, color in [
                ("known to be wrong", wrong, WRONG),
                ("other rows" if known else "kept", ~wrong, RIGHT),
            ]
            for is_dropped, mask, hatch in [
                (True, of_kind & dropped, HATCH),
                (False, of_kind & ~dropped, None),
            ]
            if mask.any()
        ]
        if not known:
            words = {"kept, dropped": "dropped"}
            if self.kept is None:
                words["kept"] = "rows"
            kinds = [(words.get(label, label), *rest) for label, *rest in kinds]
        return kinds

    def _draw(self, panel, rows, edges, style):
        bottom = np.zeros(len(edges) - 1)
        for label, mask, color, hatch in self._kinds():
            counts, _ = np.histogram(self.values[mask & rows], edges)
            own = {
                "color": color,
                "edgecolor": "white" if hatch else color,
                "linewidth": 0,
                "hatch": hatch,
                "label": f"{label} ({mask.sum()})",
            }
            self.bars_.append(
                panel.bar(
                    edges[:-1],
                    counts,
                    np.diff(edges),
                    bottom,
                    align="edge",
                    **validate_style_kwargs(own, style),
                )
            )
            bottom += counts
        if self.threshold_ is not None:
            panel.axvline(
                np.nextafter(self.threshold_, np.inf),
                color=REFERENCE,
                linestyle=":",
                label="limit of the dropped rows",
            )

    def _add_legend_and_title(self, name, *, is_own):
        first = self.axes_[0]
        title = "Distribution of the values" if name is None else f"Values of {name}"
        style = {"frameon": False, "fontsize": "small"}
        outside = is_own and self.labels is not None
        if outside:
            self.figure_.suptitle(title)
        elif self.labels is None:
            first.set_title(title)
        if len(self._kinds()) > 1 or self.threshold_ is not None:
            if outside:
                handles = first.get_legend_handles_labels()[0]
                self.figure_.legend(
                    handles=handles, loc="outside lower center", ncols=2, **style
                )
            else:
                first.legend(**style)


def _scale_by_roots(axes, *, gap):
    """Heights by the square roots of counts; ticks are this share of them apart."""
    roots = (lambda count: np.sqrt(np.maximum(count, 0)), np.square)
    top = axes.get_ylim()[1]
    axes.set_yscale("function", functions=roots)
    axes.set_ylim(0, top)
    ticks, least = [0], gap * np.sqrt(top)
    for exponent in range(len(str(int(top)))):
        for count in (10**exponent * np.array([1, 2, 5])).tolist():
            if np.sqrt(count) - np.sqrt(ticks[-1]) > least and count <= top:
                ticks.append(count)
    axes.set_yticks(ticks)
