"""Whole numbers are classes or amounts: whoever knows says so, and nobody guesses."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from test_common import CHEAP, NDDV, VALUATORS

import skvalue

FOLDS = {"cv": 2, "random_state": 0}
N_SAMPLES = 90


def data():
    """Rows and amounts: as many whole numbers as rows, nearly."""
    X, y = make_regression(N_SAMPLES, 4, noise=5.0, random_state=0)
    return X, np.round(y).astype(int)


def regression_version(name):
    """The cheap instance of the table, for real targets that it is told of."""
    valuator = clone(VALUATORS[name])
    if "estimator" in valuator.get_params() and name != "FeatureConfidence":
        valuator.set_params(estimator=None)
    if name == "AmortizedShapley":
        valuator.valuator.set_params(estimator=Ridge())
    seeds = {p for p in valuator.get_params() if p.split("__")[-1] == "random_state"}
    return valuator.set_params(task="regression", **dict.fromkeys(seeds, 0))


# ------------------------------------------------------------------------ it is told


@pytest.mark.parametrize("name", VALUATORS)
def test_whole_amounts_are_valued_like_the_same_amounts_plus_a_half(name):
    X, y = data()
    whole = regression_version(name).fit(X, y)
    shifted = regression_version(name).fit(X, y + 0.5)
    assert not hasattr(whole, "classes_")
    np.testing.assert_allclose(
        whole.data_values_,
        shifted.data_values_,
        rtol=0,
        atol=1e-6 * np.ptp(shifted.data_values_),
    )
    np.testing.assert_array_equal(whole.get_support(), shifted.get_support())
    assert np.ptp(whole.data_values_) > 0


@pytest.mark.parametrize("name", VALUATORS)
def test_every_valuator_refuses_what_its_task_cannot_be(name):
    X, y = data()
    valuator = regression_version(name)
    with pytest.raises(ValueError, match=r"y holds strings.*task='regression'"):
        valuator.fit(X, y.astype(str))
    valuator = clone(VALUATORS[name]).set_params(task="classification")
    with pytest.raises(ValueError, match=r"y has real targets.*task='classification'"):
        valuator.fit(X, y + 0.5)
    with pytest.raises(ValueError, match="task"):
        valuator.set_params(task="ranking").fit(X, y)


def test_many_whole_numbers_are_classes_where_the_task_says_so():
    X, y = data()
    labels = np.arange(N_SAMPLES) // 2
    valuator = skvalue.KNNShapley(cv=2, task="classification")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(valuator.fit(X, labels).classes_) == N_SAMPLES // 2
        distinct = skvalue.OutlierValuator(task="classification", random_state=0)
        assert len(distinct.fit(X, y).classes_) == len(np.unique(y))


def test_task_and_estimator_must_agree():
    X, y = data()
    for estimator, task in [
        (Ridge(), "classification"),
        (LogisticRegression(), "regression"),
    ]:
        valuator = skvalue.SelfConfidence(estimator, task=task)
        with pytest.raises(ValueError, match=f"by task='{task}', but estimator="):
            valuator.fit(X, y)


# ------------------------------------------------------------------------ it is not


@pytest.mark.parametrize("dtype", [np.int16, np.uint64, np.float32, np.float64])
def test_more_whole_numbers_than_half_the_rows_are_refused(dtype):
    X, _ = data()
    y = (np.arange(N_SAMPLES) // 2 + np.arange(N_SAMPLES) // 89).astype(dtype)
    assert len(np.unique(y)) == 46
    with pytest.raises(ValueError, match=r"^y has 46 .*give KNNShapley task=\"regr"):
        skvalue.KNNShapley().fit(X, y)


@pytest.mark.parametrize("name", VALUATORS)
def test_no_valuator_guesses_unless_its_estimator_says_what_y_is(name):
    X, y = data()
    valuator = regression_version(name).set_params(task="auto")
    if name == "AmortizedShapley":
        valuator.valuator.set_params(estimator=None)
    with pytest.raises(ValueError, match=r"y has .*task=\"regression\""):
        valuator.fit(X, y)


def test_up_to_half_the_rows_many_whole_numbers_are_classes_under_a_warning():
    X, _ = data()
    y = np.arange(N_SAMPLES) % 21
    valuator = skvalue.KNNShapley(cv=2)
    with pytest.warns(UserWarning, match=r"y has 21 .*classes.*task=\"regression\""):
        valuator.fit(X, y)
    assert len(valuator.classes_) == 21
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        valuator.fit(X, np.arange(N_SAMPLES) % 20)
        valuator.fit(X, (np.arange(N_SAMPLES) % 21).astype(str))


def test_two_whole_numbers_are_classes_however_few_the_rows():
    valuator = skvalue.OutlierValuator(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert valuator.fit([[0.0], [1.0]], [3, 7]).classes_.tolist() == [3, 7]


def test_the_estimator_of_y_decides_without_a_warning():
    X, y = data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regression = skvalue.SelfConfidence(Ridge(), cv=2).fit(X, y)
        classification = skvalue.SelfConfidence(
            DummyClassifier(strategy="prior"), cv=2
        ).fit(X, y)
    assert not hasattr(regression, "classes_")
    assert hasattr(classification, "classes_")
    with pytest.raises(ValueError, match=r"y holds strings.*=Ridge is a regressor"):
        skvalue.SelfConfidence(Ridge()).fit(X, y.astype(str))


# --------------------------------------------------------------------- meta-estimators


def test_curated_regressor_tells_the_valuator_what_y_is():
    X, y = data()
    given = clone(NDDV).set_params(task="regression")
    expected = given.fit(X, y).get_support(indices=True)
    valuator = clone(NDDV)
    curated = skvalue.CuratedEstimator(Ridge(), valuator).fit(X, y)
    assert valuator.task == "auto"
    assert curated.valuator_.task == "regression"
    np.testing.assert_array_equal(curated.sample_indices_, expected)


def test_curated_classifier_tells_the_valuator_what_y_is():
    X, _ = data()
    y = np.arange(N_SAMPLES) // 2
    valuator = skvalue.OutlierValuator(drop=0.0, random_state=0)
    classifier = KNeighborsClassifier(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curated = skvalue.CuratedEstimator(classifier, valuator).fit(X, y)
    assert len(curated.valuator_.classes_) == N_SAMPLES // 2


@pytest.mark.parametrize(
    "valuator",
    [
        skvalue.KNNShapley(cv=2, task="classification"),
        skvalue.SelfConfidence(DummyClassifier(strategy="prior"), cv=2),
    ],
    ids=["by its task", "by its estimator"],
)
def test_a_valuator_that_knows_is_not_told(valuator):
    X, y = data()
    curated = skvalue.CuratedEstimator(Ridge(), clone(valuator).set_params(drop=0.0))
    assert hasattr(curated.fit(X, y).valuator_, "classes_")


class WithoutTask(skvalue.KNNShapley):
    """A user's valuator, written before there was the parameter."""

    def __init__(self, *, drop="auto", random_state=0, verbose=0):
        super().__init__(drop=drop, random_state=random_state, verbose=verbose)


def test_a_valuator_without_the_parameter_is_told_as_well():
    X, y = data()
    assert "task" not in WithoutTask().get_params()
    curated = skvalue.CuratedEstimator(Ridge(), WithoutTask()).fit(X, y)
    assert not hasattr(curated.valuator_, "classes_")
    consensus = skvalue.ConsensusValuator([("knn", WithoutTask())], task="regression")
    assert not hasattr(consensus.fit(X, y).valuators_[0], "classes_")


def test_relabelling_is_classification():
    X, _ = data()
    y = np.arange(N_SAMPLES) // 3
    y[:40] = np.arange(40) % 20
    y[40:] = y[40:] * 2
    relabel = skvalue.ValueSampler(NDDV, action="relabel")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert relabel.fit(X, y).valuator_.task == "classification"
    assert skvalue.ValueSampler(NDDV).fit(X, y % 5).valuator_.task == "auto"


def test_sampler_of_amounts_needs_a_valuator_that_knows():
    X, y = data()
    with pytest.raises(ValueError, match="give NDDVValuator task"):
        skvalue.ValueSampler(NDDV).fit(X, y)
    valuator = clone(NDDV).set_params(task="regression")
    kept, _ = skvalue.ValueSampler(valuator).fit_resample(X, y)
    assert N_SAMPLES / 2 < len(kept) <= N_SAMPLES


def test_consensus_tells_its_members_and_hears_them():
    X, y = data()
    told = clone(CHEAP["ConsensusValuator"]).set_params(task="regression").fit(X, y)
    assert {member.task for member in told.valuators_} == {"regression"}
    members = [("ridge", skvalue.SelfConfidence(Ridge(), cv=2)), ("out", "drop")]
    heard = skvalue.ConsensusValuator(
        [*members, ("knn", skvalue.KNNShapley(cv=2))], random_state=0
    ).fit(X, y)
    assert not hasattr(heard.named_valuators_.knn, "classes_")
    names = np.array([f"class {number}" for number in range(30)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skvalue.ConsensusValuator([("knn", skvalue.KNNShapley(cv=2))]).fit(
            X, names[np.arange(N_SAMPLES) % 30]
        )


def test_members_that_do_not_agree_are_refused():
    X, y = data()
    members = [
        ("ridge", skvalue.SelfConfidence(Ridge())),
        ("knn", skvalue.KNNShapley(task="classification")),
    ]
    with pytest.raises(ValueError, match=r"do not agree on what y is"):
        skvalue.ConsensusValuator(members).fit(X, y)


def test_amortized_values_hear_and_tell_their_source():
    X, y = data()
    source = skvalue.DataShapley(max_evaluations=20, cv=2, task="regression")
    settings = {"max_epochs": (2,), "random_state": 0}
    heard = skvalue.AmortizedShapley(source, **settings).fit(X, y)
    assert not hasattr(heard, "classes_")
    told = skvalue.AmortizedShapley(
        clone(source).set_params(task="auto"), task="regression", **settings
    ).fit(X, y)
    assert told.valuator_.task == "regression"
    np.testing.assert_array_equal(told.data_values_, heard.data_values_)
