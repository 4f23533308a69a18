"""`python -m benchmarks.soak`: does memory stay flat under a long load? Resident memory once a second.

Owns the load, the part that is judged and the limits. The server, its counters and the reading of memory are
those of benchmarks.memory.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from benchmarks.command_line import Table, at_least, facts_of, make_parser, move_beside_target, publish
from benchmarks.figures import MEGABYTE, Figure
from benchmarks.growth import Flatness, Point, flatness
from benchmarks.load_tests import run_load_test
from benchmarks.measurement import Reading, load_ended, load_started
from benchmarks.processes import Finished, cpu_seconds, resident_bytes
from benchmarks.runs import TARGET_CORE, VUS, RunError
from benchmarks.table import Row
from benchmarks.target import CounterReader, Target, TargetError, running_target

SECTION = "soak"
OPEN, CLOSED = "open", "closed"
RATE = 5000  # requests/s
MINUTES = 10
READ_EVERY_SECONDS = 1.0
WARM_UP_SECONDS = 60  # caches and pools fill up; what comes after is judged
END_SECONDS = 2  # before the last request: in the second that is cut, the report is already being made
MOST_SPREAD = 5 * MEGABYTE  # highest less lowest after the first minute, and the rise of the line
DELIVERED = 0.99  # of the rate, by nginx's count
GRACE_SECONDS = 30  # for a load to end
SHOWN = 10  # points in the table
POINTS_HEADER = ("seconds", "requests", "resident MB")


class Watcher:
    """Takes the readings of a run: memory, the server's count and CPU time, once a second."""

    def __init__(self, counters: CounterReader) -> None:
        self._counters = counters
        self._next = 0.0
        self.points: list[Point] = []
        self.readings: list[Reading] = []

    def __call__(self, pid: int) -> bool:
        now = time.perf_counter()
        if now >= self._next and (resident := resident_bytes(pid)):
            self._next = now + READ_EVERY_SECONDS
            requests = self._counters.read().requests
            self.points.append(Point(now, requests, resident))
            self.readings.append(Reading(now, requests, cpu_seconds(pid)))
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if not move_beside_target():
        return 1
    facts = facts_of(options, method(options))
    try:
        with running_target(TARGET_CORE) as target, CounterReader(target.port) as counters:
            counters.read()
            watcher = Watcher(counters)
            finished = run(target, options, watcher)
        points, readings = judged_part(watcher)
        figures = figures_of(points, readings, options.rate)
    except (TargetError, RunError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    figures.append(verdict_figure(finished))
    tables: list[Table] = [
        ("Memory by time", POINTS_HEADER, point_rows(points, load_started(watcher.readings))),
    ]
    facts["Judged"] = (
        f"{flatness(points).seconds:.0f} s, from {WARM_UP_SECONDS} s after the first request; the generator "
        f"took {rates(readings)[1]:.0%} of its core"
    )
    return publish(SECTION, options, facts, tables, figures)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("soak", __doc__)
    add = parser.add_argument
    add("--minutes", type=at_least(2), default=MINUTES, help=f"of load (default {MINUTES})")
    add("--rate", type=at_least(1), default=RATE, help=f"requests/s to reach (default {RATE})")
    add(
        "--model",
        choices=(OPEN, CLOSED),
        default=OPEN,
        help=f"{OPEN}: arrivals at the rate (default); {CLOSED}: {VUS} users without pause",
    )
    return parser.parse_args(arguments)


def method(options: argparse.Namespace) -> str:
    if options.model == OPEN:
        return f"{options.rate} arrivals/s for {options.minutes} minutes"
    return f"{VUS} users without pause for {options.minutes} minutes, at least {options.rate} requests/s"


def run(target: Target, options: argparse.Namespace, watcher: Watcher) -> Finished:
    """Raises RunError when the load itself could not run; a broken verdict is a figure."""
    duration = f"--load-duration={options.minutes}m"
    script, load = ("soak.py", f"--load-rate={options.rate}/s")
    if options.model == CLOSED:
        script, load = ("browse.py", f"--load-vus={VUS}")
    load_seconds = options.minutes * 60 + GRACE_SECONDS
    finished = run_load_test(
        script, [duration, load], {}, origin=target.origin(), load_seconds=load_seconds, watch=watcher
    )
    if finished.status not in (0, 1):
        raise RunError(f"exit status {finished.status}:\n{finished.last_words}")
    return finished


def judged_part(watcher: Watcher) -> tuple[list[Point], list[Reading]]:
    """From the end of the first minute to just before the last request. A ValueError without a load."""
    begins = load_started(watcher.readings) + WARM_UP_SECONDS
    ends = load_ended(watcher.readings) - END_SECONDS
    points = [point for point in watcher.points if begins <= point.at_seconds <= ends]
    readings = [reading for reading in watcher.readings if begins <= reading.at_seconds <= ends]
    if len(points) < 2:
        raise ValueError(f"the load did not last {WARM_UP_SECONDS} s: nothing to judge")
    return points, readings


def figures_of(points: Sequence[Point], readings: Sequence[Reading], rate: int) -> list[Figure]:
    """Memory that is flat under less load than was asked says nothing: the rate is a requirement too."""
    reached = rates(readings)[0]
    was_reached = reached >= DELIVERED * rate
    return [
        Figure(
            "requests/s by the server's count", f"{reached:.0f}", f">= {DELIVERED * rate:.0f}", was_reached
        ),
        *memory_figures(flatness(points), was_reached),
    ]


def rates(readings: Sequence[Reading]) -> tuple[float, float]:
    """Requests per second, and CPU seconds per second, which is the share of the core."""
    first, last = readings[0], readings[-1]
    seconds = last.at_seconds - first.at_seconds
    return (last.requests - first.requests) / seconds, (last.cpu_seconds - first.cpu_seconds) / seconds


def memory_figures(measured: Flatness, was_reached: bool) -> list[Figure]:
    limit = f"<= {MOST_SPREAD / MEGABYTE:.0f} MB"
    line = f"{measured.rise / MEGABYTE:+.2f} MB ({measured.slope / 1000:+.2f} kB/s)"
    spread = (
        f"{measured.spread / MEGABYTE:.2f} MB "
        f"({measured.lowest / MEGABYTE:.1f} - {measured.highest / MEGABYTE:.1f} MB)"
    )
    return [
        Figure(
            "rise of the least-squares line",
            line,
            limit,
            measured.rise <= MOST_SPREAD if was_reached else None,
        ),
        Figure("highest less lowest", spread, limit, measured.spread <= MOST_SPREAD if was_reached else None),
    ]


def verdict_figure(finished: Finished) -> Figure:
    words = "passed" if finished.status == 0 else f"failed: {finished.last_words}"
    return Figure("the load test itself", words, "passed", finished.status == 0)


def point_rows(points: Sequence[Point], started: float) -> list[Row]:
    """Some of the points, evenly, the last among them."""
    step = max(1, len(points) // SHOWN)
    return [
        (
            f"{point.at_seconds - started:.0f}",
            str(point.requests),
            f"{point.resident_bytes / MEGABYTE:.1f}",
        )
        for point in reversed(points[::-1][::step])
    ]


if __name__ == "__main__":
    sys.exit(main())
