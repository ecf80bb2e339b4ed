"""The models of `AmortizedAttribution`: from rows and their effects to attributions."""

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.utils.parallel import delayed

from .._encoder import default_encoder, made_by
from ..utils._progress import Progress, in_parallel
from ..utils._random import draw_seed, seeded
from ..utils._scaling import fit_scaler
from ..utils._torch_state import plain_torch
from ._shrinkage import efficient

ALPHAS = np.logspace(-1, 4, 11)
# Residuals are nothing where they are this share of the attributions.
ROUNDING = 1e-12
# Small data need small batches; more rows bear larger ones.
SMALL_DATA = 2000


class AttributionModels:
    """Networks, a ridge regression or a mixture of them, that predict attributions.

    Each network, and a ridge regression beside it, is trained on the rows outside of
    one fold and predicts those in it, so that every row has a prediction that its own
    noisy attribution had no part in. For other rows the networks are averaged.

    Parameters
    ----------
    settings : dict
        Parameters of `AmortizedAttribution` with every "auto" resolved.

    shape : tuple of (int, int)
        Players and outputs.

    is_efficient : bool
        Whether attributions sum to the prediction less the empty one.

    Attributes
    ----------
    nets : list of AmortizerNet
        One a fold; empty without networks.

    n_epochs : list of int
        The best number of epochs in each fold.

    net_weight : float
        Share of the networks in the predictions, in [0, 1].
    """

    def __init__(self, settings, shape, is_efficient):
        self.settings, self.shape = settings, shape
        self.is_efficient = is_efficient
        self.nets, self.n_epochs = [], []
        self.ridge = None
        is_fastshap = settings["objective"] == "fastshap"
        self._uses_net = settings["regressor"] != "ridge"
        self._uses_ridge = settings["regressor"] != "net" and not is_fastshap

    @plain_torch()
    def prepare(self, X, rng):
        """Learn to make numbers of rows; refuse what cannot be trained, before draws.

        Parameters
        ----------
        X : {ndarray, dataframe} of shape (n_rows, n_columns)
            Labelled rows.

        rng : RandomState instance
            Draws a seed.
        """
        # A frame of texts, dates and numbers becomes numbers as everywhere here.
        self.encoder = seeded(default_encoder(X), draw_seed(rng))
        numbers = self._dense(self.encoder.fit_transform(X))
        made = made_by(self.encoder, numbers.shape[1])
        self.scaler = fit_scaler(numbers, made=made)
        if self._uses_net:
            from .._torch.amortized.settings import check_settings

            n_outputs = int(np.prod(self.shape))
            n_effects = 2 * n_outputs if self.settings["controls"] else 0
            n_inputs = self.scaler.transform(numbers[:1]).shape[1] + n_effects
            check_settings(self.settings, (n_inputs,), n_outputs)

    def fit(self, X, effects, targets, folds, rng, coalitions=None):
        """Cross-fit the models.

        Parameters
        ----------
        X : {ndarray, dataframe} of shape (n_rows, n_columns)
            Labelled rows.

        effects : Effects
            Of them.

        targets : ndarray of shape (n_rows, n_players, n_outputs) or (n_rows, n_numbers)
            Noisy attributions; or, for the objective of FastSHAP, the number of a
            row's design and then the worth of its coalitions, less the empty one.

        folds : list of ndarray of int
            Rows of each fold.

        rng : RandomState instance
            Draws the seeds of the networks.

        coalitions : tuple of (ndarray, ndarray) or None, default=None
            Coalitions (n_designs, n_coalitions, n_players) and their weights, for the
            objective of FastSHAP.

        Returns
        -------
        predictions : ndarray of shape (n_rows, n_players, n_outputs)
            Of models that did not see the row.
        """
        self._keep_scales(effects)
        inputs = self._inputs(X, effects)
        baseline = self._baseline(effects)
        residuals = _residuals(targets, baseline, coalitions)
        learned = residuals if coalitions is None else residuals[:, 1:]
        self.unit = _root_mean_square(learned)
        if self.unit <= ROUNDING * _root_mean_square(baseline):
            # The baseline is exact: what is left is no more than rounding.
            self.unit, learned = 1.0, np.zeros_like(learned)
        learned = learned / self.unit
        if coalitions is not None:
            learned = np.column_stack([residuals[:, :1], learned])
        parts = {}
        if self._uses_net:
            parts["net"] = self._fit_nets(inputs, learned, folds, rng, coalitions)
        if self._uses_ridge:
            parts["ridge"] = self._fit_ridge(inputs, learned, folds)
        self.net_weight = float(self._uses_net)
        if len(parts) == 2:
            self.net_weight = _net_weight(learned, **parts)
        return self._whole(baseline, effects, **parts)

    def _fit_nets(self, inputs, learned, folds, rng, coalitions):
        seeds = [draw_seed(rng) for _ in folds]
        tasks = (
            delayed(_train)(
                self.settings | {"seed": seed},
                inputs,
                learned,
                fold,
                shape=self.shape,
                sums_to_zero=self.is_efficient,
                coalitions=coalitions,
                who=f"AmortizedAttribution, network {number} of {len(folds)}",
            )
            for number, (seed, fold) in enumerate(zip(seeds, folds, strict=True), 1)
        )
        n_jobs = self.settings["n_jobs"]
        # Each network says how far it is by itself.
        silent = Progress("AmortizedAttribution", len(folds), "networks", 0)
        found = in_parallel(tasks, silent, n_jobs=n_jobs)
        self.nets, self.n_epochs, parts = map(list, zip(*found, strict=True))
        return _by_row(folds, parts)

    def _fit_ridge(self, inputs, learned, folds):
        flat = learned.reshape(len(learned), -1)
        parts = []
        for fold in folds:
            rest = np.delete(np.arange(len(inputs)), fold)
            parts.append(_ridge(inputs[rest], flat[rest]).predict(inputs[fold]))
        self.ridge = _ridge(inputs, flat)
        return _by_row(folds, parts).reshape(learned.shape)

    def predict(self, X, effects):
        """Attributions of any rows, (n_rows, n_players, n_outputs)."""
        inputs = self._inputs(X, effects)
        parts = {}
        if self.nets:
            parts["net"] = np.mean([self._predict_net(n, inputs) for n in self.nets], 0)
        if self.ridge is not None:
            found = self.ridge.predict(inputs)
            parts["ridge"] = found.reshape(len(inputs), *self.shape)
        return self._whole(self._baseline(effects), effects, **parts)

    @plain_torch()
    def _predict_net(self, net, inputs):
        from .._torch.amortized.amortizer import class_values

        return class_values(net, inputs, self.settings["device"])

    def _whole(self, baseline, effects, net=0.0, ridge=0.0):
        learned = self.net_weight * net + (1 - self.net_weight) * ridge
        total = effects.total if self.is_efficient else None
        return efficient(baseline + self.unit * learned, total)

    def _baseline(self, effects):
        normalize = self.settings["normalize"]
        return effects.baseline(self.shape, self.is_efficient, normalize)

    def _keep_scales(self, effects):
        """One scale for each kind of effect: small ones are of little use."""
        columns = effects.columns(self.settings["normalize"])
        parts = np.split(columns, 2, axis=1) if columns.size else []
        scales = [float(part.std()) or 1.0 for part in parts]
        self.scales = np.repeat(scales, columns.shape[1] // 2)

    def _inputs(self, X, effects):
        numbers = self.scaler.transform(self._dense(self.encoder.transform(X)))
        columns = effects.columns(self.settings["normalize"]) / self.scales
        return np.hstack([numbers, columns])

    def _dense(self, numbers):
        numbers = numbers.toarray() if hasattr(numbers, "toarray") else numbers
        return np.asarray(numbers, dtype=np.float64)


def _root_mean_square(array):
    return float(np.sqrt(np.mean(array**2)))


def _train(settings, *arguments, **keywords):
    """Worker: torch is imported where it is needed."""
    from .._torch.attribution.training import train

    return train(settings, *arguments, **keywords)


def _ridge(inputs, targets):
    """A penalty for each player: some attributions are noisier than others."""
    return RidgeCV(ALPHAS, alpha_per_target=True).fit(inputs, targets)


def _residuals(targets, baseline, coalitions):
    """What is left of noisy attributions, or of the worth of coalitions."""
    if coalitions is None:
        return targets - baseline
    members = np.asarray(coalitions[0], dtype=float)[targets[:, 0].astype(int)]
    left = targets[:, 1:].reshape(*members.shape[:2], -1) - members @ baseline
    return np.column_stack([targets[:, :1], left.reshape(len(targets), -1)])


def _net_weight(learned, net, ridge):
    """Share of the networks with the least squared error of unseen rows."""
    rest, step = learned - ridge, net - ridge
    norm = float(np.sum(step**2))
    if norm == 0:
        return 0.5
    return float(np.clip(np.sum(rest * step) / norm, 0.0, 1.0))


def _by_row(folds, parts):
    """Parts of the rows, back in their order."""
    return np.concatenate(parts)[np.argsort(np.concatenate(folds))]
