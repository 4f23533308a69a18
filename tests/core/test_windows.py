"""Budgets of every window: which window is the worst, and what has none. One sentence per row."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from pytest_loadtest.core.budget import Budget, Scope, parse_budgets
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.metrics import Metrics, RequestSeries
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.readings import read
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.verdict import Verdict, judge
from pytest_loadtest.core.windows import misfit
from tests.core.made_up_runs import MS, S, Tell, dropped, ends, iterations, measured, requests, told


def judged(key: str, limit: object, *events: Tell, open_model: bool = False, **options: str) -> Verdict:
    """The verdict on windows of the steady part, which is from 10 s to 20 s."""
    run = measured(*events, open_model=open_model)
    (verdict,) = judge(parse_budgets({key: limit, "window": "3s", **options}), run)
    return verdict


def every_second(n: int, name: str = "a") -> Tell:
    """`n` requests of 100 ms in each second of the run, ramps included."""

    def tell(recorder: Recorder) -> None:
        for second in range(30):
            requests(n, name, at=second * S)(recorder)

    return tell


SLOW = requests(10, took=2 * S, at=14 * S)
FAILED = ends(10, Outcome.RESET, at=14 * S)
HITS = (
    told(("rate", "hit", True), ("check", "c", True), at=11 * S),
    told(("rate", "hit", False), ("check", "c", False), at=18 * S),
)


@pytest.mark.parametrize(
    ("key", "limit", "events", "options", "passed", "text"),
    [
        pytest.param(
            "p90", "1s", (every_second(10), SLOW), {}, False, "2 s (from 12s to 15s)", id="one slow second"
        ),
        pytest.param(
            "p90", "1s", (every_second(10), SLOW), {"window": "10s"}, True, "100 ms (from 10s to 20s)",
            id="in a wider window it is one of ten",
        ),
        pytest.param(
            "p90", "1s", (every_second(10), requests(10, took=2 * S, at=22 * S)), {}, True,
            "100 ms (from 10s to 13s)", id="outside the judged part it does not matter",
        ),
        pytest.param(
            "mean", "790ms", (every_second(10), SLOW), {}, True, "575 ms (from 12s to 15s)",
            id="a mean: 40 requests, 10 of 2 s",
        ),
        pytest.param(
            "max", "1s", (every_second(1), SLOW), {}, False, "2 s (from 12s to 15s)", id="the largest"
        ),
        pytest.param(
            "p90", "1s", (every_second(1), requests(9, "b", took=2 * S, at=19 * S)), {"request": "a"}, True,
            "100 ms (from 10s to 13s)", id="of a name",
        ),
        pytest.param(
            "p90", "1s", (told(("trend", "t", 3 * S), at=15 * S),), {"metric": "t"}, False,
            "3 s (from 13s to 16s)", id="a trend; windows without a value have no figure",
        ),
        pytest.param(
            "p90", "1s", (iterations(5, took=3 * S),), {"metric": "iteration_duration"}, False,
            "3 s (from 13s to 16s)", id="the duration of iterations",
        ),
        pytest.param(
            "error_rate", "20%", (every_second(10), FAILED), {}, False, "25% (from 12s to 15s)",
            id="failed requests come in one second",
        ),
        pytest.param(
            "error_rate", "20%", (every_second(10), FAILED), {"window": "10s"}, True,
            "9.09% (from 10s to 20s)", id="a wider window forgives them",
        ),
        pytest.param(
            "failure_rate", "50%", (iterations(3, at=11 * S), iterations(1, failed=True, at=18 * S)), {},
            False, "100% (from 16s to 19s)", id="failed iterations",
        ),
        pytest.param(
            "check_rate", "50%", HITS, {"check": "c"}, False, "0% (from 16s to 19s)",
            id="the worst of a lower bound is the least",
        ),
        pytest.param("min_rate", "50%", HITS, {"metric": "hit"}, False, "0% (from 16s to 19s)", id="a rate"),
        pytest.param(
            "max_rate", "50%", HITS, {"metric": "hit"}, False, "100% (from 10s to 13s)", id="its most"
        ),
        pytest.param(
            "rps", "5/s", (every_second(6),), {}, True, "6/s (from 10s to 13s)", id="requests per second"
        ),
        pytest.param(
            "rps", "5/s", (requests(90, at=11 * S),), {}, False, "0/s (from 12s to 15s)",
            id="windows without a request have a rate of 0",
        ),
    ],
)  # fmt: skip
def test_the_worst_window_is_told(
    key: str, limit: object, events: tuple[Tell, ...], options: dict[str, str], passed: bool, text: str
) -> None:
    result = judged(key, limit, *events, **options)
    assert (result.passed, result.measured_text, result.interval) == (passed, text, None)


def test_a_verdict_says_when_and_how_many() -> None:
    result = judged("p90", "1s", every_second(10), SLOW)
    assert (result.budget.label, result.at_ns, result.n) == ("p90 in every 3s", (12 * S, 15 * S), 40)


def test_dropped_iterations_have_no_end_in_their_windows() -> None:
    events = (every_second(10), dropped(10, at=14 * S), iterations(30, at=14 * S))
    for key, text in (("p75", "100 ms"), ("p76", "no end"), ("mean", "no end"), ("max", "no end")):
        result = judged(key, "1s", *events, open_model=True)
        assert result.measured_text.startswith(text)
        assert result.endless == ("25% of iterations were dropped" if text == "no end" else "")
    assert judged("p99", "1s", *events, open_model=True, request="a").passed


def test_open_requests_leave_undecided_only_the_windows_they_are_in() -> None:
    """5 of the last 35 would be 14 % that never end; of all 105 requests they would be 5 %."""
    events = (every_second(10), ends(5, Outcome.CENSORED, at=18 * S))
    assert judged("p85", "1s", *events).passed
    unsure = judged("p86", "1s", *events)
    assert not unsure.passed
    assert "5 requests were still open" in unsure.reason
    assert judged("p90", "1s", *events, window="10s").passed


@pytest.mark.parametrize(
    ("events", "of", "reason"),
    [
        pytest.param((), {}, "no request in the steady part of the run: nothing was measured", id="nothing"),
        pytest.param(
            (every_second(1),),
            {"request": "b"},
            "no request is named 'b'; there were: 'a'",
            id="no such name",
        ),
        pytest.param(
            (ends(3, Outcome.REFUSED),),
            {},
            "none of 3 requests got an answer",
            id="requests without an answer",
        ),
        pytest.param(
            (every_second(1),),
            {"window": "10.1s"},
            "the judged part holds one level for 10s at a time: no window of 10.1s fits into it",
            id="a window that is longer than what is judged",
        ),
    ],
)
def test_what_has_no_window_fails_and_says_why(
    events: tuple[Tell, ...], of: dict[str, str], reason: str
) -> None:
    result = judged("p95", "1s", *events, **of)
    assert (result.passed, result.n, result.reason) == (False, 0, reason)
    assert math.isnan(result.measured)


def test_a_rate_of_nothing_at_all_was_not_measured() -> None:
    result = judged("rps", "1/s", every_second(1), request="b")
    assert (result.passed, result.reason) == (False, "no request is named 'b'; there were: 'a'")


@pytest.mark.parametrize(
    ("spans", "slice_ns", "reason"),
    [
        (((10, 20),), S, ""),
        (((0, 5), (7, 17)), S, ""),
        (((5 * S, 15 * S),), 1, ""),
        (
            ((0, 9), (11, 20)),
            S,
            "the judged part holds one level for 9s at a time: no window of 10s fits into it",
        ),
        ((), S, "the judged part is empty: no window of 10s fits into it"),
    ],
)
def test_a_window_lies_in_one_hold(spans: tuple[tuple[int, int], ...], slice_ns: int, reason: str) -> None:
    assert misfit(Budget("p95", S, window_ns=10 * S), spans, slice_ns) == reason


def test_windows_do_not_reach_over_what_is_not_judged() -> None:
    """Two holds of 5 s; each has the slow second at its edge towards the other."""
    run = measured(every_second(10), requests(10, took=2 * S, at=14 * S), requests(10, took=2 * S, at=16 * S))
    holds = replace(run, steady=((10, 15), (16, 21)), latency_window=((10, 15), (16, 21)))
    (budget,) = parse_budgets({"mean": "1s", "window": "5s"})
    assert read(budget, holds).at == (10, 15)
    assert read(budget, holds).value == pytest.approx((50 * 100 + 10 * 2000) / 60 * MS)


def test_a_slice_that_the_run_did_not_finish_is_in_no_window() -> None:
    """It ended at 19.5 s: the last half second would be half a second's requests in a second."""
    run = measured(every_second(10), ends(10, Outcome.RESET, at=19 * S))
    cut = Measurement(run.metrics, ((10, 20),), 19 * S // 2, 39 * S // 2, whole=((0, 20),))
    (rate, errors) = parse_budgets({"rps": "10/s", "error_rate": "1%", "window": "2s"})
    assert (read(rate, cut).value, read(errors, cut).value) == (10, 0)


def test_without_a_steady_part_the_whole_run_has_windows() -> None:
    run = measured(every_second(10), SLOW)
    (budget,) = parse_budgets({"max": "1s", "window": "3s"})
    assert read(budget, replace(run, steady=None, latency_window=None)).at == (12, 15)


@pytest.mark.parametrize("key", ["p50", "p95", "p99_9", "mean", "max"])
def test_each_window_is_what_its_slices_are_together(key: str) -> None:
    """Random slices of three names, some empty, in two holds, against the plain sum of each window."""
    numbers = random.Random(7)
    metrics = Metrics(S)
    raw: list[list[int]] = [[] for _ in range(60)]
    for name in "abc":
        series = metrics.requests.setdefault(name, RequestSeries())
        for index in range(60):
            values = [
                numbers.randrange(1, 10 ** numbers.randint(6, 10)) for _ in range(numbers.choice((0, 1, 9)))
            ]
            series.service.add(np.full(len(values), index), np.array(values, dtype=np.int64))
            raw[index] += values
    holds = ((5, 30), (31, 55))
    (budget,) = parse_budgets({key: "1s", "window": "4s"})
    found = read(budget, Measurement(metrics, holds, 49 * S, 60 * S))
    begins = [begin for first, end in holds for begin in range(first, end - 3)]
    together = {begin: Histogram.of(chain.from_iterable(raw[begin : begin + 4])) for begin in begins}
    figures = {
        begin: values.mean
        if key == "mean"
        else values.max
        if key == "max"
        else values.quantile(budget.percentile or 0)
        for begin, values in together.items()
        if values.n
    }
    worst = max(figures, key=lambda begin: figures[begin])
    assert (found.value, found.at, found.n) == (figures[worst], (worst, worst + 4), together[worst].n)


def test_in_ten_slices_a_second_windows_are_as_long() -> None:
    recorder = Recorder(S // 10)
    recorder.start(0)
    for tenth in range(100):
        requests(1, took=(9 if 30 <= tenth < 45 else 1) * 100 * MS, at=tenth * S // 10)(recorder)
    recorder.flush()
    run = Measurement(recorder.metrics, ((10, 100),), 9 * S, 10 * S)
    (budget,) = parse_budgets({"p50": "1s", "window": "2.5s"})
    (verdict,) = judge([budget], run)
    assert verdict.measured_text == "900 ms (from 1.8s to 4.3s)"


def test_an_implicit_budget_stays_one_of_the_whole_run() -> None:
    run = measured(every_second(1))
    (verdict,) = judge([Budget("error_rate", 0, implicit=True)], run)
    assert (verdict.at_ns, verdict.budget.scope) == (None, Scope.ALL)
