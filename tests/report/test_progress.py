"""How far a load is, in a line of a log, and as what travels between processes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.so_far import BudgetSoFar, Standing
from pytest_loadtest.report.progress import SignIn, Snapshot, left_text, plain_line, progress_of

S = 1_000_000_000
MS = 1_000_000
BROKEN = BudgetSoFar("p95", "6 s", "> 5 s", Standing.BROKEN, implicit=False)
KEPT = BudgetSoFar("p99", "6 s", "<= 9 s", Standing.KEPT, implicit=False)


def snapshot(**values: Any) -> Snapshot:
    """Ten seconds into a run of three minutes: 100 requests, one of which failed."""
    ten_seconds_in = Snapshot(
        "test_browse",
        elapsed_ns=10 * S,
        total_ns=180 * S,
        counted_ns=10 * S,
        vus=5,
        iterations=30,
        requests=100,
        failed_requests=1,
        failed_iterations=1,
        p50=10 * MS,
        p95=20 * MS,
        p99=1.5 * S,
        recent=(9, 11),
    )
    return replace(ten_seconds_in, **values)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        pytest.param(
            {},
            "test_browse  10s/3m  5 VUs  10/s  p50 10 ms  p95 20 ms  p99 1.5 s  1 error (1%)  "
            "1 failed iteration",
            id="time, users, rate, latency, errors, failed iterations",
        ),
        pytest.param(
            {"elapsed_ns": 10 * S + 999 * MS},
            "test_browse  10s/3m  5 VUs  10/s",
            id="a rate is of what was counted until then, and seconds are whole",
        ),
        pytest.param(
            {"queued": 3}, "test_browse  10s/3m  5 VUs  3 queued  10/s", id="a queue, if there is one"
        ),
        pytest.param({"elapsed_ns": 200 * S}, "test_browse  3m/3m  5 VUs", id="never more than all of it"),
        pytest.param({"elapsed_ns": 0}, "test_browse  setting up  5 VUs", id="before the load"),
        pytest.param(
            {"iterations_asked": 100}, "test_browse  10s, 30/100 iterations  5 VUs", id="iterations to do"
        ),
    ],
)
def test_a_line_for_logs(values: dict[str, Any], line: str) -> None:
    assert plain_line(snapshot(**values)).startswith(line)


def test_a_line_before_the_first_answer() -> None:
    nothing = Snapshot("t", total_ns=5 * S)
    assert plain_line(nothing) == "t  setting up  0 VUs  0/s  p50 -  p95 -  p99 -  0 errors"


def test_a_line_names_the_budgets_that_are_broken() -> None:
    line = plain_line(snapshot(budgets=(KEPT, BROKEN)))
    assert line.endswith("1 failed iteration  broken so far: p95 6 s > 5 s")


def test_a_line_of_signing_in() -> None:
    assert plain_line(SignIn("test_browse", 3, 160)) == "test_browse  signing in 3/160"


@pytest.mark.parametrize(
    ("values", "share", "left"),
    [
        pytest.param({"elapsed_ns": 45 * S}, 0.25, "2m15s left", id="a part"),
        pytest.param({"elapsed_ns": 45 * S + 1}, 0.25, "2m15s left", id="a begun second is left"),
        pytest.param({"elapsed_ns": 0}, 0, "setting up", id="not begun"),
        pytest.param({"elapsed_ns": 200 * S}, 1, "finishing", id="in the graceful stop"),
        pytest.param({"total_ns": 0}, 0, "0s left", id="without an end"),
        pytest.param({"iterations_asked": 40}, 0.75, "about 4s left", id="iterations, as they went so far"),
        pytest.param({"iterations_asked": 9000}, 1 / 18, "about 2m50s left", id="time ends it earlier"),
        pytest.param({"iterations_asked": 9, "iterations": 0}, 1 / 18, "0 iterations", id="nobody knows yet"),
        pytest.param({"iterations_asked": 30}, 1, "finishing", id="all iterations"),
    ],
)
def test_what_is_done_and_what_is_left(values: dict[str, Any], share: float, left: str) -> None:
    assert snapshot(**values).share_done == pytest.approx(share)
    assert left_text(snapshot(**values)) == left


@pytest.mark.parametrize(
    "progress",
    [
        pytest.param(snapshot(budgets=(KEPT, BROKEN)), id="a load"),
        pytest.param(SignIn("t", 1, 2), id="signing in"),
    ],
)
def test_progress_travels_between_processes(progress: Snapshot | SignIn) -> None:
    message = {type(progress).__name__: progress.to_plain()}
    assert progress_of(json.loads(json.dumps(message))) == progress


def test_an_empty_message_is_no_progress() -> None:
    assert progress_of({}) is None


def test_the_percentiles_of_a_snapshot_are_those_of_its_latencies() -> None:
    latency = Histogram.of([MS] * 90 + [9 * MS] * 8 + [S] * 2)
    with_latencies = snapshot().with_latencies(latency)
    figures = [with_latencies.p50, with_latencies.p95, with_latencies.p99]
    assert figures == pytest.approx([MS, 9 * MS, S], rel=0.004)
