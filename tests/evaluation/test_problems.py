"""Parts share no row, noise makes wrong what it should, and all get the same rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris

from skvalue.datasets import make_mixed_table
from skvalue.evaluation._problems import (
    NOISES,
    Sizes,
    draw_parts,
    make_problem,
    repeat_seeds,
)

SETTING = {"dataset": "data", "noise": "labels", "noise_rate": 0.2, "repeat": 0}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(4, 80),
    n_classes=st.integers(1, 6),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_parts_are_disjoint_and_spread_evenly(seed, n, n_classes, cut):
    y = np.random.default_rng(seed).integers(n_classes, size=n)
    first = round(cut[0] * n)
    second = round(cut[1] * (n - first))
    parts = draw_parts(y, (first, second), seed)
    assert [len(part) for part in parts] == [first, second]
    assert len(np.unique(np.concatenate(parts))) == first + second
    for label in range(n_classes):
        expected = first * np.mean(y == label)
        # A class is a run of places: at most one row more or less at either end.
        assert abs(np.sum(y[parts[0]] == label) - expected) < 2
    longer = draw_parts(y, (first, n - first), seed)
    assert_array_equal(longer[0], parts[0])


def test_every_row_is_drawn_as_often():
    y = np.array([0] * 5 + [1] * 3 + [2] * 2)
    drawn = [np.concatenate(draw_parts(y, (4, 2), seed)) for seed in range(3000)]
    shares = np.bincount(np.concatenate(drawn)) / 3000
    # 4 standard errors of a share of .6.
    assert np.abs(shares - 0.6).max() < 4 * np.sqrt(0.6 * 0.4 / 3000)


def test_held_out_and_test_rows_are_as_they_came():
    X = np.column_stack([np.arange(100.0), np.random.RandomState(0).rand(100)])
    y = np.arange(100) % 3
    before = X.copy(), y.copy()
    for kind, noise in NOISES.items():
        problem = make_problem((X, y), Sizes(50, 20, 30), noise, SETTING, 0)
        parts = [problem.X[:, 1], problem.X_val[:, 1], problem.X_test[:, 1]]
        assert [len(part) for part in parts] == [50, 20, 30]
        for rows, labels in (
            (problem.X_val, problem.y_val),
            (problem.X_test, problem.y_test),
        ):
            numbers = rows[:, 0].astype(int)
            assert_array_equal(rows, X[numbers])
            assert_array_equal(labels, y[numbers])
        assert problem.is_wrong.sum() == 10, kind
    assert_array_equal(X, before[0])
    assert_array_equal(y, before[1])


@pytest.mark.parametrize("kind", NOISES)
def test_wrong_rows_are_those_that_differ(kind):
    frame, y, _ = make_mixed_table(120, wrong=0, random_state=0)
    frame = frame.assign(number=np.arange(len(frame)))
    y = np.asarray(y)
    clean = make_problem((frame, y), Sizes(80, 20), None, SETTING, 3)
    noisy = make_problem((frame, y), Sizes(80, 20), NOISES[kind], SETTING, 3)
    assert not clean.is_wrong.any() and noisy.is_wrong.sum() == 16
    flipped = clean.y != noisy.y
    same = (clean.X == noisy.X) | (clean.X.isna() & noisy.X.isna())
    changed = ~same.all(axis=1).to_numpy()
    counts = {"labels": (16, 0), "features": (0, 16), "both": (8, 8)}[kind]
    assert (flipped.sum(), changed.sum()) == counts
    assert_array_equal(flipped | changed, noisy.is_wrong)
    pd.testing.assert_frame_equal(clean.X_val, noisy.X_val)


def test_classes_that_training_rows_lack_are_not_scored():
    y = np.array(["a"] * 30 + ["b"] * 30 + ["lonely"])
    X = np.arange(61.0)[:, None]
    lacking = 0
    for seed in range(8):
        problem = make_problem((X, y), Sizes(30, 10, 21), None, SETTING, seed)
        seen = {*problem.y}
        assert {*problem.y_val} <= seen and {*problem.y_test} <= seen
        lacking += "lonely" not in seen
    assert 0 < lacking < 8


def test_whole_numbers_may_be_targets():
    X, y = np.arange(60.0)[:, None], np.arange(60)
    problem = make_problem((X, y), Sizes(30, 10, 20), None, SETTING, 0, regression=True)
    assert len(problem.y_val) == 10 and len(problem.y_test) == 20


def test_seeds_of_repeats_differ():
    seeds = [seed for repeat in range(50) for seed in repeat_seeds(0, repeat)]
    assert len({*seeds, *repeat_seeds(1, 0)}) == 153
    assert max(seeds) < 2**31


def test_shares_are_of_the_data_set():
    X, y = load_iris(return_X_y=True)
    problem = make_problem((X, y), Sizes(0.6, 0.1, 0.3), None, SETTING, 0)
    assert (len(problem.y), len(problem.y_val), len(problem.y_test)) == (90, 15, 45)
    assert_array_equal(np.bincount(problem.y), [30, 30, 30])
    no_val = make_problem((X, y), Sizes(0.6, 0), None, SETTING, 0)
    assert no_val.X_val is None and no_val.X_test is None
