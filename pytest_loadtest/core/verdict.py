"""Budgets against metrics: a verdict for each, with its reason. Owns how a figure is read from `Metrics`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_loadtest.core.budget import Budget, Scope, Undecided
from pytest_loadtest.core.confidence import Interval, interval_of_share, percentile_interval
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import (
    OTHER_NAMES,
    Metrics,
    RequestSeries,
    ShareSeries,
    merged_latency,
    name_matches,
)
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts, Window
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.core.unmeasured import nothing_measured


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured figure: `value` (nan: nothing to measure) of `n` events, and what is to be said of it."""

    value: float
    n: int
    note: str = ""
    undecided: bool = False  # what is known of it keeps the limit, but what is not known may break it
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one budget held, on which figure, and why."""

    budget: Budget
    measured: float
    n: int
    passed: bool
    reason: str = ""
    interval: Interval | None = None
    invalid: bool = False  # nobody knows whether the budget held: it may be the generator's doing

    @property
    def is_close(self) -> bool:
        """Too close to call: the limit lies inside the interval."""
        return self.interval is not None and self.interval.is_open

    def close_call(self, judged_ns: int) -> str:
        """What is to be said of a budget too close to call, of which `judged_ns` were judged."""
        assert self.interval is not None
        interval, label = self.interval, self.budget.label
        words = (
            f"{label} {self.measured_text} is too close to call: its 95 % interval is {self.interval_text}, "
            f"the limit {self.budget.limit_text}"
        )
        if interval.effective < interval.needed:
            return (
                f"{words}; {self.n:,} values tell as much as {interval.effective:,.0f} independent ones, "
                f"and to confirm {label} takes {interval.needed:,}"
            )
        if math.isinf(interval.longer):
            return f"{words}, which is the figure itself: no length of run decides it"
        return f"{words}; to decide it, judge about {format_duration(_rounded(interval.longer * judged_ns))}"

    @property
    def interval_text(self) -> str:
        """``480 ms - 530 ms``; a bound that is not known is a question mark; empty without an interval."""
        if self.interval is None:
            return ""
        bounds = (self.interval.low, self.interval.high)
        # To a hundredth of a percent, where it is one: the ends of an interval are not exact.
        return " - ".join(
            "?" if math.isinf(bound) else self.budget.rule.format(round(bound, 4)) for bound in bounds
        )

    @property
    def measured_text(self) -> str:
        """The measured figure in the budget's unit."""
        return self.budget.text_of(self.measured)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The metrics of a run, the part that explicit budgets judge, and how long that part and all took.

    `whole` is the time in which the load was to send, without the graceful stop after it: rates are
    those of that time. A window of None is everything.
    """

    metrics: Metrics
    steady: Window | None
    steady_ns: int
    whole_ns: int
    open_model: bool = False
    whole: Window | None = None

    def window(self, budget: Budget) -> Window | None:
        """The part of the run that a budget speaks of; None is the whole run."""
        return None if budget.implicit else self.steady

    def latency_of(self, series: RequestSeries) -> LatencyTimeline:
        """Response time where an intended start exists, else service time."""
        return series.response if self.open_model else series.service


def _rounded(value: float) -> float:
    """To two digits: more would be a promise."""
    return float(f"{value:.1e}")


def judge(
    budgets: Iterable[Budget], run: Measurement, undecided: Undecided = Undecided.ESTIMATE
) -> list[Verdict]:
    """The verdict on each budget that there is something to say about."""
    return [verdict for budget in budgets if (verdict := judge_one(budget, run, undecided)) is not None]


def judge_one(budget: Budget, run: Measurement, undecided: Undecided = Undecided.ESTIMATE) -> Verdict | None:
    """The verdict on one budget; None for an implicit one whose subject did not occur."""
    reading = read(budget, run)
    if math.isnan(reading.value):
        if budget.implicit:
            return None
        return Verdict(budget, math.nan, 0, False, reading.note or nothing_measured(budget, run.metrics))
    passed, reason = budget.holds(reading.value), reading.note
    if reading.interval is not None and reading.interval.is_open:
        if passed and undecided is Undecided.FAIL:
            passed, reason = False, _MUST_BE_DECIDED
        elif undecided is Undecided.PASS:
            passed = True
    passed = passed and not reading.undecided
    return Verdict(budget, reading.value, reading.n, passed, reason, reading.interval)


def read(budget: Budget, run: Measurement) -> Reading:
    """The figure that a budget limits."""
    if budget.percentile is not None or budget.key in ("mean", "max"):
        return _read_latency(budget, run)
    return _READERS[budget.key](budget, run)


# -- latency --------------------------------------------------------------------------------------


def _read_latency(budget: Budget, run: Measurement) -> Reading:
    window = run.window(budget)
    if budget.scope is Scope.METRIC:
        trends = [trend for name, trend in run.metrics.trends.items() if name_matches(name, budget.pattern)]
        merged = merged_latency(trends, window)
        interval = _interval(budget, trends, merged, None, window)
        return Reading(*_latency_figure(budget, merged), interval=interval)
    if budget.scope is Scope.REQUEST and OTHER_NAMES in run.metrics.requests:
        return Reading(math.nan, 0, _TOO_MANY_NAMES)
    series = list(requests_of(budget, run))
    timelines = [run.latency_of(each) for each in series]
    histogram = merged_latency(timelines, window)
    lost = run.metrics.iterations.dropped if budget.scope is Scope.ALL else None
    dropped = lost.total(window) if lost is not None else 0
    value, n = _latency_figure(budget, histogram, dropped)
    if math.isnan(value):
        return Reading(value, n, _unanswered(sum(each.total.total(window) for each in series)))
    interval = _interval(budget, timelines, histogram, lost, window)
    censored = merged_latency((each.censored for each in series), window)
    if not censored.n or not budget.holds(value):
        return Reading(value, n, interval=interval)
    # They are at least as slow as they were: the limit is surely kept only if it is kept when they never end.
    if budget.percentile is not None:
        answered = histogram.without(censored)
        if budget.holds(answered.quantile(budget.percentile, beyond=dropped + censored.n)):
            return Reading(value, n, interval=interval)
    return Reading(value, n, _censored_note(value, censored.n), undecided=True, interval=interval)


def _interval(
    budget: Budget,
    timelines: list[LatencyTimeline],
    merged: Histogram,
    dropped: SliceCounts | None,
    window: Window | None,
) -> Interval | None:
    """Of percentiles that were measured; a mean or a largest value has none."""
    if budget.percentile is None or not merged.n:
        return None
    return percentile_interval(budget, timelines, merged, dropped, window)


_MUST_BE_DECIDED = "kept, but too close to call, which is to fail (--load-undecided=fail)"
_TOO_MANY_NAMES = (
    f"there were more request names than are kept apart: some of these requests may be in {OTHER_NAMES!r}; "
    "give requests whose path contains ids a name="
)


def _latency_figure(budget: Budget, histogram: Histogram, beyond: int = 0) -> tuple[float, int]:
    if budget.percentile is not None:
        return histogram.quantile(budget.percentile, beyond=beyond), histogram.n + beyond
    if not histogram.n:
        return math.nan, 0
    return (histogram.mean if budget.key == "mean" else float(histogram.max)), histogram.n


def _censored_note(value: float, censored: int) -> str:
    requests = "1 request was" if censored == 1 else f"{censored:,} requests were"
    return (
        f"at least {format_duration(value)}: {requests} still open when the run ended, so nobody knows "
        "whether the limit would have held; a longer graceful_stop waits for them"
    )


def _unanswered(requests: int) -> str:
    """Why there were requests and yet no latency."""
    return f"none of {requests:,} requests got an answer" if requests else ""


def requests_of(budget: Budget, run: Measurement) -> Iterator[RequestSeries]:
    """The requests that a budget speaks of."""
    for name, series in run.metrics.requests.items():
        if name_matches(name, budget.pattern) and not any(name_matches(name, ex) for ex in budget.excluded):
            yield series


# -- shares, rates and counts -----------------------------------------------------------------------


def _share(
    budget: Budget, parts: list[SliceCounts], wholes: list[SliceCounts], window: Window | None
) -> Reading:
    part, whole = (sum(each.total(window) for each in counts) for counts in (parts, wholes))
    if not whole:
        return Reading(math.nan, 0)
    return Reading(part / whole, whole, interval=interval_of_share(budget, parts, wholes, window))


def _error_rate(budget: Budget, run: Measurement) -> Reading:
    series = list(requests_of(budget, run))
    return _share(budget, [s.failed for s in series], [s.total for s in series], run.window(budget))


def _failure_rate(budget: Budget, run: Measurement) -> Reading:
    iterations = run.metrics.iterations
    return _share(budget, [iterations.failed], [iterations.finished], run.window(budget))


def _dropped(budget: Budget, run: Measurement) -> Reading:
    if not run.open_model:
        note = "" if budget.implicit else "only an open model (rate=...) can drop iterations"
        return Reading(math.nan, 0, note)
    iterations = run.metrics.iterations
    dropped = iterations.dropped.total()
    return Reading(dropped, iterations.finished.total() + dropped)


def _yes_share(named: Mapping[str, ShareSeries], budget: Budget, run: Measurement) -> Reading:
    chosen = [
        series
        for name, series in named.items()
        if name_matches(name, budget.pattern) and not any(name_matches(name, ex) for ex in budget.excluded)
    ]
    wholes = [counts for series in chosen for counts in (series.yes, series.no)]
    return _share(budget, [series.yes for series in chosen], wholes, run.window(budget))


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
    n = sum(series.total.total(window) for series in requests_of(budget, run))
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
