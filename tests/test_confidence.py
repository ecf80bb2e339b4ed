"""SelfConfidence against scikit-learn's own cross-validation."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from skvalue._encoder import made_of
from skvalue.confidence import SelfConfidence
from skvalue.datasets import make_mixed_table
from skvalue.utils._scaling import ScaledRows, n_scaled_columns


@pytest.fixture(scope="module")
def probabilities(digits_problem):
    X, y, _, _ = digits_problem
    return cross_val_predict(
        GaussianNB(),
        X,
        y,
        cv=StratifiedKFold(5),
        method="predict_proba",
    )


@pytest.mark.parametrize("scoring", ["log_proba", "proba", "margin"])
def test_equals_cross_val_predict(digits_problem, probabilities, scoring):
    X, y, _, _ = digits_problem
    valuator = SelfConfidence(GaussianNB(), cv=StratifiedKFold(5), scoring=scoring).fit(
        X, y
    )
    own = probabilities[np.arange(len(y)), y]
    others = np.where(np.eye(10, dtype=bool)[y], -1, probabilities).max(axis=1)
    expected = {
        "log_proba": np.log(np.maximum(own, 1 / (2 * len(y)))),
        "proba": own,
        "margin": own - others,
    }
    assert_allclose(valuator.data_values_, expected[scoring], atol=1e-10)
    assert_allclose(valuator.label_probabilities_, own)


def test_regression_is_the_standardised_residual():
    X, y = make_regression(100, 5, noise=3.0, random_state=0)
    residual = y - cross_val_predict(Ridge(), X, y, cv=KFold(5))
    values = SelfConfidence(Ridge(), cv=KFold(5)).fit(X, y).data_values_
    assert_allclose(values, -np.abs(residual) / np.sqrt(np.mean(residual**2)))


def test_regressor_makes_integer_targets_real():
    X, y = make_regression(100, 5, noise=3.0, random_state=0)
    valuator = SelfConfidence(Ridge()).fit(X, y.round().astype(int))
    assert not hasattr(valuator, "classes_")


def test_class_that_a_fold_lacks_has_probability_zero():
    X, y = make_classification(60, random_state=0)
    y[0] = 2
    valuator = SelfConfidence(random_state=0).fit(X, y)
    assert valuator.label_probabilities_[0] == 0
    assert_allclose(valuator.data_values_[0], np.log(1 / 120))


def test_auto_drops_flipped_labels_and_few_others():
    X, y = make_classification(400, 6, class_sep=2, flip_y=0, random_state=1)
    y[:40] ^= 1
    dropped = ~SelfConfidence(random_state=0).fit(X, y).get_support()
    assert dropped[:40].mean() > 0.8
    assert dropped[40:].mean() < 0.05


def test_auto_drops_corrupted_targets_and_few_others():
    X, y = make_regression(400, 4, noise=1.0, random_state=1)
    y[:8] += 1000
    dropped = ~SelfConfidence(random_state=0).fit(X, y).get_support()
    assert dropped[:8].all()
    assert dropped[8:].mean() < 0.01


def test_same_values_for_any_n_jobs(digits_problem):
    X, y, _, _ = digits_problem
    forest = RandomForestClassifier(5)
    one = SelfConfidence(forest, random_state=0).fit(X, y).data_values_
    two = SelfConfidence(forest, random_state=0, n_jobs=2).fit(X, y).data_values_
    assert_array_equal(one, two)
    assert forest.random_state is None


def test_global_random_state_is_untouched(digits_problem):
    X, y, _, _ = digits_problem
    before = pickle.dumps(np.random.mtrand._rand)
    SelfConfidence(RandomForestClassifier(5)).fit(X, y)
    assert pickle.dumps(np.random.mtrand._rand) == before


def test_sparse_rows(digits_problem):
    X, y, _, _ = digits_problem
    valuator = SelfConfidence(random_state=0).fit(csr_matrix(X), y)
    found = valuator.classes_[valuator.class_probabilities_.argmax(axis=1)]
    assert np.mean(found == y) > 0.85


def test_errors_name_the_argument(digits_problem):
    X, y, _, _ = digits_problem
    with pytest.raises(ValueError, match=r"estimator=.* has no predict_proba"):
        SelfConfidence(SVC()).fit(X, y)
    with pytest.raises(ValueError, match=r"cv=.* never holds out row"):
        SelfConfidence(cv=ShuffleSplit(1, random_state=0)).fit(X, y)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_many_levels_do_not_make_wrong_labels_fit(gaps):
    """A string column of forty levels that says nothing costs almost no detection."""
    rng = np.random.default_rng(0)
    X, y = make_classification(600, 5, n_informative=4, n_redundant=0, random_state=0)
    wrong = rng.random(600) < 0.3
    frame = pd.DataFrame(X).add_prefix("x")
    with_levels = frame.assign(
        level=[f"level {level}" for level in rng.integers(40, size=600)]
    )
    with_levels = with_levels.mask(rng.random(with_levels.shape) < gaps)
    auc = [
        roc_auc_score(wrong, -SelfConfidence().fit(rows, y ^ wrong).data_values_)
        for rows in (frame.where(with_levels.notna()[frame.columns]), with_levels)
    ]
    # Levels scaled one by one cost .08 to .13.
    assert auc[1] > auc[0] - 0.03


def test_scaled_rows_have_the_columns_that_are_promised():
    X, y = make_mixed_table(300, random_state=0)[:2]
    valuator = SelfConfidence().fit(X, y)
    numbers = valuator.encoder_.transform(X)
    made = made_of(valuator, numbers.shape[1])
    rows = ScaledRows(made).fit_transform(numbers)
    assert rows.shape == (300, n_scaled_columns(made))
    assert rows.shape[1] < numbers.shape[1]
