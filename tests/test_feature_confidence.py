"""FeatureConfidence against a direct computation and on corrupted rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from skvalue.feature_confidence import FeatureConfidence

TREES = ExtraTreesRegressor(
    40, bootstrap=True, min_samples_leaf=3, max_features=0.5, random_state=0
)


def correlated(n_samples=200, n_features=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 2)) @ rng.normal(size=(2, n_features))
    X += 0.1 * rng.normal(size=X.shape)
    return X, rng.integers(0, 2, n_samples)


def test_equals_a_direct_computation():
    X, y = correlated()
    terms = []
    for column in range(X.shape[1]):
        others = np.delete(X, column, axis=1)
        trees = ExtraTreesRegressor(
            40,
            bootstrap=True,
            oob_score=True,
            min_samples_leaf=3,
            max_features=0.5,
            random_state=0,
        ).fit(others, X[:, column])
        squared = (X[:, column] - trees.oob_prediction_) ** 2
        terms.append(np.log(1 + squared / np.median(squared)))
    values = FeatureConfidence(TREES).fit(X, y).data_values_
    assert_allclose(values, -np.mean(terms, axis=0))


def test_finds_corrupted_features_and_auto_drops_them():
    X, y = correlated()
    bad = np.arange(200) < 20
    X[bad] += np.random.default_rng(1).normal(size=(20, X.shape[1]))
    valuator = FeatureConfidence(TREES).fit(X, y)
    assert roc_auc_score(bad, -valuator.data_values_) > 0.85
    dropped = ~valuator.get_support()
    assert dropped[bad].mean() > 0.3
    assert dropped[~bad].mean() < 0.1


def test_labels_do_not_matter():
    X, y = correlated()
    one = FeatureConfidence(TREES).fit(X, y).data_values_
    assert_array_equal(FeatureConfidence(TREES).fit(X, 1 - y).data_values_, one)


def test_categories_are_predicted_as_categories():
    X, y = correlated()
    rng = np.random.default_rng(0)
    # Codes without an order: a regression on them would miss the pattern.
    category = np.array([3, 0, 2, 1])[np.digitize(X[:, 0], [-1, 0, 1])]
    wrong = np.arange(200) < 10
    category[wrong] = (category[wrong] + rng.integers(1, 4, 10)) % 4
    X = np.column_stack([X, category])
    mask = np.arange(7) == 6
    by_index = FeatureConfidence(TREES, categorical_features=[6], random_state=0)
    by_mask = FeatureConfidence(TREES, categorical_features=mask, random_state=0)
    by_index.fit(X, y)
    by_mask.fit(X, y)
    assert_array_equal(by_index.data_values_, by_mask.data_values_)
    assert roc_auc_score(wrong, -by_index.data_values_) > 0.8


def test_constant_columns_are_left_out():
    X, y = correlated()
    X[:, 2] = 1.0
    assert_array_equal(FeatureConfidence(TREES).fit(X, y).columns_, [0, 1, 3, 4, 5])


def test_column_that_others_determine_does_not_outweigh_the_rest():
    X, y = correlated()
    X = np.column_stack([X, np.arange(200) % 2, np.arange(200) % 2])
    values = FeatureConfidence(TREES).fit(X, y).data_values_
    assert np.isfinite(values).all()
    assert values.min() > -np.log1p(1 / 1e-6)


def test_n_columns_draws_that_many():
    X, y = correlated()
    valuator = FeatureConfidence(TREES, n_columns=3, random_state=0).fit(X, y)
    assert len(valuator.columns_) == 3


def test_same_values_for_any_n_jobs():
    X, y = correlated()
    trees = ExtraTreesRegressor(40, bootstrap=True)
    one = FeatureConfidence(trees, random_state=0).fit(X, y).data_values_
    two = FeatureConfidence(trees, random_state=0, n_jobs=2).fit(X, y).data_values_
    assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({}, np.arange(20.0)[:, None], "n_features = 1"),
        ({}, np.ones((20, 3)), "constant columns only"),
        ({"estimator": Ridge()}, np.eye(20), "estimator=Ridge.* has no out-of-bag"),
        ({"categorical_features": [30]}, np.eye(20), "categorical_features"),
    ],
)
def test_errors_name_the_argument(params, X, message):
    with pytest.raises(ValueError, match=message):
        FeatureConfidence(**params).fit(X, np.arange(20) % 2)
