"""The figure that a budget limits, read from what was measured. Owns every figure's definition.

Cheap, so that it may be read each second while a load runs. Must not judge, and knows no intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_loadtest.core.budget import Budget, Scope
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.metrics import OTHER_NAMES, Metrics, name_matches
from pytest_loadtest.core.subjects import (
    Latencies,
    Shares,
    latencies_of,
    names_for,
    requests_of,
    shares_of,
)
from pytest_loadtest.core.timeline import SliceCounts, Window
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_share
from pytest_loadtest.core.windows import Worst, misfit, windows_of, worst_latency, worst_rate, worst_share


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured figure: `value` (nan: nothing to measure) of `n` events, and what is to be said of it.

    `undecided`: what is known of it keeps the limit, but what is not known may break it. `at`: the slices of
    the worst window, for a budget with one. `endless`: why the figure is infinite.
    """

    value: float
    n: int
    note: str = ""
    undecided: bool = False
    at: tuple[int, int] | None = None
    endless: str = ""


_NOTHING = Reading(math.nan, 0)


def read(budget: Budget, run: Measurement) -> Reading:
    """The figure that a budget limits."""
    if budget.window_ns and (reason := misfit(budget, run.whole_slices(budget), run.metrics.slice_ns)):
        return Reading(math.nan, 0, reason)
    if _may_be_elsewhere(budget, run.metrics):
        return Reading(math.nan, 0, _TOO_MANY_NAMES[budget.scope])
    if budget.is_latency:
        return _read_latency(budget, run)
    if (shares := shares_of(budget, run)) is not None:
        return _read_share(budget, shares, run)
    return _READERS[budget.key](budget, run)


# -- latency --------------------------------------------------------------------------------------


def _read_latency(budget: Budget, run: Measurement) -> Reading:
    subject = latencies_of(budget, run)
    worst = _latency(budget, subject, run)
    if math.isnan(worst.value):
        return Reading(math.nan, 0, _unanswered(budget, run))
    window = run.window(budget)
    reading = Reading(worst.value, worst.n, at=worst.at, endless=_endless(worst, run, window))
    unsure = subject.unsure_in(window)
    if not unsure or not budget.holds(worst.value):
        return reading
    # They are at least as slow as they were: the limit is surely kept only if it is kept when they never end.
    if budget.percentile is not None and budget.holds(_latency(budget, subject, run, are_endless=True).value):
        return reading
    note = _cut_note(worst.value, unsure) if subject.cut else _censored_note(worst.value, unsure)
    return Reading(worst.value, worst.n, note, undecided=True, at=worst.at)


def _latency(budget: Budget, subject: Latencies, run: Measurement, *, are_endless: bool = False) -> Worst:
    """The figure of the whole part, or of the worst window. `are_endless`: lower bounds never end."""
    if budget.window_ns:
        windows = windows_of(budget, run.whole_slices(budget), run.metrics.slice_ns)
        return worst_latency(budget, subject, windows, are_endless=are_endless)
    window = run.window(budget)
    histogram, beyond = subject.histogram(window), subject.dropped_in(window)
    n = histogram.n + beyond
    if are_endless:
        for each in subject.censored:
            histogram = histogram.without(each.histogram(window))
        beyond += subject.unsure_in(window)
    return Worst(latency_figure(budget, histogram, beyond), n)


def latency_figure(budget: Budget, histogram: Histogram, beyond: int = 0) -> float:
    """A percentile, the mean or the largest of these values and of `beyond` that are infinite."""
    if budget.percentile is not None:
        return histogram.quantile(budget.percentile, beyond=beyond)
    if beyond:
        return math.inf
    if not histogram.n:
        return math.nan
    return histogram.mean if budget.key == "mean" else float(histogram.max)


def _may_be_elsewhere(budget: Budget, metrics: Metrics) -> bool:
    """Whether some of what a glob means may be counted under the name that further names share. A name that
    has a series of its own has all of it there.
    """
    names = names_for(budget, metrics)
    return OTHER_NAMES in names and budget.pattern not in names


_TOO_MANY_NAMES = {
    Scope.REQUEST: (
        "there were more request names than are kept apart: some of these requests may be in "
        f"{OTHER_NAMES!r}; give requests whose path contains ids a name="
    ),
    Scope.CHECK: f"there were more checks than are kept apart: some of these may be in {OTHER_NAMES!r}",
    Scope.METRIC: f"there were more metrics than are kept apart: some of these may be in {OTHER_NAMES!r}",
}


def _endless(worst: Worst, run: Measurement, window: Window | None) -> str:
    """Why a latency has no end: only what was dropped never ends."""
    if not math.isinf(worst.value):
        return ""
    part = window if worst.at is None else (worst.at,)
    dropped = run.metrics.iterations.dropped.total(part)
    share = dropped / (dropped + run.metrics.iterations.finished.total(part))
    return f"{format_share(share, 0 if share >= 0.01 else 2)} of iterations were dropped"


def _censored_note(value: float, censored: int) -> str:
    requests = "1 request was" if censored == 1 else f"{censored:,} requests were"
    return (
        f"at least {format_duration(value)}: {requests} still open when the run ended, or cancelled by the "
        "test, so nobody knows whether the limit would have held; a longer graceful_stop waits for those "
        "that were open"
    )


def _cut_note(value: float, cut: int) -> str:
    iterations = "1 iteration was" if cut == 1 else f"{cut:,} iterations were"
    return (
        f"at least {format_duration(value)}: {iterations} cut when the run ended, so nobody knows whether "
        "the limit would have held; a longer graceful_stop waits for them"
    )


def _unanswered(budget: Budget, run: Measurement) -> str:
    """Why there were requests and yet no latency; empty if there were none."""
    if budget.scope is Scope.METRIC:
        return ""
    window = run.window(budget)
    requests = sum(each.total.total(window) for each in requests_of(budget, run))
    return f"none of {requests:,} requests got an answer" if requests else ""


# -- shares, rates and counts -----------------------------------------------------------------------


def _read_share(budget: Budget, shares: Shares, run: Measurement) -> Reading:
    if budget.window_ns:
        windows = windows_of(budget, run.whole_slices(budget), run.metrics.slice_ns)
        worst = worst_share(budget, shares, windows)
        return Reading(worst.value, worst.n, at=worst.at)
    window = run.window(budget)
    part, whole = (sum(each.total(window) for each in counts) for counts in (shares.parts, shares.wholes))
    return Reading(part / whole, whole) if whole else _NOTHING


_NEVER_DROPPED = "only iterations with an intended start (rate=, pacing=) can be dropped"


def _dropped(budget: Budget, run: Measurement) -> Reading:
    if not run.open_model:
        return Reading(math.nan, 0, "" if budget.implicit else _NEVER_DROPPED)
    iterations = run.metrics.iterations
    dropped = iterations.dropped.total()
    return Reading(dropped, iterations.finished.total() + dropped)


def _metric_count(budget: Budget, run: Measurement) -> Reading:
    counters = [c for name, c in run.metrics.counters.items() if name_matches(name, budget.pattern)]
    if not counters:
        return _NOTHING
    total = sum(counter.total() for counter in counters)
    return Reading(total, total)


def _rps(budget: Budget, run: Measurement) -> Reading:
    totals = [series.total for series in requests_of(budget, run)]
    if budget.window_ns:
        return _slowest_rate(budget, totals, run)
    n = sum(total.total(run.window(budget)) for total in totals)
    return Reading(n / run.steady_ns * NS_PER_S, n) if n and run.steady_ns else _NOTHING


def still_open(budget: Budget, run: Measurement) -> float:
    """While a load runs: what requests that have started and have not ended yet may add to a rate, one for
    each user and arrival; 0 for other figures. Only what has ended is counted.
    """
    judged_ns = budget.window_ns or run.steady_ns
    if budget.key != "rps" or not judged_ns:
        return 0.0
    vus, queued = run.metrics.vus, run.metrics.queued
    latest = max(0, vus.end - 1)
    return (vus[latest] + queued[latest]) / judged_ns * NS_PER_S


def _slowest_rate(budget: Budget, totals: list[SliceCounts], run: Measurement) -> Reading:
    """A window without requests has a rate of 0, if there were any at all."""
    if not any(total.total() for total in totals):
        return _NOTHING
    slice_ns = run.metrics.slice_ns
    worst = worst_rate(budget, totals, windows_of(budget, run.whole_slices(budget), slice_ns), slice_ns)
    return Reading(worst.value, worst.n, at=worst.at)


def _iterations(_budget: Budget, run: Measurement) -> Reading:
    n = run.metrics.iterations.finished.total()
    return Reading(n, n)


_READERS: Mapping[str, Callable[[Budget, Measurement], Reading]] = {
    "dropped": _dropped,
    "rps": _rps,
    "iterations": _iterations,
    "max_count": _metric_count,
    "min_count": _metric_count,
}
