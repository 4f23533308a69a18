"""A load test's figures as properties of its case in a JUnit file: names with units, values plain numbers.

Owns the names, which people's dashboards are built on. Who puts them into a report is the plugin's affair.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_loadtest.core.units import NS_PER_MS, NS_PER_S
from pytest_loadtest.results.result import LoadResult

PREFIX = "load_"


def properties_of(results: Sequence[LoadResult]) -> list[tuple[str, str]]:
    """Names and values. A test with several loads of its own has them numbered: ``load_2_p95_ms``."""
    if len(results) == 1:
        return [(PREFIX + name, value) for name, value in _properties(results[0])]
    return [
        (f"{PREFIX}{number}_{name}", value)
        for number, result in enumerate(results, 1)
        for name, value in _properties(result)
    ]


def _properties(result: LoadResult) -> Iterator[tuple[str, str]]:
    """What was not measured is left out: no number stands for it."""
    if name := result.test.removeprefix(result.nodeid).removeprefix(": "):
        yield "name", name
    yield "verdict", result.state
    yield "run_id", result.run_id
    for name, number in _figures(result).items():
        if number is not None and math.isfinite(number):
            yield name, _plain(number)


def _figures(result: LoadResult) -> dict[str, float | None]:
    latency, count, iterations = result.latency, result.count, result.iterations
    times = {name: getattr(latency, name) for name in ("p50", "p90", "p95", "p99", "max")}
    return {
        **{f"{name}_ms": time_ns / NS_PER_MS if latency.n else None for name, time_ns in times.items()},
        "rps": result.per_second,
        "requests": count,
        "failed_requests": result.failed_requests,
        "error_rate_percent": 100 * result.failed_requests / count if count else None,
        "iterations": iterations,
        "failed_iterations": result.failed_iterations,
        "failure_rate_percent": 100 * result.failed_iterations / iterations if iterations else None,
        "dropped_iterations": result.dropped,
        "checks_percent": 100 * result.check_share,
        "budgets": len(result.budgets),
        "broken_budgets": sum(not row.invalid for row in result.broken),
        "vus": result.most_vus,
        "duration_s": result.ran_ns / NS_PER_S,
    }


def _plain(number: float) -> str:
    """Four digits after the point, none that say nothing: ``12.5``, ``0.0313``, ``1200``."""
    return f"{number:.4f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)
