"""Windows of slices: what is summed or subtracted to read one is the same as going through its slices."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.timeline import (
    LatencyTimeline,
    SliceCounts,
    Window,
    outside,
    slices_in,
    spans_of,
)

WINDOWS: list[Window] = [
    (),
    ((0, 40),),
    ((0, 1000),),
    ((3, 40),),
    ((0, 37),),
    ((3, 5),),
    ((38, 50),),
    ((50, 60),),
    ((2, 10), (12, 39)),
    ((2, 4), (30, 33)),
]


@pytest.fixture(scope="module")
def slices() -> list[list[int]]:
    """Values of 40 slices, some of them empty; the smallest and largest of all are in the first."""
    numbers = random.Random(3)
    values = [[numbers.randrange(10**4, 10**9) for _ in range(numbers.choice((0, 3, 20)))] for _ in range(40)]
    values[0] = [10**3, 10**11]
    values[39] = [10**6]
    return values


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_window_is_what_its_slices_are(window: Window, slices: list[list[int]]) -> None:
    timeline, counts = LatencyTimeline(), SliceCounts()
    for index, values in enumerate(slices):
        timeline.add(np.full(len(values), index), np.array(values, dtype=np.int64))
        if values:
            counts.add(index, len(values))
    expected = Histogram.of(value for index in slices_in(window, 0) if index < 40 for value in slices[index])
    found = timeline.histogram(window)
    assert (found.n, found.sum, found.min, found.max) == (
        expected.n,
        expected.sum,
        expected.min,
        expected.max,
    )
    assert (found.counts == expected.counts).all()
    assert timeline.total(window) == counts.total(window) == expected.n


def test_a_window_may_be_kept_and_merged_into(slices: list[list[int]]) -> None:
    timeline = LatencyTimeline()
    for index, values in enumerate(slices):
        timeline.add(np.full(len(values), index), np.array(values, dtype=np.int64))
    before = timeline.histogram().counts.copy()
    timeline.histogram(((3, 40),)).merge(Histogram.of([10**6]))
    assert (timeline.histogram().counts == before).all()


@pytest.mark.parametrize(
    ("window", "end", "rest"),
    [
        ((), 5, ((0, 5),)),
        (((0, 5),), 5, ()),
        (((2, 4),), 6, ((0, 2), (4, 6))),
        (((2, 9),), 6, ((0, 2),)),
        (((0, 2), (3, 6)), 6, ((2, 3),)),
    ],
)
def test_what_is_outside_of_a_window(window: Window, end: int, rest: Window) -> None:
    assert outside(window, end) == rest


@pytest.mark.parametrize(
    ("slices_of_it", "window"), [([], ()), ([4], ((4, 5),)), ([1, 2, 3, 7, 8], ((1, 4), (7, 9)))]
)
def test_slices_in_a_row_are_one_range(slices_of_it: list[int], window: Window) -> None:
    assert spans_of(slices_of_it) == window


def test_counts_of_neighbouring_slices() -> None:
    counts = SliceCounts()
    counts.add(3, 5)
    assert counts.values(2, 5).tolist() == [0, 5, 0]
