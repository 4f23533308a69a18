"""A run and a result with something in every field, for tests of what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import (
    AuthenticationRow,
    BlockedRow,
    BudgetRow,
    ErrorRow,
    FailureRow,
    GeneratorRow,
    Latency,
    RequestRow,
    ShareRow,
)
from pytest_loadtest.results.run import Commit, Machine, Run
from pytest_loadtest.results.timeline import RequestTimeline, Timeline

MS = 1_000_000
S = 1000 * MS
LATENCIES = Histogram.of([10 * MS, 20 * MS, 30 * MS])
TEXT = SparseHistogram.of(LATENCIES).encode()


def load_result(**values: Any) -> LoadResult:
    """A failed load of 2 s and two users."""
    latency = Latency.of(LATENCIES)
    every = LoadResult(
        test="test_a.py::test_a",
        state="failed",
        reason="",
        load="2 VUs, 2s",
        open_model=False,
        vus=2,
        ran_ns=2 * S,
        steady_ns=2 * S,
        overrides=("vus 9 -> 2 (--load-vus)",),
        iterations=3,
        failed_iterations=1,
        interrupted=0,
        dropped=0,
        latency=latency,
        requests=(
            RequestRow(
                "GET /a", 3, 1, 0, 1.5, 0, latency, {"waiting": latency},
                {"ok": 2, "unexpected status": 1}, {"200": 2, "500": 1}, 300, 600, TEXT,
            ),
        ),
        errors=(ErrorRow("GET /a", "status 500", 1, "boom"),),
        failures=(FailureRow("AssertionError", "test_a.py:7", 1, "assert 1 == 2", "E  assert 1 == 2"),),
        checks=(ShareRow("is listed", 2, 3),),
        rates=(ShareRow("hit", 1, 3),),
        counters={"agents": 7},
        trends={"checkout": latency},
        budgets=(
            BudgetRow(
                "p95", "<= 25 ms", "30 ms", "20 ms - ?", False, True, False, "", False, "",
                "p95", "request", "GET /*", "s", 0.025, True, 0.03, 0.02, None, 1.0, 3,
            ),
        ),
        stall_share=0.25,
        iteration_duration=latency,
        remarks=("a remark",),
        generator=GeneratorRow(
            "ok", "", 0.5, 0.75, None, latency, latency, (BlockedRow("a.py:1 (f())", 2, MS),)
        ),
        timeline=Timeline(
            (2, 1), (0, 0), (2, 1), (2, 1), (0, 1), (0, 0), (0.5, None), (None, None), (MS, None),
            (RequestTimeline("GET /a", (2, 1), (2, 1), (0, 1), (TEXT, "")),),
        ),
        run_id="abc",
        authentication=AuthenticationRow(attempts=2, successes=2, reused=1, time_ns=S),
        nodeid="test_a.py::test_a",
        began_at="2026-11-22T20:15:00.250Z",
        configuration={"model": "closed", "stages": [[2.0, 2.0]], "seed": 0, "rate": None},
        steady_spans=((0, 2 * S),),
        latency_spans=((S, 2 * S),),
    )  # fmt: skip
    return replace(every, **values)


def run(**values: Any) -> Run:
    """A session with that load."""
    every = Run(
        run_id="abc",
        began_at="2026-11-22T20:14:59.000Z",
        ended_at="2026-11-22T20:15:04.000Z",
        exit_status=1,
        environment="TEST",
        api="http://127.0.0.1:8006",
        profile="local",
        options={"--load-vus": "2"},
        machine=Machine("A processor", 2, 8_000_000_000, "Linux 6.1 x86_64", "CPython 3.11.2"),
        versions={"pytest": "9.2.0"},
        commit=Commit("0123456789abcdef", "main", dirty=False),
        results=(load_result(),),
    )
    return replace(every, **values)
