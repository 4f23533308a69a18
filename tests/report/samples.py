"""Results as reports get them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow, Latency, RequestRow

S = 1_000_000_000
MS = 1_000_000


def request(name: str, p95_ms: float = 20, *, count: int = 100, failed: int = 0) -> RequestRow:
    """One row of requests."""
    latency = Latency(count, 10 * MS, 9 * MS, p95_ms * MS, 2 * p95_ms * MS, 3 * p95_ms * MS)
    return RequestRow(name, count, failed, 0, count / 2, 0, latency, {})


def budget(label: str, limit: str, measured: str, *, passed: bool = True, **values: Any) -> BudgetRow:
    """One judged budget."""
    return replace(
        BudgetRow(
            label, limit, measured, interval="", passed=passed, is_close=False, implicit=False, reason=""
        ),
        **values,
    )


def load_result(**values: Any) -> LoadResult:
    """A passed load test of 2 s and 5 VUs, changed by `values`."""
    passed = LoadResult(
        test="tests/test_a.py::TestStore::test_browse[new]",
        state="passed",
        reason="",
        load="5 VUs, 2s",
        open_model=False,
        vus=5,
        ran_ns=2 * S,
        steady_ns=2 * S,
        overrides=(),
        iterations=40,
        failed_iterations=0,
        interrupted=0,
        dropped=0,
        latency=Latency(100, 10 * MS, 9 * MS, 20 * MS, 40 * MS, 60 * MS),
        requests=(request("GET /agents"),),
    )
    return replace(passed, **values)
