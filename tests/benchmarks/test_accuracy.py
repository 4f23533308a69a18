"""Which loads are measured beside the truth, what is required of them, and how the tables read."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from benchmarks import accuracy
from benchmarks.accuracy import (
    CROWD,
    FULL,
    MEAN_S,
    MOST_RATE,
    SHARES,
    Level,
    Run,
    figure_of,
    levels,
    measure,
    parse_arguments,
    rate_for,
    run_at,
)
from benchmarks.accuracy_text import as_tables, difference
from benchmarks.latency_target import Truth
from pytest_loadtest.engine.timerfd import is_supported
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow, GeneratorRow, Latency

# 20 % of the core at 1000/s, 80 % at 5000/s: requests are cheaper in numbers.
POINTS = [(0.0, 0.0), (1000.0, 0.2), (5000.0, 0.8)]
P99 = BudgetRow("p99", "<= 84 ms", "81 ms", "", passed=True, is_close=False, implicit=False, reason="")
INVALID = replace(P99, passed=False, invalid=True)
MS = 1_000_000


def run(
    share: float, cpu: float | None, budget: BudgetRow = P99, true_p99_ms: float = 80, waited: float = 0.001
) -> Run:
    """An open load unless it is to fill the core."""
    is_open = share < FULL
    latency = Latency(1000, 24 * MS, 20.5 * MS, 54 * MS, 81 * MS, 180 * MS)
    result = LoadResult(
        test="test_known_latency",
        state="passed",
        reason="",
        load="",
        open_model=is_open,
        vus=100,
        ran_ns=10**9,
        steady_ns=10**9,
        overrides=(),
        iterations=1000,
        failed_iterations=0,
        interrupted=0,
        dropped=0,
        latency=latency,
        trends={"service": replace(latency, p50=20.25 * MS, p99=80.4 * MS)},
        budgets=(budget,),
        generator=GeneratorRow(state="ok", cpu=cpu, run_queue=waited),
    )
    truth = Truth(answers=1000, p50_ns=20 * MS, p99_ns=round(true_p99_ms * MS), cpu=0.3)
    return Run(Level(share, 100, 1000 if is_open else None), result, truth)


@pytest.mark.parametrize(
    ("share", "rate"),
    [
        pytest.param(0.1, 500, id="between the first two points"),
        pytest.param(0.5, 3000, id="between the last two"),
        pytest.param(1.0, 5000 + 4000 / 3, id="beyond the last, on its line"),
    ],
)
def test_the_rate_for_a_share_of_the_core_lies_on_the_measured_lines(share: float, rate: float) -> None:
    assert rate_for(share, POINTS) == pytest.approx(rate)


def test_the_loads_are_open_at_each_share_and_a_crowd_without_a_rate() -> None:
    *open_model, full = levels(POINTS)
    assert [(level.share, level.rate) for level in open_model] == [(0.2, 1000), (0.5, 3000), (0.8, 5000)]
    assert all(level.vus >= 3 * (level.rate or 0) * MEAN_S for level in open_model)
    assert (full.share, full.rate) == (FULL, None)
    assert full.vus == round((5000 + 4000 / 3) * MEAN_S * CROWD)


@pytest.mark.parametrize(
    ("points", "most"),
    [
        pytest.param([(0, 0), (4000, 0.50), (8000, 0.51)], 8000 + 2 * 0.49 * 8000 / 0.51, id="flat by noise"),
        pytest.param([(0, 0), (4000, 0.01)], MOST_RATE, id="cheap beyond belief"),
    ],
)
def test_no_noise_makes_a_load_without_bounds(points: list[tuple[float, float]], most: float) -> None:
    assert rate_for(1, points) <= most


@pytest.mark.parametrize(
    ("cpus", "rates"),
    [
        pytest.param([0.52], [1000], id="close to what was asked"),
        pytest.param([0.40, 0.49], [1000, 1250], id="too little: again at a higher rate"),
        pytest.param([0.40, 0.30], [1000, 1250], id="once"),
        pytest.param([None], [1000], id="nobody knows"),
    ],
)
def test_a_load_that_was_not_as_asked_is_run_again(
    monkeypatch: pytest.MonkeyPatch, cpus: list[float | None], rates: list[int]
) -> None:
    asked: list[int | None] = []

    def measured(level: Level, _seconds: int) -> Run:
        asked.append(level.rate)
        return run(level.share, cpus[len(asked) - 1])

    monkeypatch.setattr(accuracy, "measure", measured)
    run_at(Level(0.5, 100, 1000), 5)
    assert asked == rates


@pytest.mark.parametrize(
    ("measured", "holds"),
    [
        pytest.param(run(0.2, 0.21), True, id="a generator with room says that the limit was kept"),
        pytest.param(run(0.2, 0.21, INVALID), False, id="and does not shrug"),
        pytest.param(run(0.8, 0.82), True, id="a busy one may say so"),
        pytest.param(run(0.8, 0.82, INVALID), True, id="or may not know"),
        pytest.param(run(0.8, 0.82, replace(P99, passed=False)), False, id="but must not deny it"),
        pytest.param(run(FULL, 0.98, INVALID), True, id="a full one does not know"),
        pytest.param(run(FULL, 0.98), False, id="and must not pretend"),
        pytest.param(run(FULL, 0.98, replace(P99, passed=False)), False, id="nor blame the target"),
        pytest.param(run(FULL, 0.9, INVALID), None, id="a core that was not full says nothing of a full one"),
        pytest.param(run(0.5, 0.35), None, id="nor does another load than was asked"),
        pytest.param(run(0.5, None), None, id="nor one of unknown CPU"),
        pytest.param(run(0.5, 0.5, INVALID, waited=0.1), None, id="nor one that others disturbed"),
        pytest.param(run(0.5, 0.5, waited=0.1), True, id="unless it holds all the same"),
        pytest.param(run(0.5, 0.5, true_p99_ms=85), None, id="a limit that the truth breaks tells nothing"),
    ],
)
def test_what_is_required_at_each_share(measured: Run, holds: bool | None) -> None:
    assert figure_of(measured).holds is holds


def test_the_tables_show_both_percentiles_beside_the_truth() -> None:
    (_, _, latencies), (_, _, generators) = as_tables([run(SHARES[0], 0.21), run(FULL, 0.98, INVALID)])
    assert [row[0] for row in latencies] == ["20%", "20%", "97% or more", "97% or more"]
    assert latencies[0][2:] == (
        "p50",
        "20.00 ms",
        "20.25 ms",
        "+0.25 ms (+1.2%)",
        "20.50 ms",
        "+0.50 ms (+2.5%)",
    )
    assert latencies[3][2:] == ("p99", "80.00 ms", "80.40 ms", "+0.40 ms (+0.5%)", "", "")
    assert [row[-1] for row in generators] == ["passed (81 ms <= 84 ms)", "invalid (81 ms <= 84 ms)"]


@pytest.mark.skipif(
    not is_supported() or shutil.which("taskset") is None or not {0, 1} <= os.sched_getaffinity(0),
    reason="needs Linux's timers, taskset and two cores",
)
@pytest.mark.parametrize("rate", [100, None], ids=["open", "closed"])
def test_a_load_and_the_truth_are_of_the_same_requests(rate: int | None) -> None:
    measured = measure(Level(0.2, 20, rate), seconds=1)
    assert measured.truth.answers == measured.result.count >= 100
    assert measured.result.trends["service"].n == measured.result.count
    assert measured.result.open_model is (rate is not None)
    assert measured.result.trends["service"].p50 > measured.truth.p50_ns > 10 * MS
    assert measured.budget.limit == "<= 84 ms"


def test_a_difference_has_a_sign() -> None:
    assert difference(19 * MS, 20 * MS) == "-1.00 ms (-5.0%)"


def test_a_load_too_short_to_tell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--seconds", "2"])
    assert "2 is less than 5" in capsys.readouterr().err
