"""What a model loses or gains as rows of low or high value go or come first."""

from numbers import Integral

import numpy as np

from ..metrics import removal_curve
from ..utils._random import draw_seed, integer_seed
from ..utils._sklearn import check_matplotlib_support
from ..utils._vectors import finite_vector
from ._drawing import fitted_valuator
from ._experiments import curves_of_lines, lines_of_one
from ._removal_drawing import ENDS, draw_curves, name_of_score


class RemovalCurveDisplay:
    """Score on test rows as rows of low or high value are removed or added first.

    It is recommended to use `from_estimator`, `from_values` or `from_experiment` to
    create a `RemovalCurveDisplay`. All parameters are stored as attributes. Good values
    keep the score up where the lowest are removed first or the highest added first, and
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

    spreads : dict of str to ndarray of shape (n_shares,), default=None
        Standard deviations over repeats of ``"lowest"`` and ``"highest"``, drawn as
        bands; None: not shown.

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
    skvalue.evaluation.removal_experiment : Curves of several valuators and splits.
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
        self,
        *,
        shares,
        scores,
        action="remove",
        score_name="score",
        name=None,
        spreads=None,
    ):
        self.shares = shares
        self.scores = scores
        self.action = action
        self.score_name = score_name
        self.name = name
        self.spreads = spreads

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
        if not first or not set(first) <= set(ENDS) or len(set(first)) < len(first):
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
            score_name = name_of_score(estimator, scoring)
        display = cls(
            shares=shares,
            scores=scores,
            action=action,
            score_name=score_name,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_experiment(
        cls, frame, valuator=None, *, score_name="score", name=None, ax=None, **kwargs
    ):
        """Draw the mean curves of a valuator over the repeats of an experiment.

        Parameters
        ----------
        frame : DataFrame
            Lines of one setting of what `skvalue.evaluation.removal_experiment` or
            `addition_experiment` returns.

        valuator : str, default=None
            Whose curves; None: those of the only one in the frame beside ``"random"``,
            which is drawn for comparison.

        score_name : str, default="score"
            For the y axis.

        name : str, default=None
            For the legend; None: that of the valuator in the frame.

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
            If the frame holds several settings or none; the message says of what.
        """
        check_matplotlib_support(f"{cls.__name__}.from_experiment")
        lines, found = lines_of_one(frame, ["first", "share", "score"], valuator)
        shares, scores, spreads = curves_of_lines(lines)
        display = cls(
            shares=shares,
            scores=scores,
            action=lines["action"].iloc[0],
            score_name=score_name,
            name=found if name is None else name,
            spreads=spreads,
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
        name = self.name if name is None else name
        self.ax_, self.lines_ = draw_curves(self, ax, name, curve_kwargs or {})
        self.figure_ = self.ax_.figure
        return self
