"""Counts and latencies per slice of time."""

from __future__ import annotations

import tracemalloc
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_loadtest.core.groups import Groups
from pytest_loadtest.core.histogram import Histogram, IntArray
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.timeline import MOST_OPEN, LatencyTimeline, SliceCounts, Window, in_window

bounded = settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
samples = st.lists(st.tuples(st.integers(0, 8), st.integers(100, 10**11)), max_size=15)


def ints(*values: int) -> IntArray:
    return np.array(values, dtype=np.int64)


def timeline_of(pairs: list[tuple[int, int]]) -> LatencyTimeline:
    timeline = LatencyTimeline()
    timeline.add(ints(*(index for index, _ in pairs)), ints(*(value for _, value in pairs)))
    return timeline


def figures(histogram: Histogram) -> tuple[object, ...]:
    return histogram.counts.tobytes(), histogram.n, histogram.sum, histogram.min, histogram.max


@pytest.mark.parametrize(
    ("index", "window", "inside"),
    [
        pytest.param(7, None, True, id="every slice is in the whole run"),
        pytest.param(3, ((3, 5),), True, id="a range begins with its first slice"),
        pytest.param(5, ((3, 5),), False, id="a range ends before its last"),
        pytest.param(9, ((3, 5), (9, 10)), True, id="the second of two ranges"),
        pytest.param(0, (), False, id="nothing is in an empty window"),
    ],
)
def test_a_window_is_half_open_ranges(index: int, window: Window | None, inside: bool) -> None:
    assert in_window(index, window) is inside


def test_slice_counts_add_up_by_window() -> None:
    counts = SliceCounts()
    counts.add(0, 5)
    counts.add_each(ints(1, 1, 4, 1))
    assert (counts[1], counts[2], counts.total(), counts.total(((1, 4),))) == (3, 0, 9, 3)
    assert repr(counts) == "<SliceCounts 9 events in 3 slices>"


def test_merged_slice_counts_are_the_sum_and_leave_the_other_alone() -> None:
    mine, other = SliceCounts(), SliceCounts()
    mine.add_each(ints(0, 1))
    other.add_each(ints(1, 2))
    mine.merge(other)
    assert [mine[index] for index in range(3)] == [1, 2, 1]
    assert other.total() == 2


def test_groups_give_each_key_its_figures() -> None:
    groups = Groups(ints(7, 3, 7))
    assert list(groups.sizes()) == [(3, 1), (7, 2)]
    assert list(groups.totals(ints(10, 20, 30))) == [(3, 20), (7, 40)]
    low, high = (values for _, values in groups.histograms(ints(1000, 5000, 9000)))
    assert (low.n, low.sum, low.min, low.max) == (1, 5000, 5000, 5000)
    assert (high.n, high.sum, high.min, high.max) == (2, 10_000, 1000, 9000)


def test_keys_far_apart_are_counted_without_a_table_of_all_between() -> None:
    keys, values = ints(3, 10**12, 3, 7), ints(5000, 7000, 6000, 9000)
    groups = Groups(keys)
    assert list(groups.sizes()) == [(3, 2), (7, 1), (10**12, 1)]
    assert list(groups.totals(values)) == [(3, 11_000), (7, 9000), (10**12, 7000)]
    found = [(key, each.n, each.min, each.max) for key, each in groups.histograms(values)]
    assert found == [(3, 2, 5000, 6000), (7, 1, 9000, 9000), (10**12, 1, 7000, 7000)]


def test_groups_of_nothing_are_none() -> None:
    assert list(Groups(ints()).histograms(ints())) == []
    assert list(Groups(ints()).sizes()) == []


@given(samples, st.integers(0, 9), st.integers(0, 9))
@bounded
def test_the_histogram_of_a_window_has_exactly_its_values(
    pairs: list[tuple[int, int]], first: int, end: int
) -> None:
    inside = [value for index, value in pairs if first <= index < end]
    timeline = timeline_of(pairs)
    assert figures(timeline.histogram(((first, end),))) == figures(Histogram.of(inside))
    assert timeline.total(((first, end),)) == len(inside)


@given(samples)
@bounded
def test_the_whole_run_is_the_sum_of_its_slices(pairs: list[tuple[int, int]]) -> None:
    timeline = timeline_of(pairs)
    assert figures(timeline.histogram()) == figures(timeline.histogram(((0, 9),)))
    assert timeline.total() == len(pairs)


@given(samples, samples)
@bounded
def test_merging_equals_recording_both_in_one(
    mine: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    merged, other = timeline_of(mine), timeline_of(theirs)
    merged.merge(other)
    merged.add(ints(3), ints(10**6))  # what is added afterwards must not reach into the other
    for window in (None, ((2, 5),)):
        expected = timeline_of([*mine, *theirs, (3, 10**6)])
        assert figures(merged.histogram(window)) == figures(expected.histogram(window))
        assert figures(other.histogram(window)) == figures(timeline_of(theirs).histogram(window))


def test_a_histogram_that_was_read_may_be_changed_freely() -> None:
    timeline = timeline_of([(0, 1000)])
    timeline.histogram().merge(Histogram.of([2000]))
    timeline.histogram(((0, 1),)).merge(Histogram.of([2000]))
    assert timeline.histogram().n == timeline.histogram(((0, 1),)).n == 1


def test_repr_says_how_much_there_is() -> None:
    assert repr(timeline_of([(0, 1000), (4, 1000)])) == "<LatencyTimeline 2 values in 2 slices>"


# -- packed slices ----------------------------------------------------------------------------------

many_slices = st.lists(
    st.lists(st.tuples(st.integers(0, 3 * MOST_OPEN), st.integers(100, 10**11)), max_size=6), max_size=25
)


def in_turn(batches: list[list[tuple[int, int]]]) -> LatencyTimeline:
    """A timeline that was told one batch after the other, so that old slices are packed in between."""
    timeline = LatencyTimeline()
    for batch in batches:
        timeline.add(ints(*(index for index, _ in batch)), ints(*(value for _, value in batch)))
    return timeline


@given(many_slices, st.integers(0, 3 * MOST_OPEN), st.integers(0, 3 * MOST_OPEN))
@bounded
def test_packing_changes_nothing_that_is_read(
    batches: list[list[tuple[int, int]]], first: int, end: int
) -> None:
    pairs = [pair for batch in batches for pair in batch]
    timeline = in_turn(batches)
    inside = [value for index, value in pairs if first <= index < end]
    assert figures(timeline.histogram(((first, end),))) == figures(Histogram.of(inside))
    assert figures(timeline.histogram()) == figures(Histogram.of([value for _, value in pairs]))
    assert (timeline.total(), timeline.total(((first, end),))) == (len(pairs), len(inside))
    assert timeline.end == max((index for index, _ in pairs), default=-1) + 1


@given(many_slices, many_slices)
@bounded
def test_merging_timelines_with_packed_slices_equals_recording_both_in_one(
    mine: list[list[tuple[int, int]]], theirs: list[list[tuple[int, int]]]
) -> None:
    merged, other = in_turn(mine), in_turn(theirs)
    merged.merge(other)
    for index in range(3 * MOST_OPEN + 1):
        window = ((index, index + 1),)
        assert figures(merged.histogram(window)) == figures(in_turn([*mine, *theirs]).histogram(window))
        assert figures(other.histogram(window)) == figures(in_turn(theirs).histogram(window))


def above(timeline: LatencyTimeline, index: int, value_ns: int) -> tuple[int, int]:
    """How many values of a slice are larger, and how many it has."""
    values = timeline.histogram(((index, index + 1),))
    return values.above(value_ns), values.n


def test_a_value_that_comes_when_its_slice_is_long_packed_is_found_there() -> None:
    late = [[(index, 10**6)] for index in range(5 * MOST_OPEN)] + [[(0, 10**9)]]
    timeline = in_turn(late)
    assert above(timeline, 0, 10**7) == (1, 2)
    assert above(timeline, 1, 10**5) == (1, 1)
    for index in range(5 * MOST_OPEN, 7 * MOST_OPEN):  # until its turn comes to be packed again
        timeline.add(ints(index), ints(10**6))
    assert above(timeline, 0, 10**7) == (1, 2)
    assert figures(timeline.histogram(((0, 1),))) == figures(Histogram.of([10**6, 10**9]))


def test_a_timeline_merged_into_itself_is_twice_what_it_was() -> None:
    timeline = in_turn([[(index, 10**6)] for index in range(3 * MOST_OPEN)])
    timeline.merge(timeline)
    assert [above(timeline, index, 1000) for index in range(3 * MOST_OPEN)] == [(2, 2)] * (3 * MOST_OPEN)
    assert timeline.total() == 6 * MOST_OPEN


def test_a_copy_has_the_same_and_goes_its_own_way() -> None:
    timeline, counts = LatencyTimeline(), SliceCounts()
    for index in range(MOST_OPEN + 5):  # some are packed, some are not
        timeline.add(np.full(3, index), np.array([1, 2, 3]) * 1_000_000)
        counts.add(index, 3)
    twin, twin_counts = deepcopy(timeline), deepcopy(counts)
    for index in (0, MOST_OPEN + 4):
        timeline.add(np.array([index]), np.array([9_000_000]))
        counts.add(index)
    for window in (None, ((0, 1),), ((MOST_OPEN + 4, MOST_OPEN + 5),)):
        assert (twin.total(window), twin.histogram(window).max) == (twin_counts.total(window), 3_000_000)
        assert timeline.total(window) == counts.total(window) > twin.total(window)
    assert twin.total() == 3 * (MOST_OPEN + 5)


@given(many_slices, st.integers(1, 10))
@bounded
def test_slices_joined_in_rows_are_those_of_the_rows_windows(
    batches: list[list[tuple[int, int]]], length: int
) -> None:
    timeline = in_turn(batches)
    before = figures(timeline.histogram())
    rows = dict(timeline.packed_rows(length))
    for row in range(timeline.end // length + 1):
        expected, found = timeline.histogram(((row * length, (row + 1) * length),)), Histogram()
        if row in rows:
            found.merge_sparse(SparseHistogram.unpack(rows[row]))
        assert figures(found) == figures(expected)
    assert figures(timeline.histogram()) == before, "what was read stays as it was"


def test_a_long_run_of_many_requests_takes_half_a_kilobyte_per_slice() -> None:
    rng = np.random.default_rng(1)
    slices = [rng.lognormal(np.log(5e6), 0.6, 5000).astype(np.int64) for _ in range(10)]
    timeline = LatencyTimeline()
    for index in range(2 * MOST_OPEN):
        timeline.add(np.full(5000, index), slices[index % 10])
    tracemalloc.start()
    try:
        for index in range(2 * MOST_OPEN, 2 * MOST_OPEN + 60):
            timeline.add(np.full(5000, index), slices[index % 10])
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The open slices were made before, and are replaced by those that are open now: 3.6 kB each.
    assert grown < 60 * 700 + MOST_OPEN * 4000
