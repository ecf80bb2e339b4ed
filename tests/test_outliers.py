"""OutlierValuator gives the scores of the detector that it wraps."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import LocalOutlierFactor

from skvalue.outliers import OutlierValuator


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    X[:8] += 6
    return X, rng.integers(0, 2, 150)


@pytest.mark.parametrize(
    ("detector", "scores"),
    [
        (IsolationForest(n_estimators=50, random_state=0), "score_samples"),
        (EllipticEnvelope(random_state=0), "score_samples"),
        (LocalOutlierFactor(), "negative_outlier_factor_"),
    ],
)
def test_values_are_the_scores_of_the_detector(problem, detector, scores):
    X, y = problem
    valuator = OutlierValuator(detector).fit(X, y)
    expected = getattr(detector.fit(X), scores)
    expected = expected(X) if callable(expected) else expected
    assert_array_equal(valuator.data_values_, expected)


def test_auto_drops_outliers_only(problem):
    X, y = problem
    valuator = OutlierValuator(IsolationForest(n_estimators=50), random_state=0)
    dropped = ~valuator.fit(X, y).get_support()
    assert dropped[:8].all()
    assert not dropped[valuator.detector_.predict(X) == 1].any()


def test_same_seed_same_values(problem):
    X, y = problem
    values = [
        OutlierValuator(IsolationForest(n_estimators=9), random_state=seed)
        .fit(X, y)
        .data_values_
        for seed in (0, 0, 1)
    ]
    assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).any()


def test_what_is_no_outlier_detector_is_named(problem):
    with pytest.raises(ValueError, match="detector=LogisticRegression"):
        OutlierValuator(LogisticRegression()).fit(*problem)
