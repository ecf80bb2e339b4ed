"""Detection figures, against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvalue.metrics import agreement, detection


def f1(flagged, is_bad):
    return 2 * np.sum(flagged & is_bad) / (flagged.sum() + is_bad.sum())


def brute_force(values, is_bad):
    bad, good = values[is_bad], values[~is_bad]
    wins = (bad[:, None] < good) + 0.5 * (bad[:, None] == good)
    thresholds = np.unique(values)
    flags = [values <= threshold for threshold in thresholds]
    recall = np.array([0.0] + [np.mean(flag[is_bad]) for flag in flags])
    precision = np.array([np.mean(is_bad[flag]) for flag in flags])
    within = [
        sum(np.sum((part - part.mean()) ** 2) for part in [values[flag], values[~flag]])
        for flag in flags[:-1]
    ]
    lower = flags[np.argmin(within)] if within else np.zeros(len(values), dtype=bool)
    return {
        "roc_auc": wins.mean(),
        "average_precision": np.sum(np.diff(recall) * precision),
        "negative_share": np.mean([value < 0 for value in values[is_bad]]),
        "two_means_f1": f1(lower, is_bad),
        "oracle_f1": max(f1(flag, is_bad) for flag in flags),
    }


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), levels=st.integers(1, 30))
def test_figures_follow_their_definitions(seed, n, levels):
    rng = np.random.default_rng(seed)
    # Few levels make ties; irregular gaps keep the 2-means split unique.
    values = (rng.normal(size=levels) * np.pi)[rng.integers(levels, size=n)]
    is_bad = rng.random(n) < 0.3
    is_bad[0], is_bad[-1] = True, False
    scores, expected = detection(values, is_bad), brute_force(values, is_bad)
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, abs=1e-12)
    assert all(type(score) is float for score in scores.values())


def test_perfect_and_inverted_values():
    is_bad = np.array([True, False, True, False, False])
    perfect = detection(np.where(is_bad, -1.0, 1.0), is_bad)
    assert perfect == {
        "roc_auc": 1,
        "average_precision": 1,
        "negative_share": 1,
        "two_means_f1": 1,
        "oracle_f1": 1,
    }
    assert detection(np.where(is_bad, 1.0, -1.0), is_bad)["roc_auc"] == 0


def test_oracle_is_no_worse_than_two_means():
    rng = np.random.default_rng(0)
    for _ in range(50):
        is_bad = rng.permutation(np.arange(40) < 5)
        scores = detection(rng.normal(size=40) - is_bad, is_bad)
        assert scores["oracle_f1"] >= scores["two_means_f1"]


def test_figures_depend_on_order_only_where_they_should():
    rng = np.random.default_rng(0)
    values, is_bad = rng.normal(size=50), rng.random(50) < 0.2
    before, after = detection(values, is_bad), detection(np.exp(values), is_bad)
    for name in ["roc_auc", "average_precision", "oracle_f1"]:
        assert after[name] == pytest.approx(before[name])
    assert after["negative_share"] == 0


@pytest.mark.parametrize(
    ("values", "is_bad", "message"),
    [
        ([1.0, np.nan], [0, 1], "values contains NaN"),
        ([1.0, np.inf], [0, 1], "values contains infinity"),
        ([[1.0, 2.0], [3.0, 4.0]], [0, 1], "values must be"),
        ([1.0, 2.0], [[0], [1]], "is_bad must be"),
        ([1.0, 2.0], [0, 2], "is_bad must hold booleans"),
        ([1.0, 2.0], [0, np.nan], "is_bad must hold booleans"),
        ([1.0, 2.0], ["no", "yes"], "is_bad must hold booleans"),
        ([1.0, 2.0], [0, 0], "is_bad must mark at least one row"),
        ([1.0, 2.0], [True, True], "is_bad must mark at least one row"),
        ([1.0, 2.0, 3.0], [0, 1], "values and is_bad: .* inconsistent numbers"),
        ([], [], "values must be"),
    ],
)
def test_bad_input_is_named(values, is_bad, message):
    with pytest.raises(ValueError, match=message):
        detection(values, is_bad)


def test_agreement_by_hand():
    scores = agreement([1.0, 2.0, -1.0], [0.0, 2.0, -2.0])
    assert scores["normalized_squared_error"] == pytest.approx((2 / 3) / (8 / 3))
    assert scores["pearson"] == pytest.approx(np.corrcoef([1, 2, -1], [0, 2, -2])[0, 1])
    assert scores["spearman"] == pytest.approx(1.0)
    assert scores["sign_agreement"] == pytest.approx(2 / 3)


def test_agreement_of_equal_estimates_has_no_correlation():
    scores = agreement([1.0, 1.0, 1.0], [0.0, 1.0, 2.0])
    assert np.isnan(scores["pearson"])
    assert np.isnan(scores["spearman"])
    assert scores["normalized_squared_error"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("estimate", "reference", "message"),
    [
        ([1.0, np.nan], [1.0, 2.0], "estimate"),
        ([1.0, 2.0], [[1.0], [2.0]], "reference"),
        ([1.0, 2.0], [3.0, 3.0], "reference"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], "inconsistent"),
    ],
)
def test_agreement_names_what_is_wrong(estimate, reference, message):
    with pytest.raises(ValueError, match=message):
        agreement(estimate, reference)
