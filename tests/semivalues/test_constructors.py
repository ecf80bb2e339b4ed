"""The constructors of the semivalues, which a dataclass writes, are scikit-learn's."""

import inspect
from dataclasses import dataclass

import pytest
from sklearn.base import BaseEstimator, clone

from skvalue import BetaShapley, DataBanzhaf, DataShapley, Semivalue
from skvalue.semivalues._base import BaseSemivalue

SEMIVALUES = [BetaShapley, DataBanzhaf, DataShapley, Semivalue]


def parameters(estimator_class):
    return inspect.signature(estimator_class.__init__).parameters


@dataclass(eq=False, repr=False)
class WithShare(BaseSemivalue):
    share: float = 0.7
    estimator: object = None


@pytest.mark.parametrize("semivalue", [*SEMIVALUES, WithShare])
def test_every_setting_of_sampling_is_a_parameter_with_its_default(semivalue):
    """A field that the sampling base gains must be one of the semivalues' too."""
    *_, sampling_base = BaseSemivalue.__bases__
    own = parameters(semivalue)
    for name, parameter in parameters(sampling_base).items():
        if name != "self":
            assert own[name].default == parameter.default, name


@pytest.mark.parametrize("semivalue", [*SEMIVALUES, WithShare])
def test_estimator_is_the_last_parameter_by_position(semivalue):
    by_position = [
        name
        for name, parameter in parameters(semivalue).items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert by_position[-1] == "estimator"


@pytest.mark.parametrize("semivalue", SEMIVALUES)
def test_identity_and_repr_are_those_of_scikit_learn(semivalue):
    assert semivalue.__repr__ is BaseEstimator.__repr__
    assert semivalue.__eq__ is object.__eq__
    assert semivalue.__hash__ is object.__hash__


def test_own_parameter_of_a_subclass_is_a_parameter_of_scikit_learn():
    valuator = clone(WithShare(0.2, tol=None))
    assert valuator.get_params()["share"] == 0.2
    assert valuator.set_params(share=0.3).share == 0.3
    assert repr(valuator) == "WithShare(share=0.3, tol=None)"
