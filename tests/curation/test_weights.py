"""CuratedEstimator where weights of rows come from: the user, boosting, calibration."""

import numpy as np
import pytest
from _valuators import GivenValues
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import has_fit_parameter

from skvalue import CuratedEstimator, SelfConfidence, ValueSampler


class Weighed(GivenValues):
    """Remembers the weights and groups that reached it."""

    def _fit(self, X, y, X_val, y_val, *, sample_weight=None, groups=None):
        super()._fit(X, y, X_val, y_val)
        self.seen_ = sample_weight, groups


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(100, centers=2, cluster_std=3.0, random_state=0)
    return X, y, np.random.default_rng(0).uniform(0.5, 2, 100)


def test_the_signature_tells_whether_the_estimator_takes_weights():
    assert has_fit_parameter(CuratedEstimator(GaussianNB()), "sample_weight")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    assert has_fit_parameter(CuratedEstimator(pipeline), "sample_weight")
    for estimator in [KNeighborsClassifier(), make_pipeline(KNeighborsClassifier())]:
        curated = CuratedEstimator(estimator)
        assert not has_fit_parameter(curated, "sample_weight")


def test_weights_are_cut_to_the_kept_rows_and_stay_with_the_estimator(blobs):
    X, y, weights = blobs
    model = CuratedEstimator(LogisticRegression(), Weighed(drop=0.1))
    model.fit(X, y, sample_weight=weights)
    rows = model.sample_indices_
    assert len(rows) == 90
    expected = LogisticRegression().fit(X[rows], y[rows], weights[rows])
    assert_array_equal(model.estimator_.coef_, expected.coef_)
    assert model.valuator_.seen_ == (None, None)


def test_weights_reach_both_where_they_are_requested(blobs):
    X, y, weights = blobs
    with config_context(enable_metadata_routing=True):
        model = CuratedEstimator(
            LogisticRegression().set_fit_request(sample_weight=True),
            Weighed(drop=0.1).set_fit_request(sample_weight=True, groups=True),
        )
        model.fit(X, y, sample_weight=weights, groups=np.arange(100) % 3)
    rows = model.sample_indices_
    expected = LogisticRegression().fit(X[rows], y[rows], weights[rows])
    assert_array_equal(model.estimator_.coef_, expected.coef_)
    assert_array_equal(model.valuator_.seen_[0], weights)
    assert_array_equal(model.valuator_.groups_, [0, 1, 2])


def test_weights_reach_every_step_of_a_pipeline(blobs):
    X, y, weights = blobs
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    model = CuratedEstimator(pipeline, GivenValues(drop=0.1), weighting="rank")
    model.fit(X, y, sample_weight=weights)
    rows = model.sample_indices_
    total = weights[rows] * (np.arange(90) + 1) / 45.5
    expected = clone(pipeline).fit(
        X[rows],
        y[rows],
        standardscaler__sample_weight=total,
        logisticregression__sample_weight=total,
    )
    assert_allclose(model.predict_proba(X), expected.predict_proba(X))


def test_adaboost_boosts_a_curated_estimator(blobs):
    X, y, _ = blobs
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    keep_all = CuratedEstimator(tree, GivenValues(drop=0.0))
    boosted = AdaBoostClassifier(keep_all, n_estimators=5, random_state=0).fit(X, y)
    plain = AdaBoostClassifier(tree, n_estimators=5, random_state=0).fit(X, y)
    assert_allclose(boosted.predict_proba(X), plain.predict_proba(X))
    cleaned = CuratedEstimator(tree, SelfConfidence(cv=2, drop=0.1, random_state=0))
    cleaned = AdaBoostClassifier(cleaned, n_estimators=5, random_state=0).fit(X, y)
    assert len(cleaned.estimators_) > 1
    assert cleaned.score(X, y) > 0.7


@pytest.mark.parametrize("routing", [False, True])
def test_calibration_passes_weights_to_a_curated_estimator(blobs, routing):
    X, y, weights = blobs
    with config_context(enable_metadata_routing=routing):
        model = LogisticRegression()
        if routing:
            model.set_fit_request(sample_weight=True)
        curated = CuratedEstimator(model, GivenValues(drop=0.0))
        calibrated = CalibratedClassifierCV(curated, cv=2)
        calibrated.fit(X, y, sample_weight=weights)
        plain = CalibratedClassifierCV(model, cv=2).fit(X, y, sample_weight=weights)
        assert_allclose(calibrated.predict_proba(X), plain.predict_proba(X))


def test_groups_go_to_whichever_takes_them(blobs):
    X, y, _ = blobs
    groups = np.repeat(np.arange(5), 20)
    model = CuratedEstimator(LogisticRegression(), GivenValues(drop=0.1))
    assert_array_equal(model.fit(X, y, groups=groups).valuator_.groups_, np.arange(5))
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(3))
    model = CuratedEstimator(search, GivenValues(drop=0.1)).fit(X, y, groups=groups)
    assert_array_equal(model.valuator_.groups_, np.arange(5))
    rows = model.sample_indices_
    alone = clone(search).fit(X[rows], y[rows], groups=groups[rows])
    assert_array_equal(
        model.estimator_.cv_results_["mean_test_score"],
        alone.cv_results_["mean_test_score"],
    )


def test_a_sampler_passes_both_to_its_valuator(blobs):
    X, y, weights = blobs
    sampler = ValueSampler(Weighed(drop=0.1))
    groups = np.arange(100) % 2
    X_kept, _ = sampler.fit_resample(X, y, sample_weight=weights, groups=groups)
    assert len(X_kept) == 90
    assert_array_equal(sampler.valuator_.seen_[0], weights)
    assert_array_equal(sampler.valuator_.seen_[1], groups)
