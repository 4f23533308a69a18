"""Intervals of budgets: how often they cover the truth, and which limits they leave open."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pytest_loadtest.core.budget import Budget, Scope, Undecided, parse_budget
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.metrics import Metrics, RequestSeries, ShareSeries
from pytest_loadtest.core.statistics import Batches, equal_batches, share_interval
from pytest_loadtest.core.verdict import Measurement, Verdict, judge_one

S = 1_000_000_000
MS = 1_000_000


def measured(seconds: list[np.ndarray], failed: list[int] | None = None) -> Measurement:
    """A run of one-second slices with these latencies in ms and so many failures."""
    metrics = Metrics(S)
    series = metrics.requests.setdefault("GET /", RequestSeries())
    for index, latencies in enumerate(seconds):
        series.total.add(index, len(latencies))
        series.failed.add(index, failed[index] if failed else 0)
    values = np.asarray(np.concatenate(seconds) * MS, dtype=np.int64)
    series.service.add(np.repeat(np.arange(len(seconds)), [len(each) for each in seconds]), values)
    return Measurement(metrics, None, len(seconds) * S, len(seconds) * S)


def verdict(run: Measurement, key: str, limit: object, undecided: Undecided = Undecided.ESTIMATE) -> Verdict:
    found = judge_one(parse_budget(key, limit), run, undecided)
    assert found is not None
    return found


def noisy_runs(
    *, noise: float, tau_s: float, seconds: int, per_second: int, runs: int, seed: int
) -> Iterator[list[np.ndarray]]:
    """Lognormal latencies around 100 ms whose level wanders: an AR(1) of the seconds, correlated over tau."""
    rng = np.random.default_rng(seed)
    memory = math.exp(-1 / tau_s)
    for _ in range(runs):
        level = rng.normal(0, noise)
        levels = []
        for _ in range(seconds):
            levels.append(level)
            level = memory * level + rng.normal(0, noise * math.sqrt(1 - memory**2))
        yield [100 * np.exp(level + rng.normal(0, 0.5, per_second)) for level in levels]


def true_percentile(share_z: float, noise: float) -> float:
    """Of the same latencies over all time: level and spread are normal on the log scale, so is their sum."""
    return 100 * math.exp(share_z * math.hypot(0.5, noise))


Z_95 = 1.6448536


@pytest.mark.parametrize(("noise", "tau_s", "count"), [(0.1, 1.0, 250), (0.1, 5.0, 1000), (0.2, 1.0, 250)])
def test_intervals_cover_the_truth(noise: float, tau_s: float, count: int) -> None:
    """60 s at 100/s, fixed seeds. Taken as independent, the same requests would cover 19 to 63 %.

    Those of 0.1 and 5 s are the hardest: 0.907 of 1500 runs (standard error 0.008), hence so many.
    """
    truth = true_percentile(Z_95, noise) * MS
    runs = list(noisy_runs(noise=noise, tau_s=tau_s, seconds=60, per_second=100, runs=count, seed=11))
    covered = 0
    for run in runs:
        interval = verdict(measured(run), "p95", "1s").interval
        assert interval is not None
        covered += interval.low <= truth <= interval.high
    assert covered / len(runs) >= 0.9


@pytest.mark.parametrize(
    ("bad", "good", "stays_bad", "turns_bad"), [(0.05, 0.01, 0.5, 0.2), (0.04, 0.02, 0.8, 0.1)]
)
def test_intervals_of_error_rates_cover_the_truth(
    bad: float, good: float, stays_bad: float, turns_bad: float
) -> None:
    """Failures come in spells of seconds: 60 s at 100/s, fixed seed."""
    rng = np.random.default_rng(5)
    share_of_bad = turns_bad / (turns_bad + 1 - stays_bad)
    truth = share_of_bad * bad + (1 - share_of_bad) * good
    covered = 0
    for _ in range(400):
        is_bad, failures = rng.random() < share_of_bad, []
        for _ in range(60):
            is_bad = rng.random() < (stays_bad if is_bad else turns_bad)
            failures.append(rng.binomial(100, bad if is_bad else good))
        interval = share_interval(Batches(equal_batches(failures), equal_batches([100] * 60)))
        covered += interval.low <= truth <= interval.high
    assert covered / 400 >= 0.92


def steady(seconds: int = 60, per_second: int = 50) -> list[np.ndarray]:
    """The same hundred latencies again and again: 1 to 100 ms."""
    return [np.linspace(1, 100, per_second)] * seconds


def test_a_limit_far_away_is_decided() -> None:
    for limit, passed in (("200ms", True), ("50ms", False)):
        found = verdict(measured(steady()), "p95", limit)
        assert (found.passed, found.is_close) == (passed, False)
        assert found.interval is not None
        assert found.interval.low < found.measured < found.interval.high


def test_a_limit_inside_the_interval_is_too_close_to_call() -> None:
    run = measured(steady(seconds=20, per_second=30))
    found = verdict(run, "p95", "97ms")
    assert (found.passed, found.is_close) == (True, True)
    text = found.close_call(20 * S)
    assert "too close to call" in text
    assert found.interval_text in text
    assert "to decide it, judge about" in text


@pytest.mark.parametrize(("longer", "told"), [(1.0086, "6.1 s"), (1.5, "9 s"), (2.03, "13 s")])
def test_how_long_to_judge_is_never_less_than_it_takes(longer: float, told: str) -> None:
    found = verdict(measured(steady(seconds=20, per_second=30)), "p95", "97ms")
    assert found.interval is not None
    found = replace(found, interval=replace(found.interval, longer=longer))
    assert found.close_call(6 * S).endswith(f"judge about {told}")


@pytest.mark.parametrize(
    ("limit", "undecided", "passed"),
    [
        ("97ms", Undecided.ESTIMATE, True),
        ("97ms", Undecided.PASS, True),
        ("97ms", Undecided.FAIL, False),
        ("94.5ms", Undecided.ESTIMATE, False),
        ("94.5ms", Undecided.PASS, True),
        ("94.5ms", Undecided.FAIL, False),
        ("200ms", Undecided.FAIL, True),
        ("50ms", Undecided.PASS, False),
    ],
)
def test_what_becomes_of_a_close_call(limit: str, undecided: Undecided, passed: bool) -> None:
    found = verdict(measured(steady(seconds=20, per_second=30)), "p95", limit, undecided)
    assert found.passed is passed


def test_too_few_requests_cannot_confirm_a_high_percentile() -> None:
    """A p99 of 50 requests is their largest; nothing says that the next is not larger."""
    found = verdict(measured(steady(seconds=5, per_second=10)), "p99", "1s")
    assert found.interval is not None
    assert (found.passed, found.is_close, found.interval.high) == (True, True, math.inf)
    assert found.interval_text.endswith("- ?")
    assert "to confirm p99 takes 368" in found.close_call(5 * S)


def test_many_requests_that_tell_as_much_as_few_cannot_confirm_it_either() -> None:
    """One slow second of twenty: 10,000 requests say as much of a p95 as a handful of independent ones."""
    found = verdict(measured([np.full(500, 10.0)] * 19 + [np.full(500, 90.0)]), "p90", "50ms")
    assert found.interval is not None
    assert found.interval.effective < found.interval.needed
    assert (found.passed, found.is_close, found.interval_text) == (True, True, "10 ms - ?")


@pytest.mark.parametrize(
    ("seconds", "is_open"), [(4, True), (36, True), (50, False)], ids=["4 s", "36 s", "50 s are enough"]
)
def test_without_a_slow_request_it_only_takes_enough_of_them(seconds: int, is_open: bool) -> None:
    """10 requests a second; a p99 takes what 368 independent ones tell."""
    interval = verdict(measured([np.full(10, 1.0)] * seconds), "p99", "1s").interval
    assert interval is not None
    assert interval.is_open is is_open
    assert interval.longer == max(1, 368 / interval.effective)


def test_an_open_limit_lies_in_the_interval_that_is_shown() -> None:
    """Whether it is open is asked of the requests above it; the interval is that of the estimate."""
    rng = np.random.default_rng(8)
    for _ in range(40):
        levels = np.repeat(rng.normal(100, 15, 10), 2)
        run = measured([level * rng.lognormal(0, 0.3, 20) for level in levels])
        for limit in ("120ms", "160ms", "180ms", "200ms"):
            interval = verdict(run, "p95", limit).interval
            assert interval is not None
            limit_ns = parse_budget("p95", limit).limit
            assert not interval.is_open or interval.low <= limit_ns <= interval.high


def test_a_limit_that_nothing_comes_near_is_decided_though_the_figure_wanders() -> None:
    """Ten quick seconds, then ten slow ones: the p95 is badly known, but far below 10 s without doubt."""
    found = verdict(measured([np.full(100, 1.0)] * 10 + [np.full(100, 50.0)] * 10), "p95", "10s")
    assert (found.passed, found.is_close) == (True, False)


def test_dropped_iterations_are_slower_than_any() -> None:
    run = measured(steady())
    run.metrics.iterations.dropped.add(30, 600)  # of 3600: more than 5 %
    run.metrics.requests["GET /"].response.merge(run.metrics.requests["GET /"].service)
    opened = Measurement(run.metrics, None, 60 * S, 60 * S, open_model=True)
    found = verdict(opened, "p95", "1s")
    assert found.interval is not None
    assert (found.passed, found.interval.high) == (False, math.inf)


def test_zero_tolerance_has_no_interval() -> None:
    """That nothing failed is a fact of this run; a share of 0 would have an interval around it."""
    run = measured(steady())
    assert verdict(run, "error_rate", 0).interval is None
    failing = measured(steady(), [1] * 60)
    found = verdict(failing, "error_rate", "5%")
    assert found.interval is not None
    assert found.interval.low < 0.02 < found.interval.high < 0.05


def test_lower_bounds_are_left_open_from_below() -> None:
    budget = Budget("check_rate", 0.95, Scope.CHECK, "listed")
    metrics = Metrics(S)
    checks = metrics.checks.setdefault("listed", ShareSeries())
    for index in range(30):
        checks.yes.add(index, 96)
        checks.no.add(index, 4)
    found = judge_one(budget, Measurement(metrics, None, 30 * S, 30 * S))
    assert found is not None
    assert found.interval is not None
    assert (found.passed, found.is_close) == (True, False)
    close = judge_one(Budget("check_rate", 0.955, Scope.CHECK, "listed"), Measurement(metrics, None, S, S))
    assert close is not None
    assert (close.passed, close.is_close) == (True, True)


def test_a_mean_has_no_interval() -> None:
    assert verdict(measured(steady()), "mean", "1s").interval is None


def test_only_the_judged_part_counts() -> None:
    """A slow start that is not judged does not widen the interval."""
    run = measured([np.full(50, 5000.0)] * 10 + steady())
    steady_part = Measurement(run.metrics, ((10, 70),), 60 * S, 70 * S)
    found = verdict(steady_part, "p95", "1s")
    assert found.interval is not None
    assert found.interval.high < 120 * MS


def test_values_above_a_limit_are_counted_by_their_buckets() -> None:
    histogram = Histogram.of([1 * MS, 2 * MS, 3 * MS, 10 * S])
    assert [histogram.above(value) for value in (0, 2 * MS, 10 * S, math.inf)] == [4, 2, 0, 0]
    assert Histogram().above(1) == 0
