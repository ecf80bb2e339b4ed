"""How values, or the network that gives them, settled: from ``history_``."""

import numpy as np

from ..utils._sklearn import check_matplotlib_support, validate_style_kwargs
from ..utils._vectors import finite_vector
from ._drawing import REFERENCE, fitted_valuator, legend, panels, reference_line

# Measures that share a panel, with its y axis.
PANELS = {
    ("max_stderr",): "largest standard error\n(in SD of the values)",
    ("rank_correlation",): "rank correlation with\nhalf the evaluations",
    ("train_loss", "valid_loss"): "mean loss",
}
TICKS = (1, 1.5, 2, 3, 5, 7)
NOTHING = "nothing to compare with yet"
WORDS = {"train_loss": "training rows", "valid_loss": "held-out rows"}


class ConvergenceDisplay:
    """How values settled with evaluations, or a network with epochs.

    It is recommended to use `from_estimator` or `from_history` to create a
    `ConvergenceDisplay`. All parameters are stored as attributes.

    Parameters
    ----------
    steps : ndarray of shape (n_steps,)
        Evaluations or epochs so far.

    measures : dict of str to ndarray of shape (n_steps,)
        Of Monte-Carlo values: ``"max_stderr"``, the largest standard error in standard
        deviations of the values, and ``"rank_correlation"``, Spearman's with the values
        at half as many evaluations, NaN where there are none. Of networks:
        ``"train_loss"`` and ``"valid_loss"``.

    unit : {"evaluations", "epochs"}, default="evaluations"
        What the steps count.

    tol : float, default=None
        The largest standard error that ends a run, for a line.

    name : str, default=None
        Name of the valuator, for the legend.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The curves, by their key in `measures`.

    axes_ : ndarray of shape (n_panels,), of matplotlib Axes
        One for the errors and one for the correlations, or one for the losses. Give
        them as `ax` of another Display to draw both there.

    ax_ : matplotlib Axes
        The axes, or what holds them where there are several.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    TrajectoryDisplay : What the rows do in the network.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skvalue import DataShapley
    >>> from skvalue.datasets import make_two_planes
    >>> from skvalue.inspection import ConvergenceDisplay
    >>> X, y = make_two_planes(60, random_state=0)
    >>> valuator = DataShapley(
    ...     LogisticRegression(), max_evaluations=20_000, tol=0.08, random_state=0
    ... )
    >>> ConvergenceDisplay.from_estimator(valuator.fit(X, y))
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(self, *, steps, measures, unit="evaluations", tol=None, name=None):
        self.steps = steps
        self.measures = measures
        self.unit = unit
        self.tol = tol
        self.name = name

    @classmethod
    def from_estimator(cls, valuator, *, name=None, ax=None, **kwargs):
        """Draw how the values of a fitted valuator settled.

        Parameters
        ----------
        valuator : estimator
            A fitted valuator with ``history_``: one that samples coalitions, or an
            `NDDVValuator`; or what holds one.

        name : str, default=None
            For the legend; None: the name of the valuator's class.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ConvergenceDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the valuator has no ``history_``.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        valuator = fitted_valuator(valuator)
        if not hasattr(valuator, "history_"):
            raise ValueError(
                f"valuator={type(valuator).__name__} has no history_; valuators that "
                "sample coalitions and NDDVValuator have one."
            )
        tol = getattr(valuator, "tol", None)
        return cls.from_history(
            valuator.history_,
            tol=tol if isinstance(tol, float) and tol > 0 else None,
            name=type(valuator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_history(cls, history, *, tol=None, name=None, ax=None, **kwargs):
        """Draw a history.

        Parameters
        ----------
        history : list of dict, or skorch.history.History
            ``history_`` of a valuator.

        tol : float, default=None
            The largest standard error that ends a run, for a line.

        name : str, default=None
            For the legend.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : ConvergenceDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If `history` is none.
        """
        check_matplotlib_support(f"{cls.__name__}.from_history")
        looks = [dict(look) for look in history]
        known = set.intersection(*(set(look) for look in looks)) if looks else set()
        step, unit = (
            ("epoch", "epochs") if "epoch" in known else ("evaluations", "evaluations")
        )
        names = [name for panel in PANELS for name in panel if name in known]
        if step not in known or not names:
            raise ValueError(
                "history must be the history_ of a fitted valuator: dicts with "
                "'evaluations' and 'max_stderr', or with 'epoch' and 'train_loss'."
            )
        display = cls(
            steps=finite_vector([look[step] for look in looks], "history"),
            measures={
                name: np.array([look[name] for look in looks], dtype=np.float64)
                for name in names
            },
            unit=unit,
            tol=tol,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, *, name=None, curve_kwargs=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; as many axes as panels are drawn on beside what is there;
            None: on a new figure.

        name : str, default=None
            For the legend; None: that of the Display.

        curve_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the curves.

        Returns
        -------
        display : ConvergenceDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        name = self.name if name is None else name
        shown = [panel for panel in PANELS if set(panel) & set(self.measures)]
        size = (6.4, 1.2 + 2.4 * len(shown)) if len(shown) > 1 else None
        self.ax_, grid = panels(ax, len(shown), 1, size, sharex=True)
        self.axes_, self.figure_ = grid[:, 0], self.ax_.figure
        self.lines_ = {}
        for axes, panel in zip(self.axes_, shown, strict=True):
            for measure in [each for each in panel if each in self.measures]:
                words = [name, WORDS.get(measure)]
                label = ", ".join(word for word in words if word) or None
                own = {"label": label, "marker": "o", "markersize": 3.5}
                style = validate_style_kwargs(own, curve_kwargs or {})
                curve = self.measures[measure]
                (self.lines_[measure],) = axes.plot(self.steps, curve, **style)
            axes.set_ylabel(PANELS[panel])
            self._finish(axes, panel)
        self.axes_[0].set_title("Convergence")
        self.axes_[-1].set_xlabel(
            "evaluations of the utility"
            if self.unit == "evaluations"
            else "epochs of training"
        )
        return self

    def _finish(self, axes, panel):
        from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

        if "max_stderr" in panel and self.tol is not None:
            reference_line(
                axes,
                [0, 1],
                [self.tol, self.tol],
                f"tol = {self.tol:g}",
                linestyle=":",
                transform=axes.get_yaxis_transform(),
            )
        _say_if_empty(axes)
        if self.unit == "epochs":
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            axes.set_xscale("log")
            logarithmic = [axes.xaxis]
            errors = self.measures.get("max_stderr", np.zeros(1))
            known = errors[np.isfinite(errors)]
            if "max_stderr" in panel and len(known) and known.min() > 0:
                axes.set_yscale("log")
                logarithmic.append(axes.yaxis)
            for axis in logarithmic:
                # Two or three steps of the doubling need more than powers of ten.
                lowest, highest = axis.get_view_interval()
                ticks = TICKS if highest < 8 * lowest else (1, 2, 5)
                axis.set_major_locator(LogLocator(subs=ticks, numticks=9))
                axis.set_major_formatter(lambda number, _: f"{number:,g}")
                axis.set_minor_formatter(NullFormatter())
        if axes is self.axes_[0]:
            legend(axes)


def _say_if_empty(axes):
    """Words in place of ticks while no curve has a point, as after one look."""
    from matplotlib.ticker import AutoLocator, NullLocator

    for text in [text for text in axes.texts if text.get_text() == NOTHING]:
        text.remove()
        axes.yaxis.set_major_locator(AutoLocator())
    if not any(np.isfinite(line.get_ydata()).any() for line in axes.lines):
        axes.yaxis.set_major_locator(NullLocator())
        place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, NOTHING, color=REFERENCE, **place)
