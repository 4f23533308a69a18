"""The rows of a result's tables, as plain values. Times are ns, shares fractions of 1, rates per second.

They know not how they were measured: that is in `tables`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.validity import State


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
    interval: str  # empty where the figure has none
    passed: bool
    is_close: bool  # the limit lies inside the interval
    implicit: bool
    reason: str
    invalid: bool = False  # nobody knows whether it held: it may be the generator's doing
    endless: str = ""  # why the figure is infinite, if it is


@dataclass(frozen=True, slots=True)
class AuthenticationRow:
    """What was done to have the load's tokens, apart from the load. `reused` were there already."""

    attempts: int = 0
    successes: int = 0
    renewals: int = 0
    reused: int = 0
    time_ns: int = 0


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
