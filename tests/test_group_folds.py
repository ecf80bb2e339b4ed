"""A cv that splits by groups, inside every method that cross-fits."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

import skvalue
from skvalue.utils._folds import make_folds

SMALL = {"min_coalition_size": 5, "max_coalition_size": 10, "max_evaluations": 24}
SOURCE = skvalue.DataShapley(GaussianNB(), max_evaluations=2000)
CROSS_FITTING = [
    skvalue.SelfConfidence(),
    skvalue.KNNShapley(),
    skvalue.LAVA(),
    skvalue.KAIROS(),
    skvalue.DVRL(max_epochs=2),
    skvalue.BoostingInfluence(),
    skvalue.InfluenceFunction(),
    skvalue.LeaveOneOut(),
    skvalue.DataShapley(max_evaluations=24),
    skvalue.BetaShapley(max_evaluations=24),
    skvalue.DataBanzhaf(max_evaluations=24),
    skvalue.Semivalue(lambda sizes, n: np.ones(n), max_evaluations=24),
    skvalue.DistributionalShapley(**SMALL),
    skvalue.AME(max_evaluations=24),
    skvalue.SubsampleInfluence(max_evaluations=60),
    skvalue.AmortizedShapley(SOURCE, regressor="ridge"),
    skvalue.ConsensusValuator([("far", skvalue.SelfConfidence())]),
]


def with_cv(valuator, cv):
    """A clone that splits by `cv`."""
    valuator = clone(valuator)
    names = [name for name in valuator.get_params() if name.split("__")[-1] == "cv"]
    seeds = {"random_state": 0} if "random_state" in valuator.get_params() else {}
    return valuator.set_params(**dict.fromkeys(names, cv), **seeds)


def test_all_that_cross_fit_are_here():
    having = {
        name
        for name in skvalue.__all__
        if "cv" in getattr(getattr(skvalue, name), "_get_param_names", list)()
        # What explains predictions takes a number of folds only.
        and getattr(skvalue, name).__module__.split(".")[1] != "explain"
    }
    assert having <= {type(valuator).__name__ for valuator in CROSS_FITTING}


@pytest.fixture(scope="module")
def problem():
    X, y = make_classification(48, 4, class_sep=2.0, random_state=0)
    return X, y, np.random.default_rng(0).integers(6, size=48)


@pytest.mark.parametrize("valuator", CROSS_FITTING, ids=lambda v: type(v).__name__)
def test_groups_stay_together_in_every_method(problem, valuator):
    X, y, groups = problem
    splits = list(GroupKFold(4).split(X, y, groups))
    expected = with_cv(valuator, splits).fit(X, y).data_values_
    by_groups = with_cv(valuator, GroupKFold(4))
    assert_array_equal(by_groups.fit(X, y, groups=groups).data_values_, expected)
    with pytest.raises(ValueError, match="splits by groups, and fit got none"):
        by_groups.fit(X, y)


@pytest.mark.parametrize("cv", [LeaveOneGroupOut(), StratifiedGroupKFold(3)], ids=str)
def test_every_splitter_by_groups(problem, cv):
    X, y, groups = problem
    for train, held_out in make_folds(X, y, cv, True, seed=0, groups=groups):
        assert not set(groups[train]) & set(groups[held_out])


class Halves:
    """A splitter of the user's: the first groups against the others."""

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2

    def split(self, X, y=None, groups=None):
        first = groups < "c"
        yield np.flatnonzero(first), np.flatnonzero(~first)
        yield np.flatnonzero(~first), np.flatnonzero(first)


def test_a_splitter_of_the_users_sees_the_labels(problem):
    X, y, groups = problem
    names = np.array(list("abcdef"))[groups]
    (first, _), _ = make_folds(X, y, Halves(), True, seed=0, groups=names)
    assert_array_equal(np.unique(names[first]), ["a", "b"])


@pytest.mark.parametrize(
    "cv", [3, KFold(3), PredefinedSplit(np.arange(48) % 3)], ids=["int", "k", "given"]
)
def test_other_folds_do_not_ask_for_groups(problem, cv):
    X, y, groups = problem
    valuator = skvalue.SelfConfidence(cv=cv, random_state=0)
    plain = valuator.fit(X, y).data_values_
    assert_array_equal(valuator.fit(X, y, groups=groups).data_values_, plain)
    assert valuator.group_values_.shape == (6,)


@pytest.mark.parametrize("valuator", CROSS_FITTING[:6], ids=lambda v: type(v).__name__)
def test_groups_are_routed_through_cross_validation(problem, valuator):
    X, y, groups = problem
    with config_context(enable_metadata_routing=True):
        cleaning = with_cv(valuator, GroupKFold(2)).set_fit_request(groups=True)
        pipeline = make_pipeline(cleaning.set_params(drop=0.1), LogisticRegression())
        scores = cross_val_score(
            pipeline, X, y, cv=GroupKFold(3), params={"groups": groups}
        )
    assert np.isfinite(scores).all()
