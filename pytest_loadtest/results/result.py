"""One load test's result as plain values: what reports show, and what travels between processes.

Built from metrics and verdicts once, at the end. Times are ns, shares fractions of 1, rates per second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics, RequestSeries, merged_latency
from pytest_loadtest.core.standing import generator_figures, generator_finding
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.core.validity import State
from pytest_loadtest.core.verdict import Measurement, Verdict


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency distribution in the figures that people ask for, in ns; all 0 without values."""

    n: int = 0
    mean: float = 0
    p50: float = 0
    p95: float = 0
    p99: float = 0
    max: float = 0

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """The figures of a histogram."""
        if not histogram.n:
            return cls()
        p50, p95, p99 = (histogram.quantile(share) for share in (0.5, 0.95, 0.99))
        return cls(histogram.n, histogram.mean, p50, p95, p99, histogram.max)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """All requests of one name, over the whole run."""

    name: str
    count: int
    failed: int
    censored: int
    per_second: float
    reconnects: int
    latency: Latency
    phases: dict[str, Latency]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Failed requests that are alike, with one redacted sample."""

    name: str
    reason: str
    count: int
    sample: str


@dataclass(frozen=True, slots=True)
class FailureRow:
    """Failed iterations that are alike, with the first one's message and traceback."""

    type: str
    place: str
    count: int
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A check or a custom rate."""

    name: str
    yes: int
    total: int


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A judged budget, in words."""

    label: str
    limit: str
    measured: str
    interval: str  # of 95 % confidence; empty where the figure has none
    passed: bool
    is_close: bool  # the limit lies inside the interval
    implicit: bool
    reason: str
    invalid: bool = False  # nobody knows whether it held: it may be the generator's doing


@dataclass(frozen=True, slots=True)
class BlockedRow:
    """A line of the test that blocked the event loop, and so everything else."""

    place: str
    count: int
    longest_ns: int


@dataclass(frozen=True, slots=True)
class GeneratorRow:
    """The load generator itself, over the steady part. Shares are of one core and of time; None: unknown."""

    state: str = State.UNKNOWN.label
    reason: str = ""
    cpu: float | None = None
    cpu_highest: float | None = None  # of any second
    run_queue: float | None = None  # runnable, but waiting for a CPU
    read_delay: Latency = Latency()
    start_delay: Latency = Latency()  # of iterations that a free user was waiting for
    blocked: tuple[BlockedRow, ...] = ()  # over the whole run


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What is kept of one load test."""

    test: str
    state: str  # passed, failed, invalid, interrupted, aborted, timed out, ...
    reason: str
    load: str  # "157 VUs, 3m" in words
    open_model: bool
    vus: int
    ran_ns: int
    steady_ns: int
    overrides: tuple[str, ...]
    iterations: int
    failed_iterations: int
    interrupted: int
    dropped: int
    latency: Latency
    requests: tuple[RequestRow, ...] = ()
    errors: tuple[ErrorRow, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    checks: tuple[ShareRow, ...] = ()
    rates: tuple[ShareRow, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    trends: dict[str, Latency] = field(default_factory=dict)
    budgets: tuple[BudgetRow, ...] = ()
    remarks: tuple[str, ...] = ()
    generator: GeneratorRow = GeneratorRow()

    @property
    def count(self) -> int:
        """All requests."""
        return sum(row.count for row in self.requests)

    @property
    def failed_requests(self) -> int:
        """All requests that failed."""
        return sum(row.failed for row in self.requests)

    @property
    def censored(self) -> int:
        """Requests that were open when the run ended."""
        return sum(row.censored for row in self.requests)

    @property
    def per_second(self) -> float:
        """Requests per second over the time in which the load started requests."""
        return sum(row.per_second for row in self.requests)

    @property
    def has_metrics(self) -> bool:
        """Whether the test counted or timed something by itself."""
        return bool(self.counters or self.rates or self.trends)

    @property
    def check_share(self) -> float:
        """The share of checks that held; nan without checks."""
        total = sum(row.total for row in self.checks)
        return sum(row.yes for row in self.checks) / total if total else math.nan

    @property
    def broken(self) -> tuple[BudgetRow, ...]:
        """The budgets that did not hold."""
        return tuple(row for row in self.budgets if not row.passed)

    def to_plain(self) -> dict[str, Any]:
        """As dictionaries, lists, texts and numbers."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The result that `to_plain` was called on."""
        values = dict(plain)
        values["latency"] = Latency(**values["latency"])
        values["trends"] = {name: Latency(**trend) for name, trend in values["trends"].items()}
        values["requests"] = tuple(_request_row(row) for row in values["requests"])
        for key, row_type in _ROW_TYPES.items():
            values[key] = tuple(row_type(**row) for row in values[key])
        values["generator"] = _generator_row(values["generator"])
        for key in ("overrides", "remarks"):
            values[key] = tuple(values[key])
        return cls(**values)


_ROW_TYPES: Mapping[str, type] = {
    "errors": ErrorRow,
    "failures": FailureRow,
    "checks": ShareRow,
    "rates": ShareRow,
    "budgets": BudgetRow,
}


def _request_row(plain: Mapping[str, Any]) -> RequestRow:
    phases = {name: Latency(**phase) for name, phase in plain["phases"].items()}
    return RequestRow(**{**plain, "latency": Latency(**plain["latency"]), "phases": phases})


def _generator_row(plain: Mapping[str, Any]) -> GeneratorRow:
    delays = {key: Latency(**plain[key]) for key in ("read_delay", "start_delay")}
    blocked = tuple(BlockedRow(**row) for row in plain["blocked"])
    return GeneratorRow(**{**plain, **delays, "blocked": blocked})


def tables_of(run: Measurement, verdicts: list[Verdict]) -> dict[str, Any]:
    """The part of a `LoadResult` that comes from what was measured and judged."""
    metrics = run.metrics
    by_count = sorted(metrics.errors.values(), key=lambda group: -group.count)
    by_frequency = sorted(metrics.failures.values(), key=lambda group: -group.count)
    return {
        "iterations": metrics.iterations.finished.total(),
        "failed_iterations": metrics.iterations.failed.total(),
        "interrupted": metrics.iterations.interrupted,
        "dropped": metrics.iterations.dropped.total(),
        "latency": Latency.of(merged_latency(run.latency_of(s) for s in metrics.requests.values())),
        "requests": tuple(_measured_row(name, series, run) for name, series in metrics.requests.items()),
        "errors": tuple(ErrorRow(g.name, g.reason, g.count, g.sample) for g in by_count),
        "failures": tuple(FailureRow(g.type, g.place, g.count, g.message, g.traceback) for g in by_frequency),
        **_custom(metrics),
        "budgets": tuple(_budget_row(verdict) for verdict in verdicts),
        "generator": _measured_generator(run, verdicts),
    }


def _measured_generator(run: Measurement, verdicts: list[Verdict]) -> GeneratorRow:
    figures, finding = generator_figures(run, run.steady), generator_finding(run, verdicts)
    blocked = sorted(run.metrics.generator.blocked.items(), key=lambda item: -item[1].longest_ns)
    return GeneratorRow(
        state=finding.state.label,
        reason=finding.reason,
        cpu=_known(figures.cpu),
        cpu_highest=max((second.cpu for second in figures.seconds), default=None),
        run_queue=_known(figures.waiting),
        read_delay=Latency.of(figures.read_delay),
        start_delay=Latency.of(figures.start_delay),
        blocked=tuple(BlockedRow(place, block.count, block.longest_ns) for place, block in blocked),
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _measured_row(name: str, series: RequestSeries, run: Measurement) -> RequestRow:
    count = series.total.total()
    return RequestRow(
        name=name,
        count=count,
        failed=series.failed.total(),
        censored=series.censored.total(),
        per_second=series.total.total(run.whole) / run.whole_ns * NS_PER_S if run.whole_ns else 0.0,
        reconnects=series.reconnects,
        latency=Latency.of(run.latency_of(series).histogram()),
        phases={phase: Latency.of(histogram) for phase, histogram in series.phases.items()},
    )


def _custom(metrics: Metrics) -> dict[str, Any]:
    return {
        "checks": tuple(ShareRow(n, s.yes.total(), s.total()) for n, s in metrics.checks.items()),
        "rates": tuple(ShareRow(n, s.yes.total(), s.total()) for n, s in metrics.rates.items()),
        "counters": {name: counts.total() for name, counts in metrics.counters.items()},
        "trends": {name: Latency.of(trend.histogram()) for name, trend in metrics.trends.items()},
    }


def _budget_row(verdict: Verdict) -> BudgetRow:
    budget = verdict.budget
    return BudgetRow(
        budget.label,
        budget.limit_text,
        verdict.measured_text,
        verdict.interval_text,
        verdict.passed,
        verdict.is_close,
        budget.implicit,
        verdict.reason,
        verdict.invalid,
    )
