r"""Attribution of predictions to columns, by games that the columns play.

.. math:: \phi_i(x) = \sum_{S \subseteq N \setminus i} w(|S|)\,
          \big( f(x_{S \cup i}) - f(x_S) \big)

Source: Covert, Kim, Lee, Zou & Hashimoto, "Stochastic Amortization: A Unified Approach
to Accelerate Feature and Data Attribution", NeurIPS 2024, sections 4.1 and 4.2.
"""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import Bunch, gen_batches, get_tags
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._progress import Progress, in_parallel
from ..utils._random import integer_seed
from ..utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    get_feature_names,
    get_output_config,
)
from ._column_game import ColumnGame
from ._draws import Plan, concatenated
from ._methods import DESIGNS, is_efficient, resolve_method
from ._players import Players
from ._responses import Response, is_fitted
from ._tables import Schema, is_mixed

# Worth of coalitions that is held at once: 32 MB.
CELLS_AT_ONCE = 4_000_000


class FeatureAttribution(TransformerMixin, BaseEstimator):
    """TODO."""

    _parameter_constraints = {
        "estimator": [HasMethods("fit"), HasMethods("predict"), callable],
        "method": [StrOptions({"auto", *DESIGNS})],
        "n_samples": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "imputation": [StrOptions({"mean", "marginal"})],
        "n_background": [Interval(Integral, 1, None, closed="left"), None],
        "groups": [dict, list, tuple, None],
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
        groups=None,
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
        self.groups = groups
        self.response_method = response_method
        self.output = output
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Keep what absent columns are replaced by, and draw the coalitions."""
        if isinstance(self.estimator, type):
            raise ValueError(
                f"estimator must be an instance, such as {self.estimator.__name__}(), "
                "not a class."
            )
        table = self._table(X, reset=True)
        self.estimator_ = self._fitted_estimator(X, y)
        names = get_feature_names(X)
        columns = names
        if names is None:
            columns = np.array([f"x{place}" for place in range(self.n_features_in_)])
        players = Players(self.groups, columns.astype(object), names is not None)
        self._player_of, self._player_names = players.player_of, players.names
        self.n_players_ = len(players.names)
        self._seed = integer_seed(self.random_state)
        response = Response(self.estimator_, self.response_method, self.output)
        batch_size = None if self.batch_size == "auto" else self.batch_size
        self._game = ColumnGame(
            response, self._background(table), self._player_of, batch_size
        )
        self._empty = self._game.empty()
        self.n_outputs_ = len(self._empty)
        self.outputs_ = response.labels(self.n_outputs_)
        self.base_values_ = self._empty if self.n_outputs_ > 1 else self._empty[0]
        self.n_samples_ = self._budget()
        self.method_ = resolve_method(self.method, self.n_players_, self.n_samples_)
        self._plan(self._seed, self.n_samples_)
        return self

    def transform(self, X):
        """Attributions."""
        check_is_fitted(self)
        dense = get_output_config("transform", self)["dense"]
        if self.n_outputs_ > 1 and dense != "default":
            raise ValueError(
                f"a frame ({dense}) holds the attributions of one output, and the model "
                f"has {self.n_outputs_}: set output to one of {list(self.outputs_)[:20]}."
            )
        return self._squeezed(self._draw(X, None).values)

    def explain(self, X):
        """Attributions and errors."""
        check_is_fitted(self)
        draw = self._draw(X, None)
        return Bunch(
            values=self._squeezed(draw.values),
            standard_errors=self._squeezed(draw.stderr),
            base_values=self.base_values_,
            predictions=self._squeezed(draw.predictions),
            feature_names=self.get_feature_names_out(),
        )

    def get_feature_names_out(self, input_features=None):
        """Names of the players."""
        check_is_fitted(self)
        if input_features is not None:
            given = np.asarray(input_features, dtype=object)
            known = getattr(self, "feature_names_in_", None)
            if known is not None and not np.array_equal(known, given):
                raise ValueError("input_features is not equal to feature_names_in_")
            if len(given) != self.n_features_in_:
                raise ValueError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}"
                )
            return Players(self.groups, given, True).names
        return self._player_names.copy()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        if hasattr(self.estimator, "fit") and not isinstance(self.estimator, type):
            parts = get_tags(self.estimator)
            for name in ("allow_nan", "string", "categorical", "positive_only"):
                setattr(tags.input_tags, name, getattr(parts.input_tags, name))
            if not is_fitted(self.estimator):
                tags.target_tags = parts.target_tags
                tags.target_tags.required = parts.target_tags.required
        return tags

    # ------------------------------------------------- what AmortizedAttribution uses

    @property
    def _is_efficient(self):
        return is_efficient(self.method_)

    def _draw(
        self,
        X,
        seed,
        *,
        n_samples=None,
        halves=False,
        effects=False,
        rows_a_design=None,
    ):
        """Attributions of rows with a seed of their own; None: that of the fit."""
        table = self._table(X, reset=False)
        seed = self._seed if seed is None else seed
        n_samples = self.n_samples_ if n_samples is None else n_samples
        options = {"halves": halves, "effects": effects}
        tasks = []
        blocks = gen_batches(len(table), rows_a_design or len(table))
        for number, block in enumerate(blocks):
            rows = table.part(block)
            if rows_a_design is None:
                plan = self._plan(seed, n_samples, **options)
                at_once = max(
                    1, CELLS_AT_ONCE // (max(len(plan.masks), 1) * self.n_outputs_)
                )
                tasks += [
                    delayed(plan.read)(self._game, rows.part(some), self._empty)
                    for some in gen_batches(len(rows), at_once)
                ]
            else:
                arguments = self.method_, self.n_players_, n_samples, (seed, number)
                tasks.append(
                    delayed(_read_new)(
                        arguments, options, self._game, rows, self._empty
                    )
                )
        progress = Progress(type(self).__name__, len(tasks), "chunks", self.verbose)
        return concatenated(in_parallel(tasks, progress, n_jobs=self.n_jobs))

    def _worth(self, X, masks):
        """The game itself: ``(n_rows, n_masks, n_outputs)``."""
        table = self._table(X, reset=False)
        return self._game.worth(table, np.asarray(masks, bool)).transpose(1, 0, 2)

    def _check_rows(self, X):
        """X itself, if it could be transformed."""
        self._table(X, reset=False)
        return X

    # -------------------------------------------------------------------- parts of fit

    def _plan(self, seed, n_samples, **options):
        return Plan(self.method_, self.n_players_, n_samples, (seed, 0), **options)

    def _budget(self):
        if self.n_samples != "auto":
            return self.n_samples
        if self.n_players_ <= 10:
            return max(2, 2**self.n_players_ - 2)
        return max(512, 16 * self.n_players_)

    def _squeezed(self, values):
        return values[..., 0] if self.n_outputs_ == 1 else values

    def _fitted_estimator(self, X, y):
        if is_fitted(self.estimator):
            return self.estimator
        if y is None and get_tags(self.estimator).target_tags.required:
            raise NotFittedError(
                f"estimator={type(self.estimator).__name__} is not fitted. Fit it "
                "first, in a FrozenEstimator where clones shall keep it; or give y, for "
                "a clone to be fitted on X and y."
            )
        fitted = clone(self.estimator)
        return fitted.fit(X) if y is None else fitted.fit(X, y)

    def _background(self, table):
        if self.imputation == "mean":
            return table.mean()
        n_rows = len(table)
        if self.n_background is None or self.n_background >= n_rows:
            return table
        rng = np.random.default_rng((self._seed, 1))
        return table.part(np.sort(rng.choice(n_rows, self.n_background, replace=False)))

    def _table(self, X, reset):
        """Rows as the game takes them, checked."""
        allow_nan = get_tags(self).input_tags.allow_nan
        if is_mixed(X):
            validate_data(self, X, skip_check_array=True, reset=reset)
        else:
            X = validate_data(
                self,
                X,
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan" if allow_nan else True,
                reset=reset,
            )
        if reset:
            self._schema = Schema(X)
        return self._schema.table(X, allow_nan)


def _read_new(arguments, options, game, table, empty):
    """Attributions of rows by coalitions of their own."""
    return Plan(*arguments, **options).read(game, table, empty)
