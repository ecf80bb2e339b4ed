"""The one way to split: every row valued, classes spread, clear errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import KFold

import skvalue
from skvalue.utils._folds import average_over_splits, make_folds, make_splits

X, Y = make_classification(
    60, 4, n_classes=3, n_informative=3, n_redundant=0, random_state=0
)
REAL = make_regression(60, 4, random_state=0)[1]

CROSS_FITTED = {
    "DVRL": skvalue.DVRL(max_epochs=2),
    "DataShapley": skvalue.DataShapley(max_evaluations=100, tol=None),
    "InfluenceFunction": skvalue.InfluenceFunction(),
    "KAIROS": skvalue.KAIROS(),
    "KNNShapley": skvalue.KNNShapley(),
    "LAVA": skvalue.LAVA(),
    "LeaveOneOut": skvalue.LeaveOneOut(),
    "SelfConfidence": skvalue.SelfConfidence(),
}


def values_of(name, y=Y, **params):
    valuator = clone(CROSS_FITTED[name]).set_params(random_state=0, **params)
    return valuator.fit(X, y).data_values_


@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=4),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_classes_are_spread_evenly_whatever_their_names(counts, n_folds, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    if len(y) < n_folds:
        return
    folds = make_folds(None, y, n_folds, True, seed)
    held_out = np.concatenate([held_out for _, held_out in folds])
    assert_array_equal(np.sort(held_out), np.arange(len(y)))
    for train, rows in folds:
        assert_array_equal(np.sort(np.concatenate([train, rows])), np.arange(len(y)))
        share = np.bincount(y[rows], minlength=len(counts))
        # Dealt out class after class, a class is spread to within one row.
        assert (np.abs(share - np.array(counts) / n_folds) < 1).all()
    renamed = make_folds(None, len(counts) - 1 - y, n_folds, True, seed)
    for (_, rows), (_, others) in zip(folds, renamed, strict=True):
        assert_array_equal(rows, others)


def test_real_targets_are_spread_evenly():
    for _, held_out in make_folds(X, REAL, 5, False, seed=0):
        ranks = np.argsort(np.argsort(REAL))[held_out]
        assert_array_equal(np.sort(ranks) // 5, np.arange(12))
    first, second = (make_folds(X, REAL, 5, False, seed)[0][1] for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", CROSS_FITTED)
def test_a_number_of_folds_of_numpy_is_that_number(name):
    assert_array_equal(values_of(name, cv=np.int64(3)), values_of(name, cv=3))


# A network's first weights belong to an output, so to the order of the classes.
@pytest.mark.parametrize("name", sorted(set(CROSS_FITTED) - {"DVRL"}))
def test_values_do_not_depend_on_the_order_of_label_names(name):
    expected = values_of(name, np.array(["a", "b", "c"])[Y])
    renamed = values_of(name, np.array(["c", "a", "b"])[Y])
    # Sums over the classes are taken in another order; single precision inside.
    assert_allclose(renamed, expected, atol=1e-3 * np.ptp(expected), rtol=0)


def test_a_consensus_does_not_depend_on_the_order_of_label_names():
    members = [
        ("confidence", skvalue.SelfConfidence()),
        ("neighbours", skvalue.KNNShapley()),
    ]
    valuator = skvalue.ConsensusValuator(members, random_state=0)
    expected = valuator.fit(X, Y).data_values_
    renamed = valuator.fit(X, 2 - Y).data_values_
    assert_allclose(renamed, expected, atol=1e-6 * np.ptp(expected), rtol=0)


@pytest.mark.parametrize("name", CROSS_FITTED)
@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([], r"cv=\[\] holds no folds"),
        (100, "cv=100 folds of 60 rows"),
        (1, "cv"),
        ([(np.arange(30), np.arange(30, 60))], "never (trains on|holds out) row"),
        ([(np.arange(60), np.array([60]))], "fold 0 has a held-out row outside"),
        ([(np.array([], dtype=int), np.arange(60))], "fold 0 has no training rows"),
        ([(np.arange(60), np.array([]))], "fold 0 has no held-out rows"),
        ([(np.arange(60) / 2, np.arange(60))], "not integers"),
    ],
    ids=["none", "too many", "one", "partial", "outside", "no rows", "empty", "halves"],
)
def test_folds_that_cannot_be_are_refused(name, cv, message):
    with pytest.raises(ValueError, match=message) as error:
        values_of(name, cv=cv)
    assert "cv" in str(error.value)


@pytest.mark.parametrize("name", CROSS_FITTED)
def test_a_splitter_deals_the_rows(name):
    splitter = KFold(3, shuffle=True, random_state=0)
    listed = list(splitter.split(X))
    assert_array_equal(values_of(name, cv=splitter), values_of(name, cv=listed))


def test_held_out_rows_of_a_class_that_no_training_row_has_are_left_out():
    y = np.array([0, 0, 0, 1, 1, 1, 2])
    splits = make_splits(
        X[:7], y, None, None, cv=3, classification=True, seed=0, least_rows_a_fold=2
    )
    for split in splits:
        assert set(split.y_val) <= set(y[split.rows])


def test_values_are_averaged_over_the_splits_that_value_a_row():
    rows = [np.array([0, 1]), np.array([1, 2])]
    estimates = [np.array([1.0, 2.0]), np.array([4.0, np.nan])]
    errors = [np.array([0.3, 0.3]), np.array([0.4, np.nan])]
    values, stderr = average_over_splits(rows, estimates, 3, errors)
    assert_allclose(values, [1.0, 3.0, np.nan])
    assert_allclose(stderr, [0.3, 0.25, np.nan])
    assert_allclose(average_over_splits(rows, estimates, 3), values)
    whole = average_over_splits([slice(None)], [np.arange(3.0)], 3)
    assert_allclose(whole, np.arange(3.0))
