"""One load test's result as plain values: what reports show, and what travels between processes.

Built from metrics and verdicts once, at the end. Times are ns, shares fractions of 1, rates per second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pytest_loadtest.core.statistics import CONFIDENCE
from pytest_loadtest.results.rows import (
    AuthenticationRow,
    BlockedRow,
    BudgetRow,
    ErrorRow,
    FailureRow,
    GeneratorRow,
    Latency,
    RequestRow,
    ShareRow,
)
from pytest_loadtest.results.timeline import Timeline


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
    confidence: float = CONFIDENCE  # of the budgets' intervals
    stall_share: float | None = None  # closed model: see core.stalls
    iteration_duration: Latency = field(default_factory=Latency)
    remarks: tuple[str, ...] = ()
    generator: GeneratorRow = field(default_factory=GeneratorRow)
    timeline: Timeline = field(default_factory=Timeline)
    run_id: str = ""  # of the session; requests bear it with `run_headers = true`
    authentication: AuthenticationRow | None = None

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
        for key in ("latency", "iteration_duration"):
            values[key] = Latency(**values[key])
        values["trends"] = {name: Latency(**trend) for name, trend in values["trends"].items()}
        values["requests"] = tuple(_request_row(row) for row in values["requests"])
        for key, row_type in _ROW_TYPES.items():
            values[key] = tuple(row_type(**row) for row in values[key])
        values["generator"] = _generator_row(values["generator"])
        values["timeline"] = Timeline.from_plain(values["timeline"])
        if values["authentication"] is not None:
            values["authentication"] = AuthenticationRow(**values["authentication"])
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
