"""What one load test measured. Owns the data and its merging; it records nothing and judges nothing.

Everything is kept per name and per slice of time, never per sample: memory grows with the number of
names and with the length of the run, not with the number of requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol, Self, TypeVar

from pytest_loadtest.core.generator import GeneratorSeries
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.redaction import redact_name
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts, Window

# A test that puts ids into its names must not eat the memory: a request name takes 0.14 MB of histograms.
# Further names of requests, checks or metrics share one series.
MOST_NAMES = 500
OTHER_NAMES = "(further names)"

PHASES = ("blocked", "looking up", "connecting", "TLS", "sending", "waiting", "receiving")


class _Mergeable(Protocol):
    def merge(self, other: Self) -> None: ...


_M = TypeVar("_M", bound=_Mergeable)
_T = TypeVar("_T")


@dataclass(slots=True)
class RequestSeries:
    """All requests of one name.

    `service` is sending + waiting + receiving. `response` adds the delay of the iteration's start and the
    wait for a connection, and is what budgets judge where iterations have intended starts; without them it is
    not recorded. Requests that were still open when the run ended are in both with the time they had
    taken until then, and so are those that the test itself cancelled; `censored` has these lower bounds
    once more, alone (of response where there is one). `finished` counts by the slice of a request's end.
    """

    total: SliceCounts = field(default_factory=SliceCounts)
    failed: SliceCounts = field(default_factory=SliceCounts)
    finished: SliceCounts = field(default_factory=SliceCounts)
    service: LatencyTimeline = field(default_factory=LatencyTimeline)
    response: LatencyTimeline = field(default_factory=LatencyTimeline)
    censored: LatencyTimeline = field(default_factory=LatencyTimeline)
    phases: dict[str, Histogram] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    bytes_sent: int = 0
    bytes_received: int = 0
    reconnects: int = 0  # requests sent once more, as the server had closed the kept connection

    def phase(self, name: str) -> Histogram:
        """The histogram of one of `PHASES`, made on first use."""
        return self.phases.setdefault(name, Histogram())

    def merge(self, other: RequestSeries) -> None:
        """Add another process's requests of this name."""
        self.total.merge(other.total)
        self.failed.merge(other.failed)
        self.finished.merge(other.finished)
        self.service.merge(other.service)
        self.response.merge(other.response)
        self.censored.merge(other.censored)
        for name, histogram in other.phases.items():
            self.phase(name).merge(histogram)
        self.outcomes.update(other.outcomes)
        self.statuses.update(other.statuses)
        self.bytes_sent += other.bytes_sent
        self.bytes_received += other.bytes_received
        self.reconnects += other.reconnects


@dataclass(slots=True)
class IterationSeries:
    """Runs of the test body. `dropped` ones never started; `interrupted` ones were cut at the run's end.

    Those that `finished` by themselves are counted in the slice of their start, and in that of their end
    in `ended`.
    """

    finished: SliceCounts = field(default_factory=SliceCounts)
    failed: SliceCounts = field(default_factory=SliceCounts)
    dropped: SliceCounts = field(default_factory=SliceCounts)
    ended: SliceCounts = field(default_factory=SliceCounts)
    interrupted: int = 0
    service: LatencyTimeline = field(default_factory=LatencyTimeline)
    response: LatencyTimeline = field(default_factory=LatencyTimeline)
    start_delay: Histogram = field(default_factory=Histogram)

    def merge(self, other: IterationSeries) -> None:
        """Add another process's iterations."""
        self.finished.merge(other.finished)
        self.failed.merge(other.failed)
        self.dropped.merge(other.dropped)
        self.ended.merge(other.ended)
        self.interrupted += other.interrupted
        self.service.merge(other.service)
        self.response.merge(other.response)
        self.start_delay.merge(other.start_delay)


@dataclass(slots=True)
class ShareSeries:
    """Yes-or-no results: a check, or a custom rate."""

    yes: SliceCounts = field(default_factory=SliceCounts)
    no: SliceCounts = field(default_factory=SliceCounts)

    def total(self, window: Window | None = None) -> int:
        """How many results there were."""
        return self.yes.total(window) + self.no.total(window)

    def merge(self, other: ShareSeries) -> None:
        """Add another process's results."""
        self.yes.merge(other.yes)
        self.no.merge(other.no)


@dataclass(slots=True)
class ErrorGroup:
    """Failed requests that are alike: same name, outcome and status, with one redacted sample."""

    name: str
    outcome: Outcome
    status: int
    sample: str
    count: int = 0

    @property
    def reason(self) -> str:
        """``status 500`` or ``connection refused``."""
        return f"status {self.status}" if self.outcome is Outcome.STATUS else self.outcome.label


@dataclass(slots=True)
class FailureGroup:
    """Failed iterations that are alike: same type, same place; with the first one's traceback."""

    type: str
    place: str
    message: str
    traceback: str
    count: int = 0


@dataclass(slots=True)
class Metrics:
    """Everything that one load test measured, of one process or merged from several."""

    slice_ns: int
    requests: dict[str, RequestSeries] = field(default_factory=dict)
    iterations: IterationSeries = field(default_factory=IterationSeries)
    checks: dict[str, ShareSeries] = field(default_factory=dict)
    rates: dict[str, ShareSeries] = field(default_factory=dict)
    counters: dict[str, SliceCounts] = field(default_factory=dict)
    trends: dict[str, LatencyTimeline] = field(default_factory=dict)
    errors: dict[tuple[str, Outcome, int], ErrorGroup] = field(default_factory=dict)
    failures: dict[tuple[str, str], FailureGroup] = field(default_factory=dict)
    generator: GeneratorSeries = field(default_factory=GeneratorSeries)
    vus: SliceCounts = field(default_factory=SliceCounts)  # the most that were active in each slice
    queued: SliceCounts = field(default_factory=SliceCounts)  # the most arrivals that waited for a user

    def matching_requests(self, pattern: str = "*") -> Iterator[RequestSeries]:
        """The series whose name is `pattern` or matches it as a shell glob."""
        return (series for name, series in self.requests.items() if name_matches(name, pattern))

    def merge(self, other: Metrics) -> None:
        """Add what another process measured in the same run, with slices of the same length."""
        if other.slice_ns != self.slice_ns:
            raise ValueError(f"slices of {other.slice_ns} ns do not merge into slices of {self.slice_ns} ns")
        self.iterations.merge(other.iterations)
        self.generator.merge(other.generator)
        self.vus.merge(other.vus)
        self.queued.merge(other.queued)
        _merge_named(self.requests, other.requests, RequestSeries)
        _merge_named(self.checks, other.checks, ShareSeries)
        _merge_named(self.rates, other.rates, ShareSeries)
        _merge_named(self.counters, other.counters, SliceCounts)
        _merge_named(self.trends, other.trends, LatencyTimeline)
        for error in other.errors.values():
            self.count_error(error.name, error.outcome, error.status, error.sample, error.count)
        for failure in other.failures.values():
            self.count_failure(failure.type, failure.place, failure.message, failure.traceback, failure.count)

    def count_error(self, name: str, outcome: Outcome, status: int, sample: str, n: int = 1) -> None:
        """Count `n` failed requests; the first sample of a group is the one that is kept."""
        group = self.errors.get((name, outcome, status))
        if group is None:
            group = self.errors[name, outcome, status] = ErrorGroup(name, outcome, status, sample)
        group.count += n

    def count_failure(self, type_: str, place: str, message: str, traceback: str, n: int = 1) -> None:
        """Count `n` failed iterations; the first one's message and traceback are kept."""
        group = self.failures.get((type_, place))
        if group is None:
            group = self.failures[type_, place] = FailureGroup(type_, place, message, traceback)
        group.count += n


def name_matches(name: str, pattern: str) -> bool:
    """Whether a name is meant by a pattern: the name itself (it may contain brackets), or a shell glob."""
    return name == pattern or fnmatchcase(name, pattern)


def merged_latency(timelines: Iterable[LatencyTimeline], window: Window | None = None) -> Histogram:
    """One histogram over several timelines."""
    merged = Histogram()
    for timeline in timelines:
        merged.merge(timeline.histogram(window))
    return merged


def entry_of(table: dict[str, _T], name: str, make: Callable[[], _T]) -> _T:
    """What is kept under a name; when there are too many, under the one that further names share."""
    if name not in table:
        name = redact_name(name) if len(table) < MOST_NAMES else OTHER_NAMES
        if name not in table:
            table[name] = make()
    return table[name]


def _merge_named(mine: dict[str, _M], theirs: dict[str, _M], make: Callable[[], _M]) -> None:
    for name, series in theirs.items():
        if name not in mine:
            mine[name] = make()
        mine[name].merge(series)
