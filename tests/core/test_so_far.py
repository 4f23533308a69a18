"""Budgets while a load runs: what is said of them, and of which part of the run it is."""

from __future__ import annotations

import math

import pytest

from pytest_loadtest.core.budget import Budget, Scope, parse_budget, parse_budgets
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.so_far import BudgetSoFar, SoFar, Spans, Standing

S = 1_000_000_000
MS = 1_000_000


@pytest.mark.parametrize(
    ("key", "limit", "value", "standing"),
    [
        pytest.param("p95", "5s", 5 * S, Standing.KEPT, id="the limit itself is kept"),
        pytest.param("p95", "5s", 6 * S, Standing.BROKEN, id="above an upper bound"),
        pytest.param("rps", "5/s", 4, Standing.BROKEN, id="below a lower bound"),
        pytest.param("p95", "5s", math.nan, Standing.OPEN, id="nothing measured yet"),
        pytest.param("iterations", 9, 4, Standing.OPEN, id="a count that may still be reached"),
        pytest.param("iterations", 9, 9, Standing.KEPT, id="a count that was reached"),
        pytest.param("dropped", 3, 4, Standing.BROKEN, id="a count that never gets smaller"),
        pytest.param("p95", "5s", math.inf, Standing.BROKEN, id="without an end"),
    ],
)
def test_how_a_budget_stands(key: str, limit: object, value: float, standing: Standing) -> None:
    assert BudgetSoFar.of(parse_budget(key, limit), value).standing == standing


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(S, ("p95", "1 s", "<= 5 s"), id="kept"),
        pytest.param(6 * S, ("p95", "6 s", "> 5 s"), id="broken"),
        pytest.param(math.nan, ("p95", "", "<= 5 s"), id="not measured"),
    ],
)
def test_a_budget_in_words(value: float, words: tuple[str, str, str]) -> None:
    so_far = BudgetSoFar.of(parse_budget("p95", "5s"), value)
    assert (so_far.label, so_far.measured, so_far.limit) == words


def test_what_is_still_open_may_keep_a_rate() -> None:
    rate = parse_budget("rps", "5/s")
    assert BudgetSoFar.of(rate, 4, allowance=1).standing == Standing.KEPT


class Load:
    """A load with answers of some latency, looked at each second."""

    def __init__(self, *budgets: Budget, spans: Spans) -> None:
        self._recorder = Recorder(S)
        self._so_far = SoFar(budgets)
        self._spans = spans
        self._seconds = 0

    def second(self, *latencies_ms: int, name: str = "GET /") -> list[BudgetSoFar]:
        """Another second with these answers, and how the budgets stand after it."""
        at = self._seconds * S
        for latency_ms in latencies_ms:
            self._recorder.response(name, Outcome.OK, 200, at, at, at, at + latency_ms * MS, 1, 1, 0)
        self._recorder.flush()
        self._seconds += 1
        begins, _ = self._spans[0]
        window = ((begins // S, max(self._seconds, begins // S)),)
        whole = ((0, self._seconds),)
        steady_ns = max(0, self._seconds * S - begins)
        run = Measurement(self._recorder.metrics, window, steady_ns, self._seconds * S, whole=whole)
        elapsed_ns = self._seconds * S
        return [self._so_far.read(each, run, elapsed_ns, self._spans) for each in self._so_far.budgets]

    def measured(self, *latencies_ms: int) -> list[str]:
        """The figures after another second."""
        return [each.measured for each in self.second(*latencies_ms)]


MAX, MEDIAN = parse_budgets({"max": "1s", "p50": "1s"})


def test_latencies_of_the_ramp_do_not_count() -> None:
    load = Load(MAX, MEDIAN, spans=((2 * S, 9 * S),))
    assert load.measured(800) == ["", ""]
    assert load.measured(800, 800) == ["", ""]
    assert [text for text in load.measured(10) if not text.startswith(("9", "10"))] == []
    latest = load.measured(50, 60)
    assert latest[0].startswith(("59", "60"))
    assert latest[1].startswith(("49", "50"))


def test_without_a_ramp_all_of_it_counts_from_the_first_second_on() -> None:
    load = Load(MAX, spans=((0, 9 * S),))
    assert load.measured(500) == ["500 ms"]
    assert load.measured(10) == ["500 ms"]


def test_behind_the_judged_part_the_figures_stay() -> None:
    load = Load(MAX, spans=((0, 2 * S),))
    load.second(100)
    held = load.measured(100)
    assert load.measured(900) == held
    assert load.measured(900) == held


def test_several_holds_count_together_without_what_is_between() -> None:
    load = Load(MAX, MEDIAN, spans=((0, S), (2 * S, 9 * S)))
    load.second(100, 100, 100)  # and with this look the first hold is over
    load.second(900)
    largest, median = load.measured(10)
    assert largest == "100 ms"
    assert median in ("99.9 ms", "100 ms")  # to a bucket


def test_a_budget_on_a_request_is_of_that_alone() -> None:
    one = parse_budget("max", "1s", Scope.REQUEST, "GET /a")
    load = Load(one, spans=((0, 9 * S),))
    load.second(700, name="GET /b")
    (so_far,) = load.second(20, name="GET /a")
    assert so_far.measured == "20 ms"


def test_a_budget_with_a_window_is_of_the_latest() -> None:
    (windowed,) = parse_budgets({"max": "500ms", "window": "1s"})
    load = Load(windowed, spans=((0, 9 * S),))
    (first,) = load.second(900)
    (second,) = load.second(20)
    assert (first.standing, second.standing) == (Standing.BROKEN, Standing.KEPT)


def test_shares_and_rates_are_read_as_the_verdict_reads_them() -> None:
    errors, rate = parse_budgets({"error_rate": "1%", "rps": "1/s"})
    load = Load(errors, rate, spans=((0, 9 * S),))
    assert load.measured(10, 10, 10) == ["0%", "3/s"]
