r"""Attribution of predictions to columns, by games that the columns play.

.. math:: \phi_i(x) = \sum_{S \subseteq N \setminus i} w(|S|)\,
          \big( f(x_{S \cup i}) - f(x_S) \big)

Source: Covert, Kim, Lee, Zou & Hashimoto, "Stochastic Amortization: A Unified Approach
to Accelerate Feature and Data Attribution", NeurIPS 2024, sections 4.1 and 4.2.
"""

from copy import deepcopy
from numbers import Integral

from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Bunch, get_tags
from sklearn.utils.validation import check_is_fitted

from ..utils._doc_link import DocLinkMixin
from ..utils._naming import refuse_classes
from ..utils._random import integer_seed
from ..utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
)
from ._attributing import Attributing
from ._column_game import ColumnGame
from ._methods import DESIGNS, resolve_method
from ._players import Players
from ._responses import Response, is_fitted


class FeatureAttribution(Attributing, TransformerMixin, DocLinkMixin, BaseEstimator):
    r"""Attribute the predictions of a model to the columns of each row.

    The columns of a row x play a game: a coalition S is worth what the model says when
    only its columns are known, :math:`f(x_S)`, and the others come from the background.
    The attribution of a column is its Shapley value,

    .. math:: \phi_i(x) = \frac{1}{d} \sum_{S \subseteq N \setminus i}
              \binom{d - 1}{|S|}^{-1} \big( f(x_{S \cup i}) - f(x_S) \big), \qquad
              \sum_i \phi_i(x) = f(x) - f(x_\emptyset),

    its Banzhaf value, or its coefficient in LIME. ``fit`` takes the background and
    draws coalitions once; ``transform`` evaluates them for every row, in large batches.

    Parameters
    ----------
    estimator : fitted estimator or callable
        The model, as it is: neither cloned nor fitted. A Pipeline takes the rows that
        it was fitted on, so that columns which it encodes as several are one player
        each. A callable takes rows and returns ``(n_rows,)`` or ``(n_rows, n_outputs)``
        numbers.

        `clone` forgets that an estimator was fitted; a
        `~sklearn.frozen.FrozenEstimator` around it does not. Of an estimator that is
        not fitted, ``fit(X, y)`` fits a clone.

    method : str, default="auto"
        How the values are estimated:

        - ``"gaussian_process"``: Shapley values, the posterior mean of a Gaussian
          process over games that is learned from a few rows of the background, by the
          coalitions that tell it most;
        - ``"regression"``: its posterior mean by random coalitions, adjusted by what it
          misses, without bias;
        - ``"kernel_shap"``: Shapley values by constrained least squares;
        - ``"permutation"``: Shapley values by orders of the columns, in antithetic
          pairs, without bias;
        - ``"sgd_shapley"``: Shapley values by stochastic gradient descent, which is
          biased, for comparison;
        - ``"banzhaf"``: Banzhaf values by maximum sample reuse, adjusted by such a
          regression up to 8192 coalitions, without bias;
        - ``"lime"``: the coefficients of LIME by weighted least squares;
        - ``"auto"``: of the Shapley values what had least error:
          ``"gaussian_process"``, and ``"kernel_shap"`` for more than 8192 coalitions.

        All but ``"sgd_shapley"`` enumerate the coalitions where the budget allows it.

    n_samples : int or "auto", default="auto"
        Coalitions a row, beside the empty and the full one. ``"auto"`` takes all of up
        to 10 players, else 16 a player, at least 512.

    imputation : {"mean", "marginal"}, default="mean"
        What an absent column is replaced by: its mean in the background (the most
        frequent value of columns that are no numbers, and of booleans), or its cells in
        `n_background` rows, whose predictions are averaged.

    n_background : int or None, default=64
        Rows of the background, drawn at random, for ``imputation="marginal"``; the cost
        is proportional to it. None: all rows.

    column_groups : dict, list of lists, fitted transformer or None, default=None
        Columns that are one player together, by names or numbers:
        ``{"colour": ["red", "blue"]}`` or ``[[0, 1], [4, 5]]``. Any other column is a
        player of its own. Players are in the order of their first columns.

        Of a `~sklearn.preprocessing.OneHotEncoder`, a
        `~sklearn.compose.ColumnTransformer` or a Pipeline of these, whose output `X`
        is: the columns that encode the same column are one player.

    response_method : str, default="auto"
        What is explained: ``"predict_proba"``, ``"predict_log_proba"``,
        ``"decision_function"`` or ``"predict"``. ``"auto"``: of classifiers the first
        that they have of `predict_proba`, `decision_function` and `predict`, of outlier
        detectors `decision_function`, of others `predict`.

    output : class label, int or None, default=None
        The class, or the number of the output, that is explained. None: all of them;
        of two classes the second.

    batch_size : int or "auto", default="auto"
        Rows that the model gets at once. ``"auto"``: as many as have a million cells.

    n_jobs : int or None, default=None
        Joblib workers, which explain chunks of the rows. ``joblib.parallel_config``
        spreads them over a cluster. The values do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seed of the coalitions and of the background rows.

    verbose : int, default=0
        1: print a line of progress now and then, with the time left; 2: all of them.

    Attributes
    ----------
    estimator_ : estimator or callable
        What is explained: `estimator` itself, or the clone that was fitted.

    base_values_ : float or ndarray of shape (n_outputs,)
        Prediction without any column, :math:`f(x_\emptyset)`.

    outputs_ : ndarray of shape (n_outputs,)
        Labels of the classes, or numbers of the outputs, that are explained.

    n_outputs_ : int
        Number of them.

    n_players_ : int
        Columns, or groups of them.

    method_ : str
        The method that is used.

    n_samples_ : int
        Coalitions a row at most.

    n_features_in_ : int
        Number of columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has them.

    See Also
    --------
    skvalue.utils.estimator_checks.check_attribution : What attributions promise.
    sklearn.inspection.permutation_importance : One number a column, for all rows.

    Notes
    -----
    A row costs `n_samples` predictions, times the background rows with
    ``imputation="marginal"``. Everything else is a product of matrices, because the
    coalitions are the same for all rows: the attribution of a row does not depend on
    the others. ``"gaussian_process"``, ``"regression"`` and ``"banzhaf"`` solve once
    for the coalitions, O(n_samples³ / 8), and evaluate at most 512 coalitions of 16
    rows of the background in ``fit``.

    For models of trees, the exact Shapley values of another game, where absent columns
    follow the splits, cost less: that is the business of the package ``shap``.

    References
    ----------
    Lundberg, S. M. and Lee, S.-I. (2017). "A Unified Approach to Interpreting Model
    Predictions". Advances in Neural Information Processing Systems 30.

    Covert, I. and Lee, S.-I. (2021). "Improving KernelSHAP: Practical Shapley Value
    Estimation via Linear Regression". AISTATS.

    Covert, I., Kim, C., Lee, S.-I., Zou, J. and Hashimoto, T. (2024). "Stochastic
    Amortization: A Unified Approach to Accelerate Feature and Data Attribution".
    Advances in Neural Information Processing Systems 37.

    Witter, R. T., Liu, Y. and Musco, C. (2025). "Regression-adjusted Monte Carlo
    Estimators for Shapley Values and Probabilistic Values". Advances in Neural
    Information Processing Systems 38.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skvalue import FeatureAttribution
    >>> X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0], [3.0, 6.0]])
    >>> model = LinearRegression().fit(X, 2 * X[:, 0] - X[:, 1])
    >>> attribution = FeatureAttribution(model).fit(X)
    >>> attribution.transform([[3.0, 4.0]]).round(3)
    array([[ 3., -1.]])
    >>> float(attribution.base_values_.round(3))
    0.0
    """

    _parameter_constraints = {
        "estimator": [HasMethods("fit"), HasMethods("predict"), callable],
        "method": [StrOptions({"auto", *DESIGNS})],
        "n_samples": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "imputation": [StrOptions({"mean", "marginal"})],
        "n_background": [Interval(Integral, 1, None, closed="left"), None],
        "column_groups": [dict, list, tuple, HasMethods("transform"), None],
        "response_method": [
            StrOptions(
                {
                    "auto",
                    "predict_proba",
                    "predict_log_proba",
                    "decision_function",
                    "predict",
                }
            )
        ],
        "output": "no_validation",
        "batch_size": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator,
        *,
        method="auto",
        n_samples="auto",
        imputation="mean",
        n_background=64,
        column_groups=None,
        response_method="auto",
        output=None,
        batch_size="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.method = method
        self.n_samples = n_samples
        self.imputation = imputation
        self.n_background = n_background
        self.column_groups = column_groups
        self.response_method = response_method
        self.output = output
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Keep what absent columns are replaced by, and draw the coalitions.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            The background.

        y : array-like of shape (n_samples,), default=None
            Targets, for an estimator that is not fitted; of no use to others.

        Returns
        -------
        self : object
            The fitted attribution.

        Raises
        ------
        ValueError
            If the budget is too small for the method, or a parameter does not suit the
            model.

        NotFittedError
            If the estimator is not fitted, and there is no `y` to fit it to.
        """
        refuse_classes(estimator=self.estimator)
        table = self._table(X, reset=True)
        self.estimator_ = self._fitted_estimator(X, y)
        self._players = Players(
            self.column_groups,
            check_feature_names_in(self),
            hasattr(self, "feature_names_in_"),
        )
        self.n_players_ = len(self._players)
        self._seed = integer_seed(self.random_state)
        response = Response(self.estimator_, self.response_method, self.output)
        batch_size = None if self.batch_size == "auto" else self.batch_size
        self._game = ColumnGame(
            response, self._background(table), self._players.player_of, batch_size
        )
        self._empty = self._game.empty()
        self.n_outputs_ = len(self._empty)
        self.outputs_ = response.labels(self.n_outputs_)
        self.base_values_ = self._empty if self.n_outputs_ > 1 else self._empty[0]
        self.n_samples_ = self._budget()
        self.method_ = resolve_method(self.method, self.n_samples_)
        self._prior = self._learned_prior(table)
        self._plan_of_fit = self._plan(self._seed, self.n_samples_)
        return self

    def transform(self, X):
        """Attribute the predictions of rows to their columns.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_players[, n_outputs])
            In units of the response, the second where there are several outputs.
            ``set_output`` makes frames of the first.
        """
        check_is_fitted(self)
        self._refuse_frames(self)
        return self._squeezed(self._draw(X, None, errors=False).values)

    def explain(self, X):
        """Attribute the predictions of rows, with standard errors.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        explanation : Bunch
            With ``attributions`` and their ``standard_errors``, both of the shape that
            ``transform`` returns; ``predictions``, of shape (n_samples,) or (n_samples,
            n_outputs); ``base_values``, see `base_values_`; ``feature_names`` and
            ``outputs``. Errors are those of drawing coalitions: 0 where all are
            enumerated, rough where few are drawn, as with two pairs of permutations,
            NaN where the draw tells none, as with one pair, or with
            ``method="sgd_shapley"``.
        """
        check_is_fitted(self)
        draw = self._draw(X, None)
        return Bunch(
            attributions=self._squeezed(draw.values),
            standard_errors=self._squeezed(draw.stderr),
            base_values=self.base_values_,
            predictions=self._squeezed(draw.predictions),
            feature_names=self.get_feature_names_out(),
            outputs=self.outputs_,
        )

    def get_feature_names_out(self, input_features=None):
        """Return the names of the players: of columns, or groups of them.

        Parameters
        ----------
        input_features : array-like of shape (n_features,), default=None
            Names of the columns, where `X` had none; else the same as these.

        Returns
        -------
        feature_names_out : ndarray of shape (n_players,), dtype object
            Columns of what ``transform`` returns.
        """
        check_is_fitted(self)
        return self._players.names_of(check_feature_names_in(self, input_features))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        # What a callable takes is its own business.
        tags.input_tags.allow_nan = not hasattr(self.estimator, "fit")
        if isinstance(self.estimator, type):
            return tags
        if hasattr(self.estimator, "__sklearn_tags__"):
            parts = get_tags(self.estimator)
            for name in ("allow_nan", "string", "categorical", "positive_only"):
                setattr(tags.input_tags, name, getattr(parts.input_tags, name))
            if not is_fitted(self.estimator):
                tags.target_tags = deepcopy(parts.target_tags)
        return tags
