"""A generator as a process on one core: started, watched, bounded in time, its CPU and memory from /proc.

Must not know what the process does, nor what is made of the readings.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
WATCH_SECONDS = 0.1  # often enough to find the steady part of a 5 s run, seldom enough not to load the target
LAST_LINES = 8  # of each stream: a failure's reason without a whole report
INTERRUPT_SECONDS = 10  # what a process gets to leave after Ctrl-C before it is killed


@dataclass(frozen=True)
class Finished:
    """How a process ended."""

    status: int
    output: str
    errors: str
    cpu_seconds: float  # user + system, of it and the children it waited for
    timed_out: bool

    @property
    def last_words(self) -> str:
        """The end of what it said on both streams: pytest gives its reasons on the first."""
        tails = [text.strip().splitlines()[-LAST_LINES:] for text in (self.output, self.errors)]
        return "\n".join(line for tail in tails for line in tail) or "it printed nothing"


def run_pinned(
    command: Sequence[str],
    *,
    core: int,
    cwd: Path,
    environment: Mapping[str, str],
    timeout_seconds: float,
    watch: Callable[[int], bool],
) -> Finished:
    """Runs `command` on `core`. `watch(pid)` is called every WATCH_SECONDS; False interrupts the process."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=cwd,
            env=child_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,  # so that what it starts can be ended with it
        )
        timed_out = _watch_until_end(process, timeout_seconds, watch)
        cpu_seconds = _reap(process)
        output.seek(0)
        errors.seek(0)
        return Finished(process.returncode, output.read(), errors.read(), cpu_seconds, timed_out)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours without what would steer pytest in a benchmark, and with `extra`."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "LOAD_"))}
    return {**inherited, **extra}


def _watch_until_end(
    process: subprocess.Popen[bytes], timeout_seconds: float, watch: Callable[[int], bool]
) -> bool:
    """Leaves the ended process as a zombie for `_reap`; True when it had to be killed for its time."""
    deadline = time.monotonic() + timeout_seconds
    try:
        while not _has_ended(process.pid):
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
                return True
            if not watch(process.pid):
                _interrupt(process.pid)
                return False
            time.sleep(WATCH_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        _reap(process)
        raise
    return False


def _interrupt(pid: int) -> None:
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + INTERRUPT_SECONDS
    while not _has_ended(pid) and time.monotonic() < deadline:
        time.sleep(WATCH_SECONDS)
    if not _has_ended(pid):
        os.killpg(pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _reap(process: subprocess.Popen[bytes]) -> float:
    _, status, usage = os.wait4(process.pid, 0)
    # in Popen's place: it cannot tell the usage
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def may_open(files: int) -> bool:
    """Whether a process that we start may have so many descriptors; raises our limit if it must."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        return False
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))  # it is inherited
    return True


def cpu_seconds(pid: int) -> float:
    """User + system time so far of the process, its descendants and those it waited for; 0 when gone."""
    return sum(_cpu_ticks(each) for each in _tree(pid)) / CLOCK_TICKS_PER_SECOND


def resident_bytes(pid: int) -> int:
    """VmRSS; 0 when the process has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return parse_resident_bytes(status)


def parse_resident_bytes(status: str) -> int:
    """VmRSS of a /proc/PID/status text; 0 where there is none (a zombie has none)."""
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def parse_cpu_ticks(stat: str) -> int:
    """utime + stime + cutime + cstime of a /proc/PID/stat line; its command may hold spaces and brackets."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(int(field) for field in fields[11:15])


def _cpu_ticks(pid: int) -> int:
    try:
        return parse_cpu_ticks(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return 0


def _tree(pid: int) -> list[int]:
    children: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += [int(child) for child in listing.read_text().split()]
        except OSError:
            continue  # the thread has ended meanwhile
    return [pid, *(member for child in children for member in _tree(child))]
