"""By how much a run should be longer: runs in plain numbers, one sentence per row."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_loadtest.core.budget import Budget, Undecided, parse_budget
from pytest_loadtest.core.confidence import Interval, interval_of
from pytest_loadtest.core.looks import CONFIDENCE_OF_LOOKS, MOST_LOOKS, time_to_decide
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.verdict import Verdict, judge
from tests.core.made_up_runs import S
from tests.core.test_confidence import measured, noisy_runs, steady

RUN = Measurement(Metrics(S), ((10, 50),), 40 * S, 60 * S, latency_window=((20, 50),))


def found(
    longer: float, *, key: str = "p95", is_open: bool = True, passed: bool = True, implicit: bool = False
) -> Verdict:
    """A verdict whose interval says so."""
    interval = Interval(1.0, 2.0, 500, is_open=is_open, longer=longer)
    return Verdict(Budget(key, 1, implicit=implicit), 1.5, 900, passed, interval=interval)


@pytest.mark.parametrize(
    ("verdicts", "seconds", "sentence"),
    [
        ([], 0, "no budget"),
        ([found(9, is_open=False)], 0, "none is open"),
        ([found(1.5)], 15, "half as much again, of the 30 s in which latencies are judged"),
        ([found(1.51)], 16, "in whole slices"),
        ([found(1.5, key="error_rate")], 20, "of the 40 s of the steady part"),
        ([found(1.01)], 8, "not less than a quarter"),
        ([found(7)], 30, "at most twice as long"),
        ([found(math.inf)], 30, "even if the figure is the limit, which it will hardly stay"),
        ([found(1.4), found(1.8, passed=False)], 24, "enough for all that are open"),
        ([found(1.4), found(1.9, implicit=True)], 12, "a default limit holds for a run and not for a level"),
        (
            [found(1.5), found(1, is_open=False, passed=False)],
            0,
            "another one is broken: the test fails anyway",
        ),
        ([found(1.5), Verdict(Budget("rps", 5), 4, 9, False)], 0, "and so does one without an interval"),
        ([found(1.5), Verdict(Budget("rps", 5), 9, 9, True)], 15, "one that is kept changes nothing"),
        ([found(1.5), Verdict(Budget("iterations", 5), 4, 4, False)], 15, "a count may still be reached"),
        ([found(1.5), Verdict(Budget("max_count", 5), 6, 6, False)], 0, "but one that is too high stays so"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_how_much_longer(verdicts: list[Verdict], seconds: int, sentence: str) -> None:
    assert time_to_decide(verdicts, RUN) == seconds * S, sentence


@pytest.mark.parametrize(("users", "seconds"), [(39, 0), (40, 15)])
def test_requests_that_are_still_open_may_add_to_a_rate(users: int, seconds: int) -> None:
    """4/s of 40 s have ended; 5/s takes 40 more."""
    metrics = Metrics(S)
    metrics.vus.add(49, users)
    verdicts = [found(1.5), Verdict(Budget("rps", 5), 4, 160, False)]
    assert time_to_decide(verdicts, replace(RUN, metrics=metrics)) == seconds * S


def test_looks_are_together_as_sure_as_one() -> None:
    allowed_error = (1 - CONFIDENCE_OF_LOOKS) * MOST_LOOKS
    assert allowed_error == pytest.approx(0.05)


def test_an_open_budget_of_a_run_asks_for_more_and_a_decided_one_does_not() -> None:
    run = measured(steady(seconds=20, per_second=30))
    budgets = [parse_budget("p95", "97ms")]
    verdicts = judge(budgets, run, Undecided.EXTEND, CONFIDENCE_OF_LOOKS)
    assert verdicts[0].is_close
    assert 5 * S <= time_to_decide(verdicts, run) <= 20 * S
    assert "its 98.3 % interval is" in verdicts[0].close_call(20 * S)
    assert time_to_decide(judge([parse_budget("p95", "200ms")], run), run) == 0


def test_when_it_stays_open_the_estimate_decides() -> None:
    run = measured(steady(seconds=20, per_second=30))
    for limit, passed in (("97ms", True), ("94.5ms", False)):
        (verdict,) = judge([parse_budget("p95", limit)], run, Undecided.EXTEND, CONFIDENCE_OF_LOOKS)
        assert (verdict.is_close, verdict.passed) == (True, passed)


def test_the_surer_the_wider() -> None:
    (levels,) = noisy_runs(noise=0.1, tau_s=2, seconds=60, per_second=100, runs=1, seed=1)
    usual, surer = (interval_of(parse_budget("p95", "1s"), measured(levels), c) for c in (0.95, 0.983))
    assert usual is not None
    assert surer is not None
    assert surer.low < usual.low < usual.high < surer.high
    assert (usual.needed, surer.needed) == (72, 93)
