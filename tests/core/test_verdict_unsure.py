"""Budgets against measurements: open requests, nothing measured, nothing budgeted, one sentence per row."""

from __future__ import annotations

import math

import pytest

from pytest_loadtest.core.budget import Budget, Scope, parse_budget, with_defaults
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.verdict import Measurement, judge
from tests.core.made_up_runs import (
    IN_RAMP,
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

# -- requests that were open at the end -------------------------------------------------------------

OPEN = Outcome.CENSORED
OF_A = {"request": "a"}
STEADY_NOTHING = "in the steady part of the run: nothing was measured"
UNDECIDED_PARTS = ["still open when the run ended, or cancelled by the test", "nobody knows", "graceful_stop"]


@pytest.mark.parametrize(
    ("key", "events", "passed", "undecided"),
    [
        pytest.param("p90", (requests(90), ends(10, OPEN)), True, False, id="the rank is among the answered"),
        pytest.param(
            "p91", (requests(90), ends(10, OPEN)), False, True, id="the rank is among the open ones"
        ),
        pytest.param(
            "p90",
            (requests(80), requests(10, took=5 * S), ends(10, OPEN)),
            False,
            True,
            id="the rank is among the answered, but a slow one if the open ones never end",
        ),
        pytest.param(
            "p90",
            (requests(95), ends(5, OPEN, took=3 * S)),
            True,
            False,
            id="open ones that already are too slow",
        ),
        pytest.param(
            "p90",
            (requests(85), ends(15, OPEN, took=3 * S)),
            False,
            False,
            id="so many open ones are already too slow that it is broken for sure",
        ),
        pytest.param("p50", (ends(3, OPEN),), False, True, id="nothing but open requests"),
        pytest.param("mean", (requests(99), ends(1, OPEN)), False, True, id="a mean with an open request"),
        pytest.param("max", (requests(99), ends(1, OPEN)), False, True, id="a maximum with an open request"),
        pytest.param(
            "max", (requests(9), ends(1, OPEN, at=IN_RAMP)), True, False, id="an open one of the ramp"
        ),
    ],
)
def test_open_requests_decide_only_what_is_sure(
    key: str, events: tuple[Tell, ...], passed: bool, undecided: bool
) -> None:
    result = verdict(key, "2s", *events)
    assert result.passed is passed
    assert all((part in result.reason) is undecided for part in UNDECIDED_PARTS)


@pytest.mark.parametrize(("key", "passed"), [("p90", True), ("p91", False), ("max", False)])
def test_what_the_test_cancelled_is_a_lower_bound_too(key: str, passed: bool) -> None:
    result = verdict(key, "2s", requests(90), ends(10, Outcome.CANCELLED))
    assert result.passed is passed
    assert ("cancelled by the test" in result.reason) is not passed


@pytest.mark.parametrize(("key", "passed"), [("p90", True), ("p91", False), ("mean", False), ("max", False)])
def test_iterations_that_were_cut_took_longer_than_anybody_waited(key: str, passed: bool) -> None:
    cut = [lambda recorder: recorder.interrupted()] * 10
    result = verdict(key, "2s", iterations(90), *cut, of={"metric": "iteration_duration"})
    assert result.passed is passed
    said = "at least 1 s: 10 iterations were cut when the run ended, so nobody knows whether the limit"
    assert (said in result.reason) is not passed


def test_the_reason_names_the_bound_and_the_number() -> None:
    assert verdict("p99", "2s", requests(9), ends(1, OPEN)).reason.startswith(
        "at least 100 ms: 1 request was"
    )
    assert verdict("p99", "2s", requests(9), ends(2, OPEN)).reason.startswith(
        "at least 100 ms: 2 requests were"
    )


def test_in_the_open_model_dropped_and_open_requests_add_up() -> None:
    events = (requests(8), ends(1, OPEN), dropped(1))
    assert verdict("p80", "1s", *events, open_model=True).passed
    assert "still open" in verdict("p81", "1s", *events, open_model=True).reason


# -- nothing measured -------------------------------------------------------------------------------

MANY = tuple(requests(1, f"n{number:02}") for number in range(25))


@pytest.mark.parametrize(
    ("key", "events", "subject", "reason"),
    [
        pytest.param("p95", (), {}, f"no request {STEADY_NOTHING}", id="no request at all"),
        pytest.param(
            "rps",
            (requests(9, at=IN_RAMP),),
            {},
            f"no request {STEADY_NOTHING}",
            id="no request in the steady part",
        ),
        pytest.param(
            "p95",
            (ends(3, Outcome.REFUSED),),
            {},
            "none of 3 requests got an answer",
            id="requests, but no answer",
        ),
        pytest.param("failure_rate", (), {}, f"no iteration {STEADY_NOTHING}", id="no iteration"),
        pytest.param("check_rate", (requests(1),), {}, f"no check {STEADY_NOTHING}", id="no check"),
        pytest.param(
            "p95",
            (requests(1, "b"), requests(1, "a")),
            {"request": "c"},
            "no request is named 'c'; there were: 'a', 'b'",
            id="a name no request had",
        ),
        pytest.param(
            "error_rate",
            (),
            {"request": "c*"},
            "no request is named 'c*'; there were: none at all",
            id="a glob, and no names at all",
        ),
        pytest.param(
            "p95",
            (requests(1, at=IN_RAMP),),
            OF_A,
            "request 'a' did not occur in the steady part of the run",
            id="a name of the ramp only",
        ),
        pytest.param(
            "check_rate",
            (told(("check", "c", True)),),
            {"check": "d"},
            "no check is named 'd'; there were: 'c'",
            id="a name no check had",
        ),
        pytest.param(
            "p95",
            (told(("count", "n", 1), ("trend", "t", S)),),
            {"metric": "n"},
            "no trend (vu.trend, vu.measure) is named 'n'; there were: 'iteration_duration', 't'",
            id="a counter has no p95",
        ),
        pytest.param(
            "p95",
            (iterations(1, at=IN_RAMP),),
            {"metric": "iteration_duration"},
            "no iteration ended in the steady part of the run: nothing was measured",
            id="no iteration",
        ),
        pytest.param(
            "max_rate",
            (told(("count", "n", 1)),),
            {"metric": "n"},
            "no rate (vu.rate) is named 'n'; there were: none at all",
            id="a counter is no rate",
        ),
        pytest.param(
            "max_count",
            (told(("count", "n", 1)),),
            {"metric": "m"},
            "no counter (vu.count) is named 'm'; there were: 'n'",
            id="a name no counter had",
        ),
        pytest.param(
            "p95",
            MANY,
            OF_A,
            "no request is named 'a'; there were: "
            + ", ".join(f"'n{number:02}'" for number in range(20))
            + " and 5 more",
            id="more names than anybody reads",
        ),
    ],
)
def test_nothing_measured_never_passes_and_says_why(
    key: str, events: tuple[Tell, ...], subject: dict[str, str], reason: str
) -> None:
    limit = {"check_rate": "1%", "rps": "1/s", "max_count": 9}.get(key, "100%" if "rate" in key else "1h")
    result = verdict(key, limit, *events, of=subject)
    assert (result.passed, result.reason, result.n) == (False, reason, 0)
    assert math.isnan(result.measured)


# -- what nobody budgeted ---------------------------------------------------------------------------


def implied(*events: Tell, explicit: tuple[Budget, ...] = (), open_model: bool = False) -> dict[str, bool]:
    budgets = [budget for budget in with_defaults(explicit) if budget.implicit]
    verdicts = judge(budgets, measured(*events, open_model=open_model))
    return {result.budget.key: result.passed for result in verdicts}


@pytest.mark.parametrize(
    ("events", "open_model", "passed"),
    [
        pytest.param((), False, {}, id="what did not occur has no verdict"),
        pytest.param(
            (requests(1), iterations(1)), False, {"error_rate": True, "failure_rate": True}, id="all is well"
        ),
        pytest.param(
            (requests(9), ends(1, Outcome.RESET, at=IN_RAMP)),
            False,
            {"error_rate": False},
            id="one failed request, even in the ramp",
        ),
        pytest.param(
            (iterations(9), iterations(1, failed=True, at=IN_RAMP)),
            False,
            {"failure_rate": False},
            id="one failed iteration, even in the ramp",
        ),
        pytest.param(
            (told(("check", "c", True), ("check", "c", False), at=IN_RAMP),),
            False,
            {"check_rate": False},
            id="one failed check, even in the ramp",
        ),
        pytest.param((ends(9, OPEN),), False, {"error_rate": True}, id="open requests are no errors"),
        pytest.param((dropped(1),), True, {"dropped": False}, id="one dropped iteration"),
        pytest.param(
            (requests(1), iterations(1)),
            True,
            {"error_rate": True, "failure_rate": True, "dropped": True},
            id="an open model that kept up",
        ),
    ],
)
def test_what_nobody_budgeted_is_not_tolerated_anywhere(
    events: tuple[Tell, ...], open_model: bool, passed: dict[str, bool]
) -> None:
    assert implied(*events, open_model=open_model) == passed


def test_the_default_leaves_out_what_has_a_budget_of_its_own() -> None:
    login = Budget("error_rate", 0.5, Scope.REQUEST, "login")
    works = Budget("check_rate", 0.5, Scope.CHECK, "works")
    failing = (ends(1, Outcome.RESET, "login"), told(("check", "works", False)))
    assert implied(*failing, explicit=(login, works)) == {}
    others = (*failing, requests(1, "a"), told(("check", "lists", True)))
    assert implied(*others, explicit=(login, works)) == {"error_rate": True, "check_rate": True}
    worse = (*others, ends(1, Outcome.RESET, "b"), told(("check", "finds", False)))
    assert implied(*worse, explicit=(login, works)) == {"error_rate": False, "check_rate": False}


def test_without_a_steady_part_nothing_explicit_passes() -> None:
    run = measured(requests(9))
    nowhere = Measurement(run.metrics, (), 0, run.whole_ns)
    everywhere = Measurement(run.metrics, None, run.whole_ns, run.whole_ns)
    for key, limit in (("p95", "1s"), ("rps", "0.1/s"), ("error_rate", 0)):
        budget = parse_budget(key, limit)
        assert [verdict.passed for verdict in judge([budget], nowhere)] == [False]
        assert [verdict.passed for verdict in judge([budget], everywhere)] == [True]
