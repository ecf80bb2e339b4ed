"""What estimators share is described by the same words in each of them."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils._testing import assert_docstring_consistency

import skvalue
from skvalue.base import BaseValuator

ESTIMATORS = [
    thing
    for thing in (getattr(skvalue, name) for name in skvalue.__all__)
    if isinstance(thing, type) and issubclass(thing, BaseEstimator)
]
VALUATORS = [thing for thing in ESTIMATORS if issubclass(thing, BaseValuator)]
SEMIVALUES = [
    skvalue.BetaShapley,
    skvalue.DataBanzhaf,
    skvalue.DataShapley,
    skvalue.Semivalue,
]
SAMPLING = [*SEMIVALUES, skvalue.DistributionalShapley, skvalue.SubsampleInfluence]
GAMES = [*SAMPLING, skvalue.AME, skvalue.LeaveOneOut]
NETWORKS = [
    skvalue.NDDVValuator,
    skvalue.AmortizedShapley,
    skvalue.AmortizedAttribution,
]

# "auto" of these two is a rule of their own, which their docstrings add.
OWN_DROP_RULE = {skvalue.NDDVValuator, skvalue.OutlierValuator}


def documenting(name, estimators):
    """Those of the estimators that have the parameter."""
    having = [thing for thing in estimators if name in thing._get_param_names()]
    assert len(having) > 1
    return having


@pytest.mark.parametrize(
    "attribute", ["n_features_in_", "feature_names_in_", "fill_indices_", "classes_"]
)
def test_fitted_attributes_of_the_base_read_the_same(attribute):
    assert_docstring_consistency(VALUATORS, include_attrs=[attribute])


@pytest.mark.parametrize(
    "attribute", ["n_features_in_", "feature_names_in_", "valuator_"]
)
def test_fitted_attributes_of_what_acts_on_values_read_the_same(attribute):
    assert_docstring_consistency(
        [skvalue.CuratedEstimator, skvalue.ValueSampler], include_attrs=[attribute]
    )


def test_drop_reads_the_same():
    plain = [thing for thing in VALUATORS if thing not in OWN_DROP_RULE]
    assert_docstring_consistency(plain, include_params=["drop"])
    assert_docstring_consistency(
        VALUATORS,
        include_params=["drop"],
        descr_regex_pattern="^Which rows are of low value",
    )


def test_values_say_which_end_is_good():
    assert_docstring_consistency(
        VALUATORS,
        include_attrs=["data_values_"],
        descr_regex_pattern="higher is better",
    )


@pytest.mark.parametrize(
    ("name", "estimators"),
    [
        ("random_state", VALUATORS),
        ("verbose", VALUATORS),
        ("n_jobs", VALUATORS),
        ("cv", VALUATORS),
        ("device", VALUATORS),
        ("warm_start", VALUATORS),
        ("optimizer", NETWORKS),
        ("callbacks", NETWORKS),
        ("net_params", NETWORKS),
    ],
)
def test_types_and_defaults_read_the_same(name, estimators):
    """What the parameter does with them is each method's own."""
    assert_docstring_consistency(
        documenting(name, estimators), include_params=[name], descr_regex_pattern="."
    )


@pytest.mark.parametrize(
    ("name", "estimators"),
    [
        *((name, GAMES) for name in ["estimator", "scoring", "cv", "device", "n_jobs"]),
        *((name, SAMPLING) for name in ["tol", "warm_start", "random_state"]),
        *((name, VALUATORS) for name in ["checkpoint", "checkpoint_interval"]),
        *((name, SEMIVALUES) for name in ["max_evaluations", "min_coalition_size"]),
    ],
)
def test_parameters_of_coalition_games_read_the_same(name, estimators):
    assert_docstring_consistency(documenting(name, estimators), include_params=[name])


@pytest.mark.parametrize(
    ("name", "estimators"),
    [("n_evaluations_", GAMES), ("data_values_stderr_", SAMPLING)],
)
def test_attributes_of_coalition_games_read_the_same(name, estimators):
    assert_docstring_consistency(estimators, include_attrs=[name])
