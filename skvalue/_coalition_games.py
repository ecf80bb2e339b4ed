"""The games that value the rows: one on held-out rows, or one a fold.

Without held-out rows of the user's, the training rows are split into folds. Each fold
is the held-out part of one game among the rows outside it; a row's value is the mean of
its values in the games that it plays in.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags

from ._utility import Utility
from .base import BaseValuator
from .utils._sklearn import HasMethods, Interval, StrOptions

# Sets the folds' seed apart from those of the games, which count from 0.
FOLDS = 2**32 - 1


@dataclass
class RowGame:
    """A game and the training rows that are its players.

    Attributes
    ----------
    utility : Utility
        What coalitions of the players are worth.

    rows : ndarray of shape (n_players,)
        Their row numbers in the training data.
    """

    utility: Utility
    rows: np.ndarray


class GameValuator(BaseValuator):
    """Base of the valuators that fit an estimator on coalitions of rows."""

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        scoring=None,
        cv=5,
        drop="auto",
        device="cpu",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(drop=drop, random_state=random_state, verbose=verbose)
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.device = device
        self.n_jobs = n_jobs

    @property
    def _accept_sparse(self):
        sparse = self.estimator is None or get_tags(self.estimator).input_tags.sparse
        return "csr" if sparse else False

    def _is_regression(self, y):
        if self.estimator is not None and is_regressor(self.estimator):
            return True
        regression = super()._is_regression(y)
        if regression and self.estimator is not None and is_classifier(self.estimator):
            raise ValueError(
                f"y is continuous, but estimator={type(self.estimator).__name__} is a "
                "classifier; give a regressor, or labels."
            )
        return regression

    def _draw_seed(self):
        """Seed of this fit; the global random state is neither read nor moved."""
        if isinstance(self.random_state, np.random.RandomState):
            return int(self.random_state.randint(2**31))
        if self.random_state is None:
            return int(np.random.SeedSequence().generate_state(1)[0])
        return int(self.random_state)

    def _make_games(self, X, y, X_val, y_val, seed):
        """The games of this fit.

        Returns
        -------
        games : list of RowGame
            One with held-out rows, one a fold without.
        """
        classes = getattr(self, "classes_", None)
        estimator = self._seeded_estimator(classes is None, seed)

        def game(rows, X_held_out, y_held_out):
            utility = Utility(
                estimator,
                X[rows],
                y[rows],
                X_held_out,
                y_held_out,
                classes=classes,
                scoring=self.scoring,
                device=self.device,
            )
            return RowGame(utility, rows)

        if X_val is not None:
            return [game(np.arange(X.shape[0]), X_val, y_val)]
        folds = self._folds(X, y, classes is None, seed)
        return [game(train, X[held_out], y[held_out]) for train, held_out in folds]

    def _seeded_estimator(self, is_regression, seed):
        """The estimator, with a seed wherever it would draw its own.

        Every coalition gets the same seed: common random numbers, so that marginal
        contributions are about the rows.
        """
        if self.estimator is None:
            return Ridge() if is_regression else LogisticRegression()
        estimator = clone(self.estimator)
        return estimator.set_params(
            **{
                name: seed % 2**31
                for name, value in estimator.get_params(deep=True).items()
                if value is None
                and (name == "random_state" or name.endswith("__random_state"))
            }
        )

    def _folds(self, X, y, is_regression, seed):
        if isinstance(self.cv, Integral):
            folds = _stratified_folds(y, self.cv, is_regression, seed)
        else:
            folds = list(check_cv(self.cv, y, classifier=not is_regression).split(X, y))
        played = np.zeros(len(y), dtype=int)
        for train, _ in folds:
            played[train] += 1
        if not played.all():
            raise ValueError(
                f"cv={self.cv!r} never trains on row {np.argmin(played)}, so it has no "
                "value; every row must be in the training part of a fold."
            )
        return folds


def _stratified_folds(y, n_folds, is_regression, seed):
    """Random folds with the classes spread evenly, whatever the labels are called.

    Unlike `StratifiedKFold` it does with classes of fewer rows than folds.
    """
    n_samples = len(y)
    if n_samples < 2 * n_folds:
        raise ValueError(
            f"cv={n_folds} folds of {n_samples} rows leave fewer than two rows a fold; "
            "lower cv, or give X_val and y_val."
        )
    order = np.random.default_rng((seed, FOLDS)).permutation(n_samples)
    if not is_regression:
        # Classes in the order of their first row, not of their names.
        _, first, codes = np.unique(y[order], return_index=True, return_inverse=True)
        order = order[np.argsort(first[codes], kind="stable")]
    fold = np.empty(n_samples, dtype=int)
    fold[order] = np.arange(n_samples) % n_folds
    return [
        (np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out))
        for held_out in range(n_folds)
    ]
