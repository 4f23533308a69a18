"""Budgets against metrics: a verdict for each, with its reason. Owns how a figure is read from `Metrics`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_loadtest.core.budget import Budget, Scope
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics, RequestSeries, ShareSeries, merged_latency, name_matches
from pytest_loadtest.core.timeline import LatencyTimeline, Window
from pytest_loadtest.core.units import NS_PER_S, format_duration


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured figure: `value` (nan: nothing to measure) of `n` events, and what is to be said of it."""

    value: float
    n: int
    note: str = ""
    undecided: bool = False  # what is known of it keeps the limit, but what is not known may break it


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one budget held, on which figure, and why."""

    budget: Budget
    measured: float
    n: int
    passed: bool
    reason: str = ""

    @property
    def measured_text(self) -> str:
        """The measured figure in the budget's unit."""
        return self.budget.rule.format(self.measured)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The metrics of a run, the part that explicit budgets judge, and how long that part and all took."""

    metrics: Metrics
    steady: Window | None
    steady_ns: int
    whole_ns: int
    open_model: bool = False

    def window(self, budget: Budget) -> Window | None:
        """The part of the run that a budget speaks of; None is the whole run."""
        return None if budget.implicit else self.steady

    def latency_of(self, series: RequestSeries) -> LatencyTimeline:
        """Response time where an intended start exists, else service time."""
        return series.response if self.open_model else series.service


def judge(budgets: Iterable[Budget], run: Measurement) -> list[Verdict]:
    """The verdict on each budget that there is something to say about."""
    return [verdict for budget in budgets if (verdict := judge_one(budget, run)) is not None]


def judge_one(budget: Budget, run: Measurement) -> Verdict | None:
    """The verdict on one budget; None for an implicit one whose subject did not occur."""
    reading = read(budget, run)
    if math.isnan(reading.value):
        if budget.implicit:
            return None
        return Verdict(budget, math.nan, 0, False, reading.note or _nothing_measured(budget, run))
    passed = budget.holds(reading.value) and not reading.undecided
    return Verdict(budget, reading.value, reading.n, passed, reading.note)


def read(budget: Budget, run: Measurement) -> Reading:
    """The figure that a budget limits."""
    if budget.percentile is not None or budget.key in ("mean", "max"):
        return _read_latency(budget, run)
    return _READERS[budget.key](budget, run)


# -- latency --------------------------------------------------------------------------------------


def _read_latency(budget: Budget, run: Measurement) -> Reading:
    window = run.window(budget)
    if budget.scope is Scope.METRIC:
        trends = (trend for name, trend in run.metrics.trends.items() if name_matches(name, budget.pattern))
        return Reading(*_latency_figure(budget, merged_latency(trends, window)))
    series = list(_requests(budget, run))
    histogram = merged_latency((run.latency_of(each) for each in series), window)
    dropped = run.metrics.iterations.dropped.total(window) if budget.scope is Scope.ALL else 0
    value, n = _latency_figure(budget, histogram, dropped)
    return _with_censored(budget, histogram, Reading(value, n), series, window)


def _latency_figure(budget: Budget, histogram: Histogram, dropped: int = 0) -> tuple[float, int]:
    if budget.percentile is not None:
        return histogram.quantile(budget.percentile, beyond=dropped), histogram.n + dropped
    if not histogram.n:
        return math.nan, 0
    return (histogram.mean if budget.key == "mean" else float(histogram.max)), histogram.n


def _with_censored(
    budget: Budget, histogram: Histogram, reading: Reading, series: list[RequestSeries], window: Window | None
) -> Reading:
    """Requests that were open at the end are at least as slow as they were; how slow, nobody knows.

    If the limit is kept with that lower bound but not when they are taken as endless, it is undecided.
    """
    censored = sum(each.censored.total(window) for each in series)
    if not censored or math.isnan(reading.value) or not budget.holds(reading.value):
        return reading
    if budget.percentile is not None:
        rank = math.ceil(round(budget.percentile * reading.n, 9))
        answered = histogram.n - censored
        if rank <= answered:
            return reading
    note = (
        f"at least {format_duration(reading.value)}: {censored} requests were still open when the run ended, "
        "so nobody knows whether the limit would have held"
    )
    return Reading(reading.value, reading.n, note, undecided=True)


def _requests(budget: Budget, run: Measurement) -> Iterator[RequestSeries]:
    for name, series in run.metrics.requests.items():
        if name_matches(name, budget.pattern) and not any(name_matches(name, ex) for ex in budget.excluded):
            yield series


# -- shares, rates and counts -----------------------------------------------------------------------


def _share(part: int, whole: int) -> Reading:
    return Reading(part / whole if whole else math.nan, whole)


def _error_rate(budget: Budget, run: Measurement) -> Reading:
    window = run.window(budget)
    series = list(_requests(budget, run))
    return _share(sum(s.failed.total(window) for s in series), sum(s.total.total(window) for s in series))


def _failure_rate(budget: Budget, run: Measurement) -> Reading:
    window = run.window(budget)
    iterations = run.metrics.iterations
    return _share(iterations.failed.total(window), iterations.finished.total(window))


def _dropped(budget: Budget, run: Measurement) -> Reading:
    if not run.open_model:
        note = "" if budget.implicit else "only an open model (rate=...) can drop iterations"
        return Reading(math.nan, 0, note)
    iterations = run.metrics.iterations
    dropped = iterations.dropped.total()
    return Reading(dropped, iterations.finished.total() + dropped)


def _yes_share(named: Mapping[str, ShareSeries], budget: Budget, run: Measurement) -> Reading:
    window = run.window(budget)
    chosen = [
        series
        for name, series in named.items()
        if name_matches(name, budget.pattern) and not any(name_matches(name, ex) for ex in budget.excluded)
    ]
    return _share(sum(s.yes.total(window) for s in chosen), sum(s.total(window) for s in chosen))


def _check_rate(budget: Budget, run: Measurement) -> Reading:
    return _yes_share(run.metrics.checks, budget, run)


def _metric_rate(budget: Budget, run: Measurement) -> Reading:
    return _yes_share(run.metrics.rates, budget, run)


def _metric_count(budget: Budget, run: Measurement) -> Reading:
    counters = [c for name, c in run.metrics.counters.items() if name_matches(name, budget.pattern)]
    if not counters:
        return Reading(math.nan, 0)
    total = sum(counter.total() for counter in counters)
    return Reading(total, total)


def _rps(budget: Budget, run: Measurement) -> Reading:
    window, length_ns = run.window(budget), run.steady_ns
    n = sum(series.total.total(window) for series in _requests(budget, run))
    return Reading(n / length_ns * NS_PER_S if n and length_ns else math.nan, n)


def _iterations(_budget: Budget, run: Measurement) -> Reading:
    n = run.metrics.iterations.finished.total()
    return Reading(n, n)


_READERS: Mapping[str, Callable[[Budget, Measurement], Reading]] = {
    "error_rate": _error_rate,
    "failure_rate": _failure_rate,
    "dropped": _dropped,
    "check_rate": _check_rate,
    "rps": _rps,
    "iterations": _iterations,
    "max_rate": _metric_rate,
    "min_rate": _metric_rate,
    "max_count": _metric_count,
    "min_count": _metric_count,
}


def _nothing_measured(budget: Budget, run: Measurement) -> str:
    """Why there is no figure: the name never occurred, or only outside the steady part."""
    metrics = run.metrics
    kind, names = {
        Scope.REQUEST: ("request", list(metrics.requests)),
        Scope.CHECK: ("check", list(metrics.checks)),
        Scope.METRIC: ("metric", [*metrics.trends, *metrics.rates, *metrics.counters]),
        Scope.ALL: (_SUBJECTS.get(budget.key, "request"), []),
    }[budget.scope]
    if budget.scope is Scope.ALL:
        return f"no {kind} in the steady part of the run: nothing was measured"
    if any(name_matches(name, budget.pattern) for name in names):
        return f"{kind} {budget.pattern!r} has no such figure in the steady part of the run"
    there_were = ", ".join(repr(name) for name in sorted(names)) or "none at all"
    return f"no {kind} is named {budget.pattern!r}; there were: {there_were}"


_SUBJECTS = {"failure_rate": "iteration", "check_rate": "check"}
