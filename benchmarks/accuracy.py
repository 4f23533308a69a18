"""`python -m benchmarks.accuracy`: measured latencies beside the truth, from an idle generator to a full one.

Owns the loads, their order and what is required. The server times its answers itself (latency_server.py);
what is printed stands in accuracy_text.py.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.accuracy_text import as_tables, verdict_text
from benchmarks.command_line import at_least, facts_of, make_parser, move_beside_target, publish
from benchmarks.figures import Figure
from benchmarks.latency_target import Truth, running_latency_target
from benchmarks.load_tests import load_result, was_quiet
from benchmarks.processes import may_open
from benchmarks.runs import TARGET_CORE, RunError
from benchmarks.target import TargetError
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow

SECTION = "accuracy"
MEDIAN_MS, P99_MS = 20.0, 80.0  # of the lognormal distribution: its mean is 24 ms, one in 10,000 takes 185
MEAN_S = 0.024
LIMIT_MS = 1.05 * P99_MS  # the truth keeps it, with little to spare
SHARES = (0.2, 0.5, 0.8)  # of the generator's core, asked in the open model
FULL = 0.97  # at least that, in the closed model
CLOSE = 0.05  # of the core: further from what was asked, a load is run again with another rate
MISSED = 0.1  # of the core: further from what was asked, a load says nothing about it

CALIBRATION_SECONDS = 4
MOST_WAITING = 0.1  # of the time for the core: with more the CPU says nothing about the rate
MOST_RATE = 20_000  # requests/s: no load of the open model is heavier, whatever was measured
FIRST_RATE = 500  # requests/s: little, on any machine that could be meant
# Users per request/s: four times those that wait for an answer at once; no start is late for want of one.
USERS_PER_RATE = 4 * MEAN_S
# So many times the users whose answers would fill the core if requests cost what they do at 80 %. A full core
# reads many answers at a time, and a request costs it less than half.
CROWD = 8
FEWEST_VUS = 50
MOST_FILES = 10_000  # for a connection of each user of a fast machine


@dataclass(frozen=True)
class Level:
    """One load: open with a rate, closed without."""

    share: float  # of the core, asked
    vus: int
    rate: int | None = None

    @property
    def name(self) -> str:
        return f"{self.share:.0%}" if self.rate is not None else f"{self.share:.0%} or more"


@dataclass(frozen=True)
class Run:
    """A load that ran, and what was true of it."""

    level: Level
    result: LoadResult
    truth: Truth

    @property
    def cpu(self) -> float:
        """Of the generator's core; nan where nobody knows."""
        return math.nan if self.result.generator.cpu is None else self.result.generator.cpu

    @property
    def budget(self) -> BudgetRow:
        return next(row for row in self.result.budgets if row.label == "p99")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if not move_beside_target():
        return 1
    method = f"{options.seconds} s for each load; lognormal, median {MEDIAN_MS:g} ms, p99 {P99_MS:g} ms"
    facts = facts_of(options, method)
    try:
        if not may_open(MOST_FILES):
            raise RunError(f"the hard limit of open files is below {MOST_FILES}")
        runs = [run_at(level, options.seconds) for level in levels(calibrate())]
    except (TargetError, RunError) as error:
        print(error, file=sys.stderr)
        return 1
    return publish(SECTION, options, facts, as_tables(runs), [figure_of(run) for run in runs])


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser("accuracy", __doc__)
    parser.add_argument("--seconds", type=at_least(5), default=30, help="of each load (default 30)")
    return parser.parse_args(arguments)


# -- which loads ------------------------------------------------------------------------------------


def calibrate() -> list[tuple[float, float]]:
    """Short loads: rates and the share of the core that each took. Requests are cheaper in numbers."""
    points = [(0.0, 0.0)]
    for share in (0, *SHARES):
        rate = round(rate_for(share, points)) if share else FIRST_RATE
        run = measure(open_level(share, rate), CALIBRATION_SECONDS)
        waited = run.result.generator.run_queue or 0
        if waited > MOST_WAITING:
            raise RunError(f"others use the generator's core: it waited for it {waited:.0%} of the time")
        if run.result.per_second > points[-1][0] and run.cpu > points[-1][1]:
            points.append((run.result.per_second, run.cpu))
    if len(points) == 1:
        raise RunError("nobody knows what CPU time the generator's load took")
    return points


def rate_for(share: float, points: Sequence[tuple[float, float]]) -> float:
    """The rate that takes this share of the core: on the line between its neighbours, else on the last.

    Both figures of the points rise. What noise makes of the last line is bounded: a request beyond it is
    taken to cost at least half of what those before did.
    """
    lines = list(itertools.pairwise(points))
    (rate_a, share_a), (rate_b, share_b) = next((line for line in lines if share <= line[1][1]), lines[-1])
    rate = rate_a + (share - share_a) * (rate_b - rate_a) / (share_b - share_a)
    beyond = max(0.0, share - share_b)
    return min(rate, rate_b + beyond * 2 * rate_b / share_b, MOST_RATE)


def levels(points: Sequence[tuple[float, float]]) -> list[Level]:
    crowd = round(rate_for(1, points) * MEAN_S * CROWD)
    open_model = [open_level(share, round(rate_for(share, points))) for share in SHARES]
    return [*open_model, Level(FULL, crowd)]


def open_level(share: float, rate: int) -> Level:
    return Level(share, max(FEWEST_VUS, round(rate * USERS_PER_RATE)), rate)


# -- one load ---------------------------------------------------------------------------------------


def measure(level: Level, seconds: int) -> Run:
    """Raises RunError unless generator and server speak of the same requests."""
    environment = {
        "BENCH_SECONDS": str(seconds),
        "BENCH_VUS": str(level.vus),
        "BENCH_P99_LIMIT": f"{LIMIT_MS:g}ms",
        **({} if level.rate is None else {"BENCH_RATE": str(level.rate)}),
    }
    with running_latency_target(TARGET_CORE, MEDIAN_MS, P99_MS) as target:
        result = load_result("known_latency.py", [], environment, origin=target.origin, load_seconds=seconds)
        truth = target.truth()
    if truth.answers != result.count or result.failed_requests:
        raise RunError(
            f"the server answered {truth.answers} requests, the generator recorded {result.count}, "
            f"{result.failed_requests} of them as failed"
        )
    return Run(level, result, truth)


def run_at(level: Level, seconds: int) -> Run:
    """A load at the level. One that took another share of the core than asked is run again, once."""
    run = _told(measure(level, seconds))
    if level.rate is None or abs(run.cpu - level.share) <= CLOSE or not run.cpu > 0:
        return run
    rate = min(round(level.rate * level.share / run.cpu), MOST_RATE)
    return _told(measure(open_level(level.share, rate), seconds))


def _told(run: Run) -> Run:
    """Each load takes a while: a line when it is done."""
    print(
        f"{run.level.name} of the core: {run.result.per_second:.0f} requests/s at {run.cpu:.0%}", flush=True
    )
    return run


# -- what is required -------------------------------------------------------------------------------


def figure_of(run: Run) -> Figure:
    """Where the target keeps the limit, a generator with room says so, and a full one does not deny it."""
    allowed, measured = allowed_verdicts(run.level.share), f"{verdict_text(run.budget)} at {run.cpu:.0%}"
    holds = verdict_text(run.budget) in allowed
    doubt = doubt_of(run, holds)
    return Figure(
        f"p99 <= {LIMIT_MS:g} ms at {run.level.name} of the core",
        f"{measured}{doubt}",
        " or ".join(allowed),
        None if doubt else holds,
    )


def doubt_of(run: Run, holds: bool) -> str:
    """Why the verdict tells nothing; empty when it does."""
    if run.truth.p99_ns > LIMIT_MS * 1e6:
        return "; the truth breaks the limit"
    if not was_reached(run.level.share, run.cpu):
        return ", which is not the load"
    return "" if holds or was_quiet(run.result) else ", with other work on the core"


def allowed_verdicts(share: float) -> tuple[str, ...]:
    if share >= FULL:
        return ("invalid",)
    return ("passed",) if share <= 0.5 else ("passed", "invalid")


def was_reached(share: float, cpu: float) -> bool:
    return cpu >= FULL if share >= FULL else abs(cpu - share) <= MISSED


if __name__ == "__main__":
    sys.exit(main())
