"""Figures of one load as a test reads them: times in seconds, shares, intervals; of all requests or by name.

Every figure is read as a budget would read it: latencies, shares and rates of the judged part, response times
where iterations have intended starts, else service times. Counts are of the whole run. It judges nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real

from pytest_loadtest.core.budget import Budget, Scope
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.core.verdict import Measurement, judge_one, read
from pytest_loadtest.errors import MisuseError
from pytest_loadtest.results.timeline import RequestTimeline

_DIGITS = 4  # a bucket of the histogram is 0.4 % wide: more digits would be invented
_PERCENT_DIGITS = 4  # decimals of a percentile: one in a million, which takes more requests than a run has
_LEAST_PERCENT = 10**-_PERCENT_DIGITS
# A limit of no interest; that of a share must be neither 0 nor 1, as zero tolerance has no interval.
_SOME = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval of 95 % confidence, in seconds or shares. An infinite `high`: too little was measured."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Latencies:
    """Times of one kind, in seconds; nan without a value, infinite where iterations never started."""

    _run: Measurement
    _scope: Scope
    _pattern: str

    def percentile(self, percent: float) -> float:
        """The time that so many per cent did not exceed: ``percentile(97.5)``. Above 0 and below 100."""
        return self._read(_key_of(percent))

    @property
    def p50(self) -> float:
        return self.percentile(50)

    @property
    def p75(self) -> float:
        return self.percentile(75)

    @property
    def p90(self) -> float:
        return self.percentile(90)

    @property
    def p95(self) -> float:
        return self.percentile(95)

    @property
    def p99(self) -> float:
        return self.percentile(99)

    @property
    def p99_9(self) -> float:
        return self.percentile(99.9)

    @property
    def mean(self) -> float:
        return self._read("mean")

    @property
    def max(self) -> float:
        return self._read("max")

    def interval(self, percent: float) -> Bounds:
        """The 95 % interval of a percentile: ``interval(95)``."""
        budget = self._budget(_key_of(percent))
        # A limit that is open is always shown inside; the figure itself lies inside anyway.
        return bounds(replace(budget, limit=read(budget, self._run).value), self._run, NS_PER_S)

    def _budget(self, key: str) -> Budget:
        return Budget(key, 0, self._scope, self._pattern)  # the limit is of no interest

    def _read(self, key: str) -> float:
        return _rounded(read(self._budget(key), self._run).value / NS_PER_S)

    def __repr__(self) -> str:
        return f"<{self._pattern}: {self._figures}>"

    @property
    def _figures(self) -> str:
        return ", ".join(f"p{percent} {_time(self.percentile(percent))}" for percent in (50, 95, 99))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MeasuredRequests(Latencies):
    """All requests of one name. `timeline`: second by second."""

    timeline: RequestTimeline

    @property
    def count(self) -> int:
        """How many there were in the whole run."""
        return self._run.metrics.requests[self._pattern].total.total()

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return self._run.metrics.requests[self._pattern].failed.total()

    @property
    def rps(self) -> float:
        """Requests per second."""
        return figure("rps", self._run, self._scope, self._pattern)

    @property
    def error_rate(self) -> float:
        """The share of them that failed."""
        return figure("error_rate", self._run, self._scope, self._pattern)

    def error_interval(self) -> Bounds:
        """The 95 % interval of `error_rate`."""
        return bounds(Budget("error_rate", _SOME, self._scope, self._pattern), self._run)


@dataclass(frozen=True, slots=True)
class MeasuredShare:
    """A check or a custom rate: how often it was true, in the whole run."""

    yes: int
    total: int

    @property
    def share(self) -> float:
        """`yes` of `total`."""
        return self.yes / self.total


def figure(key: str, run: Measurement, scope: Scope = Scope.ALL, pattern: str = "*") -> float:
    """A rate or a share; nan if there was nothing."""
    return _rounded(read(Budget(key, _SOME, scope, pattern), run).value)


def share_bounds(key: str, run: Measurement) -> Bounds:
    """The interval of a share of the whole test."""
    return bounds(Budget(key, _SOME), run)


def bounds(budget: Budget, run: Measurement, unit: float = 1) -> Bounds:
    """The interval of a budget's figure, in `unit`; nan if there was nothing."""
    verdict = judge_one(budget, run)
    if verdict is None or verdict.interval is None:
        return Bounds(math.nan, math.nan)
    return Bounds(_rounded(verdict.interval.low / unit), _rounded(verdict.interval.high / unit))


def _key_of(percent: float) -> str:
    __tracebackhide__ = True
    if not isinstance(percent, Real) or not _LEAST_PERCENT <= percent <= 100 - _LEAST_PERCENT:
        raise MisuseError(f"percentile {percent!r}: it is a number above 0 and below 100, such as 99.95")
    return f"p{percent:.{_PERCENT_DIGITS}f}".rstrip("0").rstrip(".").replace(".", "_")


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _time(seconds: float) -> str:
    return "-" if math.isnan(seconds) else format_duration(seconds * NS_PER_S)
