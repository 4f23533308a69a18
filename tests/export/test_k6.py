"""The same in k6's words: names, tags, shares, and samples that stand for all."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.export import names
from pytest_loadtest.export.k6 import MOST_SAMPLES, Sample, Sampler, Share, k6_points, k6_tags
from pytest_loadtest.export.names import METRICS, Metric
from pytest_loadtest.export.points import Values
from tests.export.measured import COMMON, Load

TAGS = {"testid": "run-1", "environment": "TEST", "scenario": "test_a.py::test_a"}
# What k6's own documentation calls its metrics.
K6_METRICS = frozenset(
    {"http_reqs", "http_req_failed", "http_req_duration", "iterations", "iteration_duration", "checks"}
    | {"vus", "vus_max", "data_sent", "data_received", "dropped_iterations"}
)


def test_every_metric_of_k6_that_we_measure_has_its_name() -> None:
    assert {metric.k6 for metric in METRICS} - {"", "{metric}"} == K6_METRICS


@pytest.mark.parametrize(
    ("metric", "labels", "tags"),
    [
        pytest.param(names.VUS, (), {}, id="a load's own"),
        pytest.param(
            names.REQUESTS,
            ("GET /a", "200"),
            {"name": "GET /a", "status": "200", "method": "GET"},
            id="requests",
        ),
        pytest.param(names.DURATION, ("home page",), {"name": "home page"}, id="no method in the name"),
        pytest.param(names.CHECKS, ("is fine",), {"check": "is fine"}, id="a check, without its answer"),
        pytest.param(names.TRENDS, ("buying",), {}, id="a custom metric, whose name is no tag"),
    ],
)
def test_tags_are_called_as_in_k6(metric: Metric, labels: Values, tags: dict[str, str]) -> None:
    assert k6_tags(metric, labels, COMMON) == {**TAGS, **tags}


def test_an_empty_value_is_no_tag() -> None:
    assert k6_tags(names.VUS, (), ("run-1", "", "t")) == {"testid": "run-1", "scenario": "t"}


def test_shares_of_failures_checks_and_rates() -> None:
    load = Load()
    load.requests(n=3)
    load.points()
    load.requests(n=6)
    load.requests(n=2, outcome=Outcome.STATUS, status=500)
    load.requests(n=1, outcome=Outcome.RESET, status=0)
    load.requests("GET /fine", n=4)
    load.recorder.check("is fine", ok=True)
    load.recorder.check("is fine", ok=False)
    load.recorder.rate("bought", ok=False)
    shares = {
        (each.metric.k6, each.labels): (each.grown_yes, each.grown_total)
        for each in k6_points(load.points())
        if isinstance(each, Share)
    }
    assert shares == {
        ("http_req_failed", ("GET /",)): (3, 9),
        ("http_req_failed", ("GET /fine",)): (0, 4),
        ("checks", ("is fine",)): (1, 2),
        ("{metric}", ("bought",)): (0, 1),
    }


def values(samples: list[Sample], name: str) -> list[float]:
    return sorted(sample.value for sample in samples if sample.name == name)


def test_few_samples_are_all_written() -> None:
    load = Load()
    for ms in (10, 20, 30, 40):
        load.requests(ms=ms)
    load.requests(ms=50, outcome=Outcome.STATUS, status=500)
    load.recorder.count("items", 3)
    samples = Sampler().samples(load.batch())
    assert values(samples, "http_req_duration") == pytest.approx([10, 20, 30, 40, 50], rel=0.004)
    assert values(samples, "http_reqs") == [1, 4]
    assert values(samples, "http_req_failed") == [0, 0, 0, 0, 1]
    assert values(samples, "items") == [3]
    assert values(samples, "vus") == [5]
    kinds = {sample.name: sample.kind for sample in samples}
    assert kinds["http_req_duration"] == "trend"
    assert kinds["http_req_failed"] == "rate"
    assert kinds["http_reqs"] == "counter"
    assert kinds["vus"] == "gauge"


def test_many_samples_are_thinned_but_counts_are_not() -> None:
    load = Load()
    for ms in range(1, 1001):
        load.requests(ms=ms, n=5)
    samples = Sampler().samples(load.batch())
    durations = values(samples, "http_req_duration")
    failed = values(samples, "http_req_failed")
    assert len(durations) + len(failed) <= MOST_SAMPLES
    assert len(durations) > MOST_SAMPLES / 3
    assert durations[len(durations) // 2] == pytest.approx(500, rel=0.02)
    assert durations[len(durations) * 95 // 100] == pytest.approx(950, rel=0.02)
    assert values(samples, "http_reqs") == [5000]


def test_series_with_few_values_get_their_share_in_the_long_run() -> None:
    load, sampler, written = Load(), Sampler(), Counter[str]()
    for _ in range(40):
        load.requests("GET /often", n=2000)
        load.requests("GET /rare", n=10)
        for sample in sampler.samples(load.batch()):
            if sample.name == "http_req_duration":
                written[sample.tags["name"]] += 1
    assert written["GET /often"] / written["GET /rare"] == pytest.approx(200, rel=0.05)
