"""The endpoint, scraped and parsed with Prometheus' own parser."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.export import names
from pytest_loadtest.export.exporter import make_exporter
from pytest_loadtest.export.points import Level
from pytest_loadtest.export.prometheus_exporter import PrometheusExporter
from pytest_loadtest.export.spec import parse_spec
from tests.export.measured import BEGAN_NS, Load

COMMON = {"run": "run-1", "environment": "TEST", "test": "test_a.py::test_a"}
K6_COMMON = {"testid": "run-1", "environment": "TEST", "scenario": "test_a.py::test_a"}
REQUESTS_TOTAL = "loadtest_requests_total"

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]


@contextmanager
def serving(*, has_k6_names: bool = False) -> Iterator[PrometheusExporter]:
    exporter = PrometheusExporter("127.0.0.1", 0, has_k6_names=has_k6_names)
    exporter.begin()
    try:
        yield exporter
    finally:
        exporter.close()


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text: str = answer.read().decode()
    return text


def scrape(exporter: PrometheusExporter) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page(exporter.port))
        for sample in family.samples
    }


def labelled(name: str, common: dict[str, str] = COMMON, /, **labels: str) -> tuple[str, Labels]:
    return name, frozenset({**common, **labels}.items())


def measured() -> Load:
    load = Load()
    load.requests(ms=20, n=3)
    load.requests(ms=200, outcome=Outcome.STATUS, status=500)
    load.recorder.check('says "hi"\n', ok=True)
    return load


def test_a_scrape_shows_counters_gauges_and_histograms() -> None:
    with serving() as exporter:
        exporter.export(measured().batch(Level(names.PASSED, ("failed",), 0), last=True))
        samples = scrape(exporter)
    assert samples[labelled("loadtest_requests_total", request="GET /", status="200")] == 3
    assert samples[labelled("loadtest_requests_total", request="GET /", status="500")] == 1
    assert samples[labelled("loadtest_data_received_bytes_total", request="GET /")] == 4000
    assert samples[labelled("loadtest_checks_total", check='says "hi" ', passed="true")] == 1
    assert samples[labelled("loadtest_vus")] == 5
    assert samples[labelled("loadtest_passed", state="failed")] == 0
    duration = "loadtest_request_duration_seconds"
    assert samples[labelled(f"{duration}_count", request="GET /")] == 4
    assert samples[labelled(f"{duration}_sum", request="GET /")] == pytest.approx(0.26)
    buckets = {
        dict(labels)["le"]: value for (name, labels), value in samples.items() if name == f"{duration}_bucket"
    }
    assert (buckets["0.01"], buckets["0.025"], buckets["0.1"], buckets["0.25"], buckets["+Inf"]) == (
        *(0, 3, 3, 4, 4),
    )


def test_types_and_helps_are_told() -> None:
    with serving() as exporter:
        exporter.export(measured().batch())
        text = page(exporter.port)
    assert "# TYPE loadtest_requests_total counter" in text
    assert "# TYPE loadtest_vus gauge" in text
    assert "# TYPE loadtest_request_duration_seconds histogram" in text
    assert f"# HELP loadtest_vus {names.VUS.help}" in text


def test_loads_that_are_over_go_on_being_shown() -> None:
    with serving() as exporter:
        one, other = measured(), Load(common=("run-1", "TEST", "test_b.py::test_b"))
        other.requests()
        for batch in (one.batch(last=True), other.batch()):
            exporter.export(batch)
        samples = scrape(exporter)
    assert samples[labelled("loadtest_data_sent_bytes_total", request="GET /")] == 400
    assert (
        samples[labelled("loadtest_data_sent_bytes_total", test="test_b.py::test_b", request="GET /")] == 100
    )


def test_of_a_test_that_is_rerun_only_the_last_run_is_shown() -> None:
    first = Load()
    first.requests(n=3, outcome=Outcome.STATUS, status=500)
    second = Load()
    second.requests(n=2)
    with serving() as exporter:
        exporter.export(first.batch(Level(names.PASSED, ("failed",), 0), last=True))
        again = replace(second.batch(Level(names.PASSED, ("passed",), 1), last=True), began_ns=BEGAN_NS + 1)
        exporter.export(again)
        samples = scrape(exporter)
    assert {dict(labels)["state"] for name, labels in samples if name == "loadtest_passed"} == {"passed"}
    requests = {dict(labels)["status"]: n for (name, labels), n in samples.items() if name == REQUESTS_TOTAL}
    assert requests == {"200": 2}


def test_an_endpoint_without_loads_is_empty() -> None:
    with serving() as exporter:
        assert page(exporter.port) == ""


def test_k6_names() -> None:
    load = measured()
    load.recorder.trend("buying (cart)", 5_000_000)
    load.recorder.count("items", 7)
    with serving(has_k6_names=True) as exporter:
        first = load.batch()
        load.requests(ms=20, n=4)
        for batch in (first, load.batch()):
            exporter.export(batch)
        samples = scrape(exporter)
    request = {"name": "GET /", "method": "GET"}
    assert samples[labelled("k6_http_reqs_total", K6_COMMON, **request, status="200")] == 7
    assert samples[labelled("k6_http_req_failed_rate", K6_COMMON, **request)] == 1 / 8
    assert samples[labelled("k6_http_req_duration_p95", K6_COMMON, **request)] == pytest.approx(0.2, rel=0.01)
    assert samples[labelled("k6_http_req_duration_med", K6_COMMON, **request)] == pytest.approx(
        0.02, rel=0.01
    )
    assert samples[labelled("k6_http_req_duration_avg", K6_COMMON, **request)] == pytest.approx(0.0425)
    assert samples[labelled("k6_data_sent_total", K6_COMMON, **request)] == 800
    assert samples[labelled("k6_checks_rate", K6_COMMON, check='says "hi" ')] == 1
    assert samples[labelled("k6_vus", K6_COMMON)] == 5
    assert samples[labelled("k6_items_total", K6_COMMON)] == 7
    assert samples[labelled("k6_buying__cart__max", K6_COMMON)] == pytest.approx(0.005)


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        exporter = PrometheusExporter("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            exporter.begin()
        exporter.close()


def test_each_process_of_a_session_has_a_port_of_its_own() -> None:
    exporter = make_exporter(parse_spec("prometheus=127.0.0.1:9464"), port_offset=2)
    assert isinstance(exporter, PrometheusExporter)
    assert exporter.port == 9466
