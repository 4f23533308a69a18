"""The rows of a result's tables, as plain values. Times are ns, shares fractions of 1, rates per second.

They know not how they were measured: that is in `tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.validity import State

_PERCENTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency distribution in the figures that people ask for, in whole ns; all 0 without values."""

    n: int = 0
    mean: float = 0
    p50: float = 0
    p95: float = 0
    p99: float = 0
    max: float = 0
    min: float = 0
    p75: float = 0
    p90: float = 0
    p99_9: float = 0

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """The figures of a histogram."""
        if not histogram.n:
            return cls()
        return cls(
            n=histogram.n,
            mean=round(histogram.mean),
            max=histogram.max,
            min=histogram.min,
            **{name: round(histogram.quantile(share)) for name, share in _PERCENTILES.items()},
        )


@dataclass(frozen=True, slots=True)
class RequestRow:
    """All requests of one name, over the whole run.

    `outcomes` and `statuses` say how often each kind of end and each HTTP status came; what got no answer has
    no status. `histogram` is the distribution behind `latency`, as text; empty without values.
    """

    name: str
    count: int
    failed: int
    censored: int
    per_second: float
    reconnects: int
    latency: Latency
    phases: dict[str, Latency]
    outcomes: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    bytes_sent: int = 0
    bytes_received: int = 0
    histogram: str = ""

    @property
    def latency_histogram(self) -> Histogram:
        """The distribution behind `latency`, in ns."""
        dense = Histogram()
        if self.histogram:
            dense.merge_sparse(SparseHistogram.decode(self.histogram))
        return dense


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
    """A judged budget, in words and as figures.

    The figures are in `unit`: "s", "share" (of 1), "/s", or "" for counts. None is what is not known, or
    infinite: then `endless` says why. `scope` is "" for the whole test, else what `pattern` is a name of.
    """

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
    key: str = ""  # "p95", "error_rate", ...
    scope: str = ""  # "", "request", "metric", "check"
    pattern: str = ""
    unit: str = ""
    limit_value: float | None = None
    is_upper: bool = True  # the limit is the most that is allowed; else the least
    estimate: float | None = None
    low: float | None = None  # of the interval
    high: float | None = None
    window_s: float = 0  # every piece of this length was judged; 0: the judged part as a whole
    n: int = 0  # how many values the figure is of


@dataclass(frozen=True, slots=True)
class AuthenticationRow:
    """What was done to have the load's tokens, apart from the load. `reused` were there already."""

    attempts: int = 0
    successes: int = 0
    renewals: int = 0  # of the successes
    throttled: int = 0  # of the attempts: answered with 429, too many requests
    created: int = 0  # users
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
