"""From what a load has measured so far to points: what there is of each series, and what is new.

It takes a generator's form, so that whoever goes through it beside a load can let the load go on in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pytest_loadtest.core.metrics import Metrics, RequestSeries, ShareSeries
from pytest_loadtest.core.printable import printable
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.timeline import LatencyTimeline
from pytest_loadtest.export import names
from pytest_loadtest.export.names import Metric
from pytest_loadtest.export.points import Count, Distribution, Key, Level, Point, Values, grown_since

LONGEST_LABEL = 200  # characters: receivers cut or refuse longer ones
NO_STATUS = "0"  # as k6 has it


class Growth:
    """One per load. It remembers what the last look has seen."""

    def __init__(self, *, open_model: bool) -> None:
        self._open_model = open_model
        self._totals: dict[Key, int] = {}
        self._seen: dict[Key, SparseHistogram] = {}
        self._labels = Labels()

    def points(self, metrics: Metrics, *, vus: int, vus_max: int, queued: int) -> Iterator[Point]:
        """Levels, and the counts and distributions that have grown."""
        yield Level(names.VUS, (), vus)
        yield Level(names.VUS_MAX, (), vus_max)
        if self._open_model:
            yield Level(names.QUEUED, (), queued)
        yield from self._generator(metrics)
        yield from self._iterations(metrics)
        for name, series in list(metrics.requests.items()):  # a copy: the load may add names meanwhile
            yield from self._request(self._labels.of(names.REQUESTS, name), series)
        yield from self._shares(names.CHECKS, metrics.checks)
        yield from self._shares(names.RATES, metrics.rates)
        for name, counts in list(metrics.counters.items()):
            yield from self._count(names.COUNTS, (self._labels.of(names.COUNTS, name),), counts.total())
        for name, values in list(metrics.trends.items()):
            yield from self._distribution(names.TRENDS, (self._labels.of(names.TRENDS, name),), values)

    def _generator(self, metrics: Metrics) -> Iterator[Point]:
        generator = metrics.generator
        if generator.seconds:
            latest = generator.seconds[-1]
            yield Level(names.CPU, (), latest.cpu)
            if latest.waiting is not None:
                yield Level(names.WAITING, (), latest.waiting)
        yield from self._distribution(names.READ_DELAY, (), generator.read_delay)

    def _iterations(self, metrics: Metrics) -> Iterator[Point]:
        iterations = metrics.iterations
        yield from self._count(names.ITERATIONS, (), iterations.finished.total())
        yield from self._count(names.FAILED_ITERATIONS, (), iterations.failed.total())
        yield from self._count(names.DROPPED, (), iterations.dropped.total())
        yield from self._count(names.INTERRUPTED, (), iterations.interrupted)
        yield from self._distribution(names.ITERATION_DURATION, (), iterations.service)

    def _request(self, name: str, series: RequestSeries) -> Iterator[Point]:
        # Outcomes and statuses are few; a sum over the slices of an hour would take longer.
        outcomes = series.outcomes.copy()
        unanswered = outcomes.total() - series.statuses.total()
        for status, n in chain(list(series.statuses.items()), [(NO_STATUS, unanswered)]):
            yield from self._count(names.REQUESTS, (name, str(status)), n)
        for outcome, n in outcomes.items():
            if outcome.is_error:
                yield from self._count(names.FAILED, (name, outcome.label), n)
        yield from self._count(names.SENT, (name,), series.bytes_sent)
        yield from self._count(names.RECEIVED, (name,), series.bytes_received)
        yield from self._distribution(names.DURATION, (name,), series.service)
        if self._open_model:
            yield from self._distribution(names.RESPONSE, (name,), series.response)

    def _shares(self, metric: Metric, table: dict[str, ShareSeries]) -> Iterator[Point]:
        for name, series in list(table.items()):
            label = self._labels.of(metric, name)
            yield from self._count(metric, (label, "true"), series.yes.total())
            yield from self._count(metric, (label, "false"), series.no.total())

    def _count(self, metric: Metric, labels: Values, total: int) -> Iterator[Count]:
        key = metric.name, labels
        grown = total - self._totals.get(key, 0)
        if grown > 0:
            self._totals[key] = total
            yield Count(metric, labels, total, grown)

    def _distribution(
        self, metric: Metric, labels: Values, timeline: LatencyTimeline
    ) -> Iterator[Distribution]:
        key = metric.name, labels
        before = self._seen.get(key)
        if timeline.total() == (before.n if before else 0):
            return
        now = self._seen[key] = SparseHistogram.of(timeline.histogram())
        yield Distribution(metric, labels, now, grown_since(before, now))


class Labels:
    """Names as they are shown: without secrets, not too long, on one line, and still different."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], str] = {}
        self._used: set[tuple[str, str]] = set()

    def of(self, metric: Metric, name: str) -> str:
        """What a name of requests, checks or custom metrics is called in labels."""
        key = metric.name, name
        if key not in self._shown:
            text = plain_label(name)
            distinct, n = text, 1
            while (metric.name, distinct) in self._used:
                n += 1
                distinct = f"{text} ({n})"
            self._used.add((metric.name, distinct))
            self._shown[key] = distinct
        return self._shown[key]


def plain_label(text: str) -> str:
    """A label's value: redacted, printable, of bounded length."""
    return printable(redact(text))[:LONGEST_LABEL]
