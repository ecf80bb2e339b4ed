"""Probabilities of every class, from models that did not see the label they judge."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from skvalue.confidence import SelfConfidence
from skvalue.consensus import ConsensusValuator
from skvalue.data_oob import DataOOB
from skvalue.kairos import KAIROS
from skvalue.nddv import NDDVValuator
from skvalue.neighbors import KNNShapley
from skvalue.outliers import OutlierValuator

FOLDS = KFold(5, shuffle=True, random_state=0)
VALUATORS = {
    "nddv": NDDVValuator(n_members=2, max_epochs=10, random_state=0),
    "oob": DataOOB(n_estimators=40, random_state=0),
    "votes": DataOOB(RidgeClassifier(), n_estimators=40, random_state=0),
    "confidence": SelfConfidence(random_state=0),
    "kairos": KAIROS(random_state=0),
    "knn": KNNShapley(random_state=0),
    "knn threshold": KNNShapley(utility="threshold", random_state=0),
    "consensus": ConsensusValuator(
        [("confidence", SelfConfidence()), ("knn", KNNShapley())], random_state=0
    ),
}
# Methods whose folds or bags do not depend on the labels, as given here.
BLIND = {
    "oob": DataOOB(n_estimators=40, random_state=0),
    "bagging": DataOOB(KNeighborsClassifier(3), n_estimators=40, random_state=0),
    "confidence": SelfConfidence(cv=FOLDS),
    "knn": KNNShapley(cv=FOLDS),
    "knn max_rank": KNNShapley(cv=FOLDS, max_rank=30),
    "knn threshold": KNNShapley(cv=FOLDS, utility="threshold"),
}


@pytest.fixture(scope="module")
def problem():
    X, y = make_classification(
        150, 6, n_informative=4, n_classes=3, weights=[0.6, 0.3], random_state=0
    )
    return X, np.array(["a", "b", "c"])[y]


@pytest.mark.parametrize("valuator", VALUATORS.values(), ids=VALUATORS)
def test_rows_sum_to_one_and_hold_the_label_s(problem, valuator):
    X, y = problem
    valuator.fit(X, y)
    probabilities = valuator.class_probabilities_
    assert probabilities.shape == (150, 3)
    assert probabilities.dtype == np.float64
    assert (probabilities >= 0).all()
    assert_allclose(probabilities.sum(axis=1), 1)
    codes = np.searchsorted(valuator.classes_, y)
    assert_array_equal(
        valuator.label_probabilities_, probabilities[np.arange(150), codes]
    )
    # Better than the most frequent label.
    assert np.mean(probabilities.argmax(axis=1) == codes) > 0.65


@pytest.mark.parametrize("valuator", BLIND.values(), ids=BLIND)
def test_a_row_s_own_label_has_no_part_in_them(problem, valuator):
    X, y = problem
    before = valuator.fit(X, y).class_probabilities_
    for row in (0, 77):
        other = y.copy()
        other[row] = "a" if y[row] == "b" else "b"
        after = valuator.fit(X, other).class_probabilities_
        assert_array_equal(after[row], before[row])
        assert not np.array_equal(after, before)


def test_confidence_is_cross_validated(problem):
    X, y = problem
    expected = cross_val_predict(
        LogisticRegression(), X, y, cv=FOLDS, method="predict_proba"
    )
    valuator = SelfConfidence(LogisticRegression(), cv=FOLDS).fit(X, y)
    assert_allclose(valuator.class_probabilities_, expected)


def test_neighbours_of_other_folds_vote(problem):
    X, y = problem
    expected = np.full((150, 3), 1 / 3)
    for rows, held_out in FOLDS.split(X):
        model = KNeighborsClassifier(20).fit(X[rows], y[rows])
        expected[held_out] += 20 * model.predict_proba(X[held_out])
    assert_allclose(KNNShapley(cv=FOLDS).fit(X, y).class_probabilities_, expected / 21)


def test_neighbours_have_no_opinion_of_rows_they_are_measured_on_alone(problem):
    X, y = problem
    valuator = KNNShapley(random_state=0).fit(X, y)
    valuator.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert not hasattr(valuator, "class_probabilities_")


@pytest.mark.parametrize("name", ["nddv", "oob", "confidence", "knn"])
def test_regression_has_none(problem, name):
    X, y = problem
    valuator = VALUATORS[name].fit(X, y).fit(X, X[:, 0] + X[:, 1] ** 2)
    assert not hasattr(valuator, "class_probabilities_")
    assert not hasattr(valuator, "label_probabilities_")


def test_members_without_them_do_not_count(problem):
    X, y = problem
    members = [
        ("confidence", SelfConfidence(random_state=0)),
        ("knn", KNNShapley(random_state=0)),
        ("outliers", OutlierValuator(IsolationForest(random_state=0))),
    ]
    consensus = ConsensusValuator(members, weights=[3, 1, 5]).fit(X, y)
    first, second = (member.class_probabilities_ for member in consensus.valuators_[:2])
    assert_allclose(consensus.class_probabilities_, (3 * first + second) / 4)
    alone = ConsensusValuator(members[2:]).fit(X, y)
    assert not hasattr(alone, "class_probabilities_")


@pytest.mark.parametrize(
    "valuator",
    [
        SelfConfidence(random_state=0),
        DataOOB(n_estimators=60, scoring="log_proba", random_state=0),
        KNNShapley(random_state=0),
        NDDVValuator(n_members=2, max_epochs=8, random_state=0),
    ],
    ids=lambda valuator: type(valuator).__name__,
)
@pytest.mark.parametrize("share", [0.03, 0.1])
def test_no_rare_class_is_erased_from_clean_data(valuator, share):
    X, y = make_classification(
        800, 10, n_informative=4, weights=[1 - share], flip_y=0, random_state=3
    )
    dropped = ~valuator.fit(X, y).get_support()
    assert dropped[y == 1].mean() <= 0.1
    assert dropped[y == 0].mean() <= 0.02
