"""`python -m benchmarks.memory`: what a run costs in memory, by requests and by virtual users, under pytest.

Owns the two experiments and their limits. Reads the resident memory of the pytest process while it runs.
"""

from __future__ import annotations

import argparse
import datetime
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.generators import REPOSITORY, pytest_command
from benchmarks.growth import Point, checkpoints, growth_per_request
from benchmarks.machine import describe_machine
from benchmarks.page import write_section
from benchmarks.processes import Finished, resident_bytes, run_pinned
from benchmarks.table import make_console, markdown_facts, markdown_table, print_table
from benchmarks.target import CounterReader, Counters, Target, TargetError, running_target

GENERATOR_CORE, TARGET_CORE = 0, 1
SECTION = "memory"
HEADER = ("figure", "measured", "limit", "verdict")
MEGABYTE, KILOBYTE = 1_000_000, 1_000

MOST_RESIDENT_BYTES = 150 * MEGABYTE  # after 10 million requests
MOST_GROWTH = 1.0  # bytes per request; the smallest sample worth keeping, an int64, would be 8
FEWEST_FOR_GROWTH = 5_000_000  # below, the allocator's few megabytes of noise are as large as the limit
MOST_BYTES_PER_VU = 25 * KILOBYTE
SLOWEST_RATE = 5_000  # requests/s; a run slower than this is stuck
START_SECONDS = 60
IDLE_VUS = 2000
IDLE_ROUNDS = 3
SETTLE_READINGS = 20  # of 0.1 s: memory is read this long after the last VU's request
SPARE_FILES = 200  # descriptors a run uses beside its connections


class RunError(Exception):
    """A run did not do what it should; the message says what."""


@dataclass(frozen=True)
class Figure:
    """One line of the result. `holds` is None where it was not checked."""

    name: str
    measured: str
    limit: str
    holds: bool | None

    def row(self) -> tuple[str, str, str, str]:
        verdict = {True: "met", False: "not met", None: "not checked"}[self.holds]
        return self.name, self.measured, self.limit, verdict


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    console = make_console()
    if not {GENERATOR_CORE, TARGET_CORE} <= os.sched_getaffinity(0):
        print("needs two cores: one for the generator, one for the server", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {TARGET_CORE})
    facts = {"Date": options.date, **describe_machine()}
    try:
        with running_target(TARGET_CORE) as target:
            points = endure(target, options.requests)
            figures = [*endurance_figures(points), idle_figure(target, options.vus)]
    except (TargetError, RunError) as error:
        print(error, file=sys.stderr)
        return 1
    show(console, points, figures)
    if options.markdown is not None:
        write_section(options.markdown, SECTION, as_markdown(facts, points, figures))
    return exit_status(figures)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--requests", type=at_least(1000), default=10_000_000, help="default 10000000")
    parser.add_argument("--vus", type=at_least(2), default=IDLE_VUS, help=f"idle VUs (default {IDLE_VUS})")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="replace the section in this page")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="the date to write")
    return parser.parse_args(arguments)


def at_least(fewest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < fewest:
            raise argparse.ArgumentTypeError(f"{value} is less than {fewest}")
        return value

    return number


def exit_status(figures: Sequence[Figure]) -> int:
    """As of benchmarks.throughput: 0 all met, 1 not met, 3 not all checked."""
    if any(figure.holds is False for figure in figures):
        return 1
    return 3 if any(figure.holds is None for figure in figures) else 0


def endure(target: Target, requests: int) -> list[Point]:
    """Resident memory against requests served, all through one long run."""
    points: list[Point] = []
    with CounterReader(target.port) as counters:
        counters.read()

        def watch(pid: int) -> bool:
            points.append(Point(time.perf_counter(), counters.read().requests, resident_bytes(pid)))
            return True

        finished = _run_pytest("endurance.py", [], {"BENCH_REQUESTS": str(requests)}, target, watch, requests)
        served = counters.read().requests
    if finished.status != 0 or served != requests:
        raise RunError(
            f"{served} of {requests} requests, exit status {finished.status}:\n{finished.last_words}"
        )
    return checkpoints([point for point in points if point.resident_bytes], requests)


def _run_pytest(
    script: str,
    options: Sequence[str],
    environment: dict[str, str],
    target: Target,
    watch: Callable[[int], bool],
    requests: int,
) -> Finished:
    timeout_seconds = START_SECONDS + requests / SLOWEST_RATE
    finished = run_pinned(
        pytest_command(script, *options),
        core=GENERATOR_CORE,
        cwd=REPOSITORY,
        environment={"BENCH_URL": target.origin(), **environment},
        timeout_seconds=timeout_seconds,
        watch=watch,
    )
    if finished.timed_out:
        raise RunError(f"{script} did not end within {timeout_seconds:.0f} s:\n{finished.last_words}")
    return finished


def endurance_figures(points: Sequence[Point]) -> list[Figure]:
    requests = points[-1].requests
    most = max(point.resident_bytes for point in points)
    growth = growth_per_request(points)
    return [
        Figure(
            f"resident after {requests} requests",
            f"{most / MEGABYTE:.1f} MB",
            f"< {MOST_RESIDENT_BYTES / MEGABYTE:.0f} MB",
            most < MOST_RESIDENT_BYTES,
        ),
        Figure(
            "growth from a fifth of the requests to the last",
            f"{growth:.2f} bytes/request",
            f"< {MOST_GROWTH:g} byte/request",
            growth < MOST_GROWTH if requests >= FEWEST_FOR_GROWTH else None,
        ),
    ]


def idle_figure(target: Target, vus: int) -> Figure:
    """Resident memory per virtual user that has made one request and thinks, by `vus` of them against one."""
    name, limit = f"an idle VU with its connection, of {vus}", f"< {MOST_BYTES_PER_VU / KILOBYTE:.0f} KB"
    if not _may_open(vus + SPARE_FILES):
        return Figure(name, f"the hard limit of open files is below {vus + SPARE_FILES}", limit, None)
    many = [idle_bytes(target, vus) for _ in range(IDLE_ROUNDS)]
    one = [idle_bytes(target, 1) for _ in range(IDLE_ROUNDS)]
    per_vu = (median(many) - median(one)) / (vus - 1)
    return Figure(name, f"{per_vu / KILOBYTE:.1f} KB", limit, per_vu < MOST_BYTES_PER_VU)


def _may_open(files: int) -> bool:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        return False
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))  # the processes we start inherit it
    return True


def idle_bytes(target: Target, vus: int) -> int:
    """Resident bytes of a run whose VUs have all made their request, once that has settled."""
    readings: list[int] = []
    seen = Counters(0, 0)
    with CounterReader(target.port) as counters:
        counters.read()

        def watch(pid: int) -> bool:
            nonlocal seen
            seen = counters.read()
            if seen.requests >= vus and seen.active_connections >= vus:
                readings.append(resident_bytes(pid))
            return len(readings) < SETTLE_READINGS

        finished = _run_pytest("idle.py", [f"--load-vus={vus}"], {"BENCH_VUS": str(vus)}, target, watch, vus)
    if len(readings) < SETTLE_READINGS or seen.requests != vus:
        raise RunError(
            f"{seen.requests} requests and {seen.active_connections} connections of {vus} VUs, "
            f"exit status {finished.status}:\n{finished.last_words}"
        )
    _wait_until_closed(target)
    return readings[-1]


def _wait_until_closed(target: Target) -> None:
    """The next run counts connections: the last one's must be gone."""
    deadline = time.monotonic() + START_SECONDS
    with CounterReader(target.port) as counters:
        while counters.read().active_connections > 0:
            if time.monotonic() > deadline:
                raise RunError("the server still holds connections of the ended run")
            time.sleep(0.05)


POINTS_HEADER = ("requests", "seconds", "resident MB")


def point_rows(points: Sequence[Point]) -> list[tuple[str, ...]]:
    return [
        (
            f"{point.requests}",
            f"{point.at_seconds - points[0].at_seconds:.0f}",
            f"{point.resident_bytes / MEGABYTE:.1f}",
        )
        for point in points
    ]


def show(console: Console, points: Sequence[Point], figures: Sequence[Figure]) -> None:
    print_table(console, "One long run, 64 VUs", POINTS_HEADER, point_rows(points))
    print_table(console, "Memory", HEADER, [figure.row() for figure in figures])


def as_markdown(facts: dict[str, str], points: Sequence[Point], figures: Sequence[Figure]) -> str:
    return "\n\n".join(
        [
            markdown_facts(facts),
            markdown_table(HEADER, [figure.row() for figure in figures]),
            markdown_table(POINTS_HEADER, point_rows(points)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
