"""Results of made-up loads with whole timelines, as pictures and pages get them. Seeded: always alike."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.sparse import SparseHistogram
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import (
    BudgetRow,
    ErrorRow,
    FailureRow,
    GeneratorRow,
    Latency,
    RequestRow,
    ShareRow,
)
from pytest_loadtest.results.timeline import RequestTimeline, Timeline
from tests.report.samples import MS, S, budget, load_result

NAMES = ("GET /api/store/agents", "GET /api/store/creators", "agent details", "POST /api/library/agents")
_SIGMA = 0.45  # of the log-normal latencies: a web service's

Slowness = Callable[[int], float]


def steady(_: int) -> float:
    """As fast in every second."""
    return 1.0


def encoded(values_ns: Sequence[int]) -> str:
    """A histogram of these as results carry it."""
    if not values_ns:
        return ""
    dense = Histogram.of(values_ns)
    slots = np.flatnonzero(dense.counts)
    sparse = SparseHistogram(
        slots.astype(np.uint16),
        dense.counts[slots].astype(np.uint32),
        dense.n,
        dense.sum,
        dense.min,
        dense.max,
    )
    return sparse.encode()


def request_timeline(
    name: str,
    seconds: int,
    per_second: int,
    median_ms: float,
    slowness: Slowness,
    seed: int,
    failing: float = 0,
) -> RequestTimeline:
    """One name's seconds with as many requests each, log-normal around a median times `slowness`."""
    dice = random.Random(seed)
    latencies, failed = [], []
    for second in range(seconds):
        median = median_ms * MS * slowness(second)
        values = [round(median * math.exp(dice.gauss(0, _SIGMA))) for _ in range(per_second)]
        latencies.append(encoded(values))
        failed.append(sum(dice.random() < failing for _ in range(per_second)) if failing else 0)
    counts = (per_second,) * seconds
    return RequestTimeline(name, counts, counts, tuple(failed), tuple(latencies))


def row_of(timeline: RequestTimeline) -> RequestRow:
    """The row of the requests table that goes with it."""
    whole = Histogram()
    for second in range(len(timeline.started)):
        whole.merge(timeline.latency(second))
    count, failed = sum(timeline.started), sum(timeline.failed)
    latency, sending = Latency.of(whole), Latency(count, MS, MS, 2 * MS, 3 * MS, 4 * MS)
    return RequestRow(
        timeline.name,
        count,
        failed,
        0,
        count / len(timeline.started),
        0,
        latency,
        {"sending": sending, "waiting": latency},
        statuses={"200": count - failed, "503": failed} if failed else {"200": count},
    )


def ramped(seconds: int, peak: int, ramp: int) -> tuple[int, ...]:
    """Users of a load that goes up and down."""
    return tuple(max(1, round(peak * min(1, (n + 1) / ramp, (seconds - n) / ramp))) for n in range(seconds))


def with_timeline(
    result: LoadResult, requests: Sequence[RequestTimeline], vus: tuple[int, ...]
) -> LoadResult:
    """The result, with what follows from these seconds."""
    seconds = len(vus)
    whole = Histogram()
    for each in requests:
        for second in range(seconds):
            whole.merge(each.latency(second))
    nothing = (0,) * seconds
    timeline = Timeline(
        vus, nothing, requests[0].started, requests[0].started, nothing, nothing, requests=tuple(requests)
    )
    ramp = seconds // 6
    spans = ((ramp * S, (seconds - ramp) * S),)
    return replace(
        result,
        timeline=timeline,
        requests=tuple(row_of(each) for each in requests),
        latency=Latency.of(whole),
        ran_ns=seconds * S,
        steady_ns=spans[0][1] - spans[0][0],
        steady_spans=spans,
        latency_spans=spans,
        vus=max(vus),
    )


def latency_budget(
    key: str, limit_s: float, estimate_s: float, *, passed: bool = True, **values: object
) -> BudgetRow:
    """A percentile's budget, judged."""
    return budget(
        key,
        f"<= {limit_s:g} s",
        f"{estimate_s:.3g} s",
        passed=passed,
        interval=f"{estimate_s * 0.95:.3g} to {estimate_s * 1.05:.3g} s",
        key=key,
        unit="s",
        limit_value=limit_s,
        estimate=estimate_s,
        low=estimate_s * 0.95,
        high=estimate_s * 1.05,
        **values,
    )


def passed_load(seconds: int = 180) -> LoadResult:
    """A closed-model load of four names that kept its budgets."""
    requests = [request_timeline(name, seconds, 30, 25 * (n + 1), steady, n) for n, name in enumerate(NAMES)]
    result = load_result(
        test="tests/test_store.py::test_browse_marketplace",
        nodeid="tests/test_store.py::test_browse_marketplace",
        load="157 VUs, 3m, ramps 30s up and 30s down",
        budgets=(latency_budget("p95", 0.2, 0.163), latency_budget("p99", 2, 0.235)),
        checks=(ShareRow("agents are listed", 5400, 5400),),
        generator=GeneratorRow("ok", cpu=0.31, cpu_highest=0.42, run_queue=0.001),
        stall_share=0.02,
    )
    return with_timeline(result, requests, ramped(seconds, 157, seconds // 6))


def broken_load(seconds: int = 180) -> LoadResult:
    """A load whose target slows down, fails, and answers with markup."""

    def slowing(second: int) -> float:
        return 1 + 9 * max(0, second - seconds / 2) / seconds

    requests = [
        request_timeline("GET /api/credits", seconds, 40, 40, slowing, 1, failing=0.04),
        request_timeline("<img src=x onerror=alert(1)>", seconds, 20, 90, slowing, 2),
    ]
    result = load_result(
        test="tests/test_core.py::test_core[<script>alert('id')</script>]",
        nodeid="tests/test_core.py::test_core[<script>alert('id')</script>]",
        state="failed",
        load="100 VUs, 3m, ramps 30s up and 30s down",
        budgets=(
            latency_budget("p95", 0.25, 0.411, passed=False),
            latency_budget("p95", 0.1, 0.3, passed=False, scope="request", pattern="GET /api/credits"),
            budget("error_rate", "<= 1%", "2.6%", passed=False, key="error_rate", unit="share"),
        ),
        errors=(
            ErrorRow(
                "GET /api/credits", "status 503", 190, "<script>alert('body')</script><b>down</b> for now"
            ),
            ErrorRow("GET /api/credits", "timeout after 5 s", 12, ""),
        ),
        failures=(
            FailureRow(
                "KeyError",
                "tests/test_core.py:41",
                3,
                "'<credits>'",
                "tests/test_core.py:41: in test_core\n    answer['<credits>']\nE   KeyError: '<credits>'",
            ),
        ),
        checks=(ShareRow("credits is <a number>", 5100, 5300),),
        counters={"graph <creations>": 412},
        rates=(ShareRow("execution errors", 12, 400),),
        trends={"graph creation": Latency(400, 30 * MS, 28 * MS, 60 * MS, 90 * MS, 120 * MS)},
        generator=GeneratorRow("ok", cpu=0.22, cpu_highest=0.3, run_queue=0.002),
        remarks=("the first 12 s were warm-up & not judged <by latency>",),
    )
    return with_timeline(result, requests, ramped(seconds, 100, seconds // 6))


def frozen_load(seconds: int = 60) -> LoadResult:
    """An open-model load whose target froze for 3 s: arrivals waited, and some were dropped."""
    frozen = range(seconds // 2, seconds // 2 + 3)

    def freezing(second: int) -> float:
        return 1 + 150 * max(0, frozen.stop - second) if second in frozen else 1.0

    requests = [request_timeline("GET /api/blocks", seconds, 100, 8, freezing, 3)]
    result = load_result(
        test="tests/test_blocks.py::test_blocks_at_a_rate",
        nodeid="tests/test_blocks.py::test_blocks_at_a_rate",
        state="failed",
        load="100/s, at most 200 VUs, 1m",
        open_model=True,
        dropped=37,
        budgets=(
            latency_budget("p50", 0.02, 0.008),
            latency_budget("p95", 0.5, 1.3, passed=False),
            latency_budget("p99", 0.6, 3.4, passed=False),
            budget("dropped", "<= 0", "37", passed=False, key="dropped", implicit=True),
        ),
        generator=GeneratorRow("ok", cpu=0.4, cpu_highest=0.5, run_queue=0.0),
    )
    vus = tuple(200 if second in frozen else 3 + second % 2 for second in range(seconds))
    made = with_timeline(result, requests, vus)
    queued = tuple(80 * (second - frozen.start + 1) if second in frozen else 0 for second in range(seconds))
    dropped = tuple(37 if second == frozen.stop - 1 else 0 for second in range(seconds))
    return replace(made, timeline=replace(made.timeline, queued=queued, iterations_dropped=dropped))


def long_load(seconds: int = 3600, names: int = 2, rows: int = 50) -> LoadResult:
    """An hour of many names: what a page must bear. Each second of a name takes 60 us to unpack, so not all
    rows have a timeline here; a few seconds come again and again, as making them takes longer still.
    """
    few = 12
    repeated = seconds // few
    made = [
        request_timeline(f"GET /api/resource/{n}/of a rather long name", few, 4, 20 + n, steady, n)
        for n in range(names)
    ]
    requests = [
        RequestTimeline(
            each.name,
            each.started * repeated,
            each.finished * repeated,
            each.failed * repeated,
            each.latencies * repeated,
        )
        for each in made
    ]
    seconds = few * repeated
    result = replace(load_result(load="100 VUs, 1h"), ran_ns=seconds * S)
    nothing = (0,) * seconds
    timeline = Timeline(
        ramped(seconds, 100, 60), nothing, nothing, nothing, nothing, nothing, requests=tuple(requests)
    )
    row = row_of(made[0])
    named = tuple(replace(row, name=f"GET /api/resource/{n}/of a rather long name") for n in range(rows))
    return replace(result, timeline=timeline, requests=named)
