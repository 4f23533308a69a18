"""OpenTelemetry metrics over OTLP, through its SDK's own exporters: HTTP, or gRPC (extra ``otlp-grpc``).

Everything is as OpenTelemetry's environment variables say: endpoint, headers, protocol, compression,
certificates, time-out, temporality, service name and resource attributes. A URL in the option is stronger
than the endpoint's variables.
"""

from __future__ import annotations

import base64
import os
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as OtlpMetric
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export.exporter import ExportError, missing_extra
from pytest_loadtest.export.log_records import Overheard
from pytest_loadtest.export.names import BOUNDS_S, COMMON_LABELS, METRICS, Metric
from pytest_loadtest.export.points import Batch, Count, Level, Point, bucket_counts
from pytest_loadtest.export.spec import Spec
from pytest_loadtest.export.state import Latest

METRICS_PATH = "/v1/metrics"
_PROTOCOLS = ("http/protobuf", "grpc")
_PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_TIMEOUT_VARIABLES = ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_TEMPORALITY_VARIABLE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_DELTA_PREFERENCES = ("delta", "lowmemory")  # for counters and histograms both mean the same
# Of one export with all its retries, where no variable says otherwise. The next is due in a second.
TIMEOUT_S = 5.0
_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
    "urllib3.connectionpool",
)


def make(spec: Spec) -> OtlpExporter:
    """Raises ConfigurationError."""
    protocol = _protocol(spec)
    arguments: dict[str, Any] = {}
    if spec.url:
        arguments["endpoint"] = spec.url if protocol == "grpc" else _with_path(spec.url)
    if spec.user or spec.password:
        credentials = base64.b64encode(f"{spec.user}:{spec.password}".encode()).decode("ascii")
        arguments["headers"] = {"authorization": f"Basic {credentials}"}
    if not any(os.environ.get(name) for name in _TIMEOUT_VARIABLES):
        arguments["timeout"] = TIMEOUT_S
    make_sender = _grpc_exporter() if protocol == "grpc" else OTLPMetricExporter
    try:
        return OtlpExporter(make_sender(**arguments), is_delta=_is_delta())
    except (ValueError, OSError) as error:  # what the variables say, or a certificate that is not there
        raise ConfigurationError(f"--load-export otlp: {error}") from None


def _protocol(spec: Spec) -> str:
    given = (os.environ.get(name, "") for name in _PROTOCOL_VARIABLES)
    protocol = spec.option("protocol") or next(filter(None, given), _PROTOCOLS[0])
    if protocol not in _PROTOCOLS:
        raise ConfigurationError(
            f"--load-export otlp: the protocol {protocol!r} is not one of {', '.join(_PROTOCOLS)}"
        )
    return protocol


def _with_path(url: str) -> str:
    base, mark, query = url.partition("?")
    path = base.rstrip("/")
    return f"{path if path.endswith(METRICS_PATH) else path + METRICS_PATH}{mark}{query}"


def _grpc_exporter() -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
    except ImportError as error:
        raise missing_extra("otlp-grpc", error) from None
    return GrpcExporter


def _is_delta() -> bool:
    return os.environ.get(_TEMPORALITY_VARIABLE, "").strip().lower() in _DELTA_PREFERENCES


def _resource() -> Resource:
    """As the environment says; without a name there, the service is called by ours."""
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        return resource.merge(Resource({SERVICE_NAME: "pytest-loadtest"}))
    return resource


class OtlpExporter:
    """Cumulative, and then every series in every batch; or deltas of what has changed."""

    def __init__(self, sender: MetricExporter, *, is_delta: bool) -> None:
        self._sender = sender
        self._is_delta = is_delta
        self._latest = Latest()
        self._resource = _resource()

    def begin(self) -> None:
        """Connections are made when they are needed."""

    def export(self, batch: Batch) -> None:
        """Raises ExportError with what the library has to say."""
        points: Iterable[Point] = batch.points
        if not self._is_delta:
            self._latest.take(batch)
            points = self._latest.points(batch.common)
        if batch.last:
            self._latest.forget(batch.common)
        self._send(self._data(batch, points))

    def close(self) -> None:
        """Its connections, too."""
        with Overheard(_LOGGERS):
            self._sender.shutdown()

    def _send(self, data: MetricsData) -> None:
        with Overheard(_LOGGERS) as overheard:
            outcome = self._sender.export(data)
        if outcome is not MetricExportResult.SUCCESS:
            raise ExportError(overheard.first or "the exporter failed without a reason")

    def _data(self, batch: Batch, points: Iterable[Point]) -> MetricsData:
        by_name: dict[str, list[Point]] = defaultdict(list)
        for point in points:
            by_name[point.metric.name].append(point)
        metrics = [
            self._metric(batch, metric, by_name[metric.name]) for metric in METRICS if metric.name in by_name
        ]
        scope = ScopeMetrics(InstrumentationScope("pytest_loadtest"), metrics, schema_url="")
        return MetricsData([ResourceMetrics(self._resource, [scope], schema_url="")])

    def _metric(self, batch: Batch, metric: Metric, points: list[Point]) -> OtlpMetric:
        temporality = AggregationTemporality.DELTA if self._is_delta else AggregationTemporality.CUMULATIVE
        data: Gauge | Sum | Histogram
        if isinstance(points[0], Level):
            data = Gauge([self._number(batch, point) for point in points])
        elif isinstance(points[0], Count):
            data = Sum([self._number(batch, point) for point in points], temporality, is_monotonic=True)
        else:
            data = Histogram([self._histogram(batch, point) for point in points], temporality)
        return OtlpMetric(metric.name, metric.help, metric.unit, data)

    def _times(self, batch: Batch) -> dict[str, Any]:
        start_ns = batch.since_ns if self._is_delta else batch.began_ns
        return {"start_time_unix_nano": start_ns, "time_unix_nano": batch.at_ns}

    def _number(self, batch: Batch, point: Any) -> NumberDataPoint:
        value = point.value if isinstance(point, Level) else point.grown if self._is_delta else point.total
        return NumberDataPoint(_attributes(batch, point), **self._times(batch), value=value)

    def _histogram(self, batch: Batch, point: Any) -> HistogramDataPoint:
        values = point.grown if self._is_delta else point.whole
        return HistogramDataPoint(
            _attributes(batch, point),
            **self._times(batch),
            count=values.n,
            sum=values.sum / NS_PER_S,
            bucket_counts=bucket_counts(values),
            explicit_bounds=BOUNDS_S,
            min=values.min / NS_PER_S,
            max=values.max / NS_PER_S,
        )


def _attributes(batch: Batch, point: Point) -> dict[str, str]:
    common = zip(COMMON_LABELS, batch.common, strict=True)
    return dict((*common, *zip(point.metric.labels, point.labels, strict=True)))
