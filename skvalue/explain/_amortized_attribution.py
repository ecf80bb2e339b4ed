r"""AmortizedAttribution: learn attributions from cheap noisy ones, explain any row.

A network :math:`a(x; \theta)` is fitted to unbiased estimates :math:`\tilde\phi(x)` of
the attributions of some rows,

.. math:: \min_\theta \sum_i \lVert a(x_i; \theta) - \tilde\phi(x_i) \rVert^2,

whose noise averages out over the rows: the minimiser estimates the attributions.
Rows that were drawn for get the mean of the least error of what is known of them.

Source: Covert, Kim, Lee, Zou, Hashimoto, "Stochastic Amortization: A Unified Approach
to Accelerate Feature and Data Attribution", NeurIPS 2024, sections 3, 4, 5.1 and
appendix C. The effects that the network sees, the ridge regression beside it and the
combination with the noisy attributions are this library's.
"""

from numbers import Integral, Real

from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from ..utils._device import check_device
from ..utils._doc_link import DocLinkMixin
from ..utils._random import draw_seed, integer_seed
from ..utils._refit import whole_or_not_at_all
from ..utils._rows import take_rows
from ..utils._sklearn import HasMethods, Interval, StrOptions, num_samples
from ._amortizing import Amortizing
from ._feature_attribution import FeatureAttribution


class AmortizedAttribution(
    Amortizing, TransformerMixin, MetaEstimatorMixin, DocLinkMixin, BaseEstimator
):
    r"""Feature attributions denoised by a network that explains any row in one pass.

    For some rows a `FeatureAttribution` draws noisy attributions
    :math:`\tilde\phi(x_i)`; models :math:`a(x)` of the rows, and of what their single
    columns do to the prediction, are fitted to them. ``transform(X)`` predicts
    attributions of any rows, at the cost of ``2 d + 2`` coalitions each.
    ``fit_transform(X)`` differs from it by design: a row that was drawn for gets the
    mean, of least error, of the prediction :math:`a_{-i}(x_i)` by models that were
    fitted to other rows and of its own noisy attribution :math:`\tilde\phi(x_i)`. This
    is the better estimate, and never much worse than the noisy attribution; a
    prediction alone may be. Of ``"regression"`` the Gaussian process of the same
    coalitions is a third one. That of ``method="gaussian_process"`` is kept as it is:
    with its bias, nothing tells how much a prediction would add to it.

    Parameters
    ----------
    attribution : FeatureAttribution, estimator or callable
        What draws the noisy attributions, with its method, budget and imputation. An
        estimator or a function stands for ``FeatureAttribution(estimator)``, whose
        ``"gaussian_process"`` has the least error: models that learn from it predict
        best. ``"regression"``, ``"permutation"`` and ``"banzhaf"`` have no bias.

    prefit : bool, default=False
        Whether `attribution` is fitted, with a background of its own; then it is used
        as it is. Else one like it is fitted, with the rows of `fit` as background.

    n_samples : int or None, default=None
        Coalitions a row of the noisy attributions, at least 2. None: as the
        attribution has it.

    n_rows : int or None, default=None
        Rows of `fit`, drawn at random, that noisy attributions are drawn for; at least
        2. None: all.

    objective : {"regression", "fastshap"}, default="regression"
        What the networks learn: noisy attributions, or the worth of coalitions itself.
        ``"fastshap"`` minimises the weighted least squares that define the Shapley
        value over the networks, for the method of Shapley values only; it has no noisy
        attributions, so ``fit_transform`` predicts, too.

    controls : bool, default=True
        Whether the models see what each column does alone, f({j}) - f(empty), and what
        its absence does, f(all) - f(all but j): ``2 d`` coalitions a row, which predict
        much of the attributions. They are also exact for additive models. With
        ``"regression"`` they are among the coalitions of the noisy attributions, too,
        of which only larger ones are drawn then. False: the models see the row and its
        prediction only.

    normalize : bool, default=False
        Whether attributions of a row get unit norm, for methods whose attributions
        have no sum to keep to (``"banzhaf"``, ``"lime"``): a few rows of large
        attributions would outweigh the others. The estimates are then of directions,
        and no longer unbiased.

    regressor : {"auto", "net", "ridge"}, default="auto"
        What is fitted: a network, ridge regression of the same inputs, or the mixture
        of both (``"auto"``) that predicts unseen noisy attributions best.

    cv : int, default=5
        Folds of the cross-fitting, at least 2; a network each. Rows outside of the fold
        train it, those in it stop it early and get its prediction.

    module : callable or None, default=None
        ``module(n_outputs)`` returns a new torch module that maps float32 inputs
        (standardised columns beside the controls) to `n_outputs` numbers, one for each
        player and output of the model; its last linear layer is set to zero first.
        None: three layers of 128 units.

    max_epochs : int, default=60
        Epochs at most; the best one on unseen rows is taken, which may be none.

    lr : float, default=1e-3
        Learning rate at first; it falls to a hundredth along a cosine.

    batch_size : int or "auto", default="auto"
        ``"auto"``: 32 up to 2000 rows, else 128.

    optimizer : torch optimizer class or None, default=None
        Torch optimiser class; None: Adam.

    device : str, default="cpu"
        Torch device of the networks.

    callbacks : list of skorch callbacks or None, default=None
        Further skorch callbacks of the trainings.

    net_params : dict or None, default=None
        Further parameters of the skorch net.

    n_jobs : int or None, default=None
        Networks that are trained at a time, and workers of an attribution that has none
        itself. Nothing depends on them.

    random_state : int, RandomState instance or None, default=None
        Seed of the noisy attributions and the networks.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    combined_attributions_ : ndarray of shape (n_rows, n_players[, n_outputs])
        What ``fit_transform`` returns for the rows drawn for, in units of the response.

    amortized_attributions_ : ndarray of shape (n_rows, n_players[, n_outputs])
        Predictions for these rows of models that did not see them.

    noisy_attributions_ : ndarray of shape (n_rows, n_players[, n_outputs])
        Noisy attributions of these rows; not with ``objective="fastshap"``.

    posterior_attributions_ : ndarray of shape (n_rows, n_players[, n_outputs])
        Those of a Gaussian process by the same coalitions, of less error but with a
        bias; with noisy attributions by ``"regression"`` only.

    rows_ : ndarray of shape (n_rows,)
        The rows of `fit` that they belong to.

    noise_variance_ : ndarray of shape (n_players[, n_outputs])
        Estimated variance of one noisy attribution, by their standard errors or, where
        there are none, by a second draw for a sixteenth of the rows, and for 20 at
        least; not with ``"fastshap"``.

    prediction_variance_ : ndarray of shape (n_players[, n_outputs])
        Estimated mean squared error of `amortized_attributions_`; likewise.

    combined_variance_ : ndarray of shape (n_players[, n_outputs])
        Estimated mean squared error of `combined_attributions_`; likewise.

    noisy_weight_, posterior_weight_ : ndarray of shape (n_players[, n_outputs])
        Weights of a noisy attribution that was drawn once, and of a posterior one, in
        [0, 1]; the prediction has the rest. Likewise.

    net_weight_ : float
        Share of the networks in the predictions, in [0, 1].

    nets_ : list of skorch.NeuralNet
        The trained nets, one a fold; empty without networks.

    n_evaluations_ : float
        Coalitions that the model was asked about, for each row drawn for; the controls
        and second draws among them.

    attribution_ : FeatureAttribution
        The fitted source of the noisy attributions.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    Raises
    ------
    ValueError
        If a parameter or the data are not usable; the message names them.

    See Also
    --------
    FeatureAttribution : The attributions by themselves, at any precision.

    Notes
    -----
    Cost: ``n_samples`` coalitions for each row drawn for, and `cv` trainings of a small
    network. The models read numbers as they are; strings and categories become columns
    of 0 and 1, dates seconds, missing cells means with a column that marks them. A grid
    search clones, and a clone of a fitted estimator is not fitted: give the search `y`,
    or put the estimator into a `~sklearn.frozen.FrozenEstimator`.

    References
    ----------
    I. Covert, C. Kim, S.-I. Lee, J. Zou and T. Hashimoto (2024). Stochastic
    Amortization: A Unified Approach to Accelerate Feature and Data Attribution.
    NeurIPS.

    N. Jethani, M. Sudarshan, I. Covert, S.-I. Lee and R. Ranganath (2022). FastSHAP:
    Real-Time Shapley Value Estimation. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.svm import SVR
    >>> from skvalue import AmortizedAttribution
    >>> X, y = make_friedman1(300, 12, random_state=0)
    >>> model = SVR(C=100).fit(X, y)
    >>> explainer = AmortizedAttribution(
    ...     model, n_samples=48, max_epochs=5, random_state=0
    ... ).fit(X[:100])
    >>> attributions = explainer.transform(X[100:])
    >>> attributions.shape
    (200, 12)
    >>> base = explainer.attribution_.base_values_
    >>> bool(abs(attributions.sum(axis=1) + base - model.predict(X[100:])).max() < 1e-6)
    True
    """

    _parameter_constraints = {
        "attribution": [HasMethods("fit"), HasMethods("predict"), callable],
        "prefit": ["boolean"],
        "n_samples": [Interval(Integral, 2, None, closed="left"), None],
        "n_rows": [Interval(Integral, 2, None, closed="left"), None],
        "objective": [StrOptions({"regression", "fastshap"})],
        "controls": ["boolean"],
        "normalize": ["boolean"],
        "regressor": [StrOptions({"auto", "net", "ridge"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "module": [callable, None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "optimizer": [callable, None],
        "device": [str],
        "callbacks": [list, None],
        "net_params": [dict, None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        attribution,
        *,
        prefit=False,
        n_samples=None,
        n_rows=None,
        objective="regression",
        controls=True,
        normalize=False,
        regressor="auto",
        cv=5,
        module=None,
        max_epochs=60,
        lr=1e-3,
        batch_size="auto",
        optimizer=None,
        device="cpu",
        callbacks=None,
        net_params=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.attribution = attribution
        self.prefit = prefit
        self.n_samples = n_samples
        self.n_rows = n_rows
        self.objective = objective
        self.controls = controls
        self.normalize = normalize
        self.regressor = regressor
        self.cv = cv
        self.module = module
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.device = device
        self.callbacks = callbacks
        self.net_params = net_params
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # ---------------------------------------------------------------- fitting

    @whole_or_not_at_all
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Draw noisy attributions for rows, and learn from them.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows; also the background, unless `prefit`.

        y : array-like of shape (n_samples,) or None, default=None
            Targets, for an estimator that is not fitted yet.

        Returns
        -------
        self : object
            The fitted explainer.
        """
        check_device(self.device)
        seed = integer_seed(self.random_state)
        rng = check_random_state(seed % 2**32)
        self.attribution_ = self._fitted_attribution(X, y, draw_seed(rng))
        self._check_method()
        self._keep_features()
        X = self._rows(X)
        n_samples = num_samples(X)
        if n_samples < 2:
            raise ValueError(f"X has n_samples={n_samples} row; at least 2 are needed.")
        if self.n_rows is not None and self.n_rows > n_samples:
            raise ValueError(f"n_rows={self.n_rows} is more than X has: {n_samples}.")
        # In random order, so that rows that share coalitions are not of a kind.
        order = rng.permutation(n_samples)[: self.n_rows]
        self._score_seed = draw_seed(rng)
        self._fit(take_rows(X, order), order, rng)
        return self

    # ------------------------------------------------------------- explaining

    def transform(self, X):
        """Predict the attributions of rows.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_rows, n_features)
            Any rows.

        Returns
        -------
        attributions : ndarray of shape (n_rows, n_players[, n_outputs])
            In units of the response.
        """
        check_is_fitted(self)
        self.attribution_._refuse_frames(self)
        return self.attribution_._squeezed(self._predict(self._rows(X)))

    def fit_transform(self, X, y=None):
        """Fit, and combine predictions with the noisy attributions of the rows.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,) or None, default=None
            Targets, for an estimator that is not fitted yet.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_players[, n_outputs])
            `combined_attributions_`, and predictions of rows not drawn for.
        """
        self.fit(X, y)
        self.attribution_._refuse_frames(self)
        if len(self.rows_) == num_samples(X):
            return self.combined_attributions_.copy()
        attributions = self.transform(X)
        attributions[self.rows_] = self.combined_attributions_
        return attributions

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        given = self.attribution
        if hasattr(given, "fit") and not isinstance(given, type):
            if not isinstance(given, FeatureAttribution):
                given = FeatureAttribution(given)
            theirs = get_tags(given)
            tags.input_tags, tags.target_tags = theirs.input_tags, theirs.target_tags
        return tags
