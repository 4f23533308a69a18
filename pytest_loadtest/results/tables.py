"""From what was measured and judged to the tables of a result. Owns what each shows, and its order."""

from __future__ import annotations

import math
from typing import Any

from pytest_loadtest.core.budget import Budget, Scope
from pytest_loadtest.core.metrics import Metrics, RequestSeries, merged_latency
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.core.stalls import stall_share
from pytest_loadtest.core.standing import generator_figures, generator_finding
from pytest_loadtest.core.timeline import Window
from pytest_loadtest.core.units import NS_PER_S, format_rate, format_share
from pytest_loadtest.core.verdict import Measurement, Verdict
from pytest_loadtest.results.rows import (
    BlockedRow,
    BudgetRow,
    ErrorRow,
    FailureRow,
    GeneratorRow,
    Latency,
    RequestRow,
    ShareRow,
)
from pytest_loadtest.results.timeline import timeline_of

_DIGITS = 12  # of a figure of a budget: enough to tell apart nanoseconds in an hour


def tables_of(run: Measurement, verdicts: list[Verdict]) -> dict[str, Any]:
    """The part of a `LoadResult` that comes from what was measured and judged."""
    metrics = run.metrics
    by_count = sorted(metrics.errors.values(), key=lambda group: -group.count)
    by_frequency = sorted(metrics.failures.values(), key=lambda group: -group.count)
    return {
        "iterations": metrics.iterations.finished.total(),
        "failed_iterations": metrics.iterations.failed.total(),
        "interrupted": metrics.iterations.interrupted,
        "dropped": metrics.iterations.dropped.total(),
        "latency": Latency.of(merged_latency(run.latency_of(s) for s in metrics.requests.values())),
        "requests": tuple(_measured_row(name, series, run) for name, series in metrics.requests.items()),
        "errors": tuple(ErrorRow(g.name, g.reason, g.count, g.sample) for g in by_count),
        "failures": tuple(FailureRow(g.type, g.place, g.count, g.message, g.traceback) for g in by_frequency),
        **_custom(metrics),
        "budgets": tuple(_budget_row(verdict) for verdict in verdicts),
        "stall_share": None if run.open_model else stall_share(metrics, run.steady),
        "iteration_duration": Latency.of(run.latency_of(metrics.iterations).histogram()),
        "generator": _measured_generator(run, verdicts),
        "timeline": timeline_of(run),
        "steady_spans": _spans_ns(run, run.steady),
        "latency_spans": _spans_ns(run, run.latency_window),
    }


def _spans_ns(run: Measurement, window: Window | None) -> tuple[tuple[int, int], ...]:
    """Slices as times; the last of a run may be only begun."""
    if window is None:
        return ((0, run.whole_ns),)
    slice_ns = run.metrics.slice_ns
    return tuple((first * slice_ns, min(end * slice_ns, run.whole_ns)) for first, end in window)


def _measured_generator(run: Measurement, verdicts: list[Verdict]) -> GeneratorRow:
    figures, finding = generator_figures(run, run.steady), generator_finding(run, verdicts)
    blocked = sorted(run.metrics.generator.blocked.items(), key=lambda item: -item[1].longest_ns)
    return GeneratorRow(
        state=finding.state.label,
        reason=finding.reason,
        cpu=_known(figures.cpu),
        cpu_highest=max((second.cpu for second in figures.seconds), default=None),
        run_queue=_known(figures.waiting),
        read_delay=Latency.of(figures.read_delay),
        start_delay=Latency.of(figures.start_delay),
        blocked=tuple(BlockedRow(place, block.count, block.longest_ns) for place, block in blocked),
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _measured_row(name: str, series: RequestSeries, run: Measurement) -> RequestRow:
    count, latency = series.total.total(), run.latency_of(series).histogram()
    return RequestRow(
        name=name,
        count=count,
        failed=series.failed.total(),
        censored=series.outcomes[Outcome.CENSORED],
        per_second=series.total.total(run.whole) / run.whole_ns * NS_PER_S if run.whole_ns else 0.0,
        reconnects=series.reconnects,
        latency=Latency.of(latency),
        phases={phase: Latency.of(histogram) for phase, histogram in series.phases.items()},
        outcomes={outcome.label: n for outcome, n in sorted(series.outcomes.items()) if n},
        statuses={str(status): n for status, n in sorted(series.statuses.items())},
        bytes_sent=series.bytes_sent,
        bytes_received=series.bytes_received,
        histogram=SparseHistogram.of(latency).encode() if latency.n else "",
    )


def _custom(metrics: Metrics) -> dict[str, Any]:
    return {
        "checks": tuple(ShareRow(n, s.yes.total(), s.total()) for n, s in metrics.checks.items()),
        "rates": tuple(ShareRow(n, s.yes.total(), s.total()) for n, s in metrics.rates.items()),
        "counters": {name: counts.total() for name, counts in metrics.counters.items()},
        "trends": {name: Latency.of(trend.histogram()) for name, trend in metrics.trends.items()},
    }


def _budget_row(verdict: Verdict) -> BudgetRow:
    budget, interval = verdict.budget, verdict.interval
    unit, scale = _unit_of(budget)
    return BudgetRow(
        budget.label,
        budget.limit_text,
        verdict.measured_text,
        verdict.interval_text,
        verdict.passed,
        verdict.is_close,
        budget.implicit,
        verdict.reason,
        verdict.invalid,
        verdict.endless,
        key=budget.key,
        scope="" if budget.scope is Scope.ALL else str(budget.scope),
        pattern="" if budget.scope is Scope.ALL else budget.pattern,
        unit=unit,
        limit_value=_finite(budget.limit / scale),
        is_upper=budget.rule.upper,
        estimate=_finite(verdict.measured / scale),
        low=_finite(interval.low / scale) if interval else None,
        high=_finite(interval.high / scale) if interval else None,
        window_s=budget.window_ns / NS_PER_S,
        n=verdict.n,
    )


def _unit_of(budget: Budget) -> tuple[str, int]:
    """What the figures of a budget's row are in, and how many of the core's units that is."""
    if budget.is_latency:
        return "s", NS_PER_S
    return {format_share: "share", format_rate: "/s"}.get(budget.rule.format, ""), 1


def _finite(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
