import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvalue._coalitions.few_batches import error_scale, moderate
from skvalue._coalitions.moments import RatioMoments, ScoreRecord


def filled(n_ratios, n_batches, seed=0, n_samples=3):
    rng = np.random.default_rng(seed)
    moments = RatioMoments(n_ratios, n_samples)
    shape = (n_batches, n_ratios, n_samples)
    denominators = rng.integers(1, 5, size=shape).astype(float)
    noise = rng.normal(size=denominators.shape) * np.sqrt(denominators)
    numerators = 2.0 * denominators + noise
    for numerator, denominator in zip(numerators, denominators, strict=True):
        moments.add(numerator, denominator)
    return moments, numerators, denominators


def test_a_mean_of_equal_batches_has_the_standard_error_of_the_mean():
    draws = np.random.default_rng(0).normal(size=(50, 4))
    moments = RatioMoments(1, 4)
    for draw in draws:
        moments.add(draw[None], np.ones((1, 4)))
    assert_allclose(moments.estimate(), draws.mean(axis=0))
    expected = draws.std(axis=0, ddof=1) / np.sqrt(50)
    variances, degrees = moments.variance()
    assert_allclose(np.sqrt(variances), expected)
    assert_allclose(degrees, 49)
    moderated, degrees = moderate(variances, degrees)
    assert_allclose(moments.standard_error(), np.sqrt(moderated) * error_scale(degrees))


def test_strata_that_differ_are_no_error():
    rng = np.random.default_rng(1)
    moments = RatioMoments(1, 4, n_strata=3)
    draws = rng.normal(size=(3, 20, 4)) + 100 * np.arange(3)[:, None, None]
    for stratum, some in enumerate(draws):
        ones = np.ones((20, 1, 4))
        moments.add_all(some[:, None], ones, [stratum] * 20)
    variances, degrees = moments.variance()
    assert_allclose(variances, draws.var(axis=1, ddof=1).mean(axis=0) / 60)
    assert (degrees > 40).all()
    assert (degrees <= 57 + 1e-9).all()


def test_ratios_are_ratios_of_sums():
    moments, numerators, denominators = filled(2, 30)
    ratios = numerators.sum(axis=0) / denominators.sum(axis=0)
    assert_allclose(moments.estimate(), ratios[0] - ratios[1])
    residuals = (numerators - ratios * denominators) / denominators.sum(axis=0)
    residuals = residuals[:, 0] - residuals[:, 1]
    expected = np.sqrt(30 / 29 * (residuals**2).sum(axis=0))
    variances, _ = moments.variance()
    # Batches of 1 to 4: the residuals miss up to one part in the batches that count.
    assert (np.sqrt(variances) >= expected).all()
    assert_allclose(np.sqrt(variances), expected, rtol=0.5 / 20)


@pytest.mark.parametrize("n_ratios", [1, 2])
def test_merging_is_adding(n_ratios):
    first, *_ = filled(n_ratios, 7, seed=1)
    second, *_ = filled(n_ratios, 5, seed=2)
    together, *_ = filled(n_ratios, 7, seed=1)
    _, numerators, denominators = filled(n_ratios, 5, seed=2)
    for numerator, denominator in zip(numerators, denominators, strict=True):
        together.add(numerator, denominator)
    first.merge(second)
    assert first.n_batches == 12
    assert_allclose(first.estimate(), together.estimate())
    assert_allclose(first.standard_error(), together.standard_error())


def test_arrays_hold_everything():
    moments, *_ = filled(2, 5)
    again = RatioMoments.from_arrays(moments.to_arrays())
    assert_array_equal(again.standard_error(), moments.standard_error())
    record = ScoreRecord([0.5, 1.0])
    again = ScoreRecord.from_arrays(record.copy().to_arrays())
    again.merge(ScoreRecord([2.0]))
    assert_array_equal(again.scores, [0.5, 1.0, 2.0])
    assert_array_equal(record.scores, [0.5, 1.0])


def test_a_row_without_contributions_has_no_value():
    moments = RatioMoments(1, 2)
    moments.add(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert_array_equal(moments.estimate(), [1.0, np.nan])
    assert np.isnan(moments.standard_error()).all()


@pytest.mark.parametrize("n_batches", [2, 3, 5, 40])
def test_standard_errors_of_ratios_cover(n_batches):
    covered = []
    for seed in range(400):
        moments, *_ = filled(1, n_batches, seed=seed)
        covered.append(np.abs(moments.estimate() - 2.0) <= 2 * moments.standard_error())
    # The binomial error of 1200 rows is .006.
    assert 0.93 <= np.mean(covered) <= 0.975


def test_a_row_that_one_batch_values_has_no_standard_error():
    moments = RatioMoments(1, 2)
    moments.add(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]))
    moments.add(np.array([[3.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert_array_equal(moments.estimate(), [2.0, 2.0])
    assert_array_equal(np.isnan(moments.standard_error()), [False, True])
