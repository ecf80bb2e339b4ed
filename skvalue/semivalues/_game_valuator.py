"""The base of every valuator whose rows are players of games: one game a split."""

from numbers import Integral

import numpy as np
from sklearn.metrics import get_scorer_names

from ..base import BaseValuator
from ..utils._folds import make_splits
from ..utils._naming import try_on
from ..utils._random import seeded
from ..utils._rows import take_rows
from ..utils._sklearn import HasMethods, Interval, StrOptions
from ._coalition_model import CoalitionModel
from ._grouped_utility import GroupedUtility
from ._utility import Utility

# Fewer held-out rows make no R², and say little of a probability.
LEAST_ROWS_A_FOLD = 2


class GameValuator(CoalitionModel, BaseValuator):
    """Base of the valuators that fit an estimator on coalitions of rows."""

    _uses_held_out = True
    _cost = "hundreds of fits; of linear models at once"

    _parameter_constraints = {
        **BaseValuator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
        "device": [str],
        "n_jobs": [Integral, None],
        "unit": [StrOptions({"rows", "groups"})],
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
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.device = device
        self.n_jobs = n_jobs

    @property
    def _by_groups(self):
        """Whether the players are groups of rows."""
        return getattr(self, "unit", "rows") == "groups"

    @property
    def _n_players(self):
        """Players of all games together."""
        return len(self.groups_) if self._by_groups else len(self._target)

    def _make_games(self, X, y, X_val, y_val, seed, sample_weight, groups):
        """The games of this fit, and who plays in each.

        Returns
        -------
        games : list of Utility or GroupedUtility
            One with held-out rows, one a fold without.

        players : list of ndarray
            Numbers of the players of each: rows, or groups.

        rows : list of ndarray
            Numbers of the training rows of each.
        """
        if self._by_groups:
            self._check_groups()
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
            sample_weight=sample_weight,
            groups=groups,
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
                sample_weight=split.sample_weight,
                sample_weight_val=split.sample_weight_val,
            )
            for split in splits
        ]
        everyone = np.arange(len(y))
        rows = [everyone[split.rows] for split in splits]
        if not self._by_groups:
            return games, rows, rows
        present = [
            np.unique(self._group_codes[index], return_inverse=True) for index in rows
        ]
        players, codes = zip(*present, strict=True)
        if min(map(len, players)) < 2:
            raise ValueError(
                f"cv={self.cv!r} leaves training rows of one group only, and groups "
                "are valued beside others; give X_val and y_val, or another cv."
            )
        return list(map(GroupedUtility, games, codes)), list(players), rows

    def _check_groups(self):
        n_groups = len(getattr(self, "groups_", ()))
        if n_groups < 2:
            given = "one" if n_groups else "none"
            raise ValueError(
                'unit="groups" needs groups of two labels at least, and fit got '
                f'{given}; give fit groups, or unit="rows".'
            )

    def _keep_values(self, values, errors=None):
        """Keep the values of the players; rows of a group share its value evenly."""
        if not self._by_groups:
            self.data_values_ = values
            if errors is not None:
                self.data_values_stderr_ = errors
            return
        codes = self._group_codes
        sizes = np.bincount(codes)
        self.group_values_ = values
        self.data_values_ = (values / sizes)[codes]
        if errors is not None:
            self.group_values_stderr_ = errors
            self.data_values_stderr_ = (errors / sizes)[codes]
