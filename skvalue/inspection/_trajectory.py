r"""What the rows do in the dynamics of NDDV, and how their values came about.

With states :math:`X_t` and costates :math:`Y_t = -\partial \Phi / \partial X_t`, the
utility of a row at time t is :math:`X_t \cdot Y_t`, and its value then that utility
less the mean of the others' (Liang et al. 2024, Eq. 38 to 40, with the sign of this
package: higher is better).
"""

from numbers import Integral

import numpy as np

from ..utils._contributions import dynamic_marginal_contribution
from ..utils._sklearn import check_matplotlib_support, validate_style_kwargs
from ..utils._vectors import finite_vector, row_mask
from ._drawing import RIGHT, VALUE, WRONG, check_rows, fitted_valuator, panels

TITLES = {
    "states": "States",
    "adjoints": "Costates",
    "values_over_time": "Values over time",
    "values_over_epochs": "Values over epochs",
}
TIME = "time t of the dynamics"


class TrajectoryDisplay:
    """States, costates and values of rows over the dynamics and over the training.

    It is recommended to use `from_estimator` or `from_trajectories` to create a
    `TrajectoryDisplay`. All parameters are stored as attributes.

    Parameters
    ----------
    states : ndarray of shape (n_steps + 1, n_samples, n_features)
        States of the rows at the times 0 to 1, in standardised columns.

    adjoints : ndarray of shape (n_steps + 1, n_samples, n_features)
        Costates.

    epoch_values : ndarray of shape (n_epochs, n_samples), default=None
        Value of each row in each epoch of the training.

    data_values : ndarray of shape (n_samples,), default=None
        Values, for the colours; None: those at the end of the dynamics.

    is_wrong : ndarray of shape (n_samples,), dtype bool, default=None
        Which rows are known to be wrong: colours tell them apart, not the values.

    name : str, default=None
        For the title.

    Attributes
    ----------
    time_values_ : ndarray of shape (n_steps + 1, n_samples)
        Value of each row at each time, from its state and costate, also where the
        `utility` of the valuator, and so its `data_values_`, is the cost.

    rows_ : ndarray of shape (n_shown,), dtype int
        The rows shown, in falling order of their values.

    lines_ : dict of str to matplotlib LineCollection
        By the quantity: one line a row.

    axes_ : ndarray of shape (n_panels,), of matplotlib Axes
        One for each quantity.

    ax_ : matplotlib Axes
        The axes, or what holds them where there are several.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ConvergenceDisplay : The losses of the training.

    References
    ----------
    Liang, Gao, Zhang, "Neural Dynamic Data Valuation", 2024. Figures S5
    and S6.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skvalue import NDDVValuator
    >>> from skvalue.datasets import make_label_noise, make_two_planes
    >>> from skvalue.inspection import TrajectoryDisplay
    >>> X, y = make_two_planes(200, random_state=0)
    >>> y, is_wrong = make_label_noise(y, 0.1, random_state=0)
    >>> valuator = NDDVValuator(record_trajectories=True, max_epochs=8, random_state=0)
    >>> TrajectoryDisplay.from_estimator(valuator.fit(X, y), is_wrong=is_wrong)
    <...>
    >>> plt.show()  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        states,
        adjoints,
        epoch_values=None,
        data_values=None,
        is_wrong=None,
        name=None,
    ):
        self.states = states
        self.adjoints = adjoints
        self.epoch_values = epoch_values
        self.data_values = data_values
        self.is_wrong = is_wrong
        self.name = name

    @classmethod
    def from_estimator(cls, valuator, *, is_wrong=None, name=None, ax=None, **kwargs):
        """Draw the trajectories of a fitted `NDDVValuator`.

        Parameters
        ----------
        valuator : estimator
            An `NDDVValuator` fitted with ``record_trajectories=True``, or what holds
            one.

        is_wrong : array-like of shape (n_samples,), dtype bool or 0/1, default=None
            Which rows are known to be wrong; None: colours show the values.

        name : str, default=None
            For the title; None: the name of the valuator's class.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; None: on a new figure.

        **kwargs : dict
            Passed to `plot`.

        Returns
        -------
        display : TrajectoryDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the valuator has recorded no trajectories.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        valuator = fitted_valuator(valuator)
        if not hasattr(valuator, "state_trajectories_"):
            raise ValueError(
                f"valuator={type(valuator).__name__} has no trajectories; fit an "
                "NDDVValuator(record_trajectories=True)."
            )
        return cls.from_trajectories(
            valuator.state_trajectories_,
            valuator.adjoint_trajectories_,
            valuator.value_trajectories_,
            data_values=valuator.data_values_,
            is_wrong=is_wrong,
            name=type(valuator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_trajectories(
        cls,
        states,
        adjoints,
        epoch_values=None,
        *,
        data_values=None,
        is_wrong=None,
        name=None,
        ax=None,
        **kwargs,
    ):
        """Draw trajectories.

        Parameters
        ----------
        states : array-like of shape (n_steps + 1, n_samples, n_features)
            States of the rows at the times 0 to 1.

        adjoints : array-like of shape (n_steps + 1, n_samples, n_features)
            Costates.

        epoch_values : array-like of shape (n_epochs, n_samples), default=None
            Value of each row in each epoch of the training.

        data_values : array-like of shape (n_samples,), default=None
            Values, for the colours; None: those at the end of the dynamics.

        is_wrong, name, ax, **kwargs : as `from_estimator` has them
            What is drawn beside, and where.

        Returns
        -------
        display : TrajectoryDisplay
            Holds what is drawn.

        Raises
        ------
        ImportError, ValueError
            If matplotlib is not installed; if an argument is not usable, by its name.
        """
        check_matplotlib_support(f"{cls.__name__}.from_trajectories")
        states, adjoints = np.array(states), np.array(adjoints)
        if states.ndim != 3 or states.shape != adjoints.shape or states.shape[1] < 2:
            raise ValueError(
                f"states of shape {states.shape} and adjoints of shape "
                f"{adjoints.shape} must both be (n_steps + 1, n_samples, n_features), "
                "of 2 rows or more."
            )
        n_samples = states.shape[1]
        if epoch_values is not None:
            epoch_values = np.array(epoch_values)
            if epoch_values.shape[1:] != (n_samples,):
                raise ValueError(
                    f"epoch_values of shape {epoch_values.shape} must be (n_epochs, "
                    f"{n_samples})."
                )
        if data_values is not None:
            data_values = finite_vector(data_values, "data_values").copy()
        is_wrong = None if is_wrong is None else row_mask(is_wrong, "is_wrong")
        check_rows(n_samples, data_values=data_values, is_wrong=is_wrong)
        display = cls(
            states=states,
            adjoints=adjoints,
            epoch_values=epoch_values,
            data_values=data_values,
            is_wrong=is_wrong,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax=None,
        *,
        name=None,
        quantities=None,
        component="principal",
        n_rows=200,
        **kwargs,
    ):
        """Draw the trajectories.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, on a grid inside it or on one of each; None: on a new figure.

        name : str, default=None
            For the title; None: that of the Display.

        quantities : str or list of str, default=None
            Of ``"states"``, ``"adjoints"``, ``"values_over_time"`` and
            ``"values_over_epochs"``; None: all there are.

        component : "principal" or int, default="principal"
            Which number of a state and of a costate is drawn: that along the first
            principal direction of the states shown, or in one column.

        n_rows : int, default=200
            Rows shown at most, spread evenly over the order of their values.

        **kwargs : dict
            Passed to `matplotlib.collections.LineCollection`.

        Returns
        -------
        display : TrajectoryDisplay
            Itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if not isinstance(n_rows, Integral) or n_rows < 1:
            raise ValueError(f"n_rows={n_rows!r} must be a whole number >= 1.")
        quantities = self._quantities(quantities)
        self.time_values_ = dynamic_marginal_contribution(
            np.sum(self.states * self.adjoints, axis=-1, dtype=np.float64), None
        )
        self.rows_ = self._shown(n_rows)
        curves, along = self._curves(component)
        n_columns = min(2, len(quantities))
        n_lines = -(-len(quantities) // n_columns)
        size = (5.2 * n_columns, 3.9 * n_lines)
        self.ax_, grid = panels(ax, n_lines, n_columns, size)
        self.axes_ = grid.ravel()[: len(quantities)]
        for empty in grid.ravel()[len(quantities) :]:
            empty.set_axis_off()
        self.figure_ = self.ax_.figure
        self.lines_ = {}
        for axes, quantity in zip(self.axes_, quantities, strict=True):
            self._draw(axes, quantity, curves[quantity], kwargs)
            axes.set_title(TITLES[quantity])
            axes.set_ylabel(along if quantity in ("states", "adjoints") else VALUE)
        self._add_key(is_own=ax is None)
        name = self.name if name is None else name
        if ax is None and name is not None:
            self.figure_.suptitle(name)
        return self

    def _quantities(self, quantities):
        known = list(TITLES)[: 3 if self.epoch_values is None else 4]
        if quantities is None:
            return known
        chosen = [quantities] if isinstance(quantities, str) else list(quantities)
        if not chosen or not set(chosen) <= set(known):
            raise ValueError(f"quantities={quantities!r} must be of {known}.")
        return chosen

    def _colouring(self):
        return self.time_values_[-1] if self.data_values is None else self.data_values

    def _shown(self, n_rows):
        order = np.argsort(-self._colouring(), kind="stable")
        places = np.linspace(0, len(order) - 1, min(n_rows, len(order)))
        # The lowest are drawn last, and stay visible.
        return order[np.round(places).astype(int)]

    def _curves(self, component):
        states, adjoints = self.states[:, self.rows_], self.adjoints[:, self.rows_]
        n_features = states.shape[2]
        if component == "principal":
            flat = states.reshape(-1, n_features).astype(np.float64)
            flat -= flat.mean(axis=0)
            direction = np.linalg.svd(flat, full_matrices=False)[2][0]
            # The sign of a direction is arbitrary.
            direction *= np.sign(direction[np.argmax(np.abs(direction))]) or 1
            along = "component along the first\nprincipal direction of the states"
        elif isinstance(component, Integral) and 0 <= component < n_features:
            direction = np.eye(n_features)[component]
            along = f"component in column {component}"
        else:
            allowed = f"'principal' or a column from 0 to {n_features - 1}"
            raise ValueError(f"component={component!r} must be {allowed}.")
        curves = {
            "states": states @ direction,
            "adjoints": adjoints @ direction,
            "values_over_time": self.time_values_[:, self.rows_],
        }
        if self.epoch_values is not None:
            curves["values_over_epochs"] = self.epoch_values[:, self.rows_]
        return curves, along

    def _draw(self, axes, quantity, curves, style):
        from matplotlib.collections import LineCollection
        from matplotlib.ticker import MaxNLocator

        if quantity == "values_over_epochs":
            steps = np.arange(1, len(curves) + 1)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            steps = np.linspace(0, 1, len(curves))
            axes.set_xlabel(TIME)
        segments = np.stack(np.broadcast_arrays(steps[:, None], curves), axis=-1)
        own = {"linewidths": 0.9, "alpha": 0.6, "cmap": "cividis"}
        if self.is_wrong is not None:
            wrong = self.is_wrong[self.rows_]
            # Wrong rows lie on top of the others.
            order = np.argsort(wrong, kind="stable")
            segments = segments[:, order]
            own["colors"] = np.where(wrong[order], WRONG, RIGHT)
        style = validate_style_kwargs(own, style)
        lines = LineCollection(segments.swapaxes(0, 1), **style)
        if self.is_wrong is None:
            values = self._colouring()[self.rows_]
            lines.set_array(values)
            # A few extreme values leave the others some colours.
            lines.set_clim(*np.percentile(values, [2, 98]))
        self.lines_[quantity] = axes.add_collection(lines)
        axes.margins(x=0.01)
        axes.autoscale_view()

    def _add_key(self, *, is_own):
        if self.is_wrong is None:
            lines = next(iter(self.lines_.values()))
            style = {"extend": "both", "aspect": 35, "label": VALUE}
            bar = self.figure_.colorbar(lines, ax=list(self.axes_), **style)
            # Lines let each other through, their key does not.
            bar.solids.set_alpha(1)
            return
        from matplotlib.lines import Line2D

        n_wrong = self.is_wrong[self.rows_].sum()
        kinds = {
            WRONG: f"known to be wrong ({n_wrong} shown)",
            RIGHT: f"other rows ({len(self.rows_) - n_wrong} shown)",
        }
        handles = [Line2D([], [], color=c, label=label) for c, label in kinds.items()]
        if is_own:
            self.figure_.legend(
                handles=handles, loc="outside lower center", ncols=2, frameon=False
            )
        else:
            self.axes_[-1].legend(handles=handles, fontsize="small")
