"""From what was measured and judged to the tables of a result. Owns what each shows, and its order."""

from __future__ import annotations

import math
from typing import Any

from pytest_loadtest.core.metrics import Metrics, RequestSeries, merged_latency
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.stalls import stall_share
from pytest_loadtest.core.standing import generator_figures, generator_finding
from pytest_loadtest.core.units import NS_PER_S
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
    }


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
    count = series.total.total()
    return RequestRow(
        name=name,
        count=count,
        failed=series.failed.total(),
        censored=series.outcomes[Outcome.CENSORED],
        per_second=series.total.total(run.whole) / run.whole_ns * NS_PER_S if run.whole_ns else 0.0,
        reconnects=series.reconnects,
        latency=Latency.of(run.latency_of(series).histogram()),
        phases={phase: Latency.of(histogram) for phase, histogram in series.phases.items()},
    )


def _custom(metrics: Metrics) -> dict[str, Any]:
    return {
        "checks": tuple(ShareRow(n, s.yes.total(), s.total()) for n, s in metrics.checks.items()),
        "rates": tuple(ShareRow(n, s.yes.total(), s.total()) for n, s in metrics.rates.items()),
        "counters": {name: counts.total() for name, counts in metrics.counters.items()},
        "trends": {name: Latency.of(trend.histogram()) for name, trend in metrics.trends.items()},
    }


def _budget_row(verdict: Verdict) -> BudgetRow:
    budget = verdict.budget
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
    )
