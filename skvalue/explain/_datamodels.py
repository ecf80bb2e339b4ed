r"""Datamodels: which training rows moved which prediction.

.. math:: v_x(T) \approx a_0 + \sum_{i \in T} a_i, \qquad
          a_i = \mathbb{E}\big[v_x(T \cup i) - v_x(T \setminus i)\big]

Ilyas, Park, Engstrom, Leclerc and Madry, "Datamodels: Predicting Predictions from
Training Data", ICML 2022; the closed form and the amortization are of Covert, Kim,
Lee, Zou and Hashimoto, "Stochastic Amortization", NeurIPS 2024, appendix B.
"""

import os
from numbers import Integral, Real

from sklearn.base import BaseEstimator, _fit_context

from .._coalitions.checkpoint import Checkpoint
from .._encoder import describe_input
from .._targets import known_task
from .._validation import validate_more_rows, validate_rows
from ..semivalues._coalition_model import CoalitionModel
from ..semivalues._row_utility import ENGINE_SCORINGS, RowUtility, resolve_output
from ..utils._device import check_device
from ..utils._doc_link import DocLinkMixin
from ..utils._naming import try_on
from ..utils._progress import Progress
from ..utils._random import integer_seed, seeded
from ..utils._refit import whole_or_not_at_all
from ..utils._sklearn import HasMethods, Interval, RealNotInt, StrOptions
from ._estimates import estimate
from ._pair_models import pair_models
from ._reads_datamodels import ReadsDatamodels
from ._sampling import OutputSampling, n_subsets_of, resolve_method
from ._saved_sums import header_of, restore
from ._subset_draws import draws_of

# Of the subsets, those that choose the epoch and the weight of the network.
HELD_OUT_SHARE = 1 / 6


class Datamodels(ReadsDatamodels, CoalitionModel, DocLinkMixin, BaseEstimator):
    r"""Attribute predictions to training rows by linear models of random subsets.

    For a target row x, let :math:`v_x(T)` be what a model trained on the subset T of
    the training rows gives for it. A datamodel is the linear function of T nearest to
    it over random subsets,

    .. math:: \min_{a} \mathbb{E}_T\Big[\big(a_0 + \sum_{i \in T} a_i -
              v_x(T)\big)^2\Big] .

    Where each row is in T by itself with probability q, its coefficients are

    .. math:: a_i = \mathbb{E}\big[v_x(T \cup i) - v_x(T \setminus i)\big]
                  = \frac{\mathrm{Cov}(1[i \in T],\, v_x(T))}{q (1 - q)} ,

    a semivalue; with q = 1/2 the Banzhaf value. So means estimate them without bias and
    no regression is solved. All targets share the same models.

    Parameters
    ----------
    estimator : estimator object, default=None
        What is trained on subsets: any classifier or regressor, Pipelines included.
        None: `LogisticRegression`; `Ridge` for continuous targets. Where it would draw
        its own ``random_state`` it gets one seed for all subsets.

    inclusion_probability : float, default=0.5
        Probability of each row to be in a subset, in (0, 1); not used with
        `subset_size`.

    subset_size : int, float or None, default=None
        Rows of every subset, or their share in (0, 1). The attributions of a target
        then sum to 0: only differences between rows are known. None: subsets of any
        size.

    method : {"auto", "shared", "closed_form", "ridge", "lasso"}, default="auto"
        How coefficients are estimated.

        - ``"shared"``: by the mean contribution of each row to each subset, which the
          batched engine reads off one fit; without bias, and by far the most precise;
        - ``"closed_form"``: by covariances, without bias, for any estimator;
        - ``"ridge"``, ``"lasso"``: by regression on the sampled subsets, with less
          variance than covariances, and some bias;
        - ``"auto"``: shared where it is possible, else the closed form.

    alpha : float or "cv", default="cv"
        Penalty of either regression, as scikit-learn's `Ridge` and `Lasso` have it.
        ``"cv"``: chosen for each target by cross-validation.

    output : str, default="auto"
        What is attributed, higher where the target is predicted better:

        - ``"margin"``: log odds of the target's own label, clipped at 36;
        - ``"probability"`` of its label, or ``"neg_log_loss"``, the log of that;
        - ``"accuracy"``: 1 where its label is predicted, else 0;
        - ``"neg_squared_error"``: minus the squared error, for real targets.

        ``"auto"``: the margin; accuracy where the estimator has no ``predict_proba``;
        minus the squared error for real targets.

    max_evaluations : int or "auto", default="auto"
        Subsets that a model is trained on, at least 2. ``"auto"``: 200 shared ones,
        else 1000.

    amortize : bool, default=False
        Whether `fit` also trains the amortized datamodel behind `predict_attributions`;
        at least 12 subsets and 8 rows.

    task : {"auto", "classification", "regression"}, default="auto"
        Whether `y` holds class labels or real targets, see `BaseValuator`.

    encoder : {"auto"}, transformer or None, default="auto"
        What makes numbers of the rows, see `BaseValuator`.

    checkpoint : str, path-like or None, default=None
        File that holds the sums over the subsets: `fit` goes on from it after a kill,
        and the attributions are bitwise those of a fit that was never stopped. So does
        a fit of more subsets, but with `amortize`.

    checkpoint_interval : float, default=60.0
        Seconds between two writes of the checkpoint, at least; it is also written at
        the end.

    device : str, default="cpu"
        Torch device of the batched engine and the network.

    n_jobs : int or None, default=None
        Joblib workers. The attributions do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seed of the subsets, the models and the network.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    attributions_ : ndarray of shape (n_samples, n_targets), dtype float64
        What each training row adds to the output for each target, in its units; above
        0 where the row helps.

    attributions_stderr_ : ndarray of shape (n_samples, n_targets), dtype float64
        Their Monte-Carlo standard errors; of the unbiased methods only.

    expected_outputs_ : ndarray of shape (n_targets,), dtype float64
        Mean output over the subsets.

    intercepts_ : ndarray of shape (n_targets,), dtype float64
        What the datamodel of each target gives for the subset without rows.

    data_values_ : ndarray of shape (n_samples,), dtype float64
        Mean attribution over the targets; higher is better.

    output_, method_ : str
        What `output` and `method` are, with ``"auto"`` resolved.

    n_evaluations_ : int
        Models that the attributions are made of.

    classes_ : ndarray of shape (n_classes,)
        The labels, in classification.

    encoder_ : transformer
        The fitted `encoder`, where the rows are read encoded.

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
    InfluenceFunction : Attributions to first order, from one model.
    skvalue.metrics.linear_datamodeling_score : How well attributions foretell models.

    Notes
    -----
    One fit a subset, and :math:`O(n)` a subset and target; shared subsets :math:`O(n
    d)`. Memory is that of the result, a few times; the regressions hold all subsets
    and outputs too. Where the batched engine applies (see `DataShapley`), thousands of
    subsets are fitted a second. A subset without rows, or with rows of one class,
    predicts as in `DataShapley`; a class that many subsets lack gives margins of -36,
    which are mostly noise: there, ``output="probability"`` is better.

    References
    ----------
    A. Ilyas, S. M. Park, L. Engstrom, G. Leclerc and A. Madry (2022). Datamodels:
    Predicting Predictions from Training Data. ICML.

    I. Covert, C. Kim, S.-I. Lee, J. Zou and T. Hashimoto (2024). Stochastic
    Amortization: A Unified Approach to Accelerate Feature and Data Attribution.
    NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skvalue import Datamodels
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> y[0] = 1 - y[0]
    >>> datamodels = Datamodels(random_state=0).fit(X, y, X[:1], 1 - y[:1])
    >>> datamodels.attributions_.shape
    (100, 1)
    >>> int(datamodels.harmful_rows(0, k=1)[0])  # the row with the wrong label
    0
    """

    _allow_nd = False

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "inclusion_probability": [Interval(Real, 0, 1, closed="neither")],
        "subset_size": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "method": [StrOptions({"auto", "shared", "closed_form", "ridge", "lasso"})],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"cv"})],
        "output": [StrOptions({"auto", *ENGINE_SCORINGS})],
        "max_evaluations": [
            Interval(Integral, 2, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "amortize": ["boolean"],
        "task": [StrOptions({"auto", "classification", "regression"})],
        "encoder": [StrOptions({"auto"}), HasMethods(["fit", "transform"]), None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_interval": [Interval(Real, 0, None, closed="left")],
        "device": [str],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        inclusion_probability=0.5,
        subset_size=None,
        method="auto",
        alpha="cv",
        output="auto",
        max_evaluations="auto",
        amortize=False,
        task="auto",
        encoder="auto",
        checkpoint=None,
        checkpoint_interval=60.0,
        device="cpu",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.inclusion_probability = inclusion_probability
        self.subset_size = subset_size
        self.method = method
        self.alpha = alpha
        self.output = output
        self.max_evaluations = max_evaluations
        self.amortize = amortize
        self.task = task
        self.encoder = encoder
        self.checkpoint = checkpoint
        self.checkpoint_interval = checkpoint_interval
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # ---------------------------------------------------------------- fitting

    @whole_or_not_at_all
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, X_target=None, y_target=None):
        """Attribute the outputs for some rows to the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,)
            Their labels or, for regression, real targets.

        X_target : {array-like, sparse matrix, dataframe} of shape \
                (n_targets, n_features), default=None
            Rows whose predictions are attributed. None: the training rows themselves.

        y_target : array-like of shape (n_targets,), default=None
            Their labels, or real targets.

        Returns
        -------
        self : object
            Fitted; a fit that fails leaves it as it was.
        """
        check_device(self.device)
        for name in ("encoder_", "attributions_stderr_", "_pair_models"):
            vars(self).pop(name, None)
        X, y = validate_rows(self, X, y)
        if (X_target is None) != (y_target is None):
            given, missing = "X_target", "y_target"
            if X_target is None:
                given, missing = missing, given
            raise ValueError(f"{given} is given, but {missing} is not; give both.")
        rows = X, y, X, y
        if X_target is not None:
            names = ("X_target", "y_target")
            rows = X, y, *validate_more_rows(self, X_target, y_target, names=names)
        with Checkpoint(self.checkpoint, self.checkpoint_interval) as checkpoint:
            self._fit(rows, checkpoint)
        return self

    def _fit(self, rows, checkpoint):
        saved = checkpoint.load()
        seed = integer_seed(self.random_state) if saved[0] is None else saved[0]["seed"]
        is_classification, n_samples = hasattr(self, "classes_"), len(rows[1])
        self.output_ = resolve_output(self.output, self.estimator, is_classification)
        draws = draws_of(n_samples, self.inclusion_probability, self.subset_size)
        utility = self._utility(seed, *rows)
        if self.amortize:
            models = pair_models(self, rows, utility)
        self.method_ = resolve_method(self.method, utility, draws)
        total = n_subsets_of(self.method_, self.max_evaluations, self.alpha)
        sampling = OutputSampling(
            utility,
            draws,
            seed,
            total,
            shared=self.method_ == "shared",
            held_out_share=HELD_OUT_SHARE if self.amortize else 0.0,
            keeps=self.method_ in {"ridge", "lasso"},
        )
        header = None
        if self.checkpoint is not None:
            header = header_of(self, rows, seed, total)
            restore(sampling, saved, header, self.checkpoint)
        done = {"done": sampling.sums.n_subsets}
        progress = Progress("Datamodels", total, "evaluations", self.verbose, **done)
        sample = sampling.run(self.n_jobs, progress, checkpoint, header)
        found = estimate(self.method_, draws, sample, self.alpha, self.n_jobs)
        self.attributions_, errors, self.intercepts_ = found
        if errors is not None:
            self.attributions_stderr_ = errors
        self.expected_outputs_ = sample.moments.expected_outputs
        self.n_evaluations_ = sample.moments.n_subsets
        self.data_values_ = self.attributions_.mean(axis=1)
        if self.amortize:
            parts = sample.first, sample.held_out, sample.moments
            self._pair_models = models.fit(*parts, seed)

    def _utility(self, seed, X, y, X_target, y_target):
        classes = getattr(self, "classes_", None)
        estimator = seeded(self._estimator_or_default(), seed)
        if self._takes_rows:
            try_on(estimator, X, y if classes is None else classes[y])
        return RowUtility(
            estimator,
            X,
            y,
            X_target,
            y_target,
            classes=classes,
            scoring=self.output_,
            device=self.device,
        )

    # ------------------------------------------------------------------- tags

    @property
    def _accept_sparse(self):
        # The network reads dense rows.
        return False if self.amortize else super()._accept_sparse

    @property
    def _takes_rows(self):
        return self._reader() is not None and isinstance(self.encoder, str)

    def _known_task(self):
        return known_task(self.task, self._model_of_y())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        describe_input(self, tags.input_tags)
        return tags
