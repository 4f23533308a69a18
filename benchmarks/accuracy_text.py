"""Measured latencies beside the truth, as tables.

Must not know how they were measured, nor what is required.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.command_line import Table
from benchmarks.table import Row
from pytest_loadtest.results.rows import BudgetRow, Latency

if TYPE_CHECKING:
    from benchmarks.accuracy import Run

LATENCY_HEADER = (
    "core asked",
    "requests/s",
    "latency",
    "truth",
    "service time",
    "off by",
    "response time",
    "off by",
)
GENERATOR_HEADER = (
    "core asked",
    "core used",
    "of server's",
    "read delay p50 / p99",
    "start delay p50 / p99",
    "state",
    "p99 budget",
)


def as_tables(runs: Sequence[Run]) -> list[Table]:
    return [
        ("Latencies", LATENCY_HEADER, [row for run in runs for row in latency_rows(run)]),
        ("The generator", GENERATOR_HEADER, [generator_row(run) for run in runs]),
    ]


def latency_rows(run: Run) -> list[Row]:
    """One for each percentile. The closed model has no intended starts, so no response time."""
    service = run.result.trends["service"]
    response = run.result.latency if run.result.open_model else None
    rows: list[Row] = []
    for percentile, true_ns in (("p50", run.truth.p50_ns), ("p99", run.truth.p99_ns)):
        cells = [milliseconds(true_ns), *_beside(service, percentile, true_ns)]
        cells += _beside(response, percentile, true_ns)
        rows.append((run.level.name, f"{run.result.per_second:.0f}", percentile, *cells))
    return rows


def _beside(latency: Latency | None, percentile: str, true_ns: float) -> tuple[str, str]:
    if latency is None:
        return "", ""
    measured_ns = getattr(latency, percentile)
    return milliseconds(measured_ns), difference(measured_ns, true_ns)


def difference(measured_ns: float, true_ns: float) -> str:
    """``+0.31 ms (+1.5 %)``"""
    return f"{(measured_ns - true_ns) / 1e6:+.2f} ms ({measured_ns / true_ns - 1:+.1%})"


def milliseconds(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.2f} ms"


def generator_row(run: Run) -> Row:
    generator = run.result.generator
    return (
        run.level.name,
        f"{run.cpu:.0%}",
        f"{run.truth.cpu:.0%}",
        _both(generator.read_delay),
        _both(generator.start_delay) if run.result.open_model else "",
        generator.state,
        f"{verdict_text(run.budget)} ({run.budget.measured} {run.budget.limit})",
    )


def _both(delay: Latency) -> str:
    return f"{delay.p50 / 1e6:.2f} / {milliseconds(delay.p99)}"


def verdict_text(budget: BudgetRow) -> str:
    if budget.invalid:
        return "invalid"
    return "passed" if budget.passed else "failed"
