"""`python -m benchmarks.arrivals`: how late iterations start that are to start at a rate, on one core.

Owns the rates, the rounds and the limit. The target answers each request after 1 ms.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from benchmarks.command_line import Table, at_least, facts_of, make_parser, move_beside_target, publish
from benchmarks.figures import Figure, with_range
from benchmarks.latency_target import running_latency_target
from benchmarks.load_tests import load_result, was_quiet
from benchmarks.runs import TARGET_CORE, RunError
from benchmarks.table import Row
from benchmarks.target import TargetError
from pytest_loadtest.results.result import LoadResult

SECTION = "arrivals"
RATES = (1000, 2000)  # arrivals/s
ANSWER_MS = 1.0
MOST_DELAY_MS = 2.0  # p99 of the start delay
VUS = 200  # two at a time wait for an answer: a late start is not for want of a user
LIMIT = "10s"  # of the p99 latency, which is not the matter here
DELIVERED = 0.99  # of the arrivals that were to start, and of those that a free user was waiting for
HEADER = (
    "arrivals/s",
    "start delay p50",
    "start delay p99",
    "read delay p99",
    "service p50",
    "core used",
    "waited for it",
)
FIGURES: tuple[tuple[Callable[[LoadResult], float], str], ...] = (
    (lambda result: result.generator.start_delay.p50 / 1e6, "ms"),
    (lambda result: result.generator.start_delay.p99 / 1e6, "ms"),
    (lambda result: result.generator.read_delay.p99 / 1e6, "ms"),
    (lambda result: result.trends["service"].p50 / 1e6, "ms"),
    (lambda result: 100 * (result.generator.cpu or 0), "%"),
    (lambda result: 100 * (result.generator.run_queue or 0), "%"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if not move_beside_target():
        return 1
    method = f"{options.rounds} rounds of {options.seconds} s for each rate, in turn; medians (range)"
    facts = facts_of(options, method)
    rounds: dict[int, list[LoadResult]] = {rate: [] for rate in RATES}
    try:
        for number in range(1, options.rounds + 1):
            for rate, results in rounds.items():
                results.append(measure(rate, options.seconds))
                delay_ms = results[-1].generator.start_delay.p99 / 1e6
                print(f"round {number}: {rate} arrivals/s: p99 {delay_ms:.2f} ms late", flush=True)
    except (TargetError, RunError) as error:
        print(error, file=sys.stderr)
        return 1
    tables: list[Table] = [("Start delays", HEADER, rows(rounds))]
    figures = [figure_of(rate, results, options.seconds) for rate, results in rounds.items()]
    return publish(SECTION, options, facts, tables, figures)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("arrivals", __doc__)
    parser.add_argument("--seconds", type=at_least(2), default=10, help="of each load (default 10)")
    parser.add_argument("--rounds", type=at_least(1), default=5, help="default 5")
    return parser.parse_args(arguments)


def measure(rate: int, seconds: int) -> LoadResult:
    environment = {
        "BENCH_SECONDS": str(seconds),
        "BENCH_VUS": str(VUS),
        "BENCH_RATE": str(rate),
        "BENCH_P99_LIMIT": LIMIT,
    }
    with running_latency_target(TARGET_CORE, ANSWER_MS, ANSWER_MS) as target:
        return load_result("known_latency.py", [], environment, origin=target.origin, load_seconds=seconds)


def rows(rounds: Mapping[int, Sequence[LoadResult]]) -> list[Row]:
    return [
        (str(rate), *(summary([figure(result) for result in results], unit) for figure, unit in FIGURES))
        for rate, results in rounds.items()
    ]


def summary(values: Sequence[float], unit: str) -> str:
    return with_range(median(values), min(values), max(values), unit)


def figure_of(rate: int, results: Sequence[LoadResult], seconds: int) -> Figure:
    """The median round's p99; what did not start as asked, or for want of a user, tells nothing."""
    name, limit = f"start delay p99 at {rate} arrivals/s", f"< {MOST_DELAY_MS:g} ms"
    for result in results:
        asked = rate * seconds * DELIVERED
        if result.iterations < asked or result.generator.start_delay.n < asked:
            measured = (
                f"{result.iterations} of {rate * seconds} iterations, "
                f"{result.generator.start_delay.n} with a free user"
            )
            return Figure(name, measured, limit, False)
    delays_ms = [result.generator.start_delay.p99 / 1e6 for result in results]
    measured, holds = summary(delays_ms, "ms"), median(delays_ms) < MOST_DELAY_MS
    if not holds and not all(map(was_quiet, results)):
        return Figure(name, f"{measured}, on a machine with other work", limit, None)
    return Figure(name, measured, limit, holds)


if __name__ == "__main__":
    sys.exit(main())
