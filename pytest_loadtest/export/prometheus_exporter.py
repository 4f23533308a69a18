"""An endpoint for Prometheus to scrape, through its client library. It stays up until the session ends.

Owns nothing but the latest point of every series; a scrape shows them, also between load tests and after.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.export.k6 import Share, k6_name, k6_points, k6_tags
from pytest_loadtest.export.names import BOUNDS_S, COMMON_LABELS, METRICS, Kind, identifier
from pytest_loadtest.export.points import (
    Batch,
    Count,
    Distribution,
    Level,
    Point,
    Values,
    bucket_counts,
    dense,
)
from pytest_loadtest.export.spec import Spec
from pytest_loadtest.export.state import Latest

_HIGHEST_PORT = 65535
_LE = [*(str(bound) for bound in BOUNDS_S), "+Inf"]

_K6_PERCENTILES = {"med": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def make(spec: Spec, port_offset: int = 0) -> PrometheusExporter:
    """Listens when its first load begins."""
    return PrometheusExporter(
        spec.host, min(spec.port + port_offset, _HIGHEST_PORT), has_k6_names=spec.has_k6_names
    )


class PrometheusExporter:
    """The endpoint, at every path. Port 0 is one that is free."""

    def __init__(self, host: str, port: int, *, has_k6_names: bool = False) -> None:
        self._address = host, port
        self._series = _K6Series() if has_k6_names else _Series()
        self._serving: tuple[WSGIServer, Thread] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._serving[0].server_port) if self._serving else self._address[1]

    def begin(self) -> None:
        """Raises OSError if the port is taken."""
        registry = CollectorRegistry()
        registry.register(self._series)
        host, port = self._address
        self._serving = start_http_server(port, addr=host, registry=registry)

    def export(self, batch: Batch) -> None:
        """From now on scrapes show it."""
        self._series.take(batch)

    def close(self) -> None:
        """Free the port."""
        if self._serving is not None:
            server, thread = self._serving
            server.shutdown()
            server.server_close()
            thread.join()
            self._serving = None


class _Series(Collector):
    """Scrapes come in threads of the server."""

    def __init__(self) -> None:
        self._latest = Latest()
        self._lock = threading.Lock()

    def take(self, batch: Batch) -> None:
        with self._lock:
            self._latest.take(batch)

    def collect(self) -> Iterable[Family]:
        with self._lock:
            points = list(self._latest.all())
        for metric in METRICS:
            of_metric = [(common, point) for common, point in points if point.metric is metric]
            if of_metric:
                labels = (*COMMON_LABELS, *metric.labels)
                family = _FAMILIES[metric.kind](metric.prometheus, metric.help, labels=labels)
                for common, point in of_metric:
                    _add(family, (*common, *point.labels), point)
                yield family


_FAMILIES: dict[Kind, Any] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


def _add(family: Any, labels: Values, point: Point) -> None:
    if isinstance(point, Count):
        family.add_metric(labels, point.total)
    elif isinstance(point, Level):
        family.add_metric(labels, point.value)
    else:
        family.add_metric(labels, list(_cumulated(point)), point.whole.sum / NS_PER_S)


def _cumulated(point: Distribution) -> Iterator[tuple[str, int]]:
    so_far = 0
    for bound, count in zip(_LE, bucket_counts(point.whole), strict=True):
        so_far += count
        yield bound, so_far


class _K6Series(_Series):
    """As k6 writes to Prometheus: ``_rate`` gauges for shares, a gauge for each statistic of a trend."""

    def collect(self) -> Iterable[Family]:
        with self._lock:
            by_load: dict[Values, list[Point]] = {}
            for common, point in self._latest.all():
                by_load.setdefault(common, []).append(point)
        families: dict[str, Family] = {}
        for common, load in by_load.items():
            for k6_point in k6_points(load):
                tags = k6_tags(k6_point.metric, k6_point.labels, common)
                for name, kind, value in _k6_values(k6_point):
                    family = families.setdefault(name, Family(name, f"k6's {name}", kind))
                    family.add_sample(name + ("_total" if kind == "counter" else ""), tags, value)
        return families.values()


def _k6_values(point: Any) -> Iterator[tuple[str, str, float]]:
    name = f"k6_{identifier(k6_name(point.metric, point.labels))}"
    if isinstance(point, Share):
        yield f"{name}_rate", "gauge", point.yes / point.total
    elif isinstance(point, Count):
        yield name, "counter", point.total
    elif isinstance(point, Level):
        yield name, "gauge", point.value
    else:
        whole = dense(point.whole)
        for statistic, share in _K6_PERCENTILES.items():
            yield f"{name}_{statistic}", "gauge", whole.quantile(share) / NS_PER_S
        for statistic, value_ns in (("avg", whole.mean), ("min", whole.min), ("max", whole.max)):
            yield f"{name}_{statistic}", "gauge", value_ns / NS_PER_S
