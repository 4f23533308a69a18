"""What it takes to judge a long load: made-up requests, real budgets, the time of the real verdicts.

Must not know what the time is compared with.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from statistics import median

from pytest_loadtest.core.budget import Budget, parse_budgets, with_defaults
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.standing import generator_finding, standing
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.core.verdict import Measurement, judge

MINUTES = 10
NAMES = 5
# Of each name. Judging reads histograms by the second: a hundred values fill most buckets that a thousand do.
REQUESTS_PER_SECOND = 100
MEDIAN_NS, SIGMA = 20_000_000, 0.6
SEED = 20_240_601  # any fixed number
REPEATS = 5
BUDGETS = (
    {"p95": "60ms", "p99": "90ms", "error_rate": "1%", "check_rate": "99%"},
    *({"p95": "60ms", "request": f"request {number}"} for number in range(1, 5)),
)


@dataclass(frozen=True)
class Judging:
    seconds: float  # median
    budgets: int  # that were asked for

    @property
    def share(self) -> float:
        """Of the time that the load took."""
        return self.seconds / (MINUTES * 60)


def time_judging() -> Judging:
    """All that is computed of a load when it has ended, for its verdicts and the generator's state."""
    run = made_up_run(MINUTES * 60)
    asked, budgets = to_judge()
    return Judging(median(time_once(budgets, run) for _ in range(REPEATS)), len(asked))


def to_judge() -> tuple[list[Budget], list[Budget]]:
    """The budgets that are asked for; with those that hold by default."""
    asked = [budget for words in BUDGETS for budget in parse_budgets(words)]
    return asked, with_defaults(asked)


def time_once(budgets: list[Budget], run: Measurement) -> float:
    started = time.perf_counter()
    generator_finding(run, standing(judge(budgets, run), run))
    return time.perf_counter() - started


def made_up_run(seconds: int) -> Measurement:
    """Requests of several names with lognormal latencies, evenly in time, and their checks."""
    recorder, chance = Recorder(NS_PER_S), random.Random(SEED)
    names = [f"request {number}" for number in range(1, NAMES + 1)]
    gap_ns = NS_PER_S // REQUESTS_PER_SECOND
    for number in range(seconds * REQUESTS_PER_SECOND):
        started_ns = number * gap_ns
        if number % REQUESTS_PER_SECOND == 0:
            recorder.tick(started_ns)
        for name in names:
            ended_ns = started_ns + round(MEDIAN_NS * chance.lognormvariate(0, SIGMA))
            recorder.response(
                name, Outcome.OK, 200, started_ns, started_ns, ended_ns, ended_ns, 100, 200, delay_ns=0
            )
            recorder.check("is ok", True, started_ns)
        recorder.iteration(started_ns, started_ns + MEDIAN_NS, failed=False, delay_ns=0)
    recorder.flush()
    length_ns = seconds * NS_PER_S
    whole = ((0, seconds),)
    return Measurement(recorder.metrics, whole, length_ns, length_ns, whole=whole)
