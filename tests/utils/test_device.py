"""One check of devices, before any work."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

import skvalue

X, Y = make_classification(40, 4, random_state=0)
WITH_DEVICE = [
    getattr(skvalue, name)
    for name in skvalue.__all__
    if "device" in getattr(skvalue, name)._get_param_names() and name != "Semivalue"
]


@pytest.mark.parametrize("device", ["banana", "cuda:77", "meta"])
@pytest.mark.parametrize("valuator", WITH_DEVICE, ids=lambda kind: kind.__name__)
def test_a_device_that_is_not_there_is_refused_before_any_work(valuator, device):
    needed = [LogisticRegression()] if valuator is skvalue.AmortizedAttribution else []
    # Rows that would be refused next show that nothing was looked at before.
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used here"):
        valuator(*needed, device=device).fit(X * np.nan, Y)


def test_a_member_of_a_consensus_is_asked_before_the_others_are_fitted():
    class NeverFitted(skvalue.KNNShapley):
        def _fit(self, *data):
            raise AssertionError("fitted before the device was refused")

    members = [("first", NeverFitted()), ("second", skvalue.DVRL(device="banana"))]
    with pytest.raises(ValueError, match="device='banana' cannot be used here"):
        skvalue.ConsensusValuator(members).fit(X, Y)


def test_most_methods_take_a_device():
    assert len(WITH_DEVICE) >= 11
