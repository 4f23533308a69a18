"""The server of known latencies as a process on the target's core: its start, its end, what it says was true.

Must not know who sends the load.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.generators import REPOSITORY
from benchmarks.latency_server import TRUTH_PATH
from benchmarks.processes import child_environment
from benchmarks.target import START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS, TargetError


@dataclass(frozen=True)
class Truth:
    """Over all answers of one server's life."""

    answers: int
    p50_ns: int
    p99_ns: int
    cpu: float  # of its core, from the first request to the last answer


@dataclass(frozen=True)
class LatencyTarget:
    origin: str

    def truth(self) -> Truth:
        with urllib.request.urlopen(self.origin + TRUTH_PATH, timeout=START_TIMEOUT_SECONDS) as answer:
            return Truth(**json.load(answer))


@contextmanager
def running_latency_target(core: int, median_ms: float, p99_ms: float) -> Iterator[LatencyTarget]:
    """A new server, so that the truth is that of one run. `p99_ms` equal to the median: always the same."""
    delays = ["--median-ms", str(median_ms), "--p99-ms", str(p99_ms)]
    process = subprocess.Popen(
        ["taskset", "-c", str(core), sys.executable, "-m", "benchmarks.latency_server", *delays],
        cwd=REPOSITORY,
        env=child_environment({"PYTHONPATH": str(REPOSITORY)}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield LatencyTarget(f"http://127.0.0.1:{_port(process)}")
    finally:
        _end(process)


def _port(process: subprocess.Popen[str]) -> int:
    """As it prints it when it listens."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_SECONDS)
    line = process.stdout.readline() if ready else ""
    if not line.strip().isdigit():
        raise TargetError(f"the server of known latencies did not start: {line!r}")
    return int(line)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
