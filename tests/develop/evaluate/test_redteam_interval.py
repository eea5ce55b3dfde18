import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei.core.interval import wilson

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts=COUNTS)
def test_the_rate_lies_in_its_interval_and_the_interval_in_nought_to_one(counts):
    rate = wilson(*counts)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert rate.low < rate.high


@given(counts=COUNTS)
def test_counting_the_others_mirrors_the_interval(counts):
    hits, samples = counts
    rate, other = wilson(hits, samples), wilson(samples - hits, samples)
    assert math.isclose(rate.low, 1 - other.high, abs_tol=1e-12)


@given(counts=COUNTS)
def test_ten_times_the_sample_gives_a_narrower_interval(counts):
    hits, samples = counts
    small, large = wilson(hits, samples), wilson(10 * hits, 10 * samples)
    assert large.high - large.low < small.high - small.low


@given(counts=COUNTS)
def test_the_bounds_are_where_the_score_test_turns(counts):
    hits, samples = counts
    rate = wilson(hits, samples)
    for bound in (rate.low, rate.high):
        if 0 < bound < 1:
            score = abs(rate.value - bound) / math.sqrt(bound * (1 - bound) / samples)
            assert math.isclose(score, 1.959963984540054, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("hits", "samples", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 45, 0.0039, 0.1157)],
)
def test_published_values_come_out(hits, samples, low, high):
    rate = wilson(hits, samples)
    assert rate.low == pytest.approx(low, abs=1e-4)
    assert rate.high == pytest.approx(high, abs=1e-4)


def test_nothing_sampled_means_anything_is_possible():
    assert wilson(0, 0)[2:] == (0.0, 0.0, 1.0)
