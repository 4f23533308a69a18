"""Line protocol to InfluxDB 1.8, 2 and 3, through the official client of version 2, whose way of writing all
of them understand.

The last part of the URL's path is the bucket (the database). The token comes from an environment variable;
user and password of the URL are what InfluxDB 1 wants.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point as Line
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision

from pytest_loadtest.core.redaction import declare_secret
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export.exporter import ExportError
from pytest_loadtest.export.k6 import Sampler
from pytest_loadtest.export.log_records import Overheard
from pytest_loadtest.export.names import COMMON_LABELS, PERCENTILES
from pytest_loadtest.export.points import Batch, Count, Level, Point, dense
from pytest_loadtest.export.spec import FORMS, Spec

TOKEN_VARIABLES = ("INFLUXDB_TOKEN", "INFLUXDB_V2_TOKEN")
ORG_VARIABLES = ("INFLUXDB_ORG", "INFLUXDB_V2_ORG")
_NS: Any = WritePrecision.NS  # its type is that of a class, its value a text
TIMEOUT_MS = 5_000  # of one write; there are no retries: the next write is due in a second
_LOGGERS = ("urllib3.connectionpool", "influxdb_client.client.http", "influxdb_client.client.write_api")


def make(spec: Spec) -> InfluxExporter:
    """Raises ConfigurationError."""
    parts = urlsplit(spec.url)
    path, _, bucket = parts.path.rstrip("/").rpartition("/")
    if not bucket:
        raise ConfigurationError(f"--load-export {spec}: no bucket, as in {FORMS['influx']}")
    token = f"{spec.user}:{spec.password}" if spec.user else _from_environment(TOKEN_VARIABLES)
    declare_secret(token)
    org = parse_qs(parts.query).get("org", [""])[0] or _from_environment(ORG_VARIABLES)
    url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return InfluxExporter(url, unquote(bucket), token=token, org=org, has_k6_names=spec.has_k6_names)


def _from_environment(variables: tuple[str, ...]) -> str:
    return next(filter(None, map(os.environ.get, variables)), "")


class InfluxExporter:
    """One write per batch."""

    def __init__(
        self,
        url: str,
        bucket: str,
        *,
        token: str = "",
        org: str = "",
        has_k6_names: bool = False,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self._bucket = bucket
        self._org = org or "-"  # versions 1 and 3 have none, and the client wants one
        self._client = InfluxDBClient(url, token=token, org=self._org, timeout=timeout_ms)
        self._sampler = Sampler() if has_k6_names else None

    def begin(self) -> None:
        """Connections are made when they are needed."""
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)

    def export(self, batch: Batch) -> None:
        """Raises ExportError."""
        lines = list(self._k6_lines(batch, self._sampler) if self._sampler else _lines(batch))
        with Overheard(_LOGGERS):
            try:
                self._writing.write(self._bucket, self._org, lines, write_precision=_NS)
            except Exception as error:  # the client's own, urllib3's, the system's
                raise ExportError(_reason(error)) from error

    def close(self) -> None:
        """Its connections, too."""
        self._client.close()  # type: ignore[no-untyped-call]  # theirs

    def _k6_lines(self, batch: Batch, sampler: Sampler) -> Iterator[Line]:
        """Spread over the time since the last look: of two points at the same time, InfluxDB keeps one."""
        samples = sampler.samples(batch)
        span_ns = max(batch.at_ns - batch.since_ns, len(samples))
        for n, sample in enumerate(samples, start=1):
            at_ns = batch.at_ns - span_ns + span_ns * n // len(samples)
            line = Line.from_dict({"measurement": sample.name, "tags": sample.tags, "fields": {}})
            yield line.field("value", float(sample.value)).time(at_ns, _NS)


def _lines(batch: Batch) -> Iterator[Line]:
    common = dict(zip(COMMON_LABELS, batch.common, strict=True))
    for point in batch.points:
        tags = {**common, **dict(zip(point.metric.labels, point.labels, strict=True))}
        line = Line.from_dict({"measurement": point.metric.underscored, "tags": tags, "fields": {}})
        for name, value in fields_of(point).items():
            line.field(name, value)
        yield line.time(batch.at_ns, _NS)


def fields_of(point: Point) -> dict[str, int | float]:
    """Of counters and histograms what came since the last look; durations in seconds."""
    if isinstance(point, Level):
        return {"value": float(point.value)}
    if isinstance(point, Count):
        return {"count": point.grown, "total": point.total}
    grown = dense(point.grown)
    quantiles = {name: grown.quantile(share) / NS_PER_S for name, share in PERCENTILES.items()}
    highest = grown.quantile(1.0) / NS_PER_S
    return {"count": grown.n, "mean": grown.mean / NS_PER_S, **quantiles, "max": highest}


def _reason(error: Exception) -> str:
    """The server's own words, or the library's, without the headers that are in both."""
    status, reason = getattr(error, "status", None), getattr(error, "reason", None)
    if status:
        body = getattr(error, "body", None) or ""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        return f"status {status} {reason or ''}: {text}".rstrip(": ")
    return f"{type(error).__name__}: {error}"
