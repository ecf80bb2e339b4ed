"""Attributions of frames: strings, categories, one-hot blocks, missing cells."""

import numpy as np
import pandas as pd
import pytest
from attribution_models import make_encoder, make_mixed, make_rows
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from skvalue import FeatureAttribution
from skvalue.explain._players import Players


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
