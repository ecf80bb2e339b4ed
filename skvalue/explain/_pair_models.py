r"""The amortized datamodel: attributions of pairs of a training row and a target row.

A control input and a network of two towers, fitted to noisy attributions
:math:`\tilde a_{ie}` of row i for target e,

.. math:: a(z_i, x_e) = b\, c_{ie} + w \Big[c_{ie} \sum_r \alpha_r(z_i) \beta_r(x_e)
          + \sum_r \phi_r(z_i) \psi_r(x_e)\Big] ,

whose noise averages out over the pairs. The control :math:`c` is what the row adds to a
linear model of about half of the rows, which lack it (`PairControl`): as the subsets of
a datamodel are, and as they will be for rows that come later. Source: Covert et al.,
"Stochastic Amortization", NeurIPS 2024, appendix B, which leaves the architecture open.
"""

import numpy as np

from .._encoder import encode, fit_encoder
from ..utils._chunks import row_chunks
from ..utils._random import draw_seed
from ..utils._scaling import fit_scaler, mean_and_scale
from ..utils._threads import one_thread
from ..utils._torch_state import plain_torch
from ._pair_control import PairControl

LEAST_ROWS, LEAST_SUBSETS = 8, 12
# Pairs that are learned from, at most: drawn at random beyond.
MAX_ROWS, MAX_TARGETS = 4096, 256


class PairModels:
    """Control and network, of which the network counts as far as it is worth it.

    Parameters
    ----------
    X, y, X_target, y_target : ndarray
        Rows of both sides as numbers; class codes or real targets.

    n_classes : int or None
        None: regression.

    output : str
        What is attributed, see `Datamodels`.

    model : estimator or None
        What is attributed, where the batched engine fits it.

    settings : dict
        `device` and `verbose`.

    Attributes
    ----------
    net_weight : float
        Of what the network adds to the control, in [0, 1].
    """

    def __init__(self, X, y, X_target, y_target, n_classes, output, model, settings):
        if len(y) < LEAST_ROWS:
            raise ValueError(
                f"amortize=True needs at least {LEAST_ROWS} rows to learn from; X has "
                f"{len(y)}."
            )
        self._n_classes, self._settings = n_classes, settings
        self._output, self._model = output, model
        self._scaler = fit_scaler(X)
        if n_classes is None:
            self._target_mean, self._target_scale = mean_and_scale(y, "y")
        # Of the training pairs; not kept after fit.
        self._pairs = X, y, X_target, y_target

    def _standardised(self, X, y, X_target, y_target):
        """Rows and labels of both sides, as the network sees them."""
        rows = self._scaler.transform(X), self._scaler.transform(X_target)
        if self._n_classes is None:
            y, y_target = (
                (labels - self._target_mean) / self._target_scale
                for labels in (y, y_target)
            )
        return rows[0], y, rows[1], y_target

    @plain_torch()
    def fit(self, first, held_out, pooled, seed):
        """Fit to noisy attributions from two sets of subsets.

        Parameters
        ----------
        first, held_out, pooled : OutputMoments
            Of the subsets that the models learn from, of those that choose the epoch
            and the network's weight, and of both.

        seed : int
            Of the control's halves and of the network.

        Returns
        -------
        self : PairModels
            Fitted.
        """
        rng = np.random.RandomState(seed)
        given, self._pairs = self._pairs, None
        with one_thread():
            pairs = self._standardised(*given)
            own = pairs if self._model is None else given
            self._control = PairControl(
                self._model, *own[:2], self._n_classes, self._output, draw_seed(rng)
            )
            rows, targets = (
                np.sort(rng.permutation(len(labels))[:limit])
                for labels, limit in ((pairs[1], MAX_ROWS), (pairs[3], MAX_TARGETS))
            )
            own_targets = (part[targets] for part in own[2:])
            control = self._control.of_training_rows(rows, *own_targets)
            pairs = [part[rows] for part in pairs[:2]] + [
                part[targets] for part in pairs[2:]
            ]
            cells = np.ix_(rows, targets)
            first, held_out, pooled = (
                moments.coefficients()[cells] for moments in (first, held_out, pooled)
            )
            self._slope = _slope(control, pooled)
            # Attributions that are all equal leave nothing to learn, or to divide by.
            self._unit = (pooled - self._slope * control).std() or 1.0
            self._control_unit = control.std() or 1.0
            blind = self._fit_network(control, first, held_out, pooled, pairs, seed)
        rest = held_out - _slope(control, first) * control
        self.net_weight = float(np.clip(_slope(blind, rest), 0.0, 1.0))
        return self

    def _fit_network(self, control, first, held_out, pooled, pairs, seed):
        """Train the network; what one that saw the first attributions alone adds."""
        from .._torch.pairs import train

        rests = [
            (attributions - _slope(control, attributions) * control) / self._unit
            for attributions in (first, held_out, pooled)
        ]
        settings = self._settings | {"seed": seed}
        inputs = (*self._inputs(pairs), control / self._control_unit)
        self._net, blind = train(settings, *inputs, *rests)
        return self._unit * blind

    def predict(self, X, y, X_target, y_target):
        """Attributions of pairs, (n_rows, n_targets)."""
        given = X, y, X_target, y_target
        with one_thread():
            pairs = self._standardised(*given)
            own = pairs if self._model is None else given
            control = self._control.of_new_rows(*own)
            found = self._slope * control
            if self.net_weight > 0:
                found += self.net_weight * self._network(control, pairs)
        return found

    @plain_torch()
    def _network(self, control, pairs):
        from .._torch.pairs import predict

        rows, targets = self._inputs(pairs)
        added = np.empty_like(control)
        for chunk in row_chunks(*control.shape):
            inputs = rows[chunk], targets, control[chunk] / self._control_unit
            added[chunk] = predict(self._net, *inputs, self._settings["device"])
        return self._unit * added

    def _inputs(self, pairs):
        """What either tower reads: rows beside their labels."""
        X, y, X_target, y_target = pairs
        return tuple(
            np.column_stack([rows, self._label_columns(labels)]).astype(np.float32)
            for rows, labels in ((X, y), (X_target, y_target))
        )

    def _label_columns(self, labels):
        if self._n_classes is None:
            return labels
        return np.eye(self._n_classes)[labels]


def _slope(control, attributions):
    """Least-squares factor of the control."""
    squares = np.vdot(control, control)
    return np.vdot(control, attributions) / squares if squares > 0 else 0.0


def pair_models(datamodels, rows, utility):
    """The amortized datamodel of a fit, before it has learned.

    Parameters
    ----------
    datamodels : Datamodels
        With `output_`; gets its `encoder_`.

    rows : tuple of (X, y, X_target, y_target)
        Validated.

    utility : RowUtility
        What subsets give.

    Returns
    -------
    models : PairModels
        Of rows as numbers.
    """
    given = datamodels.max_evaluations
    if given != "auto" and given < LEAST_SUBSETS:
        raise ValueError(
            f"max_evaluations={given} leaves too few subsets to choose a network by; "
            f"give amortize=True at least {LEAST_SUBSETS}."
        )
    X, y, X_target, y_target = rows
    if datamodels._takes_rows:
        X, same = fit_encoder(datamodels, X, y), X_target is X
        X_target = X if same else encode(datamodels, X_target, "X_target")
    classes = getattr(datamodels, "classes_", None)
    n_classes = None if classes is None else len(classes)
    model = utility.estimator if utility.shares_subsets else None
    settings = {"device": datamodels.device, "verbose": datamodels.verbose}
    rows = X, y, X_target, y_target
    return PairModels(*rows, n_classes, datamodels.output_, model, settings)
