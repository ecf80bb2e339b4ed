"""The models of `AmortizedShapley`: from rows and their labels to values."""

import math
from numbers import Integral

import numpy as np
from sklearn.base import clone

from ..utils._chunks import row_chunks
from ..utils._random import draw_seed, seeded
from ..utils._sample_weight import check_takes_weights, fit_weighted
from ..utils._scaling import fit_scaler, mean_and_scale
from ..utils._torch_state import plain_torch
from ._statistics import InfluenceColumns, mixture_weight, ridge

# Small data need small steps; more rows bear larger batches.
SMALL_DATA = 2000


class ValueModels:
    """A network, a regression or a mixture of both, that predict values of rows.

    Parameters
    ----------
    parameters : dict
        Parameters of `AmortizedShapley`.

    n_classes : int or None
        None: regression.

    Attributes
    ----------
    net : skorch.NeuralNet or None
        The trained net.

    regression : regressor or None
        The fitted regression.

    net_weight : float
        Share of the network in the predictions, in [0, 1].
    """

    def __init__(self, parameters, n_classes):
        regressor = parameters["regressor"]
        self._parameters, self._n_classes = parameters, n_classes
        self._has_module = parameters["module"] is not None
        self._uses_net = isinstance(regressor, str) and regressor != "ridge"
        self._uses_regression = not self._uses_net or (
            regressor == "auto" and not self._has_module
        )
        self.net = self.regression = None

    @plain_torch()
    def prepare(self, X, y, sample_weight, made=None):
        """Refuse what cannot be learned with, before any noisy value is paid for."""
        epochs = self._parameters["max_epochs"]
        if not epochs or not all(isinstance(n, Integral) and n > 0 for n in epochs):
            raise ValueError(
                f"max_epochs={epochs!r} must be one or more integers above 0."
            )
        if self._uses_regression and X.ndim > 2:
            raise ValueError(
                f"regressor={self._parameters['regressor']!r} needs rows of features, "
                f'but X has {X.ndim} dimensions; use regressor="net".'
            )
        if self._uses_regression and not isinstance(self._parameters["regressor"], str):
            check_takes_weights(
                self._parameters["regressor"], sample_weight, name="regressor"
            )
        if self._uses_net:
            from .._torch.amortized.settings import check_settings

            self._settings = self._net_settings(len(X))
            check_settings(self._settings, X.shape[1:], self._n_classes or 1)
        # A module of the user's may see images: one mean and scale for all of X.
        self._scaler = None
        if not self._has_module:
            self._scaler = fit_scaler(X, sample_weight, made)
        if self._has_module:
            self._mean, self._scale = mean_and_scale(X, "X")
        if self._n_classes is None:
            self._target_mean, self._target_scale = mean_and_scale(
                y, "y", sample_weight
            )

    def fit(self, X, y, noisy, rng, sample_weight=None):
        """Fit the models to both sets of noisy values.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...)
            Training rows.

        y : ndarray of shape (n_samples,)
            Class codes, or real targets.

        noisy : NoisyValues
            What the models learn.

        rng : RandomState instance
            Draws their seeds.

        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Weights of the rows in every loss.

        Returns
        -------
        blind : ndarray of shape (n_samples,)
            Predictions of models that did not see the second noisy values.
        """
        # Labels that are all equal leave nothing to learn, and nothing to divide by.
        self._unit = noisy.pooled.std() or 1.0
        rows, targets = self._rows(X), self._targets(y)
        if sample_weight is not None:
            # On average one, so that the steps of the network are as large.
            sample_weight = sample_weight / sample_weight.mean()
        blind = {}
        if self._uses_net:
            seed = draw_seed(rng)
            net = self._fit_net(rows, targets, noisy, seed, sample_weight)
            blind["net"] = self._unit * net
        if self._uses_regression:
            regressor = self._parameters["regressor"]
            model = ridge() if isinstance(regressor, str) else regressor
            model = seeded(model, draw_seed(rng))
            blind["regression"] = self._fit_regression(
                model, rows, targets, noisy, sample_weight
            )
        self.net_weight = float(self._uses_net)
        if len(blind) == 2:
            self.net_weight = mixture_weight(noisy, **blind)
        return self._mix(**blind)

    def _net_settings(self, n_samples):
        """Parameters with "auto" resolved."""
        small = n_samples <= SMALL_DATA
        automatic = {
            "lr": 5e-4 if small else 1e-3,
            "batch_size": 32 if small else 128,
        }
        return self._parameters | {
            name: value
            for name, value in automatic.items()
            if self._parameters[name] == "auto"
        }

    @plain_torch()
    def _fit_net(self, rows, targets, noisy, seed, sample_weight):
        from .._torch.amortized.amortizer import labelled_rows, train

        inputs = self._net_inputs(rows, targets)
        scaled = (
            each / self._unit for each in (noisy.first, noisy.second, noisy.pooled)
        )
        self.net, blind = train(
            self._settings | {"seed": seed},
            *labelled_rows(
                inputs,
                self._output(targets),
                scaled,
                self._parameters["device"],
                sample_weight,
            ),
            n_outputs=self._n_classes or 1,
            classify=self._n_classes is not None,
        )
        return blind

    def _fit_regression(self, model, rows, targets, noisy, sample_weight):
        self._columns = InfluenceColumns(rows, targets, self._n_classes, sample_weight)
        columns = self._columns.transform(rows, targets)
        first, pooled = noisy.first / self._unit, noisy.pooled / self._unit
        first = fit_weighted(clone(model), columns, first, sample_weight)
        self.regression = fit_weighted(model, columns, pooled, sample_weight)
        return self._unit * np.asarray(first.predict(columns), dtype=float)

    # ------------------------------------------------------------- predicting

    def predict(self, X, y):
        """Values of rows with these class codes or real targets, (n_rows,)."""
        return np.concatenate(
            [
                self._predict_chunk(self._rows(X[chunk]), self._targets(y[chunk]))
                for chunk in self._chunks(X)
            ]
        )

    def predict_classes(self, X):
        """Values of rows under every class, (n_rows, n_classes)."""
        return np.concatenate(
            [self._predict_chunk(self._rows(X[chunk])) for chunk in self._chunks(X)]
        )

    def _predict_chunk(self, rows, targets=None):
        """Values under the given targets, or under every class."""
        found = {}
        if self.net is not None:
            from .._torch.amortized.amortizer import class_values

            inputs = self._net_inputs(rows, targets)
            outputs = class_values(self.net, inputs, self._parameters["device"])
            if targets is not None:
                outputs = outputs[np.arange(len(rows)), self._output(targets)]
            found["net"] = outputs
        if self.regression is not None:
            if targets is None:
                codes = range(self._n_classes)
                each = [self._regress(rows, np.full(len(rows), code)) for code in codes]
                found["regression"] = np.column_stack(each)
            else:
                found["regression"] = self._regress(rows, targets)
        return self._unit * self._mix(**found)

    def _regress(self, rows, targets):
        columns = self._columns.transform(rows, targets)
        return np.asarray(self.regression.predict(columns), dtype=float)

    def _mix(self, net=0.0, regression=0.0):
        return self.net_weight * net + (1 - self.net_weight) * regression

    def _chunks(self, X):
        n_columns = math.prod(X.shape[1:])
        return row_chunks(len(X), n_columns * (1 + (self._n_classes or 1)))

    def _rows(self, X):
        """Standardised rows."""
        if self._scaler is None:
            return (X - self._mean) / self._scale
        return self._scaler.transform(X)

    def _targets(self, y):
        """Class codes as they are, or standardised targets."""
        if self._n_classes is None:
            return (y - self._target_mean) / self._target_scale
        return y

    def _net_inputs(self, rows, targets):
        # A real target has no output of its own: it comes in with the row.
        if self._n_classes is None and not self._has_module:
            return np.column_stack([rows, targets])
        return rows

    def _output(self, targets):
        """The output of the network that is a row's own."""
        return targets if self._n_classes else np.zeros(len(targets), dtype=int)
