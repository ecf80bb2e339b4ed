r"""What a coalition of training rows is worth.

.. math:: U(S) = \mathrm{score}\big(\mathrm{fit}(S);\ X_{val}, y_{val}\big)

What a coalition without rows, or with rows of one class, is worth is decided here,
once: the empty coalition is the best constant prediction that the training labels allow
(majority class and class frequencies; their mean in regression), and a coalition of one
class predicts that class, constantly, with probability one. Following Ghorbani & Zou,
"Data Shapley: Equitable Valuation of Data for Machine Learning", ICML 2019.
"""

from contextlib import contextmanager
from functools import cached_property

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import check_scoring, r2_score
from sklearn.utils.metaestimators import available_if

from .._coalitions.game import Game
from .._linear_engine.applies import engine_applies, make_engine
from ..utils._predictions import class_probabilities
from ..utils._rows import n_bytes, take_rows
from ..utils._sample_weight import (
    check_scores_weights,
    check_takes_weights,
    fit_weighted,
)
from ..utils._sklearn import num_samples
from ._forest_cells import forest_cells


class Utility(Game):
    """Score on held-out rows of an estimator fitted on a coalition.

    Parameters
    ----------
    estimator : estimator object
        Cloned for every coalition.

    X : {ndarray, sparse matrix, dataframe, list} of shape (n_samples, n_features)
        Training rows.

    y : ndarray of shape (n_samples,)
        Class codes, or real targets.

    X_val : {ndarray, sparse matrix, dataframe, list} of shape (n_val, n_features)
        Held-out rows.

    y_val : ndarray of shape (n_val,)
        Class codes, or real targets.

    classes : ndarray of shape (n_classes,) or None
        The labels behind the codes; None for regression. Estimator and scorer see the
        labels themselves.

    scoring : str, callable or None, default=None
        None: mean predicted probability of the true class (accuracy where the estimator
        has no ``predict_proba``); in regression R², clipped at -1.

    device : str, default="cpu"
        Torch device of the batched engine, where that applies.

    precision : {"float32", "float64"} or None, default=None
        Of the engine's products; None is its own choice.

    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the training rows in every fit; a row without weight is in no
        coalition. None: all weigh the same. The engine does not apply to weights.

    sample_weight_val : ndarray of shape (n_val,) or None, default=None
        Weights of the held-out rows in every score.
    """

    # Whether a coalition is worth something for each held-out row by itself.
    _by_row = False
    # What to do where an estimator fails on few rows.
    _more_rows = "raise min_coalition_size"

    def __init__(
        self,
        estimator,
        X,
        y,
        X_val,
        y_val,
        *,
        classes,
        scoring=None,
        device="cpu",
        precision=None,
        sample_weight=None,
        sample_weight_val=None,
    ):
        self.estimator = estimator
        self.X = X
        self.y = y
        self.X_val = X_val
        self.y_val = y_val
        self.classes = classes
        self.scoring = scoring
        self.device = device
        self.precision = precision
        self.sample_weight = sample_weight
        self.sample_weight_val = sample_weight_val
        self.n_players = num_samples(X)
        self._check()

    def _check(self):
        if self.classes is None and self.scoring is None and np.ptp(self.y_val) == 0:
            raise ValueError(
                "R² needs held-out rows with at least two different targets; y_val has "
                f"{len(self.y_val)} row(s), all equal. Give more rows, fewer folds, or "
                "another scoring."
            )
        if self.scoring is not None:
            scorer = check_scoring(self.estimator, self.scoring)
            check_scores_weights(scorer, self.sample_weight_val, self.scoring)
        check_takes_weights(self.estimator, self.sample_weight)

    def value(self, rows):
        """Worth of one coalition, see `Game.value`."""
        if self.sample_weight is not None:
            rows = rows[self.sample_weight[rows] > 0]
        if len(rows) == 0:
            return self.empty_value
        if self.classes is not None:
            code = self.y[rows[0]]
            if (self.y[rows] == code).all():
                return self.one_class_value(code)
        model = clone(self.estimator)
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        # Re-raised, never replaced by a number: a fit that fails is no coalition
        # without worth.
        coalition = f"a coalition of {len(rows)} row(s)"
        with _blaming(f"{type(model).__name__} failed on {coalition}", self._more_rows):
            X, labels = take_rows(self.X, rows), self._labels(self.y[rows])
            fit_weighted(model, X, labels, weights)
        return self._score(model, coalition)

    # ------------------------------------------------------- many coalitions at once

    @cached_property
    def engine(self):
        """What scores many coalitions at once; None where only refits do."""
        return self._make_engine(dtype=self.precision)

    @cached_property
    def exact_engine(self):
        """What leaves rows out to solver tolerance; None where only refits do."""
        engine = self._make_engine(exact=True)
        return engine if engine and engine.supports_leave_one_out else None

    def _make_engine(self, **precision):
        if self.sample_weight is not None:
            return None
        is_classification = self.classes is not None
        if not engine_applies(
            self.estimator, self._engine_scoring, self.X, is_classification
        ):
            return None
        # A memory map of a worker is read-only, which torch does not take.
        X, X_val = (np.require(rows, requirements="W") for rows in (self.X, self.X_val))
        return make_engine(
            self.estimator,
            self.scoring,
            X,
            self.y,
            X_val,
            self.y_val,
            classes=self.classes,
            empty_value=self.empty_value,
            one_class_value=self.one_class_value if is_classification else None,
            device=self.device,
            by_row=self._by_row,
            **precision,
        )

    @property
    def _engine_scoring(self):
        """The scoring, as far as whether the engine applies depends on it."""
        return self.scoring

    @property
    def is_batched(self):
        """Whether the engine applies."""
        return self.engine is not None

    @property
    def shares_subsets(self):
        """Whether the engine gives every row's contribution from one fit."""
        return self.is_batched and self.engine.supports_in_out

    @property
    def in_out_operations(self):
        """Multiplications of `in_out` of a coalition, about; 0: not known."""
        return self.engine.in_out_operations if self.shares_subsets else 0

    def scores(self, masks):
        """Worth of coalitions, see `Game.scores`."""
        return self.engine.scores(masks) if self.is_batched else super().scores(masks)

    def walk(self, permutations, min_size=0):
        """Marginal contributions along permutations, see `Game.walk`."""
        if self.is_batched:
            return self.engine.walk(permutations, min_size)
        return super().walk(permutations, min_size)

    def in_out(self, masks):
        """Contribution of every row to each coalition, see `Game.in_out`."""
        if self.shares_subsets:
            return self.engine.in_out(masks)
        return super().in_out(masks)

    def known_games(self):
        """Means over the cells of a forest, see `Game.known_games`."""
        return forest_cells(self)

    def block_size(self, kind):
        """Coalitions (permutations for "walk") that make up one task."""
        if self.shares_subsets if kind == "in_out" else self.is_batched:
            return self.engine.block_size(kind)
        return super().block_size(kind)

    # ------------------------------------------------------ coalitions without a model

    @cached_property
    def empty_value(self):
        """Worth of the best constant prediction."""
        if self.classes is None:
            model = DummyRegressor().fit(self.X, self.y, self.sample_weight)
            return self._score(model)
        return self._constant_value(self.y, self.sample_weight)

    def one_class_value(self, code):
        """Worth of a coalition whose rows are all of one class."""
        return self._one_class_values[code]

    @cached_property
    def _one_class_values(self):
        codes = np.arange(len(self.classes))
        return [self._constant_value(codes[[code]]) for code in codes]

    def _constant_value(self, codes, sample_weight=None):
        labels = self._labels(codes)
        model = DummyClassifier(strategy="prior").fit(
            np.zeros((len(labels), 1)), labels, sample_weight
        )
        return self._score(model)

    def _labels(self, codes):
        return codes if self.classes is None else self.classes[codes]

    def _score(self, model, fitted_on="constant predictions"):
        if self.classes is not None and not np.array_equal(
            getattr(model, "classes_", ()), self.classes
        ):
            model = _KnownClasses(model, self.classes)
        weights = self.sample_weight_val
        if self.scoring is not None:
            return self._custom_score(model, fitted_on)
        n_held_out = len(self.y_val)
        name = type(self.estimator).__name__
        failed = f"{name}, fitted on {fitted_on}, failed to predict"
        with _blaming(failed, self._more_rows):
            if self.classes is None:
                predicted = model.predict(self.X_val)
                return max(r2_score(self.y_val, predicted, sample_weight=weights), -1.0)
            if hasattr(self.estimator, "predict_proba"):
                probability = class_probabilities(model, self.X_val, self.classes)
                own = probability[np.arange(n_held_out), self.y_val]
            else:
                own = model.predict(self.X_val) == self._labels(self.y_val)
            return float(np.average(own, weights=weights))

    def _custom_score(self, model, fitted_on):
        """What the user's scoring says; where that is no number, it is to blame."""
        weights, given = self.sample_weight_val, {}
        if weights is not None:
            given["sample_weight"] = weights
        labels = self._labels(self.y_val)
        failed = f"scoring={self.scoring!r} failed on a model of {fitted_on}"
        with _blaming(failed, self._more_rows):
            score = self._scorer(model, self.X_val, labels, **given)
        try:
            score = float(score)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"scoring={self.scoring!r} returned {type(score).__name__}; a score is "
                "one number."
            ) from error
        if not np.isfinite(score):
            raise ValueError(
                f"scoring={self.scoring!r} returned {score} for {len(self.y_val)} "
                "held-out row(s); a score must be finite. Where it needs several "
                "classes or more rows, lower cv, or give X_val and y_val."
            )
        return score

    @cached_property
    def _scorer(self):
        return check_scoring(self.estimator, self.scoring)

    def __sizeof__(self):
        # Dask sends an argument once a worker, instead of with every task, where it
        # knows that the argument is large.
        return object.__sizeof__(self) + n_bytes(self.X) + n_bytes(self.X_val)

    def __getstate__(self):
        # What is computed on first use is computed again in a worker: cheaper than
        # sending it.
        cached = {
            "engine",
            "exact_engine",
            "empty_value",
            "_one_class_values",
            "_scorer",
        }
        return {k: v for k, v in vars(self).items() if k not in cached}


@contextmanager
def _blaming(what, advice):
    """Raise again what goes wrong, under the name of what did."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(
            f"{what}: {type(error).__name__}: {error}. If it needs more rows than "
            f"that, {advice}."
        ) from error


class _KnownClasses(ClassifierMixin, BaseEstimator):
    """A classifier that knows some of the classes, in any order, as one of them all.

    Classes that the coalition lacks have probability zero, so that scorers find one
    column a class. There is no decision function: its shape would change.
    """

    def __init__(self, model, classes):
        self.model = model
        self.classes = classes
        self.classes_ = classes

    def predict(self, X):
        return self.model.predict(X)

    @available_if(lambda self: hasattr(self.model, "predict_proba"))
    def predict_proba(self, X):
        return class_probabilities(self.model, X, self.classes_)
