"""The line of progress, of a terminal and of a log."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.report.progress import LiveLine, Snapshot, plain_line

S = 1_000_000_000
MS = 1_000_000


def snapshot(**values: Any) -> Snapshot:
    """Ten seconds into a run of three minutes: 100 answers of 10 ms."""
    recorder = Recorder(S)
    for n in range(100):
        at = n * S // 10
        outcome = Outcome.OK if n else Outcome.STATUS
        recorder.response("GET /", outcome, 200, at, at, at, at + 10 * MS, 1, 1, 0)
    recorder.iteration(0, S, failed=True, delay_ns=0)
    recorder.flush()
    state = {"elapsed_ns": 10 * S, "total_ns": 180 * S, "vus": 5, "queued": 0} | values
    state.setdefault("counted_ns", state["elapsed_ns"])
    return Snapshot.of("test_browse", recorder.metrics, **state)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        pytest.param(
            {},
            "test_browse  10s/3m  5 VUs  10/s  p50 10 ms  p95 10 ms  p99 10 ms  1 errors  1 failed iter",
            id="time, users, rate, latency, errors, failed iterations",
        ),
        pytest.param(
            {"elapsed_ns": 10 * S + 999 * MS, "counted_ns": 10 * S},
            "test_browse  10s/3m  5 VUs  10/s",
            id="a rate is of what was counted until then",
        ),
        pytest.param(
            {"queued": 3}, "test_browse  10s/3m  5 VUs  3 queued  10/s", id="a queue, if there is one"
        ),
        pytest.param({"elapsed_ns": 10 * S + 999 * MS}, "test_browse  10s/3m  5 VUs", id="whole seconds"),
        pytest.param({"elapsed_ns": 200 * S}, "test_browse  3m/3m  5 VUs", id="never more than all of it"),
        pytest.param({"elapsed_ns": 0}, "test_browse  setting up  5 VUs  0/s", id="before the load"),
    ],
)
def test_a_line_for_logs(values: dict[str, Any], line: str) -> None:
    assert plain_line(snapshot(**values)).startswith(line)


def test_a_line_before_the_first_answer() -> None:
    nothing = Snapshot("t", 0, 0, 5 * S, 0, 0, 0, 0, 0, Histogram())
    assert plain_line(nothing) == "t  setting up  0 VUs  0/s  p50 -  p95 -  p99 -  0 errors"


@pytest.mark.parametrize(
    ("elapsed_s", "total_s", "share"),
    [
        pytest.param(45, 180, 0.25, id="a part"),
        pytest.param(200, 180, 1, id="in the graceful stop"),
        pytest.param(5, 0, 0, id="without an end"),
    ],
)
def test_the_share_that_is_done(elapsed_s: int, total_s: int, share: float) -> None:
    assert snapshot(elapsed_ns=elapsed_s * S, total_ns=total_s * S).share_done == share


def drawn(width: int, **values: Any) -> str:
    """The live line on a terminal of this width."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(LiveLine(snapshot(**values)), end="")
    return shown.get()


@pytest.mark.parametrize(
    ("width", "line"),
    [
        pytest.param(
            120,
            "test_browse  1m30s/3m  ━━━━━━━━━━━━  5 VUs  1.11/s  p50 10 ms  p95 10 ms  p99 10 ms  1 errors  "
            "1 failed iterations",
            id="with room for all",
        ),
        pytest.param(
            110,
            "test_browse  1m30s/3m  5 VUs  1.11/s  p50 10 ms  p95 10 ms  p99 10 ms  1 errors  "
            "1 failed iterations",
            id="without the bar",
        ),
        pytest.param(
            90,
            "test_browse  1m30s/3m  5 VUs  1.11/s  p95 10 ms  p99 10 ms  1 errors  1 failed iterations",
            id="without the median",
        ),
        pytest.param(
            88,
            "test_brow…  1m30s/3m  5 VUs  1.11/s  p95 10 ms  p99 10 ms  1 errors  1 failed iterations",
            id="with a shorter name",
        ),
        pytest.param(40, "test_br…  1m30s/3m  5 VUs  1.11/s  p95 …", id="cut at the end"),
    ],
)
def test_what_does_not_fit_on_the_terminal_gives_way(width: int, line: str) -> None:
    assert drawn(width, elapsed_ns=90 * S) == line
    assert len(line) <= width


def test_the_bar_grows_with_the_share_that_is_done() -> None:
    console = Console(file=io.StringIO(), width=160, force_terminal=True, color_system="standard")
    with console.capture() as shown:
        console.print(LiveLine(snapshot(elapsed_ns=45 * S)))
    done = shown.get().split("\x1b[32m")[1].split("\x1b[")[0]
    assert done == "━" * 3


def test_a_name_is_shown_as_it_is_and_never_as_markup() -> None:
    named = Snapshot("a[red]b", 0, 0, S, 0, 0, 0, 0, 0, Histogram())
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(LiveLine(named))
    assert shown.get().startswith("a[red]b  setting up  ")
