"""`FeatureAttribution`: the games that columns play, of models of all kinds."""

import itertools
from math import comb

import numpy as np
import pandas as pd
import pytest
from attribution_models import make_encoder, make_mixed, make_rows, tree_model
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skvalue import FeatureAttribution

SHAPLEY = ["gaussian_process", "regression", "kernel_shap", "permutation"]


def plain_loop(predict, X, background, groups):
    """Shapley values by their definition: a loop over rows, players and coalitions."""
    values = np.zeros((len(X), len(groups)))
    n_players = len(groups)

    def worth(row, coalition):
        mixed = background.copy()
        for player in coalition:
            mixed[:, groups[player]] = row[groups[player]]
        return predict(mixed).mean()

    for place, row in enumerate(X):
        for player in range(n_players):
            others = [other for other in range(n_players) if other != player]
            for size in range(n_players):
                weight = 1 / n_players / comb(n_players - 1, size)
                for coalition in itertools.combinations(others, size):
                    gain = worth(row, (*coalition, player)) - worth(row, coalition)
                    values[place, player] += weight * gain
    return values


@pytest.mark.parametrize("groups", [None, [[0, 3]], {"pair": [3, 1], "other": [4]}])
@pytest.mark.parametrize("imputation", ["mean", "marginal"])
def test_values_are_those_of_a_plain_loop(imputation, groups):
    X, y = make_rows()
    model = tree_model(X, y)
    background = X[:7] if imputation == "marginal" else X[:7].mean(0, keepdims=True)
    players = {
        None: [[0], [1], [2], [3], [4]],
        "list": [[0, 3], [1], [2], [4]],
        "dict": [[0], [1, 3], [2], [4]],
    }[None if groups is None else type(groups).__name__]
    expected = plain_loop(model.predict, X[10:13], background, players)
    attribution = FeatureAttribution(
        model, imputation=imputation, n_background=None, column_groups=groups
    ).fit(X[:7])
    assert np.allclose(attribution.transform(X[10:13]), expected, atol=1e-12)
    assert attribution.base_values_ == pytest.approx(model.predict(background).mean())


def test_names_of_players():
    X, y = make_rows()
    frame = pd.DataFrame(X, columns=list("abcde"))
    attribution = FeatureAttribution(
        Ridge().fit(frame, y), column_groups={"pair": ["d", "b"]}
    )
    names = attribution.fit(frame).get_feature_names_out()
    assert list(names) == ["a", "pair", "c", "e"]
    values = attribution.set_output(transform="pandas").transform(frame[:3])
    assert list(values.columns) == list(names) and values.index.equals(frame.index[:3])
    unnamed = FeatureAttribution(Ridge().fit(X, y), column_groups=[[4, 2]]).fit(X)
    assert list(unnamed.get_feature_names_out()) == ["x0", "x1", "x2+x4", "x3"]
    given = unnamed.get_feature_names_out(list("abcde"))
    assert list(given) == ["a", "b", "c+e", "d"]


@pytest.mark.parametrize("method", ["auto", "kernel_shap", "permutation"])
def test_linear_models_have_a_closed_form(method):
    X, _ = make_rows(60, 12)
    model = LinearRegression().fit(X, X @ np.arange(12))
    attribution = FeatureAttribution(model, method=method, n_samples=100)
    values = attribution.fit(X).transform(X[:5])
    tolerance = 0.1 if method == "auto" else 1e-8
    assert np.allclose(values, model.coef_ * (X[:5] - X.mean(axis=0)), atol=tolerance)


@pytest.mark.parametrize("n_samples", [14, 30, 100])
@pytest.mark.parametrize("method", ["auto", *SHAPLEY, "sgd_shapley"])
def test_efficiency(method, n_samples):
    X, y = make_rows(60, 8)
    model = MLPRegressor(max_iter=30, tol=1.0, random_state=0).fit(X, y)
    explanation = (
        FeatureAttribution(model, method=method, n_samples=n_samples, random_state=0)
        .fit(X)
        .explain(X[:6])
    )
    sums = explanation.attributions.sum(axis=1)
    assert np.allclose(sums, model.predict(X[:6]) - explanation.base_values, atol=1e-6)


# ------------------------------------------------------------------ what is explained


def test_outputs_of_classifiers():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = RandomForestClassifier(5, random_state=0).fit(X, names)
    explained = FeatureAttribution(model).fit(X).explain(X[:4])
    assert explained.attributions.shape == (4, 4, 3)
    assert list(explained.outputs) == list(model.classes_)
    assert np.allclose(explained.predictions, model.predict_proba(X[:4]))
    # Probabilities sum to one, so their attributions to zero.
    assert np.allclose(explained.attributions.sum(axis=2), 0)
    one = FeatureAttribution(model, output="virginica").fit(X).transform(X[:4])
    assert np.allclose(one, explained.attributions[:, :, 2])


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_of_two_classes_the_second_is_explained(method):
    X, y = make_rows()
    labels = np.where(y > 0, "yes", "no")
    model = LogisticRegression().fit(X, labels)
    values = {
        output: FeatureAttribution(model, response_method=method, output=output)
        .fit(X)
        .transform(X[:4])
        for output in (None, "yes", "no")
    }
    assert values[None].shape == (4, 5)
    assert np.array_equal(values[None], values["yes"])
    assert np.allclose(values["no"], -values["yes"])
    if method == "decision_function":
        assert np.allclose(values[None], model.coef_ * (X[:4] - X.mean(axis=0)))


def test_auto_takes_decision_functions_where_there_are_no_probabilities():
    X, y = make_rows()
    model = SVC().fit(X, y > 0)
    explanation = FeatureAttribution(model).fit(X).explain(X[:4])
    assert np.allclose(explanation.predictions, model.decision_function(X[:4]))


def test_outlier_detectors_are_explained_by_their_scores():
    X, _ = make_rows()
    model = IsolationForest(n_estimators=5, random_state=0).fit(X)
    explanation = FeatureAttribution(model).fit(X).explain(X[:4])
    assert np.allclose(explanation.predictions, model.decision_function(X[:4]))


def test_models_without_tags():
    """Whatever predicts, or gives probabilities of classes, can be explained."""
    X, y = make_rows()
    fitted = LogisticRegression().fit(X, y > 0)

    class Plain:
        classes_ = fitted.classes_

        def predict_proba(self, X):
            return fitted.predict_proba(X)

        def predict(self, X):
            raise AssertionError

    expected = FeatureAttribution(fitted).fit(X).transform(X[:3])
    assert np.allclose(FeatureAttribution(Plain()).fit(X).transform(X[:3]), expected)
    logs = FeatureAttribution(fitted, response_method="predict_log_proba").fit(X)
    sums = logs.base_values_ + logs.transform(X[:3]).sum(axis=1)
    assert np.allclose(sums, fitted.predict_log_proba(X[:3])[:, 1])


def test_several_targets_and_callables():
    X, y = make_rows()
    model = Ridge().fit(X, np.column_stack([y, -y, 2 * y]))
    values = FeatureAttribution(model).fit(X).transform(X[:3])
    called = FeatureAttribution(model.predict).fit(X).transform(X[:3])
    assert values.shape == (3, 5, 3) and np.allclose(values, called)
    one = FeatureAttribution(model, output=1).fit(X)
    assert np.allclose(one.transform(X[:3]), values[:, :, 1])
    assert list(one.outputs_) == [1]


def test_several_outputs_make_no_frame():
    X, y = load_iris(return_X_y=True)
    model = RandomForestClassifier(3, random_state=0).fit(X, y)
    attribution = FeatureAttribution(model).set_output(transform="pandas").fit(X)
    with pytest.raises(ValueError, match="set output to one of"):
        attribution.transform(X[:2])


# ------------------------------------------------------------------- as an estimator


def test_a_fitted_estimator_is_used_as_it_is():
    X, y = make_rows()
    model = Ridge().fit(X, y)
    attribution = FeatureAttribution(model).fit(X)
    assert attribution.estimator_ is model
    with pytest.raises(NotFittedError, match="FrozenEstimator"):
        clone(attribution).fit(X)
    frozen = FeatureAttribution(FrozenEstimator(model))
    expected = attribution.transform(X[:3])
    assert np.array_equal(clone(frozen).fit(X).transform(X[:3]), expected)
    unfitted = Ridge()
    refitted = FeatureAttribution(unfitted).fit(X, y)
    assert np.allclose(refitted.transform(X[:3]), expected)
    assert not hasattr(unfitted, "coef_")


def test_a_step_of_a_pipeline():
    X, y = make_rows()
    model = FrozenEstimator(tree_model(X, y))
    steps = make_pipeline(FeatureAttribution(model), StandardScaler(), KMeans(2))
    assert steps.fit(X).predict(X[:4]).shape == (4,)


def test_workers_give_bitwise_the_same():
    X, y = make_rows(600)
    model = tree_model(X, y)
    values = [
        FeatureAttribution(model, n_samples=12, random_state=0, n_jobs=n_jobs)
        .fit(X)
        .transform(X)
        for n_jobs in (1, 2)
    ]
    assert np.array_equal(*values)


def test_chunks_of_rows_and_of_coalitions(monkeypatch):
    X, y = make_rows()
    model = tree_model(X, y)
    options = {"imputation": "marginal", "n_background": 4, "random_state": 0}
    expected = FeatureAttribution(model, **options).fit(X).transform(X[:9])
    small = FeatureAttribution(model, batch_size=10, **options).fit(X)
    monkeypatch.setattr("skvalue.explain._attributing.ROWS_AT_ONCE", 2)
    assert np.allclose(small.transform(X[:9]), expected, atol=1e-12)


def test_progress_is_printed(capsys):
    X, y = make_rows()
    model = tree_model(X, y)
    FeatureAttribution(model, verbose=1).fit(X).transform(X[:3])
    assert "[FeatureAttribution] 1 of 1 chunks" in capsys.readouterr().out


# ------------------------------------------------------- draws, for amortized networks


def test_draws_have_seeds_halves_and_effects():
    X, y = make_rows(60, 8)
    model = tree_model(X, y)
    attribution = FeatureAttribution(model, n_samples=40, random_state=0).fit(X)
    draw = attribution._draw(X[:6], 3, halves=True, effects=True)
    assert draw.values.shape == draw.stderr.shape == (6, 8, 1)
    assert draw.halves.shape == (2, 6, 8, 1)
    assert not np.allclose(draw.halves[0], draw.halves[1])
    assert draw.n_evaluations <= 40 + 16 + 2
    again = attribution._draw(X[:6], 3, halves=True, effects=True)
    assert np.array_equal(draw.values, again.values)
    assert not np.allclose(draw.values, attribution._draw(X[:6], 4).values)

    worth = attribution._worth(X[:6], np.vstack([np.eye(8), 1 - np.eye(8)]))
    assert np.allclose(draw.add_one, worth[:, :8] - draw.empty)
    assert np.allclose(draw.leave_one_out, draw.predictions[:, None] - worth[:, 8:])
    assert np.allclose(draw.predictions[:, 0], model.predict(X[:6]))


def test_rows_may_have_coalitions_of_their_own(monkeypatch):
    X, y = make_rows(60, 8)
    attribution = FeatureAttribution(tree_model(X, y), n_samples=40).fit(X)
    same = np.repeat(X[:1], 6, axis=0)
    shared = attribution._draw(same, 3).values
    assert np.allclose(shared, shared[0])
    own = attribution._draw(same, 3, rows_a_design=2).values
    assert np.allclose(own[0], own[1]) and np.allclose(own[4], own[5])
    assert not np.allclose(own[0], own[2]) and not np.allclose(own[2], own[4])
    monkeypatch.setattr("skvalue.explain._attributing.ROWS_AT_ONCE", 2)
    chunks = attribution._draw(same, 3, rows_a_design=2).values
    assert np.allclose(chunks, own, atol=1e-12)


# ------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_samples": 3, "method": "permutation"}, "n_samples=3 is too few"),
        ({"n_samples": 5, "method": "lime"}, "needs at least 7"),
        ({"column_groups": [[0, 7]]}, "7 is no column of X"),
        ({"column_groups": [["a"]]}, "'a' is no column of X"),
        ({"column_groups": [[0], [0, 1]]}, "'x0' is given twice"),
        ({"column_groups": [[0, 0]]}, "is given twice"),
        ({"column_groups": ["ab"]}, "must hold lists of columns"),
        ({"column_groups": {"x1": [0, 2]}}, "names of groups and of other"),
        ({"column_groups": [[]]}, "has no columns"),
        ({"output": 3}, "output=3 is not one of the 1 outputs"),
        ({"output": -1}, "an integer >= 0"),
        ({"response_method": "predict_proba"}, "has no predict_proba"),
        ({"estimator": Ridge}, "not a class"),
        ({"estimator": lambda X: np.ones(3)}, "returned shape"),
        ({"estimator": lambda X: np.log(-np.abs(X[:, 0]))}, "NaN or infinity"),
        ({"estimator": lambda X: ["a"] * len(X)}, "must return numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_wrong_parameters_are_named(params, message):
    X, y = make_rows()
    attribution = FeatureAttribution(Ridge().fit(X, y)).set_params(**params)
    with pytest.raises(ValueError, match=message):
        attribution.fit(X)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_wrong_outputs_and_responses_are_named():
    X, y = make_rows()
    model = LogisticRegression().fit(X, y > 0)
    with pytest.raises(ValueError, match="output='no' is none of the classes"):
        FeatureAttribution(model, output="no").fit(X)
    with pytest.raises(ValueError, match="needs an estimator"):
        FeatureAttribution(model.predict, response_method="predict").fit(X)
    several = RandomForestClassifier(2).fit(X, np.column_stack([y > 0, y > 1]))
    with pytest.raises(ValueError, match="several outputs of classes"):
        FeatureAttribution(several).fit(X)
    frame, target = make_mixed()
    pipe = make_pipeline(make_encoder(), Ridge()).fit(frame, target)
    attribution = FeatureAttribution(pipe).fit(frame)
    with pytest.raises(ValueError, match="X must be a frame"):
        attribution.transform(frame.to_numpy())
