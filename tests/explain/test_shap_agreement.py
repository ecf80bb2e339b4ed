"""`FeatureAttribution` beside the package shap, where it is installed."""

import numpy as np
import pytest
from attribution_models import make_rows, tree_model
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skvalue import FeatureAttribution

shap = pytest.importorskip("shap", reason="the package shap is not installed")

D, N_EXPLAINED = 8, 6


def make_model(name):
    """A fitted model, the function that shap explains, and its rows."""
    X, y = make_rows(60, D)
    models = {
        "tree": lambda: tree_model(X, y),
        "network": lambda: MLPRegressor(
            hidden_layer_sizes=(16,), max_iter=80, tol=1.0, random_state=0
        ),
        "forest of classes": lambda: RandomForestClassifier(10, random_state=0),
        "network of classes": lambda: MLPClassifier((16,), max_iter=60, tol=1.0),
    }
    model = models[name]()
    if "classes" not in name:
        model.fit(X, y)
        return model, model.predict, X
    model.set_params(random_state=0).fit(X, y > 0)
    return model, lambda rows: model.predict_proba(rows)[:, 1], X


MODELS = ["tree", "network", "forest of classes", "network of classes"]
IMPUTATIONS = ["mean", "marginal"]


def background_of(X, imputation):
    return X.mean(axis=0, keepdims=True) if imputation == "mean" else X[:7]


def ours(model, X, imputation, **options):
    rows = X if imputation == "mean" else X[:7]
    options = {"imputation": imputation, "n_background": None, **options}
    return FeatureAttribution(model, **options).fit(rows)


@pytest.mark.parametrize("imputation", IMPUTATIONS)
@pytest.mark.parametrize("name", MODELS)
def test_all_coalitions_give_what_kernel_explainer_gives(name, imputation):
    model, predict, X = make_model(name)
    explainer = shap.KernelExplainer(predict, background_of(X, imputation))
    expected = explainer.shap_values(X[:N_EXPLAINED], nsamples=2**D, silent=True)
    exact = ours(model, X, imputation)
    assert exact.n_samples_ == 2**D - 2
    values = exact.transform(X[:N_EXPLAINED])
    # shap rounds coalitions to whole weights of float32.
    assert np.allclose(values, expected, atol=1e-5 * np.abs(expected).max())
    assert exact.base_values_ == pytest.approx(explainer.expected_value)


@pytest.mark.parametrize(
    "method", ["auto", "regression", "kernel_shap", "permutation", "gaussian_process"]
)
@pytest.mark.parametrize("imputation", IMPUTATIONS)
@pytest.mark.parametrize("name", MODELS)
def test_estimates_are_within_three_standard_errors(name, imputation, method):
    model, predict, X = make_model(name)
    explainer = shap.KernelExplainer(predict, background_of(X, imputation))
    expected = explainer.shap_values(X[:N_EXPLAINED], nsamples=2**D, silent=True)
    explanation = ours(
        model, X, imputation, method=method, n_samples=112, random_state=0
    ).explain(X[:N_EXPLAINED])
    difference = np.abs(explanation.attributions - expected)
    tolerance = 3 * explanation.standard_errors + 1e-5 * np.abs(expected).max()
    assert np.mean(difference <= tolerance) > 0.95


@pytest.mark.parametrize("imputation", IMPUTATIONS)
@pytest.mark.parametrize("name", MODELS)
def test_permutation_explainer_errs_around_our_exact_values(name, imputation):
    """Within three standard errors of as many orders of ours."""
    model, predict, X = make_model(name)
    n_pairs = 12
    masker = shap.maskers.Independent(background_of(X, imputation))
    explainer = shap.PermutationExplainer(predict, masker, seed=0)
    found = explainer(
        X[:N_EXPLAINED], max_evals=n_pairs * (2 * D + 1), silent=True
    ).values
    exact = ours(model, X, imputation).transform(X[:N_EXPLAINED])
    errors = (
        ours(
            model,
            X,
            imputation,
            method="permutation",
            n_samples=2 * n_pairs * (D - 1),
            random_state=0,
        )
        .explain(X[:N_EXPLAINED])
        .standard_errors
    )
    tolerance = 3 * errors + 1e-6 * np.abs(exact).max()
    assert np.mean(np.abs(found - exact) <= tolerance) > 0.95


@pytest.mark.parametrize("imputation", IMPUTATIONS)
def test_linear_explainer_has_our_closed_form(imputation):
    X, y = make_rows(60, D)
    model = LinearRegression().fit(X, y)
    background = background_of(X, imputation)
    masker = shap.maskers.Independent(background)
    expected = shap.LinearExplainer(model, masker).shap_values(X[:N_EXPLAINED])
    values = ours(model, X, imputation).transform(X[:N_EXPLAINED])
    assert np.allclose(values, expected, atol=1e-10)
    assert np.allclose(
        values, model.coef_ * (X[:N_EXPLAINED] - background.mean(0)), atol=1e-10
    )


def test_linear_explainer_of_log_odds():
    X, y = make_rows(60, D)
    model = LogisticRegression().fit(X, y > 0)
    masker = shap.maskers.Independent(X[:7])
    expected = shap.LinearExplainer(model, masker).shap_values(X[:N_EXPLAINED])
    attribution = ours(model, X, "marginal", response_method="decision_function")
    assert np.allclose(attribution.transform(X[:N_EXPLAINED]), expected, atol=1e-10)
