"""Line protocol, posted to a server that parses it by the protocol's own rules."""

from __future__ import annotations

from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.export.exporter import ExportError, make_exporter
from pytest_loadtest.export.influx_exporter import InfluxExporter
from pytest_loadtest.export.points import Batch
from pytest_loadtest.export.spec import parse_spec
from tests.export.line_protocol import Line, lines_of
from tests.export.measured import BEGAN_NS, Load
from tests.export.receivers import PATIENCE_S, Receiver

COMMON = {"run": "run-1", "environment": "TEST", "test": "test_a.py::test_a"}
K6_COMMON = {"testid": "run-1", "environment": "TEST", "scenario": "test_a.py::test_a"}


def export(spec: str, *batches: Batch) -> None:
    exporter = make_exporter(parse_spec(spec))
    try:
        exporter.begin()
        for batch in batches:
            exporter.export(batch)
    finally:
        exporter.close()


@pytest.fixture(autouse=True)
def _no_content(receiver: Receiver) -> None:
    receiver.status = 204


def measured() -> Load:
    load = Load()
    load.requests("GET /a, b=c", ms=20, n=3)
    load.requests("GET /a, b=c", ms=200, outcome=Outcome.STATUS, status=500)
    return load


def test_points_arrive(receiver: Receiver) -> None:
    load = measured()
    first = load.batch()
    load.requests("GET /a, b=c", ms=20)
    export(f"influx={receiver.url}/loads", first, load.batch())
    lines = {(line.measurement, line.tags.get("status", ""), line.at_ns): line for line in lines_of(receiver)}
    tags = {**COMMON, "request": "GET /a, b=c"}
    at_ns = BEGAN_NS + NS_PER_S
    assert lines["loadtest_requests", "200", at_ns] == Line(
        "loadtest_requests", {**tags, "status": "200"}, {"count": 3, "total": 3}, at_ns
    )
    assert lines["loadtest_requests", "200", at_ns + NS_PER_S].fields == {"count": 1, "total": 4}
    assert lines["loadtest_vus", "", at_ns] == Line("loadtest_vus", COMMON, {"value": 5}, at_ns)
    duration = lines["loadtest_request_duration", "", at_ns]
    assert duration.tags == tags
    assert duration.fields == {
        "count": 4,
        "mean": pytest.approx(0.065),
        "p50": pytest.approx(0.02, rel=0.01),
        **dict.fromkeys(("p90", "p95", "p99", "max"), pytest.approx(0.2, rel=0.01)),
    }
    later = lines["loadtest_request_duration", "", at_ns + NS_PER_S]
    assert later.fields["max"] == pytest.approx(0.02, rel=0.01), "of what is new only"


def test_k6_names(receiver: Receiver) -> None:
    load = measured()
    load.recorder.check("is fine", ok=True)
    export(f"influx={receiver.url}/k6,names=k6", load.batch())
    lines = lines_of(receiver)
    tags = {**K6_COMMON, "name": "GET /a, b=c", "method": "GET"}
    reqs = [(line.tags["status"], line.fields["value"]) for line in lines if line.measurement == "http_reqs"]
    assert sorted(reqs) == [("200", 3), ("500", 1)]
    durations = [line for line in lines if line.measurement == "http_req_duration"]
    assert sorted(line.fields["value"] for line in durations) == [
        pytest.approx(value, rel=0.01) for value in (20, 20, 20, 200)
    ]
    assert all(line.tags == tags for line in durations)
    failed = [line.fields["value"] for line in lines if line.measurement == "http_req_failed"]
    assert sorted(failed) == [0, 0, 0, 1]
    (check,) = (line for line in lines if line.measurement == "checks")
    assert check.tags == {**K6_COMMON, "check": "is fine"}
    assert check.fields == {"value": 1}


def test_no_sample_of_k6_replaces_another(receiver: Receiver) -> None:
    load = Load()
    load.requests(n=400)
    first = load.batch()
    load.requests(n=400)
    export(f"influx={receiver.url}/k6,names=k6", first, load.batch())
    lines = lines_of(receiver)
    keys = {(line.measurement, frozenset(line.tags.items()), line.at_ns) for line in lines}
    assert len(keys) == len(lines)
    assert all(BEGAN_NS < line.at_ns <= BEGAN_NS + 2 * NS_PER_S for line in lines)


def query_of(receiver: Receiver) -> dict[str, list[str]]:
    return parse_qs(urlsplit(receiver.posted[0].path).query)


def test_bucket_and_organisation(receiver: Receiver) -> None:
    export(f"influx={receiver.url}/base/k6%2Fautogen?org=us", measured().batch())
    assert receiver.posted[0].path.startswith("/base/api/v2/write?")
    assert query_of(receiver) == {"bucket": ["k6/autogen"], "org": ["us"], "precision": ["ns"]}


@pytest.mark.parametrize(
    ("userinfo", "variables", "authorization"),
    [
        ("", {}, None),
        ("", {"INFLUXDB_TOKEN": "tokentoken1"}, "Token tokentoken1"),
        ("", {"INFLUXDB_V2_TOKEN": "tokentoken2"}, "Token tokentoken2"),
        ("me:s%40cret-3@", {"INFLUXDB_TOKEN": "tokentoken3"}, "Token me:s@cret-3"),
    ],
)
def test_credentials_come_from_the_environment_or_the_url(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    userinfo: str,
    variables: dict[str, str],
    authorization: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    export(f"influx=http://{userinfo}{receiver.address}/loads", measured().batch())
    assert receiver.posted[0].headers.get("authorization") == authorization


def test_a_url_without_a_bucket_is_wrong() -> None:
    with pytest.raises(ConfigurationError, match="no bucket, as in influx=http://HOST:8086/BUCKET"):
        make_exporter(parse_spec("influx=http://127.0.0.1:8086/"))


def test_what_the_server_says_is_the_reason(receiver: Receiver) -> None:
    receiver.status, receiver.answer = 401, b'{"code":"unauthorized"}'
    with pytest.raises(ExportError, match=r'status 401 Unauthorized: \{"code":"unauthorized"\}'):
        export(f"influx={receiver.url}/loads", measured().batch())


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ExportError, match="Connection refused"):
        export("influx=http://127.0.0.1:1/loads", measured().batch())


def test_a_server_that_hangs_takes_no_longer_than_the_time_out(receiver: Receiver) -> None:
    receiver.hangs = True
    exporter = InfluxExporter(receiver.url, "loads", timeout_ms=200)
    exporter.begin()
    began = monotonic()
    with pytest.raises(ExportError, match="timed out"):
        exporter.export(measured().batch())
    assert monotonic() - began < PATIENCE_S / 2
    exporter.close()
