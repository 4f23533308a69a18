"""The same measurements in k6's words, for dashboards made for k6.

k6 writes every sample; here are counts and histograms. So counters are exact sums, and of durations, checks
and failures there are representative samples: all of them (to 0.4 %) while there are few, evenly thinned
beyond.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pytest_loadtest.core.histogram import value_in
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.units import NS_PER_MS
from pytest_loadtest.export import names
from pytest_loadtest.export.names import COMMON_LABELS, K6_LABELS, Metric
from pytest_loadtest.export.points import Batch, Count, Distribution, Level, Point, Values

# Samples of a batch: a second's. 500 take the thread of an exporter some 20 ms to write.
MOST_SAMPLES = 500
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

Tags: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Share:
    """A rate of k6's: how many were true, of all and of the new ones. `labels` lack the answer."""

    metric: Metric
    labels: Values
    yes: int
    total: int
    grown_yes: int
    grown_total: int


K6Point: TypeAlias = Share | Count | Level | Distribution


@dataclass(frozen=True, slots=True)
class Sample:
    """One value as k6 would write it. `kind` is one of counter, gauge, trend (in ms) and rate (0 or 1)."""

    name: str
    kind: str
    value: float
    tags: Tags


def k6_name(metric: Metric, labels: Values) -> str:
    """What k6 calls it; custom metrics have their own names."""
    return labels[0] if metric.k6 == "{metric}" else metric.k6


def k6_tags(metric: Metric, labels: Values, common: Values) -> Tags:
    """Labels under k6's names, with the method that the name of a request begins with."""
    own = zip(metric.labels, labels, strict=False)  # shares lack the last
    tags = {
        K6_LABELS.get(label, label): value
        for label, value in (*zip(COMMON_LABELS, common, strict=True), *own)
        if value and label not in ("metric", "outcome")
    }
    method = tags.get("name", "").partition(" ")[0]
    return {**tags, "method": method} if method in _METHODS else tags


def k6_points(points: Iterable[Point]) -> Iterator[K6Point]:
    """What k6 has, too: of failures, checks and custom rates the shares."""
    shares: dict[tuple[Metric, Values], list[Count]] = defaultdict(list)
    requests: dict[str, list[Count]] = defaultdict(list)
    for point in points:
        if not point.metric.k6:
            continue
        if point.metric in (names.CHECKS, names.RATES, names.FAILED):
            assert isinstance(point, Count)
            shares[point.metric, point.labels[:1]].append(point)
            continue
        if point.metric is names.REQUESTS:
            assert isinstance(point, Count)
            requests[point.labels[0]].append(point)
        yield point
    for (metric, labels), counts in shares.items():
        if metric is not names.FAILED:
            yield _share(metric, labels, [each for each in counts if each.labels[1] == "true"], counts)
    for name, counts in requests.items():
        yield _share(names.FAILED, (name,), shares.get((names.FAILED, (name,)), []), counts)


def _share(metric: Metric, labels: Values, yes: list[Count], every: list[Count]) -> Share:
    return Share(
        metric,
        labels,
        yes=sum(each.total for each in yes),
        total=sum(each.total for each in every),
        grown_yes=sum(each.grown for each in yes),
        grown_total=sum(each.grown for each in every),
    )


class Sampler:
    """Turns batches into samples. It remembers where in each series the next one is due."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, Values, Values], int] = {}
        self._random = random.Random(0)  # for the order within a second, which nobody knows any more

    def samples(self, batch: Batch) -> list[Sample]:
        """In no order."""
        points = list(k6_points(batch.points))
        every = sum(
            each.grown_total if isinstance(each, Share) else each.grown.n
            for each in points
            if isinstance(each, Share | Distribution)
        )
        step = max(1, -(-every // MOST_SAMPLES))
        found = [sample for point in points for sample in self._of(point, batch.common, step)]
        self._random.shuffle(found)
        return found

    def _of(self, point: K6Point, common: Values, step: int) -> Iterator[Sample]:
        name, tags = k6_name(point.metric, point.labels), k6_tags(point.metric, point.labels, common)
        if isinstance(point, Level):
            yield Sample(name, "gauge", point.value, tags)
        elif isinstance(point, Count):
            yield Sample(name, "counter", point.grown, tags)
        elif isinstance(point, Share):
            for rank in self._ranks(point, common, point.grown_total, step):
                yield Sample(name, "rate", int(rank < point.grown_yes), tags)
        else:
            ranks = self._ranks(point, common, point.grown.n, step)
            for value_ns in values_at(point.grown, ranks):
                yield Sample(name, "trend", value_ns / NS_PER_MS, tags)

    def _ranks(self, point: K6Point, common: Values, n: int, step: int) -> range:
        """Every `step`-th of n values in order of size, going on where the last batch of the series ended."""
        key = point.metric.name, point.labels, common
        first = self._next.get(key, step // 2) % step
        ranks = range(first, n, step)
        self._next[key] = first + len(ranks) * step - n
        return ranks


def values_at(histogram: SparseHistogram, ranks: range) -> list[float]:
    """The values in ns at these ranks, counted from 0 in order of size."""
    where = np.searchsorted(np.cumsum(histogram.counts), np.array(ranks, dtype=np.int64), side="right")
    return [value_in(int(slot), histogram.min, histogram.max) for slot in histogram.slots[where]]
