"""From values to kept rows to substitutes, against brute force and by property."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from skvalue._drop import N_NEAREST_LABELS, keep_mask, substitutes, two_means_lower

CLASSES = np.array(["ham", "spam"])
# Few distinct numbers, so that ties are common.
VALUES = arrays(
    np.float64,
    st.integers(2, 40),
    elements=st.integers(-6, 6).map(lambda number: number / 4),
)
quick = settings(deadline=None, max_examples=60)


def cost_of_split(values, lower):
    """Sum of squared distances to the two cluster means."""
    return sum(
        np.sum((values[part] - values[part].mean()) ** 2) for part in (lower, ~lower)
    )


# ------------------------------------------------------------------------- 2-means


@quick
@given(arrays(np.float64, st.integers(2, 12), elements=st.floats(-1e3, 1e3)))
def test_two_means_is_the_best_of_all_splits(values):
    assume(np.ptp(values) > 1e-3)
    lower = two_means_lower(values)
    best = min(
        cost_of_split(values, mask)
        for number in range(1, 2 ** len(values) - 1)
        if (mask := np.array([number >> row & 1 for row in range(len(values))], bool))
        is not None
    )
    assert cost_of_split(values, lower) <= best * (1 + 1e-9) + 1e-9
    assert values[lower].max() < values[~lower].min()


@quick
@given(VALUES, st.sampled_from([1e-6, 1.0, 1e6]), st.sampled_from([0.0, 100.0]))
def test_two_means_ignores_scale_and_location(values, scale, shift):
    assume(np.ptp(values) > 0)
    costs = [cost_of_split(values, values <= low) for low in np.unique(values)[:-1]]
    # Of splits that are equally good, rounding may choose either.
    assume(np.count_nonzero(costs <= min(costs) * (1 + 1e-9) + 1e-9) == 1)
    assert_array_equal(
        two_means_lower(values * scale + shift * scale), two_means_lower(values)
    )


def test_two_means_of_equal_values_has_no_lower_cluster():
    assert not two_means_lower(np.full(5, 0.3)).any()
    assert not two_means_lower(np.array([1.0])).any()


def test_two_means_survives_a_large_offset():
    """The cumulative sums are centred: 1e9 + 1 is told from 1e9 + 2."""
    values = 1e9 + np.array([0.0, 1.0, 0.0, 5.0, 6.0])
    assert_array_equal(two_means_lower(values), [1, 1, 1, 0, 0])


# ------------------------------------------------------------------------ which rows


@quick
@given(VALUES, st.floats(0, 1, exclude_max=True))
def test_a_share_drops_exactly_the_floor_and_the_lowest(values, drop):
    keep = keep_mask(values, drop, np.zeros(len(values)))
    n_dropped = math.floor(drop * len(values))
    assert np.count_nonzero(~keep) == n_dropped
    # Ties are broken by row order: a stable sort of (value, row).
    ranked = sorted(range(len(values)), key=lambda row: (values[row], row))
    assert_array_equal(np.flatnonzero(~keep), sorted(ranked[:n_dropped]))


@quick
@given(VALUES, st.floats(0, 0.99), st.randoms(use_true_random=False))
def test_a_share_never_empties_a_class(values, drop, rng):
    target = np.array([rng.randint(0, 1) for _ in values])
    assume(len(np.unique(target)) == 2)
    try:
        keep = keep_mask(values, drop, target, classes=CLASSES)
    except ValueError as error:
        lowest = np.argsort(values, kind="stable")[: math.floor(drop * len(values))]
        left = np.delete(target, lowest)
        (emptied,) = set(CLASSES) - set(CLASSES[left]) if len(left) else {CLASSES[0]}
        assert f"drop={drop!r}" in str(error)
        assert f"class '{emptied}'" in str(error)
    else:
        assert set(target[keep]) == {0, 1}


@quick
@given(VALUES, st.data())
def test_auto_never_drops_more_than_half_of_a_class(values, data):
    n_samples = len(values)
    bits = arrays(bool, n_samples)
    target = data.draw(bits).astype(int)
    assume(len(np.unique(target)) == 2)
    plausible = data.draw(st.none() | bits)
    keep = keep_mask(values, "auto", target, classes=CLASSES, plausible=plausible)
    for code in (0, 1):
        assert np.mean(~keep[target == code]) <= 0.5
    lower = two_means_lower(values)
    suspects = values < 0 if plausible is None else ~plausible
    assert not (~keep & ~(lower & suspects)).any()
    # Within a class, what is spared is worth at least what is dropped.
    for code in (0, 1):
        group = (target == code) & lower & suspects
        if (group & keep).any() and (group & ~keep).any():
            assert values[group & ~keep].max() <= values[group & keep].min()


@quick
@given(VALUES)
def test_auto_in_regression_drops_at_most_half_of_all(values):
    keep = keep_mask(values, "auto", np.linspace(0, 1, len(values)))
    assert np.mean(~keep) <= 0.5


def test_auto_drops_the_doubted_lower_cluster():
    values = np.array([-3.0, -2.9, 1.0, 1.1, 1.2, 1.0, 1.1, 1.2])
    target = np.array([0, 1, 0, 0, 0, 1, 1, 1])
    auto = {"target": target, "classes": CLASSES}
    assert_array_equal(keep_mask(values, "auto", **auto), [0, 0, 1, 1, 1, 1, 1, 1])
    plausible = np.array([1, 0, 1, 1, 1, 1, 1, 1], dtype=bool)
    keep = keep_mask(values, "auto", **auto, plausible=plausible)
    assert_array_equal(keep, [1, 0, 1, 1, 1, 1, 1, 1])
    # A row that helps is never dropped by a method without an opinion.
    assert keep_mask(values + 10, "auto", **auto).all()


def test_negative_drops_the_values_below_zero():
    values = np.array([-1.0, 0.0, -0.0, 2.0, -1e-300])
    keep = keep_mask(values, "negative", np.zeros(5))
    assert_array_equal(keep, [0, 1, 1, 1, 0])


def test_no_row_left_is_an_error_in_regression():
    with pytest.raises(ValueError, match="drop='negative' would leave no rows"):
        keep_mask(-np.ones(3), "negative", np.zeros(3))


@pytest.mark.parametrize("label", ["spam", 3, True, 1.5])
def test_the_emptied_class_is_named_as_the_user_wrote_it(label):
    classes = np.array([label, label * 2])
    with pytest.raises(ValueError, match="lower drop") as error:
        keep_mask(np.array([0.0, 1.0]), 0.5, np.array([0, 1]), classes=classes)
    assert f"class {classes[0].item()!r} without" in str(error.value)


# ----------------------------------------------------------------------- callable drop


def test_a_callable_decides():
    values = np.array([3.0, 1.0, 2.0])
    keep = keep_mask(values, lambda v: v > 1, np.zeros(3))
    assert_array_equal(keep, [1, 0, 1])


def test_a_callable_cannot_change_the_values_nor_the_mask_later():
    values = np.array([3.0, 1.0, 2.0])
    mask = np.array([True, False, True])

    def rule(given):
        given[:] = 0
        return mask

    keep = keep_mask(values, rule, np.zeros(3))
    assert_array_equal(values, [3, 1, 2])
    keep[0] = False
    assert mask[0]


@pytest.mark.parametrize(
    "answer",
    [
        [True, False],
        [1, 0, 1],
        [1.0, 0.0, 1.0],
        [0, 2],
        None,
        [[True], [False], [True]],
    ],
)
def test_a_callable_must_return_a_mask(answer):
    with pytest.raises(ValueError, match=r"drop=.* must return a boolean mask"):
        keep_mask(np.arange(3.0), lambda values: answer, np.zeros(3))


# ----------------------------------------------------------------------- substitutes


@quick
@given(VALUES, st.data())
def test_a_substitute_is_the_best_kept_row_of_its_label(values, data):
    n_samples = len(values)
    target = data.draw(arrays(np.int64, n_samples, elements=st.integers(0, 2)))
    keep = data.draw(arrays(bool, n_samples))
    assume(set(target[keep]) == set(target))
    fill = substitutes(values, keep, target, classes=np.arange(3))
    assert_array_equal(fill[keep], np.flatnonzero(keep))
    assert keep[fill].all()
    assert_array_equal(target[fill], target)
    for row in np.flatnonzero(~keep):
        same = keep & (target == target[row])
        assert values[fill[row]] == values[same].max()


@quick
@given(st.integers(1, 40), st.data())
def test_in_regression_a_substitute_is_the_best_of_the_nearest_labels(n_samples, data):
    numbers = st.integers(-20, 20).map(float)
    values = data.draw(arrays(np.float64, n_samples, elements=numbers))
    target = data.draw(arrays(np.float64, n_samples, elements=numbers))
    keep = data.draw(arrays(bool, n_samples))
    assume(keep.any())
    fill = substitutes(values, keep, target)
    assert_array_equal(fill[keep], np.flatnonzero(keep))
    assert keep[fill].all()
    for row in np.flatnonzero(~keep):
        distances = np.sort(np.abs(target[keep] - target[row]))
        radius = distances[:N_NEAREST_LABELS][-1]
        assert abs(target[fill[row]] - target[row]) <= radius
        # Whatever is strictly nearer than the tenth is a candidate for sure.
        nearer = keep & (np.abs(target - target[row]) < radius)
        if nearer.any():
            assert values[fill[row]] >= values[nearer].max()


def test_substitutes_of_nothing_dropped_are_the_rows_themselves():
    for classes in (None, CLASSES):
        fill = substitutes(
            np.arange(4.0), np.ones(4, bool), np.array([0, 1, 0, 1]), classes=classes
        )
        assert_array_equal(fill, np.arange(4))
        assert fill.dtype == np.intp
