"""A process is pinned, watched, interrupted and bounded; what it said and spent is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.processes import Finished, child_environment, cpu_seconds, resident_bytes, run_pinned

CORE = min(os.sched_getaffinity(0))
WAIT_FOR_INTERRUPT = """
import pathlib, signal, sys
try:
    pathlib.Path("ready").touch()
    signal.pause()
except KeyboardInterrupt:
    sys.exit(7)
"""
IGNORE_EVERYTHING = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    signal.pause()
"""


def run(
    program: str,
    watch: Callable[[int], bool] = lambda _pid: True,
    timeout_seconds: float = 120,
    cwd: Path | None = None,
) -> Finished:
    return run_pinned(
        [sys.executable, "-c", program],
        core=CORE,
        cwd=cwd or Path.cwd(),
        environment={"BENCH_WORD": "word"},
        timeout_seconds=timeout_seconds,
        watch=watch,
    )


def test_it_runs_on_its_core_with_its_environment() -> None:
    finished = run("import os; print(os.sched_getaffinity(0), os.environ['BENCH_WORD'])")
    assert finished.output == f"{{{CORE}}} word\n"
    assert finished.status == 0


def test_a_failure_keeps_its_status_its_last_words_and_its_cpu_time() -> None:
    finished = run("sum(range(3_000_000)); raise SystemExit('no such thing')")
    assert (finished.status, finished.last_words, finished.timed_out) == (1, "no such thing", False)
    assert finished.cpu_seconds > 0


def test_the_watcher_sees_memory_and_ends_the_run_with_an_interrupt(tmp_path: Path) -> None:
    resident = []

    def watch(pid: int) -> bool:
        resident.append(resident_bytes(pid))
        return not (tmp_path / "ready").exists()

    finished = run(WAIT_FOR_INTERRUPT, watch, cwd=tmp_path)
    assert (finished.status, finished.timed_out) == (7, False)
    assert resident[-1] > 0


def test_a_process_that_does_not_end_is_killed_in_time() -> None:
    finished = run(IGNORE_EVERYTHING, timeout_seconds=0.3)
    assert (finished.timed_out, finished.status) == (True, -9)


def test_a_watcher_that_raises_leaves_no_process_behind() -> None:
    seen: list[int] = []

    def watch(pid: int) -> bool:
        seen.append(pid)
        raise RuntimeError("the server has gone")

    with pytest.raises(RuntimeError, match="the server has gone"):
        run(IGNORE_EVERYTHING, watch)
    assert not Path(f"/proc/{seen[0]}").exists()


def test_a_process_that_has_gone_has_no_cpu_time_and_no_memory() -> None:
    gone = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    os.waitpid(gone, 0)
    assert (cpu_seconds(gone), resident_bytes(gone)) == (0, 0)


def test_settings_that_would_steer_pytest_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    monkeypatch.setenv("LOAD_VUS", "1")
    monkeypatch.setenv("KEPT", "yes")
    environment = child_environment({"BENCH_VUS": "64"})
    assert not {"PYTEST_ADDOPTS", "LOAD_VUS"} & environment.keys()
    assert (environment["KEPT"], environment["BENCH_VUS"]) == ("yes", "64")
