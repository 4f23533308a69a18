"""`python -m benchmarks.memory`: what a run costs in memory, by requests and by virtual users, under pytest.

Owns the two experiments and their limits. Reads the resident memory of the pytest process while it runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.command_line import Table, at_least, facts_of, make_parser, move_beside_target, publish
from benchmarks.figures import KILOBYTE, MEGABYTE, Figure
from benchmarks.growth import Point, checkpoints, growth_per_request
from benchmarks.load_tests import START_SECONDS, run_load_test
from benchmarks.processes import may_open, resident_bytes
from benchmarks.runs import TARGET_CORE, RunError
from benchmarks.target import CounterReader, Counters, Target, TargetError, running_target

SECTION = "memory"

MOST_RESIDENT_BYTES = 150 * MEGABYTE  # after 10 million requests
MOST_GROWTH = 1.0  # bytes per request; the smallest sample worth keeping, an int64, would be 8
FEWEST_FOR_GROWTH = 5_000_000  # below, the allocator's few megabytes of noise are as large as the limit
MOST_BYTES_PER_VU = 25 * KILOBYTE
SLOWEST_RATE = 5_000  # requests/s; a run slower than this is stuck
IDLE_VUS = 2000
IDLE_ROUNDS = 3
SETTLE_READINGS = 20  # of 0.1 s: memory is read this long after the last VU's request
SPARE_FILES = 200  # descriptors a run uses beside its connections


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if not move_beside_target():
        return 1
    facts = facts_of(options, f"{options.requests} requests by 64 VUs; {options.vus} idle VUs")
    try:
        with running_target(TARGET_CORE) as target:
            points = endure(target, options.requests)
            figures = [*endurance_figures(points), idle_figure(target, options.vus)]
    except (TargetError, RunError) as error:
        print(error, file=sys.stderr)
        return 1
    tables: list[Table] = [("One long run, 64 VUs", POINTS_HEADER, point_rows(points))]
    return publish(SECTION, options, facts, tables, figures)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("memory", __doc__)
    parser.add_argument("--requests", type=at_least(1000), default=10_000_000, help="default 10000000")
    parser.add_argument("--vus", type=at_least(2), default=IDLE_VUS, help=f"idle VUs (default {IDLE_VUS})")
    return parser.parse_args(arguments)


def endure(target: Target, requests: int) -> list[Point]:
    """Resident memory against requests served, all through one long run."""
    points: list[Point] = []
    with CounterReader(target.port) as counters:
        counters.read()

        def watch(pid: int) -> bool:
            points.append(Point(time.perf_counter(), counters.read().requests, resident_bytes(pid)))
            return True

        finished = run_load_test(
            "endurance.py",
            [],
            {"BENCH_REQUESTS": str(requests)},
            origin=target.origin(),
            load_seconds=requests / SLOWEST_RATE,
            watch=watch,
        )
        served = counters.read().requests
    if finished.status != 0 or served != requests:
        raise RunError(
            f"{served} of {requests} requests, exit status {finished.status}:\n{finished.last_words}"
        )
    return checkpoints([point for point in points if point.resident_bytes], requests)


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
    if not may_open(vus + SPARE_FILES):
        return Figure(name, f"the hard limit of open files is below {vus + SPARE_FILES}", limit, None)
    many = [idle_bytes(target, vus) for _ in range(IDLE_ROUNDS)]
    one = [idle_bytes(target, 1) for _ in range(IDLE_ROUNDS)]
    per_vu = (median(many) - median(one)) / (vus - 1)
    return Figure(name, f"{per_vu / KILOBYTE:.1f} KB", limit, per_vu < MOST_BYTES_PER_VU)


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

        finished = run_load_test(
            "idle.py",
            [f"--load-vus={vus}"],
            {"BENCH_VUS": str(vus)},
            origin=target.origin(),
            load_seconds=vus / SLOWEST_RATE,
            watch=watch,
        )
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


if __name__ == "__main__":
    sys.exit(main())
