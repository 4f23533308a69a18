"""OTLP to a receiver that decodes it with OpenTelemetry's own protobuf classes."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as services
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export import names
from pytest_loadtest.export.exporter import ExportError, make_exporter
from pytest_loadtest.export.names import BOUNDS_S
from pytest_loadtest.export.points import Batch, Level
from pytest_loadtest.export.spec import parse_spec
from tests.export.measured import BEGAN_NS, Load
from tests.export.receivers import PATIENCE_S, Posted, Receiver

PASSED = Level(names.PASSED, ("passed",), 1)
COMMON = {"run": "run-1", "environment": "TEST", "test": "test_a.py::test_a"}
DELTA, CUMULATIVE = 1, 2  # in the protocol


def export(spec: str, *batches: Batch) -> None:
    exporter = make_exporter(parse_spec(spec))
    try:
        exporter.begin()
        for batch in batches:
            exporter.export(batch)
    finally:
        exporter.close()


def decoded(posted: Posted) -> ExportMetricsServiceRequest:
    return ExportMetricsServiceRequest.FromString(posted.body)


def metrics_of(request: ExportMetricsServiceRequest) -> dict[str, Any]:
    ((scope,),) = [resource.scope_metrics for resource in request.resource_metrics]
    return {metric.name: metric for metric in scope.metrics}


def attributes(point: Any) -> dict[str, str]:
    return {attribute.key: attribute.value.string_value for attribute in point.attributes}


def resource(request: ExportMetricsServiceRequest) -> dict[str, str]:
    return attributes(request.resource_metrics[0].resource)


def measured() -> Load:
    load = Load()
    load.requests(ms=20, n=3)
    load.requests(ms=200, outcome=Outcome.STATUS, status=500)
    return load


def test_counters_gauges_and_histograms_arrive(receiver: Receiver) -> None:
    load = measured()
    export(f"otlp={receiver.url}", load.batch(PASSED))
    (posted,) = receiver.posted
    assert posted.path == "/v1/metrics"
    assert posted.headers["content-type"] == "application/x-protobuf"
    metrics = metrics_of(decoded(posted))

    requests = metrics["loadtest.requests"]
    assert requests.sum.is_monotonic
    assert requests.sum.aggregation_temporality == CUMULATIVE
    points = {attributes(point)["status"]: point for point in requests.sum.data_points}
    assert {status: point.as_int for status, point in points.items()} == {"200": 3, "500": 1}
    assert attributes(points["200"]) == {**COMMON, "request": "GET /", "status": "200"}
    assert points["200"].start_time_unix_nano == BEGAN_NS
    assert points["200"].time_unix_nano == BEGAN_NS + NS_PER_S

    duration = metrics["loadtest.request.duration"]
    assert duration.unit == "s"
    (point,) = duration.histogram.data_points
    assert (point.count, point.sum) == (4, pytest.approx(0.26))
    assert (point.min, point.max) == (pytest.approx(0.02), pytest.approx(0.2))
    assert tuple(point.explicit_bounds) == BOUNDS_S
    counts = dict(zip((*BOUNDS_S, None), point.bucket_counts, strict=True))
    assert {bound: n for bound, n in counts.items() if n} == {0.025: 3, 0.25: 1}

    (vus,) = metrics["loadtest.vus"].gauge.data_points
    assert vus.as_int == 5
    (passed,) = metrics["loadtest.passed"].gauge.data_points
    assert (passed.as_int, attributes(passed)["state"]) == (1, "passed")


def test_cumulative_exports_repeat_what_has_not_changed(receiver: Receiver) -> None:
    load = measured()
    first = load.batch()
    load.requests("GET /other")
    export(f"otlp={receiver.url}", first, load.batch())
    requests = metrics_of(decoded(receiver.posted[1]))["loadtest.requests"]
    assert sorted(point.as_int for point in requests.sum.data_points) == [1, 1, 3]
    assert {point.start_time_unix_nano for point in requests.sum.data_points} == {BEGAN_NS}


def test_deltas_where_the_environment_prefers_them(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    load = measured()
    first = load.batch()
    load.requests(ms=20, n=2)
    export(f"otlp={receiver.url}", first, load.batch())
    metrics = metrics_of(decoded(receiver.posted[1]))
    (point,) = metrics["loadtest.requests"].sum.data_points
    assert metrics["loadtest.requests"].sum.aggregation_temporality == DELTA
    assert point.as_int == 2
    assert point.start_time_unix_nano == BEGAN_NS + NS_PER_S
    (durations,) = metrics["loadtest.request.duration"].histogram.data_points
    assert (durations.count, durations.sum) == (2, pytest.approx(0.04))


def test_a_load_that_is_over_is_not_repeated(receiver: Receiver) -> None:
    one, other = measured(), Load(common=("run-1", "TEST", "test_b.py::test_b"))
    other.requests()
    export(f"otlp={receiver.url}", one.batch(last=True), other.batch())
    points = metrics_of(decoded(receiver.posted[1]))["loadtest.requests"].sum.data_points
    assert {attributes(point)["test"] for point in points} == {"test_b.py::test_b"}


def test_everything_is_as_the_environment_says(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{receiver.url}/api/v1/otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-scope=me")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-service")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=staging")
    export("otlp", measured().batch())
    (posted,) = receiver.posted
    assert posted.path == "/api/v1/otlp/v1/metrics"
    assert posted.headers["x-scope"] == "me"
    found = resource(decoded(posted))
    assert found["service.name"] == "our-service"
    assert found["deployment.environment"] == "staging"


@pytest.mark.parametrize(
    ("path", "posted_to"),
    [
        ("", "/v1/metrics"),
        ("/", "/v1/metrics"),
        ("/api/v1/otlp", "/api/v1/otlp/v1/metrics"),
        ("/v1/metrics", "/v1/metrics"),
        ("/otlp?tenant=a", "/otlp/v1/metrics?tenant=a"),
    ],
)
def test_a_url_is_a_base_or_the_whole_address(receiver: Receiver, path: str, posted_to: str) -> None:
    export(f"otlp={receiver.url}{path}", measured().batch())
    assert [posted.path for posted in receiver.posted] == [posted_to]
    assert resource(decoded(receiver.posted[0]))["service.name"] == "pytest-loadtest"


def test_user_and_password_of_the_url_are_sent(receiver: Receiver) -> None:
    export(f"otlp=http://me:s%40cret-1@{receiver.address}", measured().batch())
    credentials = base64.b64encode(b"me:s@cret-1").decode()
    assert receiver.posted[0].headers["authorization"] == f"Basic {credentials}"


def test_a_receiver_that_refuses_is_an_error_with_its_reason(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 400
    with pytest.raises(ExportError, match="code: 400"):
        export(f"otlp={receiver.url}", measured().batch())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_receiver_that_hangs_takes_no_longer_than_the_time_out(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    receiver.hangs = True
    began = monotonic()
    with pytest.raises(ExportError):
        export(f"otlp={receiver.url}", measured().batch())
    assert monotonic() - began < PATIENCE_S / 2


@pytest.mark.parametrize(
    ("spec", "variable", "value", "message"),
    [
        ("otlp", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "'http/json' is not one of http/protobuf, grpc"),
        ("otlp,protocol=grpc", "OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "--load-export otlp: could not convert"),
    ],
)
def test_what_the_environment_says_wrongly_is_said_before_any_load(
    monkeypatch: pytest.MonkeyPatch, spec: str, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=message):
        make_exporter(parse_spec(spec))


class Service(services.MetricsServiceServicer):
    """Keeps requests and their metadata; refuses when told so."""

    def __init__(self) -> None:
        self.requests: list[ExportMetricsServiceRequest] = []
        self.metadata: dict[str, str] = {}
        self.refuses = False

    def Export(self, request: Any, context: grpc.ServicerContext) -> ExportMetricsServiceResponse:  # noqa: N802
        if self.refuses:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "who are you?")
        self.requests.append(request)
        self.metadata = dict(context.invocation_metadata())
        return ExportMetricsServiceResponse()


@pytest.fixture
def service() -> Iterator[tuple[Service, str]]:
    server = grpc.server(ThreadPoolExecutor(2))
    service = Service()
    services.add_MetricsServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize("by_variable", [False, True])
def test_grpc(service: tuple[Service, str], by_variable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, url = service
    if by_variable:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    spec = "otlp" if by_variable else f"otlp={url.replace('//', '//me:s3cret-2@')},protocol=grpc"
    export(spec, measured().batch())
    (request,) = receiver.requests
    requests = metrics_of(request)["loadtest.requests"].sum.data_points
    assert sorted(point.as_int for point in requests) == [1, 3]
    if not by_variable:
        credentials = base64.b64encode(b"me:s3cret-2").decode()
        assert receiver.metadata["authorization"] == f"Basic {credentials}"


def test_a_grpc_receiver_that_refuses_is_an_error_with_its_reason(service: tuple[Service, str]) -> None:
    receiver, url = service
    receiver.refuses = True
    with pytest.raises(ExportError, match="who are you"):
        export(f"otlp={url},protocol=grpc", measured().batch())
