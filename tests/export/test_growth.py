"""From metrics to points: totals, what is new, labels."""

from __future__ import annotations

import pytest

from pytest_loadtest.core.generator import GeneratorSecond
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import MOST_NAMES, OTHER_NAMES
from pytest_loadtest.core.redaction import MASK
from pytest_loadtest.core.units import NS_PER_MS, NS_PER_S
from pytest_loadtest.export import names
from pytest_loadtest.export.growth import LONGEST_LABEL, Labels
from pytest_loadtest.export.names import Metric
from pytest_loadtest.export.points import Count, Distribution, Level, Point, Values
from tests.export.measured import Load


def counts(points: list[Point], metric: Metric) -> dict[Values, tuple[int, int]]:
    return {
        point.labels: (point.total, point.grown)
        for point in points
        if isinstance(point, Count) and point.metric is metric
    }


def distributions(points: list[Point], metric: Metric) -> dict[Values, tuple[int, int]]:
    return {
        point.labels: (point.whole.n, point.grown.n)
        for point in points
        if isinstance(point, Distribution) and point.metric is metric
    }


def levels(points: list[Point]) -> dict[str, float]:
    return {point.metric.name: point.value for point in points if isinstance(point, Level)}


def test_requests_are_counted_by_status_and_failures_by_kind() -> None:
    load = Load()
    load.requests(n=3)
    load.requests(n=2, outcome=Outcome.STATUS, status=500)
    load.requests(n=1, outcome=Outcome.REFUSED, status=0)
    points = load.points()
    assert counts(points, names.REQUESTS) == {
        ("GET /", "200"): (3, 3),
        ("GET /", "500"): (2, 2),
        ("GET /", "0"): (1, 1),
    }
    assert counts(points, names.FAILED) == {
        ("GET /", "unexpected status"): (2, 2),
        ("GET /", "connection refused"): (1, 1),
    }
    assert counts(points, names.SENT) == {("GET /",): (600, 600)}
    assert counts(points, names.RECEIVED) == {("GET /",): (6000, 6000)}
    assert distributions(points, names.DURATION) == {("GET /",): (5, 5)}, "a refused one has no latency"


def test_a_later_look_sees_what_is_new() -> None:
    load = Load()
    load.requests(n=3)
    load.requests("GET /quiet")
    load.points()
    load.requests(n=2)
    points = load.points()
    assert counts(points, names.REQUESTS) == {("GET /", "200"): (5, 2)}
    assert distributions(points, names.DURATION) == {("GET /",): (5, 2)}


def test_a_look_that_sees_nothing_new_has_levels_only() -> None:
    load = Load()
    load.requests()
    load.points()
    assert {type(point) for point in load.points()} == {Level}


def test_levels() -> None:
    load = Load(open_model=True)
    second = GeneratorSecond(0, wall_ns=NS_PER_S, cpu_ns=NS_PER_S // 4, waited_ns=NS_PER_S // 10)
    load.recorder.metrics.generator.seconds.append(second)
    assert levels(load.points(vus=3, queued=2)) == {
        "loadtest.vus": 3,
        "loadtest.vus.max": 8,
        "loadtest.queued": 2,
        "loadtest.generator.cpu": 0.25,
        "loadtest.generator.waiting": 0.1,
    }


def test_without_arrivals_there_is_no_queue_and_no_response_time() -> None:
    load = Load()
    load.requests()
    points = load.points()
    assert "loadtest.queued" not in levels(points)
    assert not distributions(points, names.RESPONSE)


def test_with_arrivals_the_response_time_counts_from_the_intended_start() -> None:
    load = Load(open_model=True)
    load.requests(ms=10, delay_ms=90)
    (response,) = (point for point in load.points() if point.metric is names.RESPONSE)
    assert isinstance(response, Distribution)
    assert response.whole.sum == 100 * NS_PER_MS


def test_iterations_checks_and_metrics_of_the_test() -> None:
    load = Load()
    recorder = load.recorder
    recorder.iteration(0, NS_PER_MS, failed=False, delay_ns=0)
    recorder.iteration(0, NS_PER_MS, failed=True, delay_ns=0)
    recorder.dropped(0, 3)
    recorder.interrupted()
    recorder.check("is fine", ok=True)
    recorder.check("is fine", ok=False)
    recorder.rate("bought", ok=True)
    recorder.count("items", 7)
    recorder.trend("buying", NS_PER_MS)
    points = load.points()
    assert counts(points, names.ITERATIONS) == {(): (2, 2)}
    assert counts(points, names.FAILED_ITERATIONS) == {(): (1, 1)}
    assert counts(points, names.DROPPED) == {(): (3, 3)}
    assert counts(points, names.INTERRUPTED) == {(): (1, 1)}
    assert distributions(points, names.ITERATION_DURATION) == {(): (2, 2)}
    assert counts(points, names.CHECKS) == {("is fine", "true"): (1, 1), ("is fine", "false"): (1, 1)}
    assert counts(points, names.RATES) == {("bought", "true"): (1, 1)}
    assert counts(points, names.COUNTS) == {("items",): (7, 7)}
    assert distributions(points, names.TRENDS) == {("buying",): (1, 1)}


def test_labels_are_those_of_the_metric() -> None:
    load = Load(open_model=True)
    load.requests(outcome=Outcome.STATUS, status=500)
    load.recorder.check("is fine", ok=True)
    for point in load.points():
        assert len(point.labels) == len(point.metric.labels)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        pytest.param("GET /a", "GET /a", id="what is plain stays"),
        pytest.param("GET /?token=abc123", f"GET /?token={MASK}", id="secrets do not"),
        pytest.param("a\nb\x1b[0m", "a b\ufffd[0m", id="nor what moves a terminal's cursor"),
        pytest.param("x" * 1000, "x" * LONGEST_LABEL, id="nor what is too long"),
    ],
)
def test_a_name_is_a_label(name: str, label: str) -> None:
    assert Labels().of(names.REQUESTS, name) == label


def test_names_that_look_alike_without_their_secrets_are_different_series() -> None:
    load = Load()
    load.requests("GET /?token=abc123", n=1)
    load.requests("GET /?token=def456", n=2)
    points = load.points()
    assert counts(points, names.SENT) == {
        (f"GET /?token={MASK}",): (100, 100),
        (f"GET /?token={MASK} (2)",): (200, 200),
    }
    load.requests("GET /?token=def456", n=1)
    assert counts(load.points(), names.SENT) == {(f"GET /?token={MASK} (2)",): (300, 100)}


def test_the_number_of_series_is_bounded() -> None:
    load = Load()
    for n in range(MOST_NAMES + 20):
        load.requests(f"GET /{n}")
    found = counts(load.points(), names.SENT)
    assert len(found) == MOST_NAMES + 1
    assert found[OTHER_NAMES,] == (2000, 2000)


def test_names_may_come_while_a_look_is_taken() -> None:
    load = Load()
    load.requests("GET /a")
    load.recorder.flush()
    points = load._growth.points(load.recorder.metrics, vus=1, vus_max=1, queued=0)
    seen = [next(points) for _ in range(3)]
    load.requests("GET /b")
    load.recorder.flush()
    seen += points
    assert counts(seen, names.SENT) == {("GET /a",): (100, 100)}
    assert counts(load.points(), names.SENT) == {("GET /b",): (100, 100)}
