"""Weights and groups of rows: what `fit` takes, checks and passes on."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _valuators import GivenValues
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

import skvalue

X8 = np.arange(16.0).reshape(8, 2)
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
SOURCES = np.array(["b", "a", "b", "c", "a", "c", "b", "a"])


class Seeing(GivenValues):
    """Remembers what reached ``_fit``."""

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        super()._fit(X, y, X_val, y_val)
        self.seen_ = sample_weight, groups


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(60, centers=2, random_state=0)
    return X, y, np.repeat(np.arange(6), 10)


# --------------------------------------------------------------------- what fit passes


def test_both_reach_a_method_that_takes_them():
    weights = np.arange(8)
    valuator = Seeing().fit(X8, LABELS, sample_weight=weights, groups=SOURCES)
    seen_weights, seen_groups = valuator.seen_
    assert seen_weights.dtype == np.float64
    assert_array_equal(seen_weights, weights)
    assert_array_equal(seen_groups, SOURCES)
    assert Seeing().fit(X8, LABELS).seen_ == (None, None)


def test_groups_are_always_accepted_and_valued():
    values = np.arange(8.0) ** 2
    valuator = GivenValues(values).fit(X8, LABELS, groups=SOURCES)
    assert_array_equal(valuator.groups_, ["a", "b", "c"])
    expected = [values[source == SOURCES].sum() for source in "abc"]
    assert_array_equal(valuator.group_values_, expected)
    valuator.fit(X8, LABELS)
    assert not hasattr(valuator, "groups_")
    assert not hasattr(valuator, "group_values_")


def test_weights_that_a_method_cannot_use_are_refused():
    for valuator in [GivenValues(), skvalue.KNNShapley(), skvalue.LAVA()]:
        name = type(valuator).__name__
        with pytest.raises(ValueError, match=f"{name} cannot use sample_weight"):
            valuator.fit(X8, LABELS, sample_weight=np.ones(8))
        with pytest.raises(ValueError, match=f"{name} cannot use sample_weight"):
            valuator.fit_transform(X8, LABELS, sample_weight=np.ones(8))


def test_the_signature_tells_who_can_use_weights():
    assert has_fit_parameter(Seeing(), "sample_weight")
    assert not has_fit_parameter(GivenValues(), "sample_weight")
    assert has_fit_parameter(GivenValues(), "groups")

    class Again(GivenValues):
        _fit = Seeing._fit

    assert has_fit_parameter(Again(), "sample_weight")
    with config_context(enable_metadata_routing=True):
        Seeing().set_fit_request(sample_weight=True)
        with pytest.raises(TypeError, match="sample_weight"):
            GivenValues().set_fit_request(sample_weight=True)


@pytest.mark.parametrize(
    "groups",
    [
        SOURCES.tolist(),
        pd.Series(SOURCES, index=range(8, 0, -1)),
        pd.Series(SOURCES, dtype="category"),
        pl.Series(SOURCES),
        np.array(SOURCES, dtype=object),
    ],
    ids=["list", "pandas", "category", "polars", "object"],
)
def test_groups_of_any_container(groups):
    valuator = GivenValues().fit(X8, LABELS, groups=groups)
    assert list(valuator.groups_) == ["a", "b", "c"]
    assert_array_equal(valuator.group_values_, [12, 8, 8])


def test_groups_may_be_numbers_or_dates():
    dates = np.array([datetime.date(2020, 1, 1 + day) for day in LABELS])
    for groups in [LABELS * 7, LABELS.astype(bool), dates, dates.astype("M8[D]")]:
        valuator = GivenValues().fit(X8, LABELS, groups=groups)
        assert_array_equal(valuator.groups_, np.unique(groups))
        assert_array_equal(valuator.group_values_, [6, 22])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (SOURCES[:7], "groups has 7 labels, but X has 8 rows"),
        (np.column_stack([SOURCES, SOURCES]), "groups"),
        ("a", "groups"),
        ([None, *SOURCES[1:]], "groups has a missing label at row 0"),
        ([1, np.nan, *range(6)], "groups has a missing label at row 1"),
        (pd.Series([1, 2, None] + 5 * [0], dtype="Int64"), "missing label at row 2"),
        (np.array(7 * ["2020-01-01"] + ["NaT"], "M8[D]"), "missing label at row 7"),
        ([1, "a"] * 4, "groups mixes labels that cannot be compared"),
    ],
)
def test_groups_that_are_not_usable(groups, message):
    if isinstance(groups, list) and "a" in groups and 1 in groups:
        groups = np.array(groups, dtype=object)
    with pytest.raises(ValueError, match=message):
        GivenValues().fit(X8, LABELS, groups=groups)


@pytest.mark.parametrize(
    "weights",
    [
        np.ones(7),
        np.ones((8, 2)),
        [-1.0] + 7 * [1.0],
        [np.nan] + 7 * [1.0],
        [np.inf] + 7 * [1.0],
        np.zeros(8),
        8 * ["a"],
    ],
    ids=["short", "2d", "negative", "nan", "inf", "zero", "strings"],
)
def test_weights_that_are_not_usable(weights):
    with pytest.raises(ValueError, match="sample_weight"):
        Seeing().fit(X8, LABELS, sample_weight=weights)


def test_a_fit_that_refuses_groups_leaves_an_earlier_one():
    valuator = GivenValues().fit(X8, LABELS, groups=SOURCES)
    before = dict(vars(valuator))
    with pytest.raises(ValueError, match="groups"):
        valuator.fit(X8, LABELS, groups=SOURCES[:3])
    assert vars(valuator) == before


# -------------------------------------------------------------------- metadata routing


def routed(valuator):
    model = LogisticRegression().set_fit_request(sample_weight=False)
    return make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False),
        valuator.set_fit_request(sample_weight=True, groups=True),
        model.set_score_request(sample_weight=True),
    )


def test_a_pipeline_routes_both(blobs):
    X, y, groups = blobs
    weights = np.linspace(1, 2, len(y))
    with config_context(enable_metadata_routing=True):
        pipeline = routed(Seeing()).fit(X, y, sample_weight=weights, groups=groups)
    assert_array_equal(pipeline[1].seen_[0], weights)
    assert_array_equal(pipeline[1].seen_[1], groups)


def test_cross_validation_cuts_both_to_the_training_rows(blobs):
    X, y, groups = blobs
    weights = np.linspace(1, 2, len(y))
    params = {"sample_weight": weights, "groups": groups}
    with config_context(enable_metadata_routing=True):
        cv = GroupKFold(3)
        pipeline = routed(Seeing(drop=0.0))
        scores = cross_val_score(pipeline, X, y, cv=cv, params=params)
        grid = {"seeing__drop": [0.0, 0.1]}
        search = GridSearchCV(pipeline, grid, cv=cv).fit(X, y, **params)
    assert len(scores) == 3
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert_array_equal(search.best_estimator_[1].seen_[0], weights)
