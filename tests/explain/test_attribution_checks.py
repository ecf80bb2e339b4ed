"""`check_attribution` lets attributions pass, and tells what is wrong with others."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import estimator_checks as sklearn_checks

from skvalue import FeatureAttribution
from skvalue.utils.estimator_checks import (
    attribution_checks_generator,
    check_attribution,
)

SHAPLEY = ["gaussian_process", "regression", "kernel_shap", "permutation"]


ATTRIBUTIONS = {
    "exact": {},
    "marginal": {"imputation": "marginal"},
    **{method: {"method": method, "n_samples": 40} for method in [*SHAPLEY, "banzhaf"]},
}


def attribution_checks():
    for name, params in ATTRIBUTIONS.items():
        attribution = FeatureAttribution(Ridge(), **params)
        for instance, check in attribution_checks_generator(attribution):
            yield pytest.param(instance, check, id=f"{name}-{check.__name__}")


@pytest.mark.parametrize(("attribution", "check"), list(attribution_checks()))
def test_attribution_checks(attribution, check):
    check(attribution)


@pytest.mark.filterwarnings("ignore:Skipping check_efficiency")
def test_lime_gives_something_to_a_column_that_does_not_matter():
    results = check_attribution(
        FeatureAttribution(Ridge(), method="lime"),
        expected_failed_checks={"check_null_column": "not an axiom of LIME"},
    )
    statuses = {result["check_name"]: result["status"] for result in results}
    assert statuses["check_null_column"] == "xfail"
    assert statuses["check_efficiency"] == "skipped"


class Broken(FeatureAttribution):
    """Keeps one of the promises not, as `how` says."""

    def __init__(self, estimator, *, how=None, n_samples="auto", random_state=None):
        super().__init__(estimator, n_samples=n_samples, random_state=random_state)
        self.how = how

    _parameter_constraints = {**FeatureAttribution._parameter_constraints, "how": [str]}

    def _draw(self, X, seed, **options):
        draw = super()._draw(X, seed, **options)
        values = draw.values
        if self.how == "sum":
            values[:, 0] += 1.0
        elif self.how == "first":
            values += np.array([0.1, -0.1, 0, 0, 0, 0])[:, None]
        elif self.how == "last":
            values += np.array([0, 0, 0, 0, -0.1, 0.1])[:, None]
        elif self.how == "squares":
            values[:] = np.sign(values) * values**2
        elif self.how == "seed":
            values += np.random.default_rng().normal(size=values.shape)
        elif self.how == "global":
            np.random.random()
        elif self.how == "rows":
            values += len(values)
        elif self.how == "input":
            X[0] = 0
        return draw


@pytest.mark.parametrize(
    ("how", "check_name", "message"),
    [
        ("sum", "check_efficiency", "must sum to"),
        ("first", "check_symmetry", "treats alike differ"),
        ("last", "check_null_column", "off zero"),
        ("squares", "check_linearity", "sum of two models"),
        ("seed", "check_same_seed", "random_state"),
        ("global", "check_global_random_state", "moved the global"),
        ("rows", "check_chunks", "explained together"),
        ("input", "check_inputs_unmodified", "modified the rows"),
    ],
)
def test_a_broken_promise_is_found(how, check_name, message):
    checks = attribution_checks_generator(Broken(Ridge(), how=how))
    (check,) = [check for _, check in checks if check.__name__ == check_name]
    with pytest.raises(AssertionError, match=message):
        check(Broken(Ridge(), how=how))


def test_a_class_is_no_instance():
    with pytest.raises(TypeError, match="must be an instance"):
        check_attribution(FeatureAttribution)


# check_estimator leaves these out; the rest runs in tests/test_common.py.
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


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("check", CHECKS_OF_TRANSFORMERS)
def test_scikit_learn_checks_of_transformers(check):
    attribution = FeatureAttribution(LogisticRegression(), n_samples=32, random_state=0)
    check("FeatureAttribution", attribution)
