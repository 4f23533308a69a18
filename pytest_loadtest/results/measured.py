"""What a test reads of a load that it ran by itself: its verdict, counts, and figures by name.

It puts together what `figures` read and what the load's result says. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from pytest_loadtest.core.budget import ITERATION_DURATION, Scope
from pytest_loadtest.core.metrics import Metrics, ShareSeries
from pytest_loadtest.core.units import NS_PER_S, format_share
from pytest_loadtest.core.verdict import Measurement
from pytest_loadtest.errors import MisuseError
from pytest_loadtest.results.figures import (
    Bounds,
    Latencies,
    MeasuredRequests,
    MeasuredShare,
    figure,
    share_bounds,
)
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow, ErrorRow, FailureRow, GeneratorRow
from pytest_loadtest.results.timeline import Timeline

_T = TypeVar("_T")
_SHARES = ("error_rate", "failure_rate", "check_rate")


class Named(Mapping[str, _T], Generic[_T]):
    """Things by name; asking for a name that did not occur says which did."""

    def __init__(self, kind: str, names: Iterable[str], make: Callable[[str], _T]) -> None:
        self._kind = kind
        self._names = tuple(names)
        self._make = make

    def __getitem__(self, name: str) -> _T:
        if name not in self._names:
            listed = ", ".join(repr(each) for each in sorted(self._names)) or "none at all"
            raise KeyError(f"no {self._kind} is named {name!r}; there were: {listed}")
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: {self[name]!r}' for name in self._names)}}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MeasuredLoad(Latencies):
    """A load that a test ran: its figures over all requests, and those by name."""

    _result: LoadResult
    _label: str

    @classmethod
    def of(cls, run: Measurement, result: LoadResult, label: str) -> Self:
        """What was measured, and what was made of it; `label` tells it from the test's other loads."""
        return cls(run, Scope.ALL, "*", result, label)

    # -- the verdict --------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``passed``, ``failed``, ``invalid`` or ``aborted``."""
        return self._result.state

    @property
    def passed(self) -> bool:
        """Whether it ended well and kept its budgets."""
        return self._result.state == "passed"

    @property
    def reason(self) -> str:
        """Why it did not pass: what ended it, or the budgets that did not hold. Empty if it passed."""
        broken = (f"{row.label} {row.measured}, limit {row.limit}" for row in self._result.broken)
        return self._result.reason or "; ".join(broken)

    @property
    def budgets(self) -> tuple[BudgetRow, ...]:
        """Each budget with its limit, the figure, the interval and the verdict, in words."""
        return self._result.budgets

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes beneath the figures."""
        return self._result.remarks

    # -- counts and shares ----------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """All requests of the whole run."""
        return self._result.count

    @property
    def failed(self) -> int:
        """All requests that failed."""
        return self._result.failed_requests

    @property
    def rps(self) -> float:
        """Requests per second."""
        return figure("rps", self._run)

    @property
    def error_rate(self) -> float:
        """The share of requests that failed."""
        return figure("error_rate", self._run)

    @property
    def failure_rate(self) -> float:
        """The share of iterations that failed."""
        return figure("failure_rate", self._run)

    @property
    def check_rate(self) -> float:
        """The share of checks that held."""
        return figure("check_rate", self._run)

    def share_interval(self, key: str) -> Bounds:
        """The 95 % interval of ``"error_rate"``, ``"failure_rate"`` or ``"check_rate"``."""
        if key not in _SHARES:
            raise MisuseError(f"share_interval({key!r}): it is one of {', '.join(_SHARES)}")
        return share_bounds(key, self._run)

    @property
    def iterations(self) -> int:
        """Iterations that finished, in the whole run."""
        return self._result.iterations

    @property
    def failed_iterations(self) -> int:
        """Those of them that failed."""
        return self._result.failed_iterations

    @property
    def dropped(self) -> int:
        """Iterations that were to start and could not."""
        return self._result.dropped

    @property
    def duration(self) -> float:
        """How long it ran, in seconds, without set-up and tear-down."""
        return self._result.ran_ns / NS_PER_S

    @property
    def vus(self) -> int:
        """The most virtual users."""
        return self._result.vus

    @property
    def stall_share(self) -> float | None:
        """Closed model: the part of the users' time spent in requests slower than 10 times the median."""
        return self._result.stall_share

    # -- by name --------------------------------------------------------------------------------------

    @property
    def iteration_duration(self) -> Latencies:
        """Of whole iterations, think time included."""
        return Latencies(self._run, Scope.METRIC, ITERATION_DURATION)

    @property
    def requests(self) -> Mapping[str, MeasuredRequests]:
        """By the request's name."""
        return Named(
            "request",
            self._metrics.requests,
            lambda name: MeasuredRequests(
                self._run, Scope.REQUEST, name, self._result.timeline.of_request(name)
            ),
        )

    @property
    def trends(self) -> Mapping[str, Latencies]:
        """By the name given to `vu.trend` or `vu.measure`."""
        return Named("trend", self._metrics.trends, lambda name: Latencies(self._run, Scope.METRIC, name))

    @property
    def checks(self) -> Mapping[str, MeasuredShare]:
        """By the check's name."""
        return _shares("check", self._metrics.checks)

    @property
    def rates(self) -> Mapping[str, MeasuredShare]:
        """By the name given to `vu.rate`."""
        return _shares("rate", self._metrics.rates)

    @property
    def counters(self) -> Mapping[str, int]:
        """By the name given to `vu.count`."""
        counters = self._metrics.counters
        return Named("counter", counters, lambda name: counters[name].total())

    # -- as reports show it -----------------------------------------------------------------------------

    @property
    def errors(self) -> tuple[ErrorRow, ...]:
        """Failed requests in groups that are alike: name, reason, count, a sample."""
        return self._result.errors

    @property
    def failures(self) -> tuple[FailureRow, ...]:
        """Failed iterations in groups that are alike: type, place, count, message, traceback."""
        return self._result.failures

    @property
    def generator(self) -> GeneratorRow:
        """The load generator itself: its state, and why."""
        return self._result.generator

    @property
    def timeline(self) -> Timeline:
        """Second by second."""
        return self._result.timeline

    @property
    def _metrics(self) -> Metrics:
        return self._run.metrics

    def __repr__(self) -> str:
        failed = f", {format_share(self.error_rate)} failed" if self.failed else ""
        requests = f"{self.count:,} request{'' if self.count == 1 else 's'}"
        return f"<load {self._label!r}: {requests}{failed}, {self._figures}>"


def _shares(kind: str, series: Mapping[str, ShareSeries]) -> Mapping[str, MeasuredShare]:
    return Named(kind, series, lambda name: MeasuredShare(series[name].yes.total(), series[name].total()))
