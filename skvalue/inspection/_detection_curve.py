"""How soon rows that are known to be wrong are found, from the lowest value on."""

import numpy as np

from ..metrics import detection_curve
from ..utils._sklearn import check_matplotlib_support, validate_style_kwargs
from ..utils._vectors import check_same_length, mask_of_some
from ._drawing import fitted_valuator, legend, own_axes, percent, reference_line
from ._experiments import draw_spread, lines_of_one, mean_and_spread


class DetectionCurveDisplay:
    """Share of the wrong rows found, by the share of rows inspected.

    It is recommended to use `from_estimator`, `from_values` or `from_experiment` to
    create a `DetectionCurveDisplay`. All parameters are stored as attributes.

    Parameters
    ----------
    inspected : ndarray of shape (n_points,)
        Shares of the rows, from the lowest value on, from 0 to 1.

    found : ndarray of shape (n_points,)
        Shares of the wrong rows that are among them.

    share_wrong : float
        Share of the rows that are wrong, in (0, 1).

    area : float, default=None
        Area under the curve; None: not shown.

    name : str, default=None
        Name of the valuator, for the legend.

    spread : ndarray of shape (n_points,), default=None
        Standard deviation of `found` over repeats, drawn as a band; None: not shown.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.

    optimal_, random_ : matplotlib Line2D or None
        The lines for comparison.

    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skvalue.metrics.detection_curve : Computes the curve.
    skvalue.metrics.detection : Figures of the same order.
    skvalue.evaluation.detection_experiment : Curves of several valuators and splits.

    Notes
    -----
    The area is 1 / 2 for a random order and 1 - p / 2 at best, for a share p of wrong
    rows; see `skvalue.metrics.detection_curve`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skvalue import SelfConfidence
    >>> from skvalue.datasets import make_label_noise, make_two_planes
    >>> from skvalue.inspection import DetectionCurveDisplay
    >>> X, y = make_two_planes(300, random_state=0)
    >>> y, is_wrong = make_label_noise(y, 0.1, random_state=0)
    >>> valuator = SelfConfidence(random_state=0).fit(X, y)
    >>> DetectionCurveDisplay.from_estimator(valuator, is_wrong)
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self, *, inspected, found, share_wrong, area=None, name=None, spread=None
    ):
        self.inspected = inspected
        self.found = found
        self.share_wrong = share_wrong
        self.area = area
        self.name = name
        self.spread = spread

    @classmethod
    def from_estimator(cls, valuator, is_wrong, *, name=None, ax=None, **kwargs):
        """Draw how soon a fitted valuator finds the wrong rows.

        Parameters
        ----------
        valuator : estimator
            A fitted valuator, or what holds one: a `CuratedEstimator`, a
            `ValueSampler`, a Pipeline that ends in one of them.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1
            Which rows are known to be wrong: some, not all.

        name : str, default=None
            For the legend; None: the name of the valuator's class.

        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : DetectionCurveDisplay
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
        name = type(valuator).__name__ if name is None else name
        values = valuator.data_values_
        return cls.from_values(values, is_wrong, name=name, ax=ax, **kwargs)

    @classmethod
    def from_values(cls, values, is_wrong, *, name=None, ax=None, **kwargs):
        """Draw how soon values find the wrong rows.

        Parameters
        ----------
        values : array-like of shape (n_samples,)
            Finite data values, higher is better.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1
            Which rows are known to be wrong: some, not all.

        name : str, default=None
            For the legend.

        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : DetectionCurveDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_values")
        is_wrong = mask_of_some(is_wrong, "is_wrong")
        check_same_length(values=values, is_wrong=is_wrong)
        inspected, found = detection_curve(values, is_wrong)
        display = cls(
            inspected=inspected,
            found=found,
            share_wrong=float(is_wrong.mean()),
            area=float(np.trapezoid(found, inspected)),
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_experiment(cls, curves, valuator=None, *, name=None, ax=None, **kwargs):
        """Draw the mean curve of a valuator over the repeats of an experiment.

        Parameters
        ----------
        curves : DataFrame
            Lines of one setting of the curves that
            `skvalue.evaluation.detection_experiment` returns.

        valuator : str, default=None
            Whose curve; None: that of the only one in the frame.

        name : str, default=None
            For the legend; None: that of the valuator in the frame.

        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : DetectionCurveDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the frame holds several settings or none; the message says of what.
        """
        check_matplotlib_support(f"{cls.__name__}.from_experiment")
        lines, which = lines_of_one(curves, ["inspected", "found"], valuator)
        inspected, found, spread = mean_and_spread(lines, "inspected", "found")
        display = cls(
            inspected=inspected,
            found=found,
            share_wrong=float(lines["noise_rate"].iloc[0]),
            area=float(np.trapezoid(found, inspected)),
            name=which if name is None else name,
            spread=spread,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax=None,
        *,
        name=None,
        plot_optimal=True,
        plot_random=True,
        curve_kwargs=None,
    ):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        name : str, default=None
            For the legend; None: that of the Display.

        plot_optimal : bool, default=True
            Whether to draw the curve of values that know the wrong rows, once an axes.

        plot_random : bool, default=True
            Whether to draw the mean curve of random orders, once an axes.

        curve_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the curve.

        Returns
        -------
        display : DetectionCurveDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.ax_ = own_axes(ax)
        self.figure_ = self.ax_.figure
        name = self.name if name is None else name
        label = "values" if name is None else name
        if self.area is not None:
            label += f" (area = {self.area:.3f})"
        style = validate_style_kwargs({"label": label}, curve_kwargs or {})
        (self.line_,) = self.ax_.plot(self.inspected, self.found, **style)
        if self.spread is not None:
            color = self.line_.get_color()
            draw_spread(self.ax_, self.inspected, self.found, self.spread, color)
        self.optimal_ = self.random_ = None
        if plot_optimal:
            best = 1 - self.share_wrong / 2
            self.optimal_, _ = reference_line(
                self.ax_,
                [0, self.share_wrong, 1],
                [0, 1, 1],
                f"optimal (area = {best:.3f})",
                linestyle="--",
            )
        if plot_random:
            self.random_, _ = reference_line(
                self.ax_, [0, 1], [0, 1], "random (area = 0.500)", linestyle=":"
            )
        self.ax_.set(
            xlabel="rows inspected, lowest value first",
            ylabel="wrong rows found",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.03),
            title="Detection of wrong rows",
        )
        percent(self.ax_.xaxis)
        percent(self.ax_.yaxis)
        legend(self.ax_, loc="lower right")
        return self
