"""What of the metrics a budget speaks of: which durations, which events among which others.

Owns how names and scopes choose series. Must not compute a figure, nor know which part of the run is judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_loadtest.core.budget import ITERATION_DURATION, Budget, Scope
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.metrics import Metrics, RequestSeries, ShareSeries, merged_latency, name_matches
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts, Window


@dataclass(frozen=True, slots=True)
class Latencies:
    """The durations of a latency budget.

    `censored` are those among them that are only lower bounds. `dropped` iterations are slower than any, as
    they never started; `cut` ones took longer than anybody waited, and nobody counted when they had begun.
    """

    timelines: tuple[LatencyTimeline, ...]
    censored: tuple[LatencyTimeline, ...] = ()
    dropped: SliceCounts | None = None
    cut: int = 0

    def histogram(self, window: Window | None) -> Histogram:
        """The durations of a window."""
        return merged_latency(self.timelines, window)

    def dropped_in(self, window: Window | None) -> int:
        """How many are slower than all durations."""
        return self.dropped.total(window) if self.dropped is not None else 0

    def unsure_in(self, window: Window | None) -> int:
        """How many may be slower than they are known to be."""
        return sum(each.total(window) for each in self.censored) + self.cut


@dataclass(frozen=True, slots=True)
class Shares:
    """The events of a share: those in `parts` among those in `wholes`."""

    parts: tuple[SliceCounts, ...]
    wholes: tuple[SliceCounts, ...]


def latencies_of(budget: Budget, run: Measurement) -> Latencies:
    """What a budget on a percentile, a mean or a largest value speaks of."""
    if is_of_iterations(budget):
        return _iterations(run)
    if budget.scope is Scope.METRIC:
        named = run.metrics.trends.items()
        return Latencies(tuple(trend for name, trend in named if name_matches(name, budget.pattern)))
    series = list(requests_of(budget, run))
    return Latencies(
        tuple(run.latency_of(each) for each in series),
        tuple(each.censored for each in series),
        run.metrics.iterations.dropped if budget.scope is Scope.ALL else None,
    )


def is_of_iterations(budget: Budget) -> bool:
    """Whether it limits the built-in trend: exactly that name, as a glob means the test's own trends."""
    return budget.scope is Scope.METRIC and budget.is_latency and budget.pattern == ITERATION_DURATION


def _iterations(run: Measurement) -> Latencies:
    series = run.metrics.iterations
    return Latencies((run.latency_of(series),), dropped=series.dropped, cut=series.interrupted)


def names_for(budget: Budget, metrics: Metrics) -> Collection[str]:
    """The names among which a budget's pattern chooses; none for one on everything."""
    if budget.scope is Scope.REQUEST:
        return metrics.requests
    if budget.scope is Scope.CHECK:
        return metrics.checks
    if budget.scope is not Scope.METRIC or is_of_iterations(budget):
        return ()
    if budget.key in ("max_rate", "min_rate"):
        return metrics.rates
    return metrics.counters if budget.rule.is_count else metrics.trends


def shares_of(budget: Budget, run: Measurement) -> Shares | None:
    """What a budget on a share speaks of; None for a budget on anything else."""
    metrics = run.metrics
    if budget.key == "error_rate":
        series = list(requests_of(budget, run))
        return Shares(tuple(each.failed for each in series), tuple(each.total for each in series))
    if budget.key == "failure_rate":
        return Shares((metrics.iterations.failed,), (metrics.iterations.finished,))
    if budget.key == "check_rate":
        return _answers(_chosen(metrics.checks, budget))
    if budget.key in ("max_rate", "min_rate"):
        return _answers(_chosen(metrics.rates, budget))
    return None


def _chosen(named: Mapping[str, ShareSeries], budget: Budget) -> list[ShareSeries]:
    return [series for name, series in named.items() if _is_meant(name, budget)]


def _answers(series: Iterable[ShareSeries]) -> Shares:
    chosen = list(series)
    wholes = tuple(counts for each in chosen for counts in (each.yes, each.no))
    return Shares(tuple(each.yes for each in chosen), wholes)


def requests_of(budget: Budget, run: Measurement) -> Iterator[RequestSeries]:
    """The requests that a budget speaks of."""
    return (series for name, series in run.metrics.requests.items() if _is_meant(name, budget))


def _is_meant(name: str, budget: Budget) -> bool:
    return name_matches(name, budget.pattern) and not any(name_matches(name, out) for out in budget.excluded)
