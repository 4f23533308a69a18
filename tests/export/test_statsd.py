"""StatsD, sent to a UDP socket."""

from __future__ import annotations

import re

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.export import names
from pytest_loadtest.export.exporter import make_exporter
from pytest_loadtest.export.points import Batch, Level
from pytest_loadtest.export.spec import parse_spec
from tests.export.measured import Load
from tests.export.receivers import Datagrams

LINE = re.compile(r"(?P<name>[^:|]+):(?P<value>-?[\d.e-]+)\|(?P<type>c|g|ms)(\|#(?P<tags>.*))?")
COMMON = {"run:run-1", "environment:TEST", "test:test_a.py::test_a"}
LONGEST_DATAGRAM = 1432  # bytes that fit into one packet of Ethernet

Parsed = tuple[str, str, float, frozenset[str]]


def parsed(datagrams: Datagrams) -> list[Parsed]:
    found = []
    for line in datagrams.lines:
        match = LINE.fullmatch(line)
        assert match, line
        tags = frozenset(match["tags"].split(",")) if match["tags"] else frozenset[str]()
        found.append((match["name"], match["type"], float(match["value"]), tags))
    return found


def export(spec: str, *batches: Batch) -> None:
    exporter = make_exporter(parse_spec(spec))
    try:
        exporter.begin()
        for batch in batches:
            exporter.export(batch)
    finally:
        exporter.close()


def measured() -> Load:
    load = Load()
    load.requests("GET /a|b,#c", ms=20, n=3)
    load.requests("GET /a|b,#c", ms=200, outcome=Outcome.STATUS, status=500)
    return load


def test_counts_gauges_and_statistics_arrive_with_tags(datagrams: Datagrams) -> None:
    load = measured()
    export(f"statsd=127.0.0.1:{datagrams.port}", load.batch(Level(names.PASSED, ("passed",), 1)))
    lines = parsed(datagrams)
    request = COMMON | {"request:GET_/a_b__c"}
    assert ("loadtest.requests", "c", 3, request | {"status:200"}) in lines
    assert ("loadtest.requests", "c", 1, request | {"status:500"}) in lines
    assert ("loadtest.vus", "g", 5, frozenset(COMMON)) in lines
    assert ("loadtest.passed", "g", 1, COMMON | {"state:passed"}) in lines
    statistics = {
        name: value for name, kind, value, _ in lines if name.startswith("loadtest.request.duration")
    }
    assert statistics == {
        "loadtest.request.duration.mean": pytest.approx(0.065),
        "loadtest.request.duration.p50": pytest.approx(0.02, rel=0.01),
        **{
            f"loadtest.request.duration.{name}": pytest.approx(0.2, rel=0.01)
            for name in ("p90", "p95", "p99", "max")
        },
    }


def test_counts_are_what_is_new(datagrams: Datagrams) -> None:
    load = Load()
    load.requests(n=3)
    first = load.batch()
    load.requests(n=2)
    export(f"statsd=127.0.0.1:{datagrams.port}", first, load.batch())
    assert [value for name, _, value, _ in parsed(datagrams) if name == "loadtest.requests"] == [3, 2]


def test_without_tags_labels_are_parts_of_names(datagrams: Datagrams) -> None:
    export(f"statsd=127.0.0.1:{datagrams.port},tags=no", measured().batch())
    lines = parsed(datagrams)
    assert not any(tags for *_, tags in lines)
    counters = {name: value for name, kind, value, _ in lines if kind == "c"}
    assert counters["loadtest.requests.TEST.test_a_py__test_a.GET__a_b__c.200"] == 3
    assert not any("run" in name for name in counters), "names are kept for ever"


def test_k6_names(datagrams: Datagrams) -> None:
    load = Load()
    load.requests(ms=20, n=3)
    load.requests(ms=20, outcome=Outcome.STATUS, status=500)
    export(f"statsd=127.0.0.1:{datagrams.port},names=k6", load.batch())
    lines = parsed(datagrams)
    tags = {"testid:run-1", "environment:TEST", "scenario:test_a.py::test_a", "name:GET_/", "method:GET"}
    assert ("k6.http_reqs", "c", 3, tags | {"status:200"}) in lines
    durations = [(kind, value) for name, kind, value, _ in lines if name == "k6.http_req_duration"]
    assert durations == [("ms", pytest.approx(20, rel=0.01))] * 4
    assert sum(value for name, kind, value, _ in lines if (name, kind) == ("k6.http_req_failed", "c")) == 1


def test_metrics_share_datagrams_of_bounded_size(datagrams: Datagrams) -> None:
    load = Load()
    for n in range(100):
        load.requests(f"GET /{n}")
    export(f"statsd=127.0.0.1:{datagrams.port}", load.batch())
    assert len({line for line in parsed(datagrams) if line[0] == "loadtest.requests"}) == 100
    assert 1 < len(datagrams.datagrams) < len(datagrams.lines) / 3
    assert max(map(len, datagrams.datagrams)) <= LONGEST_DATAGRAM
