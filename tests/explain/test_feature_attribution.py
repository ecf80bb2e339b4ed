"""`FeatureAttribution`: the games that columns play, of models of all kinds."""

import itertools
from math import comb

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import estimator_checks as sklearn_checks

from skvalue import FeatureAttribution
from skvalue.explain._players import Players
from skvalue.utils.estimator_checks import (
    attribution_checks_generator,
    check_attribution,
)

SHAPLEY = ["gaussian_process", "regression", "kernel_shap", "permutation"]


def make_rows(n_rows=60, n_columns=5, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_columns))
    y = X[:, 0] * X[:, 1] + X[:, 2] + np.sin(2 * X[:, 3])
    X.flags.writeable = False
    return X, y


def tree_model(X, y):
    return RandomForestRegressor(5, max_depth=5, random_state=0).fit(X, y)


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


# ------------------------------------------------------------------------------ frames


def make_mixed():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, 80),
            "colour": rng.choice(["red", "blue", "green"], 80, p=[0.5, 0.3, 0.2]),
            "member": rng.random(80) < 0.7,
            "size": pd.Categorical(rng.choice(["s", "m"], 80)),
        }
    )
    y = frame["age"] / 10 + 2 * (frame["colour"] == "red") * frame["member"]
    return frame, y + (frame["size"] == "s")


def make_encoder():
    encoder = OneHotEncoder(sparse_output=False)
    return make_column_transformer(
        (encoder, ["colour", "member", "size"]), remainder="passthrough"
    )


@pytest.mark.parametrize("imputation", ["mean", "marginal"])
def test_columns_that_a_pipeline_encodes_are_one_player_each(imputation):
    """The same values from the encoded array, its one-hot blocks as groups."""
    frame, y = make_mixed()
    model = make_pipeline(make_encoder(), tree_model_of(10)).fit(frame, y)
    background = frame[:20]
    typical = pd.DataFrame(
        {
            "age": [background["age"].mean()],
            "colour": background["colour"].mode(),
            "member": background["member"].mode(),
            "size": background["size"].mode(),
        }
    )
    attribution = FeatureAttribution(model, imputation=imputation, n_background=None)
    values = attribution.fit(background).transform(frame[30:35])
    assert list(attribution.get_feature_names_out()) == list(frame.columns)

    encoded = model[0].transform(frame)
    base = typical if imputation == "mean" else background
    groups = {"colour": [0, 1, 2], "member": [3, 4], "size": [5, 6], "age": [7]}
    blocks = FeatureAttribution(
        model[-1], imputation="marginal", n_background=None, column_groups=groups
    ).fit(model[0].transform(base))
    expected = blocks.transform(encoded[30:35])
    order = [list(blocks.get_feature_names_out()).index(name) for name in frame.columns]
    assert np.allclose(values, expected[:, order], atol=1e-12)
    blocks.set_params(column_groups=model[:-1]).fit(model[0].transform(base))
    assert set(blocks.get_feature_names_out()) == set(frame.columns)
    assert np.allclose(blocks.transform(encoded[30:35]), expected, atol=1e-12)


def groups_of(encoder, X):
    """Columns by the player that the encoder makes of them, from names alone."""
    encoder.fit(X)
    n_columns = encoder.transform(X).shape[1]
    players = Players(encoder, np.arange(n_columns).astype(str), False)
    names = players.names_of(np.arange(n_columns).astype(str))
    return [str(names[player]) for player in players.player_of]


def test_blocks_of_encoders():
    frame = make_mixed()[0]
    text = frame[["colour", "size"]].astype(str)
    assert groups_of(OneHotEncoder(), text) == ["colour"] * 3 + ["size"] * 2
    dropped = OneHotEncoder(drop="first")
    assert groups_of(dropped, text) == ["colour"] * 2 + ["size"]
    # The two rarer colours are one column.
    rare = OneHotEncoder(min_frequency=35)
    assert groups_of(rare, text.to_numpy()) == ["x0"] * 2 + ["x1"] * 2

    X = make_rows()[0]
    columns = ColumnTransformer(
        [
            ("scaled", StandardScaler(), [4, 1]),
            ("mixed", PCA(2), slice(2, 4)),
            ("none", "drop", [0]),
            ("rest", "passthrough", [False, True, False, False, False]),
            ("splines", SplineTransformer(3, degree=2), [0]),
        ]
    )
    expected = ["x4", "x1", "2", "3", "x1"] + ["x0"] * 4
    assert groups_of(columns, X) == expected
    steps = make_pipeline(StandardScaler(), columns, "passthrough", StandardScaler())
    assert groups_of(steps, X) == expected
    named = ColumnTransformer([("n", "passthrough", slice("colour", "size"))])
    assert groups_of(named, frame) == ["colour", "member", "size"]
    numbers = np.arange(5000).astype(str)
    encoder = OneHotEncoder().fit(text)
    with pytest.raises(ValueError, match="makes 5 columns, X has 5000"):
        Players(encoder, numbers, False)
    with pytest.raises(ValueError, match="column_groups=OneHotEncoder is not fitted"):
        Players(clone(encoder), numbers, False)
    assert len(Players(clone(FrozenEstimator(encoder)), numbers[:5], False)) == 2


def tree_model_of(n_trees):
    return RandomForestRegressor(n_trees, max_depth=5, random_state=0)


def test_frames_of_polars():
    polars = pytest.importorskip("polars")
    frame, y = make_mixed()
    frame["size"] = frame["size"].astype(str)
    model = make_pipeline(make_encoder(), tree_model_of(5)).fit(frame, y)
    expected = FeatureAttribution(model).fit(frame).transform(frame[:4])
    table = polars.DataFrame({name: frame[name].to_numpy() for name in frame.columns})
    table = table.with_columns(polars.col("colour").cast(polars.String))
    table = table.with_columns(polars.col("size").cast(polars.String))
    model = make_pipeline(make_encoder(), tree_model_of(5)).fit(table, y)
    values = FeatureAttribution(model).fit(table).transform(table[:4])
    assert np.allclose(values, expected, atol=1e-12)


def test_frames_of_numbers_reach_the_model_as_frames():
    X, y = make_rows()
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["b"] = (frame["b"] * 10).astype(int)
    model = Ridge().fit(frame, y)
    seen = []

    def predict(rows):
        seen.append(list(rows.columns))
        return model.predict(rows)

    values = FeatureAttribution(predict).fit(frame).transform(frame[:3])
    assert all(columns == list("abcde") for columns in seen)
    assert np.allclose(values, model.coef_ * (frame[:3] - frame.mean()).to_numpy())


def test_frames_of_numbers_of_polars():
    polars = pytest.importorskip("polars")
    X, y = make_rows()
    frame = polars.DataFrame(X, schema=list("abcde"))
    values = FeatureAttribution(Ridge().fit(frame, y)).fit(frame).transform(frame[:3])
    expected = FeatureAttribution(Ridge().fit(X, y)).fit(X).transform(X[:3])
    assert np.allclose(values, expected)


def test_categories_stay_categories():
    """Also where the rows that are explained have other ones than the background."""
    frame, y = make_mixed()
    frame = frame[["age", "size"]]
    model = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5)
    model.fit(frame, y)
    seen = []

    def predict(rows):
        seen.append(rows["size"].dtype)
        return model.predict(rows)

    attribution = FeatureAttribution(predict).fit(frame)
    rows = frame[:4].assign(size=pd.Categorical(["m", "s", "s", "m"], ["m", "s", "xl"]))
    values = attribution.transform(rows)
    assert all(isinstance(dtype, pd.CategoricalDtype) for dtype in seen)
    predictions = model.predict(
        rows.assign(size=rows["size"].astype(str).astype("category"))
    )
    assert np.allclose(values.sum(axis=1), predictions - attribution.base_values_)


def test_columns_without_any_cell():
    frame = make_mixed()[0]
    frame = frame.assign(nothing=None, empty=np.nan)

    def predict(rows):
        assert rows["nothing"].isna().all() and rows["empty"].isna().all()
        return rows["age"].to_numpy()

    values = FeatureAttribution(predict).fit(frame).transform(frame[:3])
    assert np.allclose(values[:, 0], frame["age"][:3] - frame["age"].mean())
    assert np.allclose(values[:, 1:], 0)


def test_arrays_of_strings():
    frame, y = make_mixed()
    X = frame[["colour", "size"]].to_numpy(dtype=object)
    model = make_pipeline(OneHotEncoder(), Ridge()).fit(X, y)
    values = FeatureAttribution(model).fit(X).transform(X[:5])
    named = make_pipeline(OneHotEncoder(), Ridge()).fit(frame[["colour", "size"]], y)
    expected = FeatureAttribution(named).fit(frame[["colour", "size"]])
    assert np.allclose(values, expected.transform(frame[["colour", "size"]][:5]))


def test_missing_cells_where_the_model_takes_them():
    X, y = make_rows()
    X = X.copy()
    X[::5, 1] = np.nan
    model = HistGradientBoostingRegressor(max_iter=10).fit(X, y)
    attribution = FeatureAttribution(model).fit(X)
    explanation = attribution.explain(X[:6])
    means = np.nanmean(X, axis=0, keepdims=True)
    assert explanation.base_values == pytest.approx(model.predict(means)[0])
    assert np.allclose(explanation.predictions, model.predict(X[:6]))
    with pytest.raises(ValueError, match="NaN"):
        FeatureAttribution(Ridge().fit(X[1:5], y[1:5])).fit(X)


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


def test_agreement_with_shap():
    """Within three standard errors of KernelExplainer with the same background."""
    shap = pytest.importorskip("shap", reason="the package shap is not installed")
    X, y = make_rows(60, 8)
    model = tree_model(X, y)
    background = X.mean(axis=0, keepdims=True)
    explainer = shap.KernelExplainer(model.predict, background)
    expected = explainer.shap_values(X[:5], nsamples=254, silent=True)
    explanation = FeatureAttribution(model, n_samples=100).fit(X).explain(X[:5])
    difference = np.abs(explanation.attributions - expected)
    assert np.mean(difference <= 3 * explanation.standard_errors + 1e-6) > 0.95


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


# ------------------------------------------------------------------------------ checks


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
