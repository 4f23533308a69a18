"""Buckets and differences of histograms."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.units import NS_PER_MS
from pytest_loadtest.export import names
from pytest_loadtest.export.names import BOUNDS_S
from pytest_loadtest.export.points import (
    Count,
    Distribution,
    bucket_counts,
    dense,
    grown_since,
    key_of,
    merged,
)
from tests.export.measured import Load


def sparse(*values_ms: float) -> SparseHistogram:
    return SparseHistogram.of(Histogram.of(round(value * NS_PER_MS) for value in values_ms))


@pytest.mark.parametrize(
    ("ms", "upper_s"),
    [
        pytest.param(0.0001, 0.001, id="what is below our histogram is in the first bucket"),
        pytest.param(0.9, 0.001, id="below the first bound"),
        pytest.param(1.1, 0.0025, id="above the first bound"),
        pytest.param(24, 0.025, id="below a bound"),
        pytest.param(26, 0.05, id="above a bound"),
        pytest.param(59_000, 60.0, id="below the last bound"),
        pytest.param(61_000, None, id="above the last bound"),
        pytest.param(5_000_000, None, id="what is above our histogram is in the last bucket"),
    ],
)
def test_a_value_is_in_the_bucket_of_its_bounds(ms: float, upper_s: float | None) -> None:
    counts = bucket_counts(sparse(ms))
    expected = len(BOUNDS_S) if upper_s is None else BOUNDS_S.index(upper_s)
    assert counts == [int(index == expected) for index in range(len(BOUNDS_S) + 1)]


def test_every_value_is_in_one_bucket() -> None:
    assert sum(bucket_counts(sparse(*range(1, 2000)))) == 1999


def test_what_has_grown_is_the_difference() -> None:
    before, now = sparse(1, 10, 10), sparse(1, 10, 10, 10, 200)
    grown = grown_since(before, now)
    assert (grown.n, grown.sum) == (2, 210 * NS_PER_MS)
    assert bucket_counts(grown) == bucket_counts(sparse(10, 200))
    assert dense(grown).quantile(1.0) == pytest.approx(200 * NS_PER_MS, rel=0.004)
    assert dense(grown).quantile(0.5) == pytest.approx(10 * NS_PER_MS, rel=0.004)


def test_looks_in_a_row_become_one() -> None:
    load = Load()
    load.requests("GET /a", ms=10, n=3)
    load.requests("GET /b", ms=10)
    first = load.batch()
    load.requests("GET /a", ms=30, n=2)
    load.requests("GET /c", ms=10)
    second = load.batch(last=True)
    both = merged([first, second])
    assert (both.since_ns, both.at_ns, both.last) == (first.since_ns, second.at_ns, True)
    found = {key_of(point): point for point in both.points}
    assert len(found) == len(both.points)
    assert found["loadtest.requests", ("GET /a", "200")] == Count(names.REQUESTS, ("GET /a", "200"), 5, 5)
    assert {("loadtest.requests", (f"GET /{name}", "200")) for name in "abc"} <= found.keys()
    durations = found["loadtest.request.duration", ("GET /a",)]
    assert isinstance(durations, Distribution)
    assert bucket_counts(durations.grown) == bucket_counts(durations.whole)
    assert (durations.grown.n, durations.grown.sum) == (5, 90 * NS_PER_MS)
    (before,) = (point for point in first.points if key_of(point) == key_of(durations))
    assert isinstance(before, Distribution)
    assert before.grown.n == 3, "it is left as it is"


def test_at_first_everything_has_grown() -> None:
    now = sparse(1, 2)
    assert grown_since(None, now) is now
