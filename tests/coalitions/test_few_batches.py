import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm, t

from skvalue._coalitions.few_batches import (
    degrees_over_games,
    error_scale,
    few_that_count,
    merge_strata,
    moderate,
    pool_degrees,
)


@pytest.mark.parametrize("degrees", [1, 2.5, 7, 1000])
def test_two_scaled_errors_cover_as_two_standard_deviations(degrees):
    scale = error_scale(degrees)
    assert_allclose(t(degrees).cdf(2 * scale), norm.cdf(2))
    assert scale > 1


def test_many_batches_need_no_scale():
    assert_allclose(error_scale(np.array([1e6, np.inf])), 1, rtol=1e-5)
    assert np.isnan(error_scale(np.nan))


def test_pooled_degrees_lie_between_the_smallest_and_the_sum():
    variances = np.array([[1.0, 1.0, 0.0], [1.0, 1e-9, 0.0]])
    degrees = np.array([[3.0, 3.0, 3.0], [5.0, 5.0, 5.0]])
    assert_allclose(pool_degrees(variances, degrees), [4 / (1 / 3 + 1 / 5), 3, 3])
    equal = np.full((2, 1), 1e-200)
    assert_allclose(pool_degrees(equal, np.full((2, 1), 3.0)), 6)


def test_degrees_over_games_are_those_of_the_games_that_a_row_plays_in():
    degrees = degrees_over_games(
        [np.array([0, 1]), np.array([1, 2])],
        [np.array([2.0, 2.0]), np.array([2.0, np.nan])],
        [np.array([4.0, 4.0]), np.array([4.0, np.nan])],
        3,
    )
    assert_allclose(degrees, [4, 8, np.nan])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([2], [2]),
        ([1, 1, 1, 1], [4]),
        ([3, 3, 3], [3, 3, 3]),
        ([0, 1, 2, 5, 1], [3, 6]),
        ([4, 0, 0, 2], [6]),
    ],
)
def test_strata_are_merged_until_each_has_enough(counts, expected):
    counts = np.array(counts)
    assert [counts[group].sum() for group in merge_strata(counts)] == expected


@pytest.mark.parametrize("n_counting", [2, 3, 10])
def test_variance_of_a_mean_of_few_is_corrected(n_counting):
    """Batches with one contribution each among many without: n / (n - 1)."""
    ones = np.full((1, 1), float(n_counting))
    few, correction = few_that_count(ones, ones, ones)
    assert_allclose(few, n_counting)
    assert_allclose(correction, n_counting / (n_counting - 1))
    # Where every batch has one, the spread about the mean needs no correction.
    _, correction = few_that_count(ones, ones, 0 * ones)
    assert_allclose(correction, 1)


def test_equal_variances_are_known_better_from_all_players():
    rng = np.random.default_rng(0)
    variances = 3 * rng.chisquare(7, size=40) / 7
    moderated, degrees = moderate(variances, np.full(40, 7.0))
    assert np.mean((moderated - 3) ** 2) < 0.25 * np.mean((variances - 3) ** 2)
    assert_allclose(degrees, 3 * 7)
    tiny, _ = moderate(1e-200 * variances, np.full(40, 7.0))
    assert_allclose(tiny, 1e-200 * moderated)


def test_variances_that_differ_stay_apart():
    """A mean of 25 and a true coefficient of variation of two: nu_0 is below 5."""
    variances = np.array([1.0] * 3 + [100.0])
    moderated, degrees = moderate(variances, np.full(4, 1000.0))
    assert_allclose(moderated, variances, rtol=0.15)
    assert (degrees < 1006).all()


def test_a_prior_has_the_mean_and_the_variation_of_true_variances():
    rng = np.random.default_rng(1)
    n_players, prior, own = 20_000, 10.0, 12.0
    true = prior / rng.chisquare(prior, size=n_players)
    variances = true * rng.chisquare(own, size=n_players) / own
    _, degrees = moderate(variances, np.full(n_players, own))
    assert_allclose(degrees - own, prior, rtol=0.15)


def test_players_without_a_variance_stay_so_and_few_stay_as_they_are():
    variances = np.array([1.0, np.nan, 2.0, 0.0])
    degrees = np.array([4.0, np.nan, 4.0, 4.0])
    moderated, more = moderate(variances, degrees)
    assert np.isnan(moderated[1]) and np.isnan(more[1])
    # What a player shows no trace of is not taken for certain.
    assert 0 < moderated[3] < moderated[0] < moderated[2]
    two, same = moderate(variances[:3], degrees[:3])
    assert_allclose(two, variances[:3])
    assert_allclose(same, degrees[:3])
    assert_allclose(moderate(np.zeros(4), np.ones(4))[0], 0)
