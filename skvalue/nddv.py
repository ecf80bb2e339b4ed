"""Neural Dynamic Data Valuation: one training run values every row.

Source: Liang, Gao, Zhang, "Neural Dynamic Data Valuation" (2024).
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ._class_values import ClassValuesMixin
from ._encoder import made_of
from ._nddv_paper import PaperSettings
from .base import BaseValuator
from .utils._contributions import dynamic_marginal_contribution
from .utils._random import draw_seed, integer_seed
from .utils._scaling import fit_scaler, mean_and_scale
from .utils._sklearn import Interval, StrOptions
from .utils._torch_state import plain_torch

# A regression row further from its prediction than this many robust standard
# deviations is implausible: about 1.2 % of clean Gaussian residuals.
_RESIDUAL_LIMIT = 2.5

_WHOLE = [Interval(Integral, 1, None, closed="left")]


class NDDVValuator(PaperSettings, ClassValuesMixin, BaseValuator):
    r"""Neural Dynamic Data Valuation: value every row by one training run.

    The rows evolve by the mean-field dynamics

    .. math:: X_{t+1} = X_t + [a (\mu_t - X_t) + \psi_t(X_t)] \Delta t
              + \sigma \sqrt{\Delta t}\, \varepsilon_t, \qquad t = 0, \dots, T-1

    whose controls :math:`\psi_t` are networks trained to lower the terminal cost
    :math:`\Phi` (cross-entropy of a linear head, or half the squared error). With
    the utility :math:`U_i` of a row averaged over the epochs of training, its value is

    .. math:: \phi_i = U_i - \frac{1}{n - 1} \sum_{j \neq i} U_j .

    Parameters
    ----------
    interaction : float, default=1.0
        The constant :math:`a \ge 0` that draws a row to the mean field.
        ``interaction / n_steps`` must be below 2, where explicit Euler diverges.

    diffusion : float, default=0.01
        The constant :math:`\sigma \ge 0` of the noise.

    n_steps : int, default=3
        Time steps T on [0, 1].

    hidden_dim : int, default=25
        Width of the two hidden layers of a control.

    n_members : int, default=5
        Networks trained side by side and averaged; 1 is the paper's single training.

    control_penalty : float, default=0.0
        Weight :math:`\lambda \ge 0` of the running cost
        :math:`\lambda \lVert \psi_t \rVert^2 \Delta t`.

    utility : {"auto", "state", "cost"}, default="auto"
        ``"cost"`` is :math:`-\Phi_i`; ``"state"`` is the paper's
        :math:`-X_T \cdot \nabla_{X_T} \Phi_i` (regression: the negative absolute
        residual). ``"auto"``: ``"cost"`` for classes, ``"state"`` for real targets.

    utility_epochs : {"auto", "all", "last"}, default="auto"
        Epochs over which utilities are averaged; the paper takes the last. ``"auto"``:
        all, but the last for the state utility of real targets.

    reweight : "auto" or bool, default="auto"
        Meta re-weighting of the rows by a look-ahead on `X_val`, `y_val`; ``"auto"``
        does it when they are given. It costs 1.3 times the time and no detection gains.

    meta_hidden : int, default=10
        Width of the meta network.

    meta_interval : int, default=5
        Training steps between two meta steps.

    meta_lr : float, default=1e-3
        Learning rate of the meta network.

    max_epochs : int, default=20
        Epochs of training. More let the network memorise wrong labels.

    batch_size : int or "auto", default="auto"
        Rows of a step at most; ``"auto"`` is n_samples // 32, from 32 to 1000.

    lr : float, default=0.01
        Learning rate; divided by 10 at 60 % and again at 80 % of the epochs.

    optimizer : torch optimizer class or None, default=None
        None is Adam.

    module : callable, default=None
        ``module(n_features)`` returns a torch module that maps states ``(batch,
        n_features)`` to controls of the same shape; called once for each time step
        and member. None is the network of two hidden ELU layers.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    record_trajectories : bool, default=False
        Keep `state_trajectories_`, `adjoint_trajectories_`, `value_trajectories_`.

    device : str, default="cpu"
        A torch device, such as ``"cuda"``.

    callbacks : list of skorch callbacks or None, default=None
        Added to the training, such as `skorch.callbacks.EarlyStopping`.

    net_params : dict or None, default=None
        Further parameters of the skorch net: ``{"optimizer__weight_decay": 1e-4}``.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`. ``"auto"`` drops only rows
        whose label is more likely wrong than right by `class_probabilities_`
        (regression: whose residual is beyond 2.5 robust standard deviations).

    n_jobs : int or None, default=None
        Threads that share a batch of 500 000 numbers and 500 rows or more (rows times
        columns times members). The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        The same integer gives the same values; global random states stay as they are.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Value of each row, in units of the utility; higher is better. They sum to 0.

    utilities_ : ndarray of shape (n_samples,)
        Utility of each row.

    class_probabilities_ : ndarray of shape (n_samples, n_classes)
        Classification: mean over epochs and members of the probability that the
        network gave each class, in the order of `classes_`, before the step on the
        row.

    label_probabilities_ : ndarray of shape (n_samples,)
        That of each row's own label.

    residuals_ : ndarray of shape (n_samples,)
        Regression: absolute residual in the last epoch, in units of `y`.

    meta_weights_ : ndarray of shape (n_samples,)
        With re-weighting: each row's weight in (0, 1), by the trained meta network.

    net_ : skorch.NeuralNet
        The trained net.

    history_ : skorch.history.History
        Losses and durations of the epochs.

    state_trajectories_ : ndarray of shape (n_steps + 1, n_samples, n_features)
        States of the rows under the first member's trained control, without noise.

    adjoint_trajectories_ : ndarray of shape (n_steps + 1, n_samples, n_features)
        Costates :math:`Y_t = -\partial \Phi_i / \partial X_t` along them.

    value_trajectories_ : ndarray of shape (n_epochs, n_samples)
        Value of each row in each epoch.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    See Also
    --------
    CuratedEstimator : Fit an estimator on the kept rows only.
    ValueSampler : Really remove rows in an imbalanced-learn Pipeline.

    Notes
    -----
    Time is O(max_epochs * n_samples * n_members * n_steps * hidden_dim * (n_features +
    hidden_dim)). Memory is one float32 copy of `X`, which may be a `numpy.memmap`, and
    O(n_samples * (n_members + n_classes)).

    `predict_values` gives a row's utility under the trained dynamics without noise,
    minus the mean utility of the training rows. Wrong labels are detected; noise in the
    features is not: such a row fits its label as well as others do.

    References
    ----------
    .. [1] Liang, Gao, Zhang, "Neural Dynamic Data Valuation", 2024.
    .. [2] Shu, Xie, Yi, Zhao, Zhou, Xu, Meng, "Meta-Weight-Net", NeurIPS 2019.

    Examples
    --------
    >>> from skvalue import NDDVValuator
    >>> from skvalue.datasets import make_label_noise, make_two_planes
    >>> X, y = make_two_planes(300, random_state=0)
    >>> y_noisy, is_wrong = make_label_noise(y, 0.1, random_state=0)
    >>> valuator = NDDVValuator(random_state=0).fit(X, y_noisy)
    >>> bool(valuator.data_values_[is_wrong].mean() < -1)
    True
    >>> X_clean, y_clean = valuator.filter(X, y_noisy)
    """

    _uses_held_out = True
    _saw_labels = True
    _cost = "one training"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "interaction": [Interval(Real, 0, None, closed="left")],
        "diffusion": [Interval(Real, 0, None, closed="left")],
        "n_steps": _WHOLE,
        "hidden_dim": _WHOLE,
        "n_members": _WHOLE,
        "control_penalty": [Interval(Real, 0, None, closed="left")],
        "utility": [StrOptions({"auto", "state", "cost"})],
        "utility_epochs": [StrOptions({"auto", "all", "last"})],
        "reweight": [StrOptions({"auto"}), "boolean"],
        "meta_hidden": _WHOLE,
        "meta_interval": _WHOLE,
        "meta_lr": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": _WHOLE,
        "batch_size": [*_WHOLE, StrOptions({"auto"})],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "optimizer": [callable, None],
        "module": [callable, None],
        "record_trajectories": ["boolean"],
        "device": "no_validation",
        "callbacks": [list, None],
        "net_params": [dict, None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        interaction=1.0,
        diffusion=0.01,
        n_steps=3,
        hidden_dim=25,
        n_members=5,
        control_penalty=0.0,
        utility="auto",
        utility_epochs="auto",
        reweight="auto",
        meta_hidden=10,
        meta_interval=5,
        meta_lr=1e-3,
        max_epochs=20,
        batch_size="auto",
        lr=0.01,
        optimizer=None,
        module=None,
        task="auto",
        encoder="auto",
        record_trajectories=False,
        device="cpu",
        callbacks=None,
        net_params=None,
        drop="auto",
        n_jobs=None,
        random_state=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(
            task=task,
            encoder=encoder,
            drop=drop,
            random_state=random_state,
            memory=memory,
            verbose=verbose,
        )
        self.interaction = interaction
        self.diffusion = diffusion
        self.n_steps = n_steps
        self.hidden_dim = hidden_dim
        self.n_members = n_members
        self.control_penalty = control_penalty
        self.utility = utility
        self.utility_epochs = utility_epochs
        self.reweight = reweight
        self.meta_hidden = meta_hidden
        self.meta_interval = meta_interval
        self.meta_lr = meta_lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.module = module
        self.record_trajectories = record_trajectories
        self.device = device
        self.callbacks = callbacks
        self.net_params = net_params
        self.n_jobs = n_jobs

    def _n_tasks(self):
        return self.max_epochs

    @plain_torch()
    def _fit(self, X, y, X_val, y_val, *, sample_weight=None):
        # torch is imported here, so that `import skvalue` stays light.
        from ._torch.nddv import training
        from ._torch.nddv.settings import check_settings, resolve_settings

        settings = resolve_settings(
            self.get_params(deep=False),
            n_samples=len(y),
            n_classes=len(getattr(self, "classes_", ())),
            has_held_out=X_val is not None,
        )
        rng = check_random_state(integer_seed(self.random_state))
        settings["seed"] = draw_seed(rng)
        self._scaler = fit_scaler(X, sample_weight, made_of(self, X.shape[1]))
        check_settings(settings, self._scaler.n_columns)
        self._y_mean, self._y_scale = 0, 1
        if not hasattr(self, "classes_"):
            self._y_mean, self._y_scale = mean_and_scale(y, "y", sample_weight)
        self._utility = settings["utility"]
        rows = self._rows(X, y)
        self.net_, record = training.train(
            settings,
            rows,
            clean_rows=None if X_val is None else self._rows(X_val, y_val),
            task=self._task,
            progress=self._progress(self.max_epochs, "epochs"),
            sample_weight=sample_weight,
        )
        self.history_ = self.net_.history
        self._keep_record(*record, sample_weight)
        self._keep(**training.of_the_trained(self.net_, rows, settings))

    def _keep(self, **attributes):
        """Set the attributes that this fit has, and forget an earlier one's others."""
        for name, value in attributes.items():
            vars(self).pop(name, None)
            if value is not None:
                setattr(self, name, value)

    def _rows(self, X, y):
        """Standardised float32 rows and targets as tensors on the device."""
        from ._torch.nddv.training import tensor_rows

        y = y if hasattr(self, "classes_") else (y - self._y_mean) / self._y_scale
        return tensor_rows(X, y, self._scaler, self.device)

    def _keep_record(self, utilities, belief, trajectory, weights):
        self.utilities_ = utilities
        self._mean_utility = np.average(utilities, weights=weights)
        self.data_values_ = dynamic_marginal_contribution(utilities, weights)
        classification = hasattr(self, "classes_")
        self._keep_class_probabilities(belief if classification else None)
        if trajectory is not None:
            trajectory = dynamic_marginal_contribution(trajectory, weights)
        self._keep(
            residuals_=None if classification else belief * self._y_scale,
            value_trajectories_=trajectory,
        )

    def _plausible_rows(self):
        if hasattr(self, "classes_"):
            return super()._plausible_rows()
        # 1.4826 times the median absolute residual is a robust standard deviation.
        limit = _RESIDUAL_LIMIT * 1.4826 * np.median(self.residuals_)
        return self.residuals_ <= limit

    @plain_torch()
    def _predict_values(self, X, y):
        from ._torch.nddv.training import evaluate

        values = evaluate(self.net_, self._rows(X, y), self._utility)
        return values - self._mean_utility

    @plain_torch()
    def _predict_class_values(self, X):
        from ._torch.nddv.training import evaluate_classes

        rows = self._rows(X, np.zeros(len(X), dtype=int))
        n_classes = len(self.classes_)
        values = evaluate_classes(self.net_, rows, self._utility, n_classes)
        return values - self._mean_utility
