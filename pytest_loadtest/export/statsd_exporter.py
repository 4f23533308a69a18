"""StatsD over UDP, through Datadog's client. Labels are DogStatsD's tags, or parts of names.

Nobody answers over UDP: that a datagram was lost, nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datadog.dogstatsd.base import DogStatsd

from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.export.exporter import ExportError
from pytest_loadtest.export.k6 import Sampler
from pytest_loadtest.export.log_records import Overheard
from pytest_loadtest.export.names import COMMON_LABELS, PERCENTILES, identifier
from pytest_loadtest.export.points import Batch, Count, Level, Point, dense
from pytest_loadtest.export.spec import Spec

SEND_TIMEOUT_S = 1.0  # for the kernel to take a datagram
_LOGGERS = ("datadog.dogstatsd",)
_DIGITS = 9  # of seconds: nanoseconds


def make(spec: Spec) -> StatsdExporter:
    """Nothing is sent before the first batch."""
    return StatsdExporter(
        spec.host, spec.port, has_k6_names=spec.has_k6_names, has_tags=spec.option("tags") == "yes"
    )


class StatsdExporter:
    """Several metrics share a datagram."""

    def __init__(self, host: str, port: int, *, has_k6_names: bool = False, has_tags: bool = True) -> None:
        self._address = host, port
        self._has_tags = has_tags
        self._sampler = Sampler() if has_k6_names else None
        self._client: Any = None

    def begin(self) -> None:
        """Raises OSError for a host that is not known."""
        host, port = self._address
        self._client = DogStatsd(
            host,
            port,
            disable_telemetry=True,  # of the client's own
            origin_detection_enabled=False,
            socket_timeout=SEND_TIMEOUT_S,
        )

    def export(self, batch: Batch) -> None:
        """Raises ExportError if the kernel does not take it."""
        metrics = self._k6_metrics(batch, self._sampler) if self._sampler else self._metrics(batch)
        with Overheard(_LOGGERS) as overheard:
            self._client.open_buffer()
            try:
                sent = [self._report(*metric) for metric in metrics]
                sent.append(self._client.flush())
            finally:
                self._client.close_buffer()
        if not all(sent):
            raise ExportError(overheard.first or "the system did not take the datagrams")

    def close(self) -> None:
        """Its socket."""
        if self._client is not None:
            self._client.stop()
            self._client.close_socket()

    def _report(self, kind: str, name: str, value: float, tags: dict[str, str]) -> bool:
        report = {"counter": self._client.count, "gauge": self._client.gauge, "trend": self._client.timing}
        shown = [f"{key}:{_plain(text)}" for key, text in tags.items() if text] if self._has_tags else None
        return report[kind](name, value, tags=shown) is not False

    def _metrics(self, batch: Batch) -> Iterator[tuple[str, str, float, dict[str, str]]]:
        common = dict(zip(COMMON_LABELS, batch.common, strict=True))
        for point in batch.points:
            tags = {**common, **dict(zip(point.metric.labels, point.labels, strict=True))}
            for kind, name, value in _values(point):
                yield kind, name if self._has_tags else self._without_tags(name, tags), value, tags

    def _without_tags(self, name: str, tags: dict[str, str]) -> str:
        """The run is left out: names are kept for ever."""
        values = (identifier(text) for key, text in tags.items() if text and key != "run")
        return ".".join((name, *values))

    def _k6_metrics(self, batch: Batch, sampler: Sampler) -> Iterator[tuple[str, str, float, dict[str, str]]]:
        for sample in sampler.samples(batch):
            kind = "counter" if sample.kind == "rate" else sample.kind
            yield kind, f"k6.{identifier(sample.name)}", round(sample.value, 6), sample.tags


def _values(point: Point) -> Iterator[tuple[str, str, float]]:
    """Of histograms what came since the last look, in seconds; a level for each statistic."""
    if isinstance(point, Count):
        yield "counter", point.metric.name, point.grown
    elif isinstance(point, Level):
        yield "gauge", point.metric.name, round(point.value, _DIGITS)
    else:
        grown = dense(point.grown)
        quantiles = {name: grown.quantile(share) for name, share in PERCENTILES.items()}
        for statistic, value_ns in ({"mean": grown.mean, **quantiles, "max": grown.quantile(1.0)}).items():
            yield "gauge", f"{point.metric.name}.{statistic}", round(value_ns / NS_PER_S, _DIGITS)


def _plain(text: str) -> str:
    """Without what separates tags, values and datagrams."""
    return text.translate({ord(char): "_" for char in "|,#\n"})
