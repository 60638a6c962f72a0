"""Means, spreads, paired differences and intervals, worked by hand."""

import math

import pytest

from lcv_mm.reproduce.statistics import (
    Summary,
    accuracy_standard_error,
    paired_differences,
    summarise,
    t_interval,
)


def test_the_deviation_is_that_of_a_sample():
    # mean 5, squared distances 9 + 1 + 1 + 9 = 20, over n - 1 = 3
    assert summarise([2, 4, 6, 8]) == Summary(5, math.sqrt(20 / 3), 4)


def test_one_seed_has_no_spread():
    assert summarise([75.18]) == Summary(75.18, None, 1)


def test_equal_values_have_no_deviation_but_a_spread_of_zero():
    assert summarise([70.0, 70.0]) == Summary(70.0, 0.0, 2)


def test_nothing_has_no_mean():
    with pytest.raises(ValueError, match='at least one value'):
        summarise([])


def test_only_seeds_that_both_have_are_paired():
    assert paired_differences({2: 5.0, 0: 1.0, 7: 9.0}, {0: 4.0, 1: 8.0, 2: 3.0}) == [-3.0, 2.0]


def test_pairing_takes_out_what_the_seeds_share():
    baseline = {0: 60.0, 1: 70.0, 2: 80.0}
    lcv = {seed: value + 1 for seed, value in baseline.items()}
    assert summarise(paired_differences(lcv, baseline)) == Summary(1.0, 0.0, 3)


def test_two_seeds_have_the_interval_of_one_degree_of_freedom():
    # t(0.975, 1) = tan(0.475 pi): with one degree of freedom Student's t is Cauchy's distribution
    low, high = t_interval(summarise([1.0, 3.0]))
    half = math.tan(0.475 * math.pi) * math.sqrt(2) / math.sqrt(2)
    assert (low, high) == pytest.approx((2 - half, 2 + half))


def test_three_seeds_have_the_interval_of_two_degrees_of_freedom():
    # with two, P(|T| < t) = t / sqrt(2 + t^2), so t = 0.95 sqrt(2 / (1 - 0.95^2)); 1, 2, 3: deviation 1
    half = 0.95 * math.sqrt(2 / (1 - 0.95**2)) / math.sqrt(3)
    assert t_interval(summarise([1, 2, 3])) == pytest.approx((2 - half, 2 + half))


def test_one_seed_has_no_interval():
    assert t_interval(summarise([1.0])) is None


@pytest.mark.parametrize(('top1', 'images', 'error'), [(50, 100, 5.0), (90, 900, 1.0), (100, 400, 0.0), (20, 400, 2.0)])
def test_the_error_of_an_accuracy_is_binomial(top1, images, error):
    assert accuracy_standard_error(top1, images) == pytest.approx(error)
