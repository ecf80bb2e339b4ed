"""The mixed table has the columns, the counts and the structure that it promises."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

from skvalue.datasets import make_mixed_table


def true_default(y, is_wrong):
    return (y == "default").to_numpy() ^ is_wrong


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(10, 60),
    minority=st.floats(0.1, 0.5),
    missing=st.floats(0, 0.9),
    wrong=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_shares_are_exact(n, minority, missing, wrong, seed):
    frame, y, is_wrong = make_mixed_table(
        n, minority=minority, missing=missing, wrong=wrong, random_state=seed
    )
    assert len(frame) == len(y) == len(is_wrong) == n
    cells = round(missing * n)
    assert frame.isna().sum().tolist() == [cells, 0, 0, cells, cells, cells]
    assert set(y) <= {"paid", "default"}
    assert is_wrong.sum() == round(wrong * n)
    assert true_default(y, is_wrong).sum() == round(minority * n)


def test_columns_are_of_the_types_that_people_have():
    frame, y, is_wrong = make_mixed_table(50, random_state=0)
    kinds = [frame[name].dtype.kind for name in ["income", "age", "rents", "opened"]]
    assert kinds == ["f", "i", "b", "M"]
    assert pd.api.types.is_string_dtype(frame["job"].dropna())
    assert frame["school"].cat.ordered
    assert frame["school"].cat.categories.tolist() == [
        "primary",
        "secondary",
        "college",
    ]
    assert y.index.equals(frame.index)
    assert y.name == "loan"
    assert is_wrong.dtype == bool


@pytest.mark.parametrize("seed", range(3))
def test_the_rare_class_can_be_learnt_from_the_wrong_labels(seed):
    frame, y, is_wrong = make_mixed_table(600, random_state=seed)
    opened = frame["opened"]
    days = (opened - pd.Timestamp("2015-01-01")) / pd.Timedelta(days=1)
    encoded = frame.assign(opened=days, job=frame["job"].astype("category"))
    model = HistGradientBoostingClassifier(
        max_iter=50, categorical_features="from_dtype", random_state=0
    )
    probability = cross_val_predict(
        model, encoded, y == "default", cv=3, method="predict_proba"
    )[:, 1]
    truth = true_default(y, is_wrong)
    assert roc_auc_score(truth, probability) > 0.8
    assert average_precision_score(truth, probability) > 3 * truth.mean()


def test_table_is_reproducible_and_leaves_global_state_alone():
    state = np.random.get_state()[1].copy()
    first, second = (make_mixed_table(40, random_state=7) for _ in range(2))
    for one, other in zip(first[:2], second[:2], strict=True):
        assert one.equals(other)
    assert_array_equal(first[2], second[2])
    assert not make_mixed_table(40, random_state=8)[0].equals(first[0])
    assert_array_equal(np.random.get_state()[1], state)


def test_without_pandas_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        make_mixed_table(20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_samples": 9}, "'n_samples' parameter"),
        ({"minority": 0.6}, "'minority' parameter"),
        ({"missing": 1.0}, "'missing' parameter"),
        ({"wrong": -0.1}, "'wrong' parameter"),
        ({"minority": 0.01}, "minority=0.01 of 20 rows leaves the rare class without"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_mixed_table(**{"n_samples": 20} | arguments)
