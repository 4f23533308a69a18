"""The latency histogram: its error bound, its quantiles, its merging."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_loadtest.core.histogram import (
    BUCKETS,
    HIGHEST_NS,
    LOWEST_NS,
    OVERFLOW,
    SLOTS,
    UNDERFLOW,
    Histogram,
    lower_edge,
    rank_of,
    slot_of,
)

bounded = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
in_range = st.integers(LOWEST_NS, HIGHEST_NS - 1)
# Small and large latencies alike: uniform integers would nearly all be above an hour.
latencies = st.one_of(st.integers(LOWEST_NS, 10**6), st.integers(10**6, 10**9), in_range)
ERROR_BOUND = Fraction(1, 257)  # 0.389 %
SHARES = (0.0, 0.01, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def slot_by_scalar_formula(value: int) -> int:
    exponent = value.bit_length() - 1
    return ((exponent - 9) << 7) + ((value >> (exponent - 7)) & 127) + 1


def slots(*values: int) -> list[int]:
    found: list[int] = slot_of(np.array(values, dtype=np.int64)).tolist()
    return found


def histogram_of(values: list[int]) -> Histogram:
    return Histogram.of(values)


def figures(histogram: Histogram) -> tuple[object, ...]:
    return histogram.counts.tobytes(), histogram.n, histogram.sum, histogram.min, histogram.max


@given(latencies)
@bounded
def test_the_vector_index_equals_the_scalar_formula(value: int) -> None:
    assert slots(value) == [slot_by_scalar_formula(value)]


def test_every_bucket_begins_at_its_lower_edge_and_ends_below_the_next() -> None:
    edges = [lower_edge(bucket) for bucket in range(BUCKETS + 1)]
    assert slots(*edges[:-1]) == list(range(1, BUCKETS + 1))
    assert slots(*(edge - 1 for edge in edges[1:])) == list(range(1, BUCKETS + 1))


def test_the_edges_are_those_of_the_range() -> None:
    assert lower_edge(0) == LOWEST_NS
    assert lower_edge(BUCKETS) == HIGHEST_NS


@pytest.mark.parametrize(
    ("value", "slot"),
    [
        pytest.param(-(10**12), UNDERFLOW, id="a negative value is below the buckets"),
        pytest.param(0, UNDERFLOW, id="zero is below the buckets"),
        pytest.param(1, UNDERFLOW, id="one is below the buckets"),
        pytest.param(LOWEST_NS - 1, UNDERFLOW, id="the last value below the buckets"),
        pytest.param(LOWEST_NS, 1, id="the first value of the first bucket"),
        pytest.param(HIGHEST_NS - 1, BUCKETS, id="the last value of the last bucket"),
        pytest.param(HIGHEST_NS, OVERFLOW, id="the first value above the buckets"),
        pytest.param(2**62, OVERFLOW, id="far above the buckets"),
    ],
)
def test_the_ends_of_the_range(value: int, slot: int) -> None:
    assert slots(value) == [slot]


@given(latencies, latencies)
@bounded
def test_a_value_is_read_back_within_the_error_bound(value: int, other: int) -> None:
    low, high = sorted((value, other))
    histogram = Histogram.of([low, low, high])
    assert abs(Fraction(histogram.quantile(0.5)) - low) <= ERROR_BOUND * low
    assert abs(Fraction(histogram.quantile(1.0)) - high) <= ERROR_BOUND * high


def test_the_error_bound_holds_at_both_ends_of_every_bucket() -> None:
    for bucket in range(BUCKETS):
        low, high = lower_edge(bucket), lower_edge(bucket + 1)
        # The value 2ab/(a+b) is off by (b-a)/(a+b), relative to either edge.
        assert 257 * (high - low) <= low + high


def test_one_value_is_read_back_exactly_since_the_extremes_are_known() -> None:
    assert Histogram.of([123_456_789]).quantile(0.5) == 123_456_789


@given(st.lists(latencies, min_size=1, max_size=20), st.sampled_from(SHARES))
@bounded
def test_a_quantile_is_the_value_of_its_rank_in_the_sorted_list(values: list[int], share: float) -> None:
    expected = sorted(values)[rank_of(share, len(values)) - 1]
    assert abs(Fraction(histogram_of(values).quantile(share)) - expected) <= ERROR_BOUND * expected


@pytest.mark.parametrize(
    ("share", "n", "rank"),
    [
        pytest.param(0.5, 1, 1, id="the only value is every quantile"),
        pytest.param(0.0, 10, 1, id="the 0th percentile is the smallest"),
        pytest.param(1.0, 10, 10, id="the 100th percentile is the largest"),
        pytest.param(0.5, 10, 5, id="half of ten is the fifth"),
        pytest.param(0.5, 11, 6, id="half of eleven is the sixth"),
        pytest.param(0.95, 20, 19, id="95 % of 20 are exactly 19"),
        pytest.param(0.95, 21, 20, id="a part of a value counts as one"),
        pytest.param(0.07, 100, 7, id="0.07 * 100 is more than 7 in floats"),
        pytest.param(0.999, 10**8, 99_900_000, id="exact with a hundred million values"),
        pytest.param(0.55, 10**9, 550_000_000, id="exact with a thousand million values"),
    ],
)
def test_the_rank_of_a_quantile(share: float, n: int, rank: int) -> None:
    assert rank_of(share, n) == rank


@pytest.mark.parametrize(
    ("values", "beyond", "share", "expected"),
    [
        pytest.param([1000] * 9, 1, 0.9, 1000.0, id="one endless value of ten leaves the p90 finite"),
        pytest.param([1000] * 9, 1, 0.95, math.inf, id="one endless value of ten is above the p95"),
        pytest.param([], 3, 0.5, math.inf, id="nothing but endless values"),
    ],
)
def test_values_beyond_are_larger_than_all(
    values: list[int], beyond: int, share: float, expected: float
) -> None:
    assert histogram_of(values).quantile(share, beyond=beyond) == expected


def test_outside_the_range_a_quantile_is_the_smallest_or_the_largest_value() -> None:
    histogram = Histogram.of([3, 400, HIGHEST_NS + 5, HIGHEST_NS * 3])
    assert histogram.quantile(0.5) == 3
    assert histogram.quantile(0.75) == HIGHEST_NS * 3


def test_outside_the_range_bounds_are_those_of_the_range_and_the_extremes() -> None:
    low = Histogram.of([100, 200, 300, LOWEST_NS + 1])
    assert low.bounds(0.1, 0.6) == (100, LOWEST_NS)  # any of the three may be the 60 %
    high = Histogram.of([10**9, 2 * HIGHEST_NS, 3 * HIGHEST_NS, 4 * HIGHEST_NS])
    assert high.bounds(0.6, 0.9) == (HIGHEST_NS, 4 * HIGHEST_NS)


@given(st.lists(st.lists(latencies, max_size=6), min_size=1, max_size=4), st.randoms(use_true_random=False))
@bounded
def test_merging_in_any_order_equals_one_histogram_of_all(parts: list[list[int]], rng: random.Random) -> None:
    whole = histogram_of([value for part in parts for value in part])
    rng.shuffle(parts)
    merged = Histogram()
    for part in parts:
        merged.merge(histogram_of(part))
    assert figures(merged) == figures(whole)


def test_what_was_merged_in_can_be_taken_out_again() -> None:
    whole, part = Histogram.of([1000, 2000, 9000]), Histogram.of([9000])
    rest = whole.without(part)
    assert rest.counts.tolist() == Histogram.of([1000, 2000]).counts.tolist()
    assert (rest.n, rest.sum) == (2, 3000)
    assert whole.n == 3


def test_merging_leaves_the_other_histogram_as_it_was() -> None:
    other = Histogram.of([1000])
    merged = Histogram()
    merged.merge(other)
    merged.merge(other)
    assert (merged.n, other.n, int(other.counts.sum())) == (2, 1, 1)


def test_an_empty_histogram_has_no_figures() -> None:
    empty = Histogram()
    empty.merge(Histogram())
    empty.add(np.array([], dtype=np.int64))
    assert (empty.n, empty.sum) == (0, 0)
    assert math.isnan(empty.mean)
    assert math.isnan(empty.quantile(0.5))


def test_empty_histograms_share_no_state_once_they_are_filled() -> None:
    first, second = Histogram(), Histogram()
    first.add(np.array([1000], dtype=np.int64))
    assert int(second.counts.sum()) == 0
    assert len(second.counts) == SLOTS


def test_the_extremes_of_values_that_are_all_negative_are_right() -> None:
    histogram = Histogram.of([-5, -3])
    assert (histogram.min, histogram.max) == (-5, -3)


def test_mean_and_repr_are_exact() -> None:
    histogram = Histogram.of([1000, 2000, 6000])
    assert histogram.mean == 3000
    assert repr(histogram) == "<Histogram n=3 min=1000 max=6000>"
