"""A load test's result: built from what was measured, and the same after a journey as plain values."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_loadtest.core.budget import parse_budget, with_defaults
from pytest_loadtest.core.generator import BlockedPlace, GeneratorSecond
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.verdict import Measurement, judge
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BlockedRow, Latency, ShareRow
from pytest_loadtest.results.tables import tables_of

S = 1_000_000_000
MS = 1_000_000


def measured(*, open_model: bool = False) -> Measurement:
    """Two seconds: ten answers of 10 ms, one of 500, one refused, one censored; checks and custom metrics."""
    recorder = Recorder(S, open_model=open_model)
    for n in range(10):
        at = n * S // 10
        recorder.response(
            "GET /a", Outcome.OK, 200, at, at, at, at + 10 * MS, 100, 200, 90 * MS if n == 0 else 0
        )
    recorder.response("GET /b", Outcome.STATUS, 500, S, S, S, S + 20 * MS, 100, 200, 0)
    recorder.error_sample("GET /b", Outcome.STATUS, 500, "boom, token=abcdefgh12345")
    recorder.no_response("GET /b", Outcome.REFUSED, S, S + MS, 0, 0)
    recorder.error_sample("GET /b", Outcome.REFUSED, 0, "connection refused by 127.0.0.1")
    recorder.no_response("GET /b", Outcome.CENSORED, S, 2 * S, 100, 0)
    recorder.connected("GET /a", 1000, 2 * MS, 0)
    for n in range(3):
        recorder.iteration(0, S, failed=n == 0, delay_ns=0)
    recorder.interrupted()
    recorder.check("is listed", True)
    recorder.check("is listed", False)
    recorder.rate("hit", True)
    recorder.count("agents", 7)
    recorder.trend("checkout", 3 * MS)
    recorder.flush()
    recorder.metrics.count_failure("AssertionError", "test_a.py:7", "assert 1 == 2", "the traceback", 1)
    return Measurement(recorder.metrics, None, 2 * S, 2 * S, open_model)


def result_of(run: Measurement, **values: Any) -> LoadResult:
    """The result of a run."""
    budgets = with_defaults([parse_budget("p95", "5ms"), parse_budget("rps", 1)])
    head = LoadResult(
        test="test_a.py::test_a",
        state="failed",
        reason="",
        load="3 VUs, 2s",
        open_model=run.open_model,
        vus=3,
        ran_ns=run.whole_ns,
        steady_ns=run.steady_ns,
        overrides=("vus 9 -> 3 (--load-vus)",),
        iterations=0,
        failed_iterations=0,
        interrupted=0,
        dropped=0,
        latency=Latency(),
        remarks=("a remark",),
    )
    return replace(head, **tables_of(run, judge(budgets, run)), **values)


def test_a_result_says_what_was_measured() -> None:
    result = result_of(measured())
    assert (result.iterations, result.failed_iterations, result.interrupted, result.dropped) == (3, 1, 1, 0)
    assert (result.count, result.failed_requests, result.censored) == (13, 2, 1)
    assert result.per_second == 6.5
    assert [(row.name, row.count, row.failed, row.censored) for row in result.requests] == [
        ("GET /a", 10, 0, 0),
        ("GET /b", 3, 2, 1),
    ]
    assert result.requests[0].per_second == 5
    assert result.requests[0].phases["connecting"].n == 1
    assert result.checks == (ShareRow("is listed", 1, 2),)
    assert result.check_share == 0.5
    assert result.rates == (ShareRow("hit", 1, 1),)
    assert result.counters == {"agents": 7}
    assert result.trends["checkout"].p50 == pytest.approx(3 * MS, rel=0.0039)
    assert [(row.type, row.place, row.message) for row in result.failures] == [
        ("AssertionError", "test_a.py:7", "assert 1 == 2")
    ]


def test_latency_is_of_answered_and_censored_requests_and_not_of_refused_ones() -> None:
    result = result_of(measured())
    assert result.latency.n == 12
    assert result.latency.p50 == pytest.approx(10 * MS, rel=0.0039)
    assert result.latency.max == S


def test_an_open_model_shows_response_times() -> None:
    slowest = {
        open_model: result_of(measured(open_model=open_model)).requests[0].latency.max
        for open_model in (False, True)
    }
    assert slowest == {False: 10 * MS, True: 100 * MS}


def test_errors_are_grouped_the_most_frequent_first_with_a_redacted_sample() -> None:
    run = measured()
    run.metrics.count_error("GET /b", Outcome.REFUSED, 0, "another", 4)
    rows = result_of(run).errors
    assert [(row.name, row.reason, row.count) for row in rows] == [
        ("GET /b", "connection refused", 5),
        ("GET /b", "status 500", 1),
    ]
    assert rows[0].sample == "connection refused by 127.0.0.1"
    assert "abcdefgh12345" not in rows[1].sample


def test_broken_budgets_are_those_that_did_not_hold() -> None:
    result = result_of(measured())
    assert [(row.label, row.limit, row.implicit) for row in result.broken] == [
        ("p95", "<= 5 ms", False),
        ("error_rate", "<= 0%", True),
        ("failure_rate", "<= 0%", True),
        ("check_rate", ">= 100%", True),
    ]
    assert "rps" in [row.label for row in result.budgets if row.passed]


@pytest.mark.parametrize("open_model", [False, True])
def test_a_result_is_the_same_after_a_journey_as_json(open_model: bool) -> None:
    result = result_of(measured(open_model=open_model))
    assert LoadResult.from_plain(json.loads(json.dumps(result.to_plain()))) == result


def test_plain_values_are_of_the_simplest_types_as_xdist_can_send_no_others() -> None:
    def types_in(value: object) -> set[type]:
        if isinstance(value, dict):
            return {dict}.union(*(types_in(inner) for pair in value.items() for inner in pair))
        if isinstance(value, (list, tuple)):
            return {type(value)}.union(*map(types_in, value))
        return {type(value)}

    simplest = {dict, list, tuple, str, int, float, bool, type(None)}
    assert types_in(result_of(measured()).to_plain()) <= simplest


def test_the_generator_has_its_row() -> None:
    run = measured()
    generator = run.metrics.generator
    generator.seconds += [GeneratorSecond(0, S, S // 2, S // 10), GeneratorSecond(S, S, S, None)]
    generator.read_delay.add(np.zeros(40, dtype=np.int64), np.full(40, MS))
    generator.count_blocked([("a.py:1 (f())", BlockedPlace(2, MS)), ("b.py:2", BlockedPlace(1, S))])
    result = result_of(run)
    row = result.generator
    assert (row.state, row.cpu, row.cpu_highest, row.run_queue) == ("generator-limited", 0.75, 1.0, 0.1)
    assert (row.read_delay.n, row.read_delay.max, row.start_delay.n) == (40, MS, 0)
    assert row.blocked == (BlockedRow("b.py:2", 1, S), BlockedRow("a.py:1 (f())", 2, MS))
    assert "of a core in 50% of its seconds" in row.reason
    assert LoadResult.from_plain(json.loads(json.dumps(result.to_plain()))) == result


def test_a_generator_that_nobody_watched_is_unknown() -> None:
    row = result_of(measured()).generator
    assert (row.state, row.cpu, row.cpu_highest, row.run_queue) == ("unknown", None, None, None)


def test_a_run_without_anything_has_a_result() -> None:
    run = Measurement(Recorder(S).metrics, None, 0, 0)
    result = result_of(run)
    assert (result.count, result.per_second, result.latency) == (0, 0.0, Latency())
    assert math.isnan(result.check_share)
    assert [(row.label, row.measured, row.passed) for row in result.budgets] == [
        ("p95", "-", False),
        ("rps", "-", False),
    ]
    assert LoadResult.from_plain(result.to_plain()) == result


def test_a_budget_that_measured_nothing_keeps_its_reason() -> None:
    run = Measurement(Recorder(S).metrics, None, 0, 0)
    row = result_of(run).budgets[0]
    assert (row.label, row.measured, row.passed, row.interval) == ("p95", "-", False, "")
    assert (row.limit_value, row.estimate, row.low, row.high) == (0.005, None, None, None)
    assert "nothing was measured" in row.reason


def test_latency_of_no_values_is_zero() -> None:
    assert Latency.of(Histogram()) == Latency(0, 0, 0, 0, 0, 0)
