"""The one way to seed: the same integer, the same values, however deep the model."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skvalue
from skvalue.utils._random import draw_seed, integer_seed, seeded

X, Y = make_classification(60, 6, random_state=0)
DEEP = make_pipeline(
    StandardScaler(),
    BaggingClassifier(
        RandomForestClassifier(2, max_features=1, max_depth=2), n_estimators=2
    ),
)
RANDOM = {
    "DVRL": skvalue.DVRL(DEEP, max_epochs=1, cv=2),
    "DataOOB": skvalue.DataOOB(DEEP, n_estimators=40),
    "SelfConfidence": skvalue.SelfConfidence(DEEP),
    "LeaveOneOut": skvalue.LeaveOneOut(DEEP, cv=2),
    "DataBanzhaf": skvalue.DataBanzhaf(DEEP, cv=2, max_evaluations=32, tol=None),
    "OutlierValuator": skvalue.OutlierValuator(),
    "ConsensusValuator": skvalue.ConsensusValuator(
        [("confidence", skvalue.SelfConfidence(DEEP))]
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_a_second_fit_of_a_random_model_gives_the_same_values(name):
    valuator = RANDOM[name].set_params(random_state=0)
    first = valuator.fit(X, Y).data_values_
    assert_array_equal(valuator.fit(X, Y).data_values_, first)
    other = valuator.set_params(random_state=1).fit(X, Y).data_values_
    assert not np.array_equal(other, first)


def test_every_random_state_gets_a_seed_and_given_ones_stay():
    model = make_pipeline(
        StandardScaler(),
        BaggingClassifier(DecisionTreeClassifier(random_state=7), random_state=None),
    )
    params = seeded(model, 2**32 - 1).get_params()
    assert params["baggingclassifier__random_state"] == (2**32 - 1) % 2**31
    assert params["baggingclassifier__estimator__random_state"] == 7
    assert model.get_params()["baggingclassifier__random_state"] is None
    assert seeded(SGDClassifier(), 3).random_state == 3


def test_integer_seeds():
    assert integer_seed(5) == integer_seed(np.int64(5)) == 5
    assert integer_seed(np.random.RandomState(5)) == draw_seed(np.random.RandomState(5))
    before = np.random.get_state()[1].copy()
    assert integer_seed(None) != integer_seed(None)
    assert_array_equal(np.random.get_state()[1], before)
