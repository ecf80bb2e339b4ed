"""The base of every valuator whose rows are players of games: one game a split."""

from numbers import Integral

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer_names
from sklearn.utils import get_tags

from .._linear_engine.applies import SCORINGS
from ..base import BaseValuator
from ..utils._folds import make_splits
from ..utils._naming import try_on
from ..utils._random import seeded
from ..utils._rows import take_rows
from ..utils._sklearn import HasMethods, Interval, StrOptions
from ._utility import Utility

# Fewer held-out rows make no R², and say little of a probability.
LEAST_ROWS_A_FOLD = 2


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
        task="auto",
        encoder="auto",
        drop="auto",
        device="cpu",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            task=task,
            encoder=encoder,
            drop=drop,
            random_state=random_state,
            verbose=verbose,
        )
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.device = device
        self.n_jobs = n_jobs

    @property
    def _accept_sparse(self):
        sparse = self.estimator is None or get_tags(self.estimator).input_tags.sparse
        return "csr" if sparse else False

    def _model_of_y(self):
        return self.estimator

    def _reader(self):
        return self.estimator

    @property
    def _keeps_frames(self):
        # The batched engine reads arrays.
        return type(self.estimator) not in SCORINGS

    def _make_games(self, X, y, X_val, y_val, seed):
        """The games of this fit, and the rows that are the players of each.

        Returns
        -------
        games : list of Utility
            One with held-out rows, one a fold without.

        players : list of ndarray
            Row numbers in the training data.
        """
        classes = getattr(self, "classes_", None)
        # Every coalition gets the same seed: common random numbers, so that marginal
        # contributions are about the rows.
        estimator = seeded(self._estimator_or_default(), seed)
        if self._takes_rows:
            labels = y if classes is None else classes[y]
            try_on(estimator, X, labels)
        splits = make_splits(
            X,
            y,
            X_val,
            y_val,
            cv=self.cv,
            classification=classes is not None,
            seed=seed,
            least_rows_a_fold=LEAST_ROWS_A_FOLD,
        )
        games = [
            Utility(
                estimator,
                take_rows(X, split.rows),
                y[split.rows],
                split.X_val,
                split.y_val,
                classes=classes,
                scoring=self.scoring,
                device=self.device,
            )
            for split in splits
        ]
        everyone = np.arange(len(y))
        return games, [everyone[split.rows] for split in splits]

    def _estimator_or_default(self):
        if self.estimator is not None:
            return self.estimator
        return LogisticRegression() if hasattr(self, "classes_") else Ridge()
