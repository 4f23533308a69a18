"""What is exported: counts, levels and distributions of one load, with their labels. Plain values, no clock.

Each count and distribution has both faces: all since the load's start, and what came since the last look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from pytest_loadtest.core.histogram import BUCKETS, SLOTS, Histogram, lower_edge
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.export.names import BOUNDS_S, Metric

Values: TypeAlias = tuple[str, ...]  # of a metric's own labels, in their order


@dataclass(frozen=True, slots=True)
class Count:
    """Of a counter: how many there were, and how many of them since the last look."""

    metric: Metric
    labels: Values
    total: int
    grown: int


@dataclass(frozen=True, slots=True)
class Level:
    """Of a gauge: its value now."""

    metric: Metric
    labels: Values
    value: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of a histogram, in ns. Of `grown`, smallest and largest are only bounds: those of the whole."""

    metric: Metric
    labels: Values
    whole: SparseHistogram
    grown: SparseHistogram


Point: TypeAlias = Count | Level | Distribution
Key: TypeAlias = tuple[str, Values]


def key_of(point: Point) -> Key:
    """What tells a series from the others of its load."""
    return point.metric.name, point.labels


@dataclass(frozen=True, slots=True)
class Batch:
    """All series of one load that have changed. `common` are the values of `COMMON_LABELS`.

    Times are of the wall's clock: when the load began, of the look before this one, of this one. `last` comes
    once, when the load is over.
    """

    common: Values
    began_ns: int
    since_ns: int
    at_ns: int
    points: tuple[Point, ...]
    last: bool = False


def merged(batches: Sequence[Batch]) -> Batch:
    """Looks of one load in a row as one: the latest of everything, and what is new in any of them."""
    points: dict[Key, Point] = {}
    for batch in batches:
        for point in batch.points:
            key = key_of(point)
            points[key] = _after(points[key], point) if key in points else point
    last = batches[-1]
    return replace(last, since_ns=batches[0].since_ns, points=tuple(points.values()))


def _after(earlier: Point, later: Point) -> Point:
    if isinstance(earlier, Count) and isinstance(later, Count):
        return replace(later, grown=earlier.grown + later.grown)
    if isinstance(earlier, Distribution) and isinstance(later, Distribution):
        grown = replace(earlier.grown)  # a copy
        grown.merge(later.grown)
        return replace(later, grown=grown)
    return later


def _bucket_of_slots() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The explicit bucket that each slot of our histograms falls into; a slot counts as its middle."""
    edges = np.array([lower_edge(bucket) for bucket in range(BUCKETS + 1)], dtype=np.float64)
    middles = np.empty(SLOTS)
    middles[0], middles[-1] = 0, np.inf
    middles[1:-1] = 2 * edges[:-1] * edges[1:] / (edges[:-1] + edges[1:])
    buckets: np.ndarray[tuple[int], np.dtype[np.int64]] = np.searchsorted(
        np.array(BOUNDS_S) * NS_PER_S, middles
    )
    return buckets


_BUCKET_OF_SLOT = _bucket_of_slots()


def bucket_counts(values: SparseHistogram) -> list[int]:
    """How many values lie in each explicit bucket, the last of which has no upper bound."""
    buckets = _BUCKET_OF_SLOT[values.slots]
    counted = np.bincount(buckets, weights=values.counts, minlength=len(BOUNDS_S) + 1)
    return [round(count) for count in counted]


def dense(values: SparseHistogram) -> Histogram:
    """The same, to ask for quantiles."""
    histogram = Histogram()
    if values.n:
        histogram.merge_sparse(values)
    return histogram


def grown_since(before: SparseHistogram | None, now: SparseHistogram) -> SparseHistogram:
    """The values of `now` that are not in `before`, whose values are all in `now`."""
    if before is None:
        return now
    counts = np.zeros(SLOTS, dtype=np.int64)
    counts[now.slots] = now.counts
    counts[before.slots] -= before.counts
    used = np.flatnonzero(counts)
    return SparseHistogram(
        used.astype(np.uint16),
        counts[used].astype(np.uint32),
        now.n - before.n,
        now.sum - before.sum,
        now.min,
        now.max,
    )
