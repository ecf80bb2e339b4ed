"""Every public estimator keeps scikit-learn's promises, every valuator ours."""

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks as sklearn_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import skvalue
from skvalue.base import BaseValuator
from skvalue.utils.estimator_checks import valuator_checks_generator

# One line a public estimator: an instance that is cheap to fit.
NDDV = skvalue.NDDVValuator(n_members=2, max_epochs=3, random_state=0)
CHEAP = {
    "CuratedEstimator": skvalue.CuratedEstimator(LogisticRegression(), NDDV),
    "NDDVValuator": NDDV,
    "ValueSampler": skvalue.ValueSampler(NDDV),
}

# For the checks of the values, where a few epochs are too few to tell wrong labels.
DETECTING = {
    "NDDVValuator": skvalue.NDDVValuator(n_members=2, max_epochs=5, lr=0.03),
}

# Valuators whose values do not answer to a wrong label, and why.
EXPECTED_FAILED_CHECKS = {}

CLEANS_BY_DESIGN = {
    check: "fit_transform replaces low-value rows by design; transform does not"
    for check in ["check_transformer_general", "check_transformer_data_not_an_array"]
}

VALUATORS = {
    name: estimator
    for name, estimator in CHEAP.items()
    if isinstance(estimator, BaseValuator)
}


def test_every_public_estimator_is_in_the_table():
    public = {
        name
        for name in skvalue.__all__
        if isinstance(getattr(skvalue, name), type)
        and issubclass(getattr(skvalue, name), BaseEstimator)
    }
    assert public == set(CHEAP)


# ---------------------------------------------------------------- scikit-learn's checks


def expected_failed_checks(estimator):
    return CLEANS_BY_DESIGN if isinstance(estimator, BaseValuator) else {}


# Not strict: whether drop="auto" finds a row to replace is up to the check's data.
@parametrize_with_checks(
    list(CHEAP.values()),
    expected_failed_checks=expected_failed_checks,
    xfail_strict=False,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [clone(valuator).set_params(drop=0.0) for valuator in VALUATORS.values()]
)
def test_scikit_learn_checks_without_dropping(estimator, check):
    check(estimator)


# check_estimator leaves these out.
CHECKS_OF_EVERY_ESTIMATOR = [
    sklearn_checks.check_param_validation,
    sklearn_checks.check_dataframe_column_names_consistency,
]
CHECKS_OF_TRANSFORMERS = [
    sklearn_checks.check_set_output_transform,
    sklearn_checks.check_set_output_transform_pandas,
    sklearn_checks.check_set_output_transform_polars,
    sklearn_checks.check_global_output_transform_pandas,
    sklearn_checks.check_global_set_output_transform_polars,
    sklearn_checks.check_transformer_get_feature_names_out,
    sklearn_checks.check_transformer_get_feature_names_out_pandas,
    sklearn_checks.check_get_feature_names_out_error,
]


@pytest.mark.parametrize("check", CHECKS_OF_EVERY_ESTIMATOR)
@pytest.mark.parametrize("name", CHEAP)
def test_more_scikit_learn_checks(name, check):
    check(name, clone(CHEAP[name]))


# The checks of set_output fit to an array and transform a frame, and the reverse;
# scikit-learn's own transformers warn of that too.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("check", CHECKS_OF_TRANSFORMERS)
@pytest.mark.parametrize("name", VALUATORS)
@pytest.mark.parametrize("drop", ["auto", 0.0])
def test_scikit_learn_checks_of_transformers(name, check, drop):
    check(name, clone(VALUATORS[name]).set_params(drop=drop))


# --------------------------------------------------------------- checks of the values


def valuator_checks():
    for name, valuator in VALUATORS.items():
        expected = EXPECTED_FAILED_CHECKS.get(name, {})
        for instance, check in valuator_checks_generator(DETECTING.get(name, valuator)):
            reason = expected.get(check.__name__)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            yield pytest.param(
                instance, check, marks=marks, id=f"{name}-{check.__name__}"
            )


@pytest.mark.parametrize(("valuator", "check"), list(valuator_checks()))
def test_valuator_checks(valuator, check):
    check(valuator)
