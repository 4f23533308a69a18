"""`python -m benchmarks.samples_cost`: what it costs to keep every request (--load-samples).

Owns the limits and the order: loads with and without samples in turn, in pairs, and one longer load with
them, whose memory is read as it runs. The file is read back: one that lacks requests is worth nothing.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import Table, at_least, facts_of, make_parser, move_beside_target, publish
from benchmarks.figures import MEGABYTE, Figure
from benchmarks.growth import Point, checkpoints, growth_per_request
from benchmarks.load_tests import load_result, run_load_test
from benchmarks.memory import FEWEST_FOR_GROWTH, MOST_GROWTH
from benchmarks.pairs import FEWEST_PAIRS, Ratio, ratio_of
from benchmarks.processes import resident_bytes
from benchmarks.runs import TARGET_CORE, VUS, RunError
from benchmarks.table import Row
from benchmarks.target import CounterReader, Target, TargetError, running_target
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.sample_rows import FORMATS
from pytest_loadtest.results.samples import GZIP

SECTION = "samples cost"
SECONDS = 4  # of each load
PAIRS = 20
LONG_SECONDS = 240
MOST_COST = 0.10  # of the throughput
SUFFIXES = tuple(suffix + packed for suffix in FORMATS for packed in ("", GZIP))
RATIO_HEADER = ("with / without samples", "median", "95 % interval", "pairs")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if not move_beside_target():
        return 1
    method = (
        f"{VUS} VUs without pause, {options.pairs} pairs of {SECONDS} s with and without, in turn; "
        f"one of {options.long_seconds} s with; {options.suffix}"
    )
    facts = facts_of(options, method)
    try:
        with (
            running_target(TARGET_CORE) as target,
            tempfile.TemporaryDirectory(prefix="loadtest-bench-") as into,
        ):
            path = Path(into) / f"samples{options.suffix}"
            rate, cpu = measure(target, options.pairs, path)
            points = endure(target, options.long_seconds, path)
            facts["File"] = described(path, points[-1].requests)
    except (TargetError, RunError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    rows = [ratio_row("requests/s", rate), ratio_row("CPU of the event loop per request", cpu)]
    tables: list[Table] = [("Keeping every request", RATIO_HEADER, rows)]
    figures = [
        cost_figure("throughput lost by keeping every request", rate, is_gain=True),
        cost_figure("CPU per request added by it", cpu, is_gain=False),
        growth_figure(points),
    ]
    return publish(SECTION, options, facts, tables, figures)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("samples_cost", __doc__)
    add = parser.add_argument
    add("--pairs", type=at_least(FEWEST_PAIRS), default=PAIRS, help=f"of {SECONDS} s (default {PAIRS})")
    add("--long-seconds", type=at_least(10), default=LONG_SECONDS, help=f"default {LONG_SECONDS}")
    add("--suffix", choices=SUFFIXES, default=".jsonl", help="of the file (default .jsonl)")
    return parser.parse_args(arguments)


def measure(target: Target, pairs: int, path: Path) -> tuple[Ratio, Ratio]:
    """Rate and CPU time per request with samples to those without. Raises RunError, also when the file lacks
    requests.
    """
    rates, cpus = [], []
    for pair in range(pairs):
        loads = {}
        for with_samples in (True, False) if pair % 2 else (False, True):
            loads[with_samples] = one_load(target, path if with_samples else None)
        rates.append(loads[True].per_second / loads[False].per_second)
        cpus.append(cpu_per_request(loads[True]) / cpu_per_request(loads[False]))
    return ratio_of(rates), ratio_of(cpus)


def cpu_per_request(result: LoadResult) -> float:
    """In ns, of the event loop's thread."""
    if result.generator.cpu is None:
        raise RunError("the generator did not measure itself")
    return result.generator.cpu * result.ran_ns / result.count


def ratio_row(name: str, ratio: Ratio) -> Row:
    return name, f"{ratio.middle:.4f}", f"{ratio.low:.4f} - {ratio.high:.4f}", str(ratio.pairs)


def one_load(target: Target, path: Path | None) -> LoadResult:
    load = [f"--load-vus={VUS}", f"--load-duration={SECONDS}s"]
    samples = [] if path is None else [f"--load-samples={path}"]
    result = load_result("browse.py", [*load, *samples], {}, origin=target.origin(), load_seconds=SECONDS)
    if path is not None and (lines := lines_of(path)) != result.count:
        raise RunError(f"{lines} of {result.count} requests are in the file")
    return result


def endure(target: Target, seconds: int, path: Path) -> list[Point]:
    """Resident memory against requests served."""
    points: list[Point] = []
    options = [f"--load-vus={VUS}", f"--load-duration={seconds}s", f"--load-samples={path}"]
    with CounterReader(target.port) as counters:
        before = counters.read().requests

        def watch(pid: int) -> bool:
            served = counters.read().requests - before
            points.append(Point(time.perf_counter(), served, resident_bytes(pid)))
            return True

        finished = run_load_test(
            "browse.py", options, {}, origin=target.origin(), load_seconds=2 * seconds, watch=watch
        )
        served = counters.read().requests - before
    if finished.status not in (0, 1):
        raise RunError(f"exit status {finished.status}:\n{finished.last_words}")
    return checkpoints([point for point in points if point.resident_bytes], served)


def described(path: Path, requests: int) -> str:
    size = path.stat().st_size
    return f"{requests} requests, {size / MEGABYTE:.0f} MB, {size / requests:.0f} bytes a request"


def lines_of(path: Path) -> int:
    """Requests in the file: its lines, without the head of a table."""
    with gzip.open(path) if path.suffix == GZIP else path.open("rb") as file:
        return sum(1 for _ in file) - (".csv" in path.suffixes)


def cost_figure(name: str, ratio: Ratio, *, is_gain: bool) -> Figure:
    """Met or not where the whole interval says so; where the limit lies inside, more pairs would tell."""
    costs = [1 - each if is_gain else each - 1 for each in (ratio.middle, ratio.low, ratio.high)]
    middle, low, high = costs[0], min(costs[1:]), max(costs[1:])
    holds = True if high < MOST_COST else False if low >= MOST_COST else None
    return Figure(name, f"{middle:.2%} ({low:.2%} - {high:.2%})", f"< {MOST_COST:.0%}", holds)


def growth_figure(points: Sequence[Point]) -> Figure:
    growth = growth_per_request(points)
    return Figure(
        "growth of the pytest process from a fifth of the requests to the last",
        f"{growth:.2f} bytes/request",
        f"< {MOST_GROWTH:g} byte/request",
        growth < MOST_GROWTH if points[-1].requests >= FEWEST_FOR_GROWTH else None,
    )


if __name__ == "__main__":
    sys.exit(main())
