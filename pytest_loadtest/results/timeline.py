"""A load second by second: what reports draw. Plain values, small enough to travel between processes.

Columns, all of the same length: entry 0 is the load's first second. A request or iteration *started* in the
second in which it was to start, and its latency, failure and drop belong to that second; it *finished* in
that of its end, and what was cut at the end of the run in none. Merged with another process's, counts add up.
Must not judge, and knows no steady part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from pytest_loadtest.core.generator import GeneratorSecond
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import OTHER_NAMES, Metrics, RequestSeries
from pytest_loadtest.core.sparse import SparseHistogram, as_text
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.core.verdict import Measurement

# 10 minutes of as many names at 10 requests/s each take 3 MB; who could tell more lines of a chart apart?
MOST_TIMELINES = 50

_T = TypeVar("_T")
_NOTHING = ""  # the latencies of a second without any


@dataclass(frozen=True, slots=True)
class RequestTimeline:
    """All requests of one name. Latencies are response times where starts were intended, else service times.

    A second's `latencies` are a `SparseHistogram` as text, empty without values.
    """

    name: str
    started: tuple[int, ...] = ()
    finished: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    latencies: tuple[str, ...] = ()

    def latency(self, second: int) -> Histogram:
        """The latencies, in ns, of what started in a second."""
        return _histogram([self.latencies[second]])

    def percentile(self, second: int, percent: float) -> float:
        """Of the latencies of what started in a second, in seconds; nan if nothing did."""
        return self.latency(second).quantile(percent / 100) / NS_PER_S

    def merged(self, other: RequestTimeline) -> RequestTimeline:
        """Both together, under this one's name."""
        return RequestTimeline(
            self.name,
            _sums(self.started, other.started),
            _sums(self.finished, other.finished),
            _sums(self.failed, other.failed),
            _joined(_merged_text, self.latencies, other.latencies, _NOTHING),
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """`vus` and `queued`: the most users that were active, and arrivals that waited for one, in each second.

    `cpu` is the share of a core that the generator's event loop took, `run_queue` the share of time in which
    it had work but no CPU, `read_delay_p99_ns` how late it read answers; None where nothing was measured. Of
    several processes they are the worst one's. Iterations that were cut are in no column.
    """

    vus: tuple[int, ...] = ()
    queued: tuple[int, ...] = ()
    iterations_started: tuple[int, ...] = ()
    iterations_finished: tuple[int, ...] = ()
    iterations_failed: tuple[int, ...] = ()
    iterations_dropped: tuple[int, ...] = ()
    cpu: tuple[float | None, ...] = ()
    run_queue: tuple[float | None, ...] = ()
    read_delay_p99_ns: tuple[float | None, ...] = ()
    requests: tuple[RequestTimeline, ...] = ()

    @property
    def seconds(self) -> int:
        """How many seconds there are."""
        return len(self.vus)

    def latency(self, second: int) -> Histogram:
        """The latencies, in ns, of all requests that started in a second."""
        return _histogram(each.latencies[second] for each in self.requests)

    def percentile(self, second: int, percent: float) -> float:
        """Of the latencies of all requests that started in a second, in seconds; nan if none did."""
        return self.latency(second).quantile(percent / 100) / NS_PER_S

    def of_request(self, name: str) -> RequestTimeline:
        """One name's; that of `OTHER_NAMES` if it is not kept apart."""
        named = {each.name: each for each in self.requests}
        return named[name] if name in named else named[OTHER_NAMES]

    def merged(self, other: Timeline) -> Timeline:
        """This load's and another process's part of it, which began at the same time."""
        seconds = max(self.seconds, other.seconds)
        named = {each.name: each for each in self.requests}
        for each in other.requests:
            named[each.name] = named[each.name].merged(each) if each.name in named else each
        return Timeline(
            **{name: _sums(getattr(self, name), getattr(other, name)) for name in _COUNTS},
            **{name: _joined(_worst, getattr(self, name), getattr(other, name), None) for name in _FIGURES},
            requests=_few([_padded(each, seconds) for each in named.values()]),
        )


_COUNTS = (
    "vus",
    "queued",
    "iterations_started",
    "iterations_finished",
    "iterations_failed",
    "iterations_dropped",
)
_FIGURES = ("cpu", "run_queue", "read_delay_p99_ns")


def timeline_of(run: Measurement) -> Timeline:
    """The timeline of a run. Its slices must fit into seconds."""
    metrics = run.metrics
    slices, rest = divmod(NS_PER_S, metrics.slice_ns)
    if rest or not slices:
        raise ValueError(f"slices of {metrics.slice_ns} ns do not make up seconds")
    seconds = -(-_end(metrics) // slices)
    iterations, generator = metrics.iterations, metrics.generator
    return Timeline(
        vus=_levels(metrics.vus, slices, seconds),
        queued=_levels(metrics.queued, slices, seconds),
        iterations_started=_counts(iterations.finished, slices, seconds),
        iterations_finished=_counts(iterations.ended, slices, seconds),
        iterations_failed=_counts(iterations.failed, slices, seconds),
        iterations_dropped=_counts(iterations.dropped, slices, seconds),
        cpu=_shares(generator.seconds, lambda each: each.cpu, seconds),
        run_queue=_shares(generator.seconds, lambda each: each.waiting, seconds),
        read_delay_p99_ns=_p99(generator.read_delay, slices, seconds),
        requests=_few(
            [
                _of_name(name, series, run.latency_of(series), slices, seconds)
                for name, series in metrics.requests.items()
            ]
        ),
    )


def _end(metrics: Metrics) -> int:
    """The first slice behind everything that happened."""
    iterations = metrics.iterations
    ends = [each.end for each in (metrics.vus, iterations.finished, iterations.ended, iterations.dropped)]
    return max(*ends, *(max(s.total.end, s.finished.end) for s in metrics.requests.values()))


def _of_name(
    name: str, series: RequestSeries, latency: LatencyTimeline, slices: int, seconds: int
) -> RequestTimeline:
    texts = {second: as_text(packed) for second, packed in latency.packed_rows(slices)}
    return RequestTimeline(
        name,
        _counts(series.total, slices, seconds),
        _counts(series.finished, slices, seconds),
        _counts(series.failed, slices, seconds),
        tuple(texts.get(second, _NOTHING) for second in range(seconds)),
    )


def _counts(counts: SliceCounts, slices: int, seconds: int) -> tuple[int, ...]:
    values = counts.values(0, slices * seconds)
    return tuple(values.reshape(seconds, slices).sum(axis=1).tolist())


def _levels(levels: SliceCounts, slices: int, seconds: int) -> tuple[int, ...]:
    """The highest of each second. One in which the event loop did not come to tell it has that before."""
    found, end = [0], levels.end
    for second in range(seconds):
        told = [levels[index] for index in _slices_of(second, slices) if index in levels]
        before = found[-1] if second * slices < end else 0
        found.append(max(told, default=before))
    return tuple(found[1:])


def _slices_of(second: int, slices: int) -> range:
    return range(second * slices, (second + 1) * slices)


def _shares(
    measured: Iterable[GeneratorSecond], share: Callable[[GeneratorSecond], float | None], seconds: int
) -> tuple[float | None, ...]:
    """Measured seconds are not exactly the load's: each counts where its middle is."""
    found: list[float | None] = [None] * seconds
    for each in measured:
        second = (each.begins_ns + each.wall_ns // 2) // NS_PER_S
        if second < seconds:
            value = share(each)
            found[second] = _worst(found[second], None if value is None else round(value, 3))
    return tuple(found)


def _p99(delays: LatencyTimeline, slices: int, seconds: int) -> tuple[float | None, ...]:
    found = {second: round(_dense(packed).quantile(0.99)) for second, packed in delays.packed_rows(slices)}
    return tuple(found.get(second) for second in range(seconds))


def _few(requests: list[RequestTimeline]) -> tuple[RequestTimeline, ...]:
    """The names of the most requests; when there are too many, the others as one."""
    if len(requests) <= MOST_TIMELINES:
        return tuple(requests)
    by_size = sorted(requests, key=lambda each: (each.name != OTHER_NAMES, sum(each.started)), reverse=True)
    kept, others = by_size[: MOST_TIMELINES - 1], by_size[MOST_TIMELINES - 1 :]
    other = RequestTimeline(OTHER_NAMES)
    for each in others:
        other = other.merged(each)
    return (*kept, other)


# -- columns --------------------------------------------------------------------------------------


def _joined(
    join: Callable[[_T, _T], _T], mine: tuple[_T, ...], theirs: tuple[_T, ...], none: _T
) -> tuple[_T, ...]:
    """Entry by entry; the shorter column is as if it went on with `none`."""
    return tuple(join(one, other) for one, other in zip_longest(mine, theirs, fillvalue=none))


def _sums(mine: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, ...]:
    return _joined(int.__add__, mine, theirs, 0)


def _worst(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _padded(timeline: RequestTimeline, seconds: int) -> RequestTimeline:
    nothing = (0,) * seconds
    return timeline.merged(RequestTimeline("", nothing, nothing, nothing, (_NOTHING,) * seconds))


def _merged_text(one: str, other: str) -> str:
    if not one or not other:
        return one or other
    merged = SparseHistogram.decode(one)
    merged.merge(SparseHistogram.decode(other))
    return merged.encode()


def _histogram(texts: Iterable[str]) -> Histogram:
    merged = Histogram()
    for text in texts:
        if text:
            merged.merge_sparse(SparseHistogram.decode(text))
    return merged


def _dense(packed: bytes) -> Histogram:
    histogram = Histogram()
    histogram.merge_sparse(SparseHistogram.unpack(packed))
    return histogram
