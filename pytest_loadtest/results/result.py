"""One load test's result as plain values: what reports show, and what travels between processes.

Built from metrics and verdicts once, at the end. Times are ns, shares fractions of 1, rates per second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pytest_loadtest.core.redaction import redact_declared
from pytest_loadtest.core.statistics import CONFIDENCE
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.results import plain
from pytest_loadtest.results.rows import (
    AuthenticationRow,
    BudgetRow,
    ErrorRow,
    FailureRow,
    GeneratorRow,
    Latency,
    RequestRow,
    ShareRow,
)
from pytest_loadtest.results.timeline import Timeline

_HISTOGRAMS = ("histogram", "latencies")  # fields that hold no words


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
    nodeid: str = ""  # of the test; one that runs loads by itself has several results
    began_at: str = ""  # ISO 8601, UTC; empty if the load never began
    configuration: dict[str, Any] = field(default_factory=dict)  # see results.configuration
    steady_spans: tuple[tuple[int, int], ...] = ()  # what explicit budgets judge, in ns since the start
    latency_spans: tuple[tuple[int, int], ...] = ()  # those without a warm-up that was found: for latencies

    @property
    def was_judged(self) -> bool:
        """Whether it came so far: one that was interrupted did not."""
        return bool(self.budgets)

    @property
    def has_passed(self) -> bool:
        """Whether it ended well and kept its budgets."""
        return self.state == "passed"

    @property
    def peak_vus(self) -> int:
        """The most users that were active at one time."""
        return max(self.timeline.vus, default=0)

    @property
    def most_vus(self) -> int:
        """The same, or how many there could have been, if it is not known how many there were."""
        return self.peak_vus or self.vus

    @property
    def vu_seconds(self) -> float:
        """The time that active users spent, all together."""
        seconds = self.ran_ns / NS_PER_S
        return sum(vus * min(1.0, seconds - n) for n, vus in enumerate(self.timeline.vus) if n < seconds)

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
        values: dict[str, Any] = plain.to_plain(self)
        return values

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """The result that `to_plain` was called on. Raises ResultError."""
        return plain.from_plain(cls, values)

    def without_secrets(self) -> Self:
        """The same without what somebody declared secret: names are made by tests."""
        return self.from_plain(plain.with_texts(self.to_plain(), redact_declared, _HISTOGRAMS))

    @staticmethod
    def read(path: str | Path) -> tuple[LoadResult, ...]:
        """All results in a file of ``--load-json``. Raises ResultError, and OSError if it cannot be read."""
        from pytest_loadtest.results.run import Run  # it is made of results

        return Run.read(path).results
