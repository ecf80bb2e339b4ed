"""What a model loses or gains as rows of low or high value go or come first."""

from numbers import Integral

import numpy as np
from sklearn.base import is_classifier

from ..metrics import removal_curve
from ..utils._random import draw_seed, integer_seed
from ..utils._sklearn import check_matplotlib_support, validate_style_kwargs
from ..utils._vectors import finite_vector
from ._drawing import (
    REFERENCE,
    fitted_valuator,
    legend,
    own_axes,
    percent,
    reference_line,
)

STYLES = {
    "lowest": {"linestyle": "-", "marker": "o"},
    "highest": {"linestyle": "--", "marker": "s"},
}
VERBS = {"remove": ("Removing rows", "removed"), "add": ("Adding rows", "added")}


class RemovalCurveDisplay:
    """Score on test rows as rows of low or high value are removed or added first.

    It is recommended to use `from_estimator` or `from_values` to create a
    `RemovalCurveDisplay`. All parameters are stored as attributes. Good values keep
    the score up where the lowest are removed first or the highest added first, and
    let it fall where the highest are removed first or the lowest added first.

    Parameters
    ----------
    shares : ndarray of shape (n_shares,)
        Shares of the rows that are removed or added.

    scores : dict of str to ndarray
        ``"lowest"`` and ``"highest"``, which values go or come first, both
        (n_shares,); ``"random"``, (n_random, n_shares). Each may be missing.

    action : {"remove", "add"}, default="remove"
        Whether rows go or come.

    score_name : str, default="score"
        For the y axis.

    name : str, default=None
        Name of the valuator, for the legend.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The curves, by their key in `scores`.

    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skvalue.metrics.removal_curve : Computes the scores.
    DetectionCurveDisplay : How soon rows known to be wrong are found.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skvalue import SelfConfidence
    >>> from skvalue.datasets import make_label_noise, make_two_planes
    >>> from skvalue.inspection import RemovalCurveDisplay
    >>> X, y = make_two_planes(300, random_state=0)
    >>> X, y, X_test, y_test = X[:200], y[:200], X[200:], y[200:]
    >>> y, is_wrong = make_label_noise(y, 0.3, random_state=0)
    >>> valuator = SelfConfidence(random_state=0).fit(X, y)
    >>> RemovalCurveDisplay.from_estimator(
    ...     valuator, KNeighborsClassifier(), X, y, X_test, y_test, random_state=0
    ... )
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self, *, shares, scores, action="remove", score_name="score", name=None
    ):
        self.shares = shares
        self.scores = scores
        self.action = action
        self.score_name = score_name
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        valuator,
        estimator,
        X,
        y,
        X_test,
        y_test,
        *,
        action="remove",
        first=("lowest", "highest"),
        shares=None,
        n_random=5,
        scoring=None,
        score_name=None,
        n_jobs=None,
        random_state=None,
        name=None,
        ax=None,
        **kwargs,
    ):
        """Fit and score an estimator in the order of a valuator's values.

        Parameters
        ----------
        valuator : estimator
            A fitted valuator, or what holds one: a `CuratedEstimator`, a
            `ValueSampler`, a Pipeline that ends in one of them.

        estimator : estimator
            What is fitted on the rows, as clones. A ``random_state`` that is None gets
            the same seed for all fits.

        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            The rows that were valued.

        y : array-like of shape (n_samples,)
            Their labels or real targets, as they were valued.

        X_test : {array-like, dataframe, sparse matrix} of shape (n_test, n_features)
            Rows to score on, which the valuator never saw, not even as `X_val`.

        y_test : array-like of shape (n_test,)
            Their labels or real targets.

        action : {"remove", "add"}, default="remove"
            Whether rows go from all of them, or come to none.

        first : {"lowest", "highest"} or tuple of them, default=("lowest", "highest")
            Which values go or come first; a curve each.

        shares : array-like of shape (n_shares,), default=None
            Shares of the rows that are removed, in [0, 1), or added, in (0, 1]. None:
            0 to 0.5 in steps of 0.05, without the 0 where rows are added.

        n_random : int, default=5
            Random orders for comparison, at least 0.

        scoring : str, callable or None, default=None
            A scorer; None is the estimator's own ``score``.

        score_name : str, default=None
            For the y axis; None: made of `scoring`.

        n_jobs : int or None, default=None
            Fits in parallel. The scores do not depend on it.

        random_state : int, RandomState instance or None, default=None
            Draws the random orders and seeds the fits.

        name : str, default=None
            For the legend; None: the name of the valuator's class.

        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : RemovalCurveDisplay
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
            estimator,
            X,
            y,
            X_test,
            y_test,
            action=action,
            first=first,
            shares=shares,
            n_random=n_random,
            scoring=scoring,
            score_name=score_name,
            n_jobs=n_jobs,
            random_state=random_state,
            name=type(valuator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_values(
        cls,
        values,
        estimator,
        X,
        y,
        X_test,
        y_test,
        *,
        action="remove",
        first=("lowest", "highest"),
        shares=None,
        n_random=5,
        scoring=None,
        score_name=None,
        n_jobs=None,
        random_state=None,
        name=None,
        ax=None,
        **kwargs,
    ):
        """Fit and score an estimator in the order of values.

        Parameters
        ----------
        values : array-like of shape (n_samples,)
            Finite data values, higher is better.

        estimator : estimator
            What is fitted on the rows, as clones.

        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            The rows that were valued.

        y : array-like of shape (n_samples,)
            Their labels or real targets, as they were valued.

        X_test : {array-like, dataframe, sparse matrix} of shape (n_test, n_features)
            Rows to score on, which the valuation never saw.

        y_test : array-like of shape (n_test,)
            Their labels or real targets.

        action, first, shares, n_random, scoring, score_name, n_jobs, random_state : \
                as `from_estimator` has them
            What is computed.

        name : str, default=None
            For the legend.

        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : RemovalCurveDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_values")
        first = (first,) if isinstance(first, str) else tuple(first)
        if not first or not set(first) <= set(STYLES) or len(set(first)) < len(first):
            raise ValueError(f"first={first!r} must be of 'lowest' and 'highest'.")
        if not isinstance(n_random, Integral) or n_random < 0:
            raise ValueError(f"n_random={n_random!r} must be a whole number >= 0.")
        values = finite_vector(values, "values")
        seed = integer_seed(random_state)
        rng = np.random.RandomState(seed % 2**32)
        orders = [values if which == "lowest" else -values for which in first]
        orders += [rng.permutation(len(values)) for _ in range(n_random)]
        # All fits at once, for `n_jobs` to share.
        shares, found = removal_curve(
            estimator,
            X,
            y,
            X_test,
            y_test,
            np.array(orders, dtype=np.float64),
            action=action,
            shares=shares,
            scoring=scoring,
            n_jobs=n_jobs,
            random_state=draw_seed(rng),
        )
        scores = dict(zip(first, found, strict=False))
        if n_random:
            scores["random"] = found[len(first) :]
        if score_name is None:
            score_name = _name_of_score(estimator, scoring)
        display = cls(
            shares=shares,
            scores=scores,
            action=action,
            score_name=score_name,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, *, name=None, curve_kwargs=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None: on a new figure.

        name : str, default=None
            For the legend; None: that of the Display.

        curve_kwargs : dict, default=None
            Passed to `matplotlib.axes.Axes.plot` for the curves of the values.

        Returns
        -------
        display : RemovalCurveDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.ax_ = own_axes(ax)
        self.figure_ = self.ax_.figure
        name = self.name if name is None else name
        self.lines_ = {}
        # The curves of one valuator have one colour: the next of the axes.
        (probe,) = self.ax_.plot([], [])
        color = probe.get_color()
        probe.remove()
        for which in [which for which in STYLES if which in self.scores]:
            label = f"{which} first"
            own = {
                "label": label if name is None else f"{name}, {label}",
                "color": color,
                "markersize": 4,
                # Empty markers hide nothing that lies below.
                "markerfacecolor": color if which == "lowest" else "none",
                **STYLES[which],
            }
            style = validate_style_kwargs(own, curve_kwargs or {})
            (line,) = self.ax_.plot(self.shares, self.scores[which], **style)
            self.lines_[which] = line
        if "random" in self.scores:
            self._draw_random(self.scores["random"])
        title, done = VERBS[self.action]
        self.ax_.set(
            xlabel=f"rows {done}",
            ylabel=f"{self.score_name} on test rows",
            title=f"{title} by value",
        )
        percent(self.ax_.xaxis)
        legend(self.ax_)
        return self

    def _draw_random(self, scores):
        mean, spread = scores.mean(axis=0), scores.std(axis=0)
        label = f"{len(scores)} random orders (mean ± SD)"
        if len(scores) == 1:
            label = "a random order"
        line, is_new = reference_line(
            self.ax_, self.shares, mean, label, linestyle=":", linewidth=1.5
        )
        if is_new and len(scores) > 1:
            self.ax_.fill_between(
                self.shares,
                mean - spread,
                mean + spread,
                color=REFERENCE,
                alpha=0.2,
                linewidth=0,
                zorder=1.4,
            )
        self.lines_["random"] = line


def _name_of_score(estimator, scoring):
    if scoring is None:
        return "accuracy" if is_classifier(estimator) else "R²"
    if isinstance(scoring, str):
        return scoring.replace("neg_", "negative ").replace("_", " ")
    return "score"
