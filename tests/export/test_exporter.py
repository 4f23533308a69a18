"""Making exporters: what is missing is said before any load."""

from __future__ import annotations

import sys

import pytest

from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export.exporter import make_exporter
from pytest_loadtest.export.spec import parse_spec


@pytest.mark.parametrize(
    ("spec", "module", "library", "extra"),
    [
        ("otlp", "otlp_exporter", "opentelemetry.sdk.metrics.export", "otlp"),
        (
            "otlp,protocol=grpc",
            "",
            "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
            "otlp-grpc",
        ),
        ("prometheus=127.0.0.1:1", "prometheus_exporter", "prometheus_client", "prometheus"),
        (
            "influx=http://127.0.0.1/b",
            "influx_exporter",
            "influxdb_client.client.influxdb_client",
            "influx",
        ),
        ("statsd=127.0.0.1:1", "statsd_exporter", "datadog.dogstatsd.base", "statsd"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, spec: str, module: str, library: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # importing it fails
    monkeypatch.delitem(sys.modules, f"pytest_loadtest.export.{module}", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        make_exporter(parse_spec(spec))
    assert str(caught.value).startswith(f"--load-export {spec.partition('=')[0].partition(',')[0]}: ")
    assert str(caught.value).endswith(f"pip install 'pytest-loadtest[{extra}]'")
