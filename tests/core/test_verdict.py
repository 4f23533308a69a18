"""Budgets against measurements: what was measured, in plain numbers, one sentence per row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_loadtest.core.budget import Budget, Scope, parse_budget
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.verdict import judge_one
from tests.core.made_up_runs import (
    IN_RAMP,
    MS,
    S,
    Tell,
    dropped,
    ends,
    iterations,
    measured,
    requests,
    told,
    verdict,
)

NINETY_FAST = (requests(90), requests(10, took=2 * S))
CHECKS = told(("check", "c", True), ("check", "d", False))
HITS = told(("rate", "hit", True), ("rate", "hit", False))
FIVE = told(("count", "n", 5))
OF_A = {"request": "a"}


@pytest.mark.parametrize(
    ("key", "limit", "events", "subject", "passed", "text"),
    [
        # latency
        pytest.param("p90", "1s", NINETY_FAST, {}, True, "100 ms", id="the p90 is the last fast one"),
        pytest.param("p91", "1s", NINETY_FAST, {}, False, "2 s", id="the p91 is the first slow one"),
        pytest.param("mean", "290ms", NINETY_FAST, {}, True, "290 ms", id="the mean is exact"),
        pytest.param("mean", "289ms", NINETY_FAST, {}, False, "290 ms", id="the mean breaks its limit"),
        pytest.param("max", "2s", NINETY_FAST, {}, True, "2 s", id="the largest is exact"),
        pytest.param("max", "1999ms", NINETY_FAST, {}, False, "2 s", id="the largest breaks its limit"),
        pytest.param(
            "p95",
            "1s",
            (requests(9), requests(9, at=IN_RAMP, took=9 * S)),
            {},
            True,
            "100 ms",
            id="a slow ramp is not judged",
        ),
        pytest.param(
            "p95",
            "1s",
            (requests(9), requests(9, "b", took=9 * S)),
            OF_A,
            True,
            "100 ms",
            id="other requests are not judged",
        ),
        pytest.param(
            "p95",
            "1s",
            (requests(9), requests(9, "ab", took=9 * S)),
            {"request": "a*"},
            False,
            "9 s",
            id="a glob judges all it matches",
        ),
        pytest.param(
            "p95",
            "1s",
            (requests(5), ends(5, Outcome.TIMEOUT, took=60 * S)),
            {},
            False,
            "1m",
            id="a time-out counts its full wait",
        ),
        pytest.param(
            "p95",
            "1s",
            (requests(5), ends(5, Outcome.REFUSED, took=60 * S)),
            {},
            True,
            "100 ms",
            id="a refused connection has no latency",
        ),
        pytest.param(
            "p95",
            "1s",
            (told(("trend", "build", 900 * MS)),),
            {"metric": "build"},
            True,
            "900 ms",
            id="a trend has percentiles",
        ),
        pytest.param(
            "max",
            "1s",
            (told(("trend", "build", 2 * S)),),
            {"metric": "build"},
            False,
            "2 s",
            id="a trend breaks its limit",
        ),
        # shares
        pytest.param(
            "error_rate",
            "1%",
            (requests(99), ends(1, Outcome.RESET)),
            {},
            True,
            "1%",
            id="an error rate that is reached",
        ),
        pytest.param(
            "error_rate",
            "1%",
            (requests(98), ends(2, Outcome.RESET)),
            {},
            False,
            "2%",
            id="an error rate that is passed",
        ),
        pytest.param(
            "error_rate",
            "1%",
            (requests(9), ends(9, Outcome.RESET, at=IN_RAMP)),
            {},
            True,
            "0%",
            id="errors of the ramp are not judged where a rate is budgeted",
        ),
        pytest.param(
            "error_rate",
            "0%",
            (requests(9), ends(9, Outcome.RESET, "b")),
            OF_A,
            True,
            "0%",
            id="errors of other requests are not judged",
        ),
        pytest.param(
            "error_rate",
            "0%",
            (requests(9), ends(1, Outcome.CENSORED)),
            {},
            True,
            "0%",
            id="an open request is not an error",
        ),
        pytest.param(
            "failure_rate",
            "10%",
            (iterations(9), iterations(1, failed=True)),
            {},
            True,
            "10%",
            id="a failure rate that is reached",
        ),
        pytest.param(
            "failure_rate",
            "10%",
            (iterations(8), iterations(1, failed=True)),
            {},
            False,
            "11.11%",
            id="a failure rate that is passed",
        ),
        pytest.param(
            "check_rate",
            "50%",
            (CHECKS,),
            {},
            True,
            "50%",
            id="all checks together",
        ),
        pytest.param(
            "check_rate",
            "50%",
            (CHECKS,),
            {"check": "d"},
            False,
            "0%",
            id="one check alone",
        ),
        pytest.param(
            "max_rate",
            "40%",
            (HITS,),
            {"metric": "hit"},
            False,
            "50%",
            id="a custom rate above its limit",
        ),
        pytest.param(
            "min_rate",
            "40%",
            (HITS,),
            {"metric": "hit"},
            True,
            "50%",
            id="a custom rate above its least",
        ),
        # counts and rates
        pytest.param(
            "rps", "5/s", (requests(50),), {}, True, "5/s", id="requests of the steady part per second"
        ),
        pytest.param(
            "rps",
            "5/s",
            (requests(49), requests(99, at=IN_RAMP)),
            {},
            False,
            "4.9/s",
            id="requests of the ramp do not help",
        ),
        pytest.param(
            "rps", "5/s", (requests(50), requests(9, "b")), OF_A, True, "5/s", id="the rate of a name"
        ),
        pytest.param(
            "iterations",
            10,
            (iterations(5), iterations(5, at=IN_RAMP)),
            {},
            True,
            "10",
            id="iterations are counted over the whole run",
        ),
        pytest.param("iterations", 10, (iterations(9),), {}, False, "9", id="too few iterations"),
        pytest.param("iterations", 10, (), {}, False, "0", id="no iterations at all"),
        pytest.param("max_count", 4, (FIVE,), {"metric": "n"}, False, "5", id="a counter above its limit"),
        pytest.param(
            "min_count",
            5,
            (told(("count", "n", 5), at=IN_RAMP),),
            {"metric": "n"},
            True,
            "5",
            id="a counter counts over the whole run",
        ),
        pytest.param(
            "max_count",
            0,
            (told(("count", "n", 0)),),
            {"metric": "n"},
            True,
            "0",
            id="a counter that counted nothing",
        ),
    ],
)
def test_the_estimate_decides(
    key: str, limit: object, events: tuple[Tell, ...], subject: dict[str, str], passed: bool, text: str
) -> None:
    result = verdict(key, limit, *events, of=subject)
    assert (result.passed, result.measured_text, result.reason) == (passed, text, "")


def test_the_figure_comes_with_the_number_of_events_behind_it() -> None:
    assert verdict("p95", "1s", requests(7)).n == 7
    assert verdict("error_rate", "1%", requests(7), ends(2, Outcome.RESET)).n == 9


# -- open model -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "limit", "events", "passed", "text"),
    [
        pytest.param(
            "p95", "1s", (requests(9, delay=2 * S),), False, "2.1 s", id="the delay of the start counts"
        ),
        pytest.param(
            "p90", "1s", (requests(9), dropped(1)), True, "100 ms", id="1 of 10 dropped leaves the p90"
        ),
        pytest.param(
            "p91", "1s", (requests(9), dropped(1)), False, "no end", id="a dropped iteration is endless"
        ),
        pytest.param("p99", "1s", (dropped(3),), False, "no end", id="nothing but dropped iterations"),
        pytest.param("mean", "1s", (requests(9), dropped(1)), False, "no end", id="so is the mean with it"),
        pytest.param("max", "1s", (requests(9), dropped(1)), False, "no end", id="and the largest"),
        pytest.param(
            "max", "1s", (requests(9), dropped(9, at=IN_RAMP)), True, "100 ms", id="not those of the ramp"
        ),
        pytest.param(
            "p99",
            "1s",
            (requests(9), dropped(9, at=IN_RAMP)),
            True,
            "100 ms",
            id="those of the ramp are not judged",
        ),
        pytest.param("dropped", 3, (iterations(9), dropped(3)), True, "3", id="as many dropped as allowed"),
        pytest.param(
            "dropped", 3, (dropped(2), dropped(2, at=IN_RAMP)), False, "4", id="too many, over the run"
        ),
    ],
)
def test_the_open_model_judges_response_times(
    key: str, limit: object, events: tuple[Tell, ...], passed: bool, text: str
) -> None:
    result = verdict(key, limit, *events, open_model=True)
    assert (result.passed, result.measured_text) == (passed, text)


def test_dropped_iterations_do_not_count_against_the_requests_of_a_name() -> None:
    assert verdict("p99", "1s", requests(9), dropped(9), open_model=True, of=OF_A).passed


def test_a_figure_without_end_says_how_many_were_dropped() -> None:
    result = verdict("p95", "1s", requests(88), iterations(88), dropped(12), open_model=True)
    assert (result.measured_text, result.endless) == ("no end", "12% of iterations were dropped")
    assert verdict("p95", "1s", requests(99), iterations(99), dropped(1), open_model=True).endless == ""
    few = verdict("max", "1s", requests(999), iterations(999), dropped(1), open_model=True)
    assert few.endless == "0.1% of iterations were dropped"


# -- the built-in trend -----------------------------------------------------------------------------

OF_ITERATIONS = {"metric": "iteration_duration"}


@pytest.mark.parametrize(
    ("key", "events", "open_model", "passed", "text"),
    [
        pytest.param("p95", (iterations(9),), False, True, "1 s", id="how long iterations took"),
        pytest.param("mean", (iterations(9, delay=2 * S),), False, True, "1 s", id="service time"),
        pytest.param(
            "p95", (iterations(9, delay=2 * S),), True, False, "3 s", id="from the intended start, if any"
        ),
        pytest.param("p95", (iterations(9), dropped(1)), True, False, "no end", id="dropped ones never end"),
        pytest.param("max", (iterations(9), dropped(1)), True, False, "no end", id="nor does the largest"),
        pytest.param("p90", (iterations(9), dropped(1)), True, True, "1 s", id="1 of 10 dropped"),
        pytest.param(
            "max",
            (iterations(9), told(("trend", "iteration_duration", 9 * S))),
            False,
            True,
            "1 s",
            id="a trend of the test's own that has its name is another",
        ),
    ],
)
def test_iterations_have_a_duration(
    key: str, events: tuple[Tell, ...], open_model: bool, passed: bool, text: str
) -> None:
    result = verdict(key, "1s", *events, of=OF_ITERATIONS, open_model=open_model)
    assert (result.passed, result.measured_text) == (passed, text)


def test_a_glob_means_the_tests_own_trends() -> None:
    events = (iterations(9), told(("trend", "iteration of mine", 100 * MS)))
    assert verdict("max", "1s", *events, of={"metric": "iteration*"}).measured_text == "100 ms"


# -- a warm-up that was found -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "limit", "subject", "passed", "text"),
    [
        pytest.param("p95", "1s", {}, True, "100 ms", id="a percentile is judged after it"),
        pytest.param("max", "1s", {}, True, "100 ms", id="the largest, too"),
        pytest.param("mean", "1s", {"metric": "t"}, True, "100 ms", id="and trends"),
        pytest.param("error_rate", "40%", {}, False, "50%", id="what failed in it has failed"),
        pytest.param("rps", "2/s", {}, True, "2/s", id="what was sent in it was sent"),
        pytest.param("check_rate", "60%", {}, False, "50%", id="what did not hold in it did not hold"),
    ],
)
def test_only_latencies_are_judged_without_the_warm_up(
    key: str, limit: object, subject: dict[str, str], passed: bool, text: str
) -> None:
    slow = (requests(5, took=5 * S, at=11 * S), ends(10, Outcome.RESET, at=11 * S))
    early = told(("trend", "t", 9 * S), ("check", "c", False), at=11 * S)
    late = told(("trend", "t", 100 * MS), ("check", "c", True))
    run = replace(measured(*slow, early, requests(5), late), latency_window=((13, 20),))
    scope, pattern = next(iter((subject or {"all": "*"}).items()))
    result = judge_one(parse_budget(key, limit, Scope(scope), pattern), run)
    assert result is not None
    assert (result.passed, result.measured_text) == (passed, text)


def test_how_long_the_part_is_that_a_budget_speaks_of() -> None:
    run = replace(measured(), latency_window=((13, 20),))
    times = {"p95": 7 * S, "error_rate": 10 * S, "iterations": 30 * S}
    for key, judged_ns in times.items():
        assert run.judged_ns(parse_budget(key, 1)) == judged_ns
    assert measured().judged_ns(parse_budget("p95", 1)) == 10 * S
    assert run.judged_ns(Budget("error_rate", 0, implicit=True)) == 30 * S


def test_a_closed_model_cannot_keep_a_budget_of_dropped_iterations() -> None:
    result = verdict("dropped", 3, iterations(9))
    reason = "only iterations with an intended start (rate=, pacing=) can be dropped"
    assert (result.passed, result.reason) == (False, reason)
