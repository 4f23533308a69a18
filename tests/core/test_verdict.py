"""Budgets against measurements: what was measured, in plain numbers, one sentence per row."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.outcome import Outcome
from tests.core.made_up_runs import IN_RAMP, MS, S, Tell, dropped, ends, iterations, requests, told, verdict

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
            "p91", "1s", (requests(9), dropped(1)), False, "never", id="a dropped iteration is endless"
        ),
        pytest.param("p99", "1s", (dropped(3),), False, "never", id="nothing but dropped iterations"),
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


def test_a_closed_model_cannot_keep_a_budget_of_dropped_iterations() -> None:
    result = verdict("dropped", 3, iterations(9))
    assert (result.passed, result.reason) == (False, "only an open model (rate=...) can drop iterations")
