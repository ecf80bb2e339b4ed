"""Which columns moved a prediction, of one row or of many."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..utils._sklearn import check_matplotlib_support
from ._attribution_drawing import cells_of, heights, place_of, ranks_of, shown
from ._drawing import REFERENCE, RIGHT, WRONG, own_axes

# Half the height that the dots of a column take, of many rows.
SPREAD = 0.38


class AttributionDisplay:
    """Attributions of predictions to columns: bars of one row, dots of many rows.

    It is recommended to use `from_estimator` or `from_values` to create an
    `AttributionDisplay`. All parameters are stored as attributes.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_players)
        Attributions, in units of the response.

    feature_names : ndarray of shape (n_players,)
        What the columns, or groups of them, are called.

    stderr : ndarray of shape (n_rows, n_players), default=None
        Standard errors of the attributions.

    features : ndarray of shape (n_rows, n_players), dtype object, default=None
        What the cells hold: labels of bars, colours of dots.

    base_value : float, default=None
        Response without any column.

    name : str, default=None
        Of the response, for the axis.

    Attributes
    ----------
    order_ : ndarray of shape (n_shown,), dtype int
        Columns that are shown, from the one that moves the response most.

    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skvalue.FeatureAttribution : Attributions of any model.
    skvalue.AmortizedAttribution : Attributions that a network has learned.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from skvalue import FeatureAttribution
    >>> from skvalue.inspection import AttributionDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> attribution = FeatureAttribution(Ridge().fit(X, y), random_state=0).fit(X)
    >>> AttributionDisplay.from_estimator(attribution, X[:1])
    <...>
    >>> AttributionDisplay.from_estimator(attribution, X)
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        values,
        feature_names,
        stderr=None,
        features=None,
        base_value=None,
        name=None,
    ):
        self.values = values
        self.feature_names = feature_names
        self.stderr = stderr
        self.features = features
        self.base_value = base_value
        self.name = name

    @classmethod
    def from_estimator(
        cls, attribution, X, *, output=None, name=None, ax=None, **kwargs
    ):
        """Attribute predictions, and draw the attributions.

        Parameters
        ----------
        attribution : FeatureAttribution or AmortizedAttribution
            Fitted.

        X : {array-like, dataframe} of shape (n_rows, n_features)
            Rows: of one the bars are drawn, of more the dots.

        output : class label or int, default=None
            Which of several outputs is drawn, as in `outputs_`.

        name : str, default=None
            Of the response; None: its label where there are several.

        ax : matplotlib Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : AttributionDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If there are several outputs and `output` names none of them.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(attribution)
        oracle = getattr(attribution, "attribution_", attribution)
        place = place_of(oracle.outputs_, output)
        if hasattr(attribution, "explain"):
            explanation = attribution.explain(X)
            values, stderr = explanation.attributions, explanation.standard_errors
        else:
            values, stderr = attribution.transform(X), None
        if values.ndim == 3:
            values = values[:, :, place]
            stderr = None if stderr is None else stderr[:, :, place]
            if name is None:
                name = f"output {oracle.outputs_[place]!s}"
        return cls.from_values(
            values,
            oracle.get_feature_names_out(),
            stderr=stderr,
            features=cells_of(X, values.shape[1]),
            base_value=np.ravel(oracle.base_values_)[place],
            name=name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_values(
        cls,
        values,
        feature_names=None,
        *,
        stderr=None,
        features=None,
        base_value=None,
        name=None,
        ax=None,
        **kwargs,
    ):
        """Draw attributions.

        Parameters
        ----------
        values : array-like of shape (n_rows, n_players) or (n_players,)
            Finite attributions.

        feature_names : array-like of shape (n_players,), default=None
            What the columns are called; None: their numbers.

        stderr : array-like of the shape of `values`, default=None
            Standard errors; those that are NaN are not drawn.

        features : array-like of the shape of `values`, default=None
            What the cells hold.

        base_value : float, default=None
            Response without any column.

        name : str, default=None
            Of the response, for the axis.

        ax : matplotlib Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : AttributionDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an argument is not usable; the message names it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_values")
        values = np.array(values, dtype=np.float64, ndmin=2)
        if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
            raise ValueError(
                f"values of shape {values.shape} must be finite numbers of shape "
                "(n_rows, n_players) or (n_players,), neither of them 0."
            )
        if feature_names is None:
            feature_names = np.arange(values.shape[1]).astype(str)
        feature_names = np.array(feature_names, dtype=object)
        if feature_names.shape != values.shape[1:]:
            raise ValueError(
                f"feature_names has shape {feature_names.shape}; values have "
                f"{values.shape[1]} columns."
            )
        same_shape = {}
        for key, array, dtype in [
            ("stderr", stderr, np.float64),
            ("features", features, object),
        ]:
            if array is not None:
                array = np.array(array, dtype=dtype, ndmin=2)
                if array.shape != values.shape:
                    raise ValueError(
                        f"{key} has shape {array.shape}; values have {values.shape}."
                    )
            same_shape[key] = array
        display = cls(
            values=values,
            feature_names=feature_names,
            base_value=base_value,
            name=name,
            **same_shape,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, *, name=None, max_features=20, cmap="cividis"):
        """Draw bars of one row, dots of many.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: on a new figure.

        name : str, default=None
            Of the response; None: that of the Display.

        max_features : int, default=20
            Columns shown: those that move the response most, on average.

        cmap : str or Colormap, default="cividis"
            Colours of dots, from the lowest to the highest number of a column. Cells
            that are no numbers are grey.

        Returns
        -------
        display : AttributionDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if not isinstance(max_features, Integral) or max_features < 1:
            raise ValueError(
                f"max_features={max_features!r} must be a whole number >= 1."
            )
        moved = np.abs(self.values).mean(axis=0)
        self.order_ = np.argsort(-moved, kind="stable")[:max_features]
        n_shown, n_players = len(self.order_), len(moved)
        self.ax_ = own_axes(ax, (6.4, min(12, 1.4 + 0.32 * max(4, n_shown))))
        self.figure_ = self.ax_.figure
        places = np.arange(n_shown)[::-1]
        names = [str(self.feature_names[column]) for column in self.order_]
        if len(self.values) == 1:
            names = self._draw_bars(places, names)
        else:
            self._draw_dots(places, cmap)
        self.ax_.axvline(0, color=REFERENCE, linewidth=0.8)
        self.ax_.set_yticks(places, names, parse_math=False)
        self.ax_.set_ylim(-0.6, n_shown - 0.4)
        title = "What moved the prediction"
        if len(self.values) > 1:
            title += f"s of {len(self.values)} rows"
        if n_shown < n_players:
            title += f"\nthe {n_shown} columns of {n_players} that moved most"
        name = self.name if name is None else name
        response = "the response" if name is None else name
        self.ax_.set(xlabel=f"attribution, in units of {response}", title=title)
        return self

    def _draw_bars(self, places, names):
        values = self.values[0, self.order_]
        errors = None
        if self.stderr is not None and np.nanmax(self.stderr, initial=0) > 0:
            errors = np.nan_to_num(self.stderr[0, self.order_])
        self.ax_.barh(
            places,
            values,
            xerr=errors,
            color=[RIGHT if value >= 0 else WRONG for value in values],
            error_kw={
                "ecolor": self.ax_.spines["bottom"].get_edgecolor(),
                "capsize": 3,
            },
        )
        if self.base_value is not None:
            ends = self.base_value, self.base_value + self.values.sum()
            self.ax_.text(
                0.99,
                0.01,
                "without columns {:.4g}, with all {:.4g}".format(*ends),
                transform=self.ax_.transAxes,
                horizontalalignment="right",
                verticalalignment="bottom",
                fontsize="small",
            )
        if self.features is None:
            return names
        cells = self.features[0, self.order_]
        return [
            f"{name} = {shown(cell)}" for name, cell in zip(names, cells, strict=True)
        ]

    def _draw_dots(self, places, cmap):
        import matplotlib as mpl

        colours = mpl.colormaps.get_cmap(cmap)
        any_number = False
        for place, column in zip(places, self.order_, strict=True):
            values = self.values[:, column]
            ranks = None
            if self.features is not None:
                ranks = ranks_of(self.features[:, column])
            any_number |= ranks is not None
            self.ax_.scatter(
                values,
                place + SPREAD * heights(values),
                s=9,
                linewidths=0,
                c=REFERENCE if ranks is None else colours(ranks),
            )
        if any_number:
            scale = mpl.cm.ScalarMappable(cmap=colours)
            bar = self.figure_.colorbar(scale, ax=self.ax_, ticks=[0, 1], aspect=40)
            bar.ax.set_yticklabels(["low", "high"])
            bar.set_label("the column's own number")
