r"""AmortizedShapley: learn values from cheap noisy ones, and value rows never seen.

A network :math:`a(x, y; \theta)` is fitted to unbiased estimates
:math:`\tilde\phi_i` of the values,

.. math:: \min_\theta \sum_i \big(a(x_i, y_i; \theta) - \tilde\phi_i\big)^2,

whose noise averages out over the rows: the minimiser estimates the values themselves.

Source: Covert, Kim, Lee, Zou, Hashimoto, "Stochastic Amortization: A Unified Approach
to Accelerate Feature and Data Attribution", NeurIPS 2024, sections 3 and 4.3. The
linear model beside the network and the combination with the noisy values are this
library's.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from .._class_values import ClassValuesMixin
from .._encoder import fit_encoder, made_of
from .._targets import agreed_task
from ..base import BaseValuator
from ..utils._sklearn import HasMethods, Interval, StrOptions
from ._given_noisy_values import NoisyValuesMixin, check_noisy_values
from ._models import ValueModels
from ._noisy_values import DEFAULT_SOURCE, check_source, resolve_state
from ._statistics import combine, prediction_variance


class AmortizedShapley(NoisyValuesMixin, ClassValuesMixin, BaseValuator):
    """Shapley values denoised by a network that also values rows it never saw.

    A Monte-Carlo valuator gives each row a cheap, noisy, unbiased value, twice. Models
    of rows and classes are fitted to the first noisy values; the second choose the
    epoch and tell how far the models are to be trusted; then the models are fitted to
    both. A value is the models' prediction, moved towards the row's own noisy values as
    far as that is the more precise (`combine`).

    Parameters
    ----------
    valuator : semivalue, DistributionalShapley, object or None, default=None
        The source of the noisy values; not asked where `fit` gets `noisy_values`. None:
        what is cheap. With two classes, or real targets, ten permutations in each fold
        (``DataShapley(sampler="single_permutation")``); with more, where walks are
        dear, 75 shared subsets in all, and 15 to choose by; beyond 4096 parameters 500
        shared subsets of `RidgeClassifier`. Any other object gives unbiased values if
        it has ``fit``, sets ``data_values_`` and has parameters `max_evaluations` and
        `random_state`. Both sets of noisy values get seeds of their own, whatever its
        `random_state`. Values from a few dozen shared subsets have errors in common,
        which no model removes.

    regressor : {"auto", "net", "ridge"} or regressor, default="auto"
        What is fitted: the network; ridge regression, mainly on influences, which are
        the residuals of a linear model of the labels times the features; a mixture of
        both (``"auto"``), by how well either predicts the second noisy values; or any
        scikit-learn regressor on the columns of the ridge regression. With `module`
        ``"auto"`` is the network alone.

    module : callable or None, default=None
        ``module(n_outputs)`` returns a new torch module that maps float32 rows to one
        output a class (one output in regression); its last linear layer is set to zero
        before it learns values. With a module `X` may have more than two dimensions,
        such as images; the valuator is then given flat rows. None: three layers
        of 128 units.

    valuator_transformer : transformer or None, default=None
        What makes the valuator's columns of the (flat) rows, such as
        ``PCA(64)``; the models still see `X`. It is fitted once, on all training rows:
        as a step of the valuator's estimator it would be fitted on each coalition, and
        the batched engine would not apply.

    combine : bool, default=True
        Whether a row's own noisy values count beside the prediction.

    max_epochs : tuple of int, default=(10, 20)
        Lengths of training to try, each with a learning rate that falls over it.

    lr : float or "auto", default="auto"
        Learning rate; ``"auto"``: 5e-4 up to 2000 rows, else 1e-3.

    batch_size : int or "auto", default="auto"
        ``"auto"``: 32 up to 2000 rows, else 128.

    validation_share : float, default=1/6
        Share of all evaluations that is spent on the second noisy values, or the least
        that their sampler can draw.

    optimizer : torch optimizer class or None, default=None
        Torch optimiser class; None: Adam.

    device : str, default="cpu"
        Torch device of the network.

    callbacks : list of skorch callbacks or None, default=None
        Further skorch callbacks of the trainings.

    net_params : dict or None, default=None
        Further parameters of the skorch net.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    drop : float, "auto", "negative" or callable, default="auto"
        Which rows are of low value, see `BaseValuator`.

    warm_start : bool, default=False
        Whether `fit` on the same data goes on with the noisy values of the last one,
        for a larger ``max_evaluations`` of the valuator; the models are fitted anew.
        The values are those of one long fit.

    n_jobs : int or None, default=None
        Workers of a valuator that has none itself; the values do not depend on them.

    random_state : int, RandomState instance or None, default=None
        Seed of the noisy values and the network.

    memory : str, path-like, joblib.Memory or None, default=None
        Keeps fits, so that another `drop` values no row anew, see `BaseValuator`.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    data_values_ : ndarray of shape (n_samples,), dtype float64
        Values, in units of the valuator's scoring; higher is better.

    data_values_stderr_ : ndarray of shape (n_samples,), dtype float64
        Estimated standard error of a value, the same for every row: of the combination,
        or of the prediction where ``combine=False``.

    amortized_values_ : ndarray of shape (n_samples,)
        Predictions for the training rows.

    noisy_values_ : ndarray of shape (n_samples,)
        Mean of both sets, by their evaluations.

    noisy_values_stderr_ : ndarray of shape (n_samples,)
        Estimated standard error of a noisy value, the same for every row.

    net_weight_ : float
        Share of the network in the predictions, in [0, 1].

    noisy_weight_ : float
        Weight of the noisy value in a value, in [0, 1]; 0 where ``combine=False``.

    n_evaluations_ : int
        Fits of coalitions that the noisy values are made of.

    valuator_ : valuator
        The fitted source of the first noisy values.

    valuator_transformer_ : transformer
        The fitted `valuator_transformer`, where there is one.

    net_ : skorch.NeuralNet
        The trained net, where there is one.

    regressor_ : regressor
        The fitted ridge or given regression, where there is one.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    fill_indices_ : ndarray of shape (n_samples,)
        After ``fit_transform``: the training row at each place of its output.

    Raises
    ------
    ValueError
        If a parameter or the data are not usable; the message names them.

    See Also
    --------
    DataShapley : The noisy values by themselves, at any precision.
    DistributionalShapley : Labels that do not depend on the other training rows.

    Notes
    -----
    Cost: that of the noisy values and a few dozen epochs of a small network. Where the
    batched engine applies, a few hundred shared subsets of `DataShapley` cost no more
    and are as good; amortizing is for expensive models, and for rows that come later.

    References
    ----------
    I. Covert, C. Kim, S.-I. Lee, J. Zou and T. Hashimoto (2024). Stochastic
    Amortization: A Unified Approach to Accelerate Feature and Data Attribution.
    NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skvalue import AmortizedShapley
    >>> X, y = make_classification(300, 5, class_sep=2.0, random_state=0)
    >>> y[:30] = 1 - y[:30]
    >>> valuator = AmortizedShapley(random_state=0).fit(X[:200], y[:200])
    >>> new = valuator.predict_values(X[200:], y[200:])
    >>> wrong = valuator.predict_values(X[200:], 1 - y[200:])
    >>> bool(new.mean() > wrong.mean())
    True
    """

    _uses_held_out = True
    _cost = "cheap noisy values, one training"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "valuator": [HasMethods(["fit"]), None],
        "regressor": [
            StrOptions({"auto", "net", "ridge"}),
            HasMethods(["fit", "predict"]),
        ],
        "module": [callable, None],
        "valuator_transformer": [HasMethods(["fit", "transform"]), None],
        "combine": ["boolean"],
        "max_epochs": [tuple, list],
        "lr": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "batch_size": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "validation_share": [Interval(Real, 0, 1, closed="neither")],
        "optimizer": [callable, None],
        "device": [str],
        "callbacks": [list, None],
        "net_params": [dict, None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        valuator=None,
        *,
        regressor="auto",
        module=None,
        valuator_transformer=None,
        combine=True,
        max_epochs=(10, 20),
        lr="auto",
        batch_size="auto",
        validation_share=1 / 6,
        optimizer=None,
        device="cpu",
        callbacks=None,
        net_params=None,
        task="auto",
        encoder="auto",
        drop="auto",
        warm_start=False,
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
        self.valuator = valuator
        self.regressor = regressor
        self.module = module
        self.valuator_transformer = valuator_transformer
        self.combine = combine
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.validation_share = validation_share
        self.optimizer = optimizer
        self.device = device
        self.callbacks = callbacks
        self.net_params = net_params
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    @property
    def _allow_nd(self):
        return self.module is not None

    def _model_of_y(self):
        return getattr(self.valuator, "estimator", None)

    def _reader(self):
        return DEFAULT_SOURCE if self.valuator is None else self.valuator

    @property
    def _weighted_parts(self):
        fits = not isinstance(self.regressor, str)
        return ("valuator", "regressor") if fits else ("valuator",)

    def _known_task(self):
        sources = [self.valuator] if isinstance(self.valuator, BaseValuator) else []
        return agreed_task(self.task, sources)

    # ---------------------------------------------------------------- fitting

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        if self._given_noisy is not None:
            check_noisy_values(self._given_noisy, len(y))
        elif self.valuator is not None:
            check_source(self.valuator)
        n_classes = len(self.classes_) if hasattr(self, "classes_") else None
        settings = self._computing_params() | {"verbose": self.verbose}
        models = ValueModels(settings, n_classes)
        # The source gets the rows as they came, the models read numbers.
        numbers = fit_encoder(self, X, y) if self._takes_rows else X
        made = made_of(self, numbers.shape[1])
        models.prepare(numbers, y, sample_weight, made)
        given = {"sample_weight": sample_weight, "groups": groups}
        given = {name: array for name, array in given.items() if array is not None}
        kept = getattr(self, "_kept", None) if self.warm_start else None
        seed, states = resolve_state(self.random_state, kept)
        rng = check_random_state(seed)
        noisy, states = self._noisy_values(
            X, y, X_val, y_val, numbers, rng, states, given
        )
        self._kept = (seed, states) if self.warm_start else None
        with self._task("models"):
            blind = models.fit(numbers, y, noisy, rng, sample_weight)
        self._keep_models(models)
        self._keep_values(noisy, models.predict(numbers, y), blind)
        self._keep_best_classes(numbers)

    def _n_tasks(self):
        return 3

    def _keep_models(self, models):
        self._models, self.net_weight_ = models, models.net_weight
        fitted = {"net_": models.net, "regressor_": models.regression}
        for name, model in fitted.items():
            vars(self).pop(name, None)
            if model is not None:
                setattr(self, name, model)

    def _keep_values(self, noisy, predictions, blind):
        combined, weight, variance = combine(noisy, predictions, blind)
        self.noisy_weight_ = weight if self.combine else 0.0
        if not self.combine:
            combined, variance = predictions, prediction_variance(noisy, blind)
        n_samples = len(predictions)
        self.noisy_values_ = noisy.pooled
        self.noisy_values_stderr_ = np.full(n_samples, noisy.pooled_variance**0.5)
        self.amortized_values_ = predictions
        self.data_values_ = combined
        self.data_values_stderr_ = np.full(n_samples, variance**0.5)

    # ------------------------------------------------------------- predicting

    def _predict_values(self, X, y):
        return self._models.predict(X, y)

    def _predict_class_values(self, X):
        return self._models.predict_classes(X)
