"""Rows and models that the tests of attributions share."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.preprocessing import OneHotEncoder


def make_rows(n_rows=60, n_columns=5, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_columns))
    y = X[:, 0] * X[:, 1] + X[:, 2] + np.sin(2 * X[:, 3])
    X.flags.writeable = False
    return X, y


def tree_model(X, y):
    return RandomForestRegressor(5, max_depth=5, random_state=0).fit(X, y)


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
