"""--load-export in sessions: what arrives and when, and that what goes wrong breaks nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any

import pytest

# An in-process run forgets what it imported; these do not like to be imported twice in one process.
import pytest_loadtest.export.influx_exporter
import pytest_loadtest.export.otlp_exporter
import pytest_loadtest.export.prometheus_exporter
import pytest_loadtest.export.statsd_exporter  # noqa: F401 - imported for the reason above
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.export.growth import Growth
from pytest_loadtest.export.names import VUS
from pytest_loadtest.export.points import Batch, Count, Level
from pytest_loadtest.plugin import exporting
from tests.export.line_protocol import Line, lines_of
from tests.export.receivers import Datagrams, Receiver
from tests.plugin.conftest import Project
from tests.plugin.target import Target
from tests.ports import free_port

LOAD = """
    @pytest.mark.load(vus=3, duration=0.6)
    async def test_a(http, vu):
        await http.get("/a")
        await vu.think(0.01, 0.02)
"""
REFUSING = "influx=http://127.0.0.1:1/loads"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LOOK_EVERY_S", 0.05)
    for name in os.environ:
        if name.startswith(("OTEL_", "INFLUX", "DD_", "DATADOG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        receiver.status = 204
        yield receiver


def of(lines: list[Line], measurement: str, **tags: str) -> list[Line]:
    return [line for line in lines if line.measurement == measurement and tags.items() <= line.tags.items()]


def test_everything_that_was_measured_arrives_and_the_verdict_last(
    project: Project, target: Target, receiver: Receiver
) -> None:
    project.write(LOAD)
    result = project.run(f"--load-export=influx={receiver.url}/loads")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*--load-export*")
    lines = lines_of(receiver)
    requests = of(lines, "loadtest_requests")
    assert sum(line.fields["count"] for line in requests if line.tags["status"] == "200") == len(
        target.requests
    )
    assert requests[-1].tags["environment"] == "TEST"
    assert requests[-1].tags["test"] == "test_load.py::test_a"
    assert len(receiver.posted) > 1, "not all in the end"
    vus = of(lines, "loadtest_vus")
    assert vus[-1].fields["value"] == 0
    assert max(line.fields["value"] for line in vus) == 3
    (passed,) = of(lines, "loadtest_passed")
    assert passed.fields["value"] == 1
    assert passed.tags["state"] == "passed"
    assert of(lines, "loadtest_generator_state")
    assert passed.at_ns == max(line.at_ns for line in lines)


def test_several_exporters_at_once(
    project: Project, target: Target, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    datagrams = Datagrams()
    project.write(LOAD)
    monkeypatch.setenv(
        "LOAD_EXPORT",
        f"influx={receiver.url}/a,names=k6 statsd=127.0.0.1:{datagrams.port} otlp={receiver.url}",
    )
    receiver.status = 200
    assert project.run().ret == 0
    paths = {posted.path.partition("?")[0] for posted in receiver.posted}
    assert paths == {"/api/v2/write", "/v1/metrics"}
    counted = [line for line in datagrams.lines if line.startswith("loadtest.requests:")]
    datagrams.close()
    assert sum(int(line.split(":")[1].split("|")[0]) for line in counted) == len(target.requests)


@pytest.mark.parametrize(
    ("budget", "body", "state"),
    [
        ("p50='1us'", "await http.get('/')", "failed"),
        ("p50='5s'", "vu.abort('enough')", "aborted"),
    ],
)
def test_a_load_that_has_not_passed_says_so(
    project: Project, receiver: Receiver, budget: str, body: str, state: str
) -> None:
    project.write(f"""
        @pytest.mark.load(vus=1, iterations=3)
        @pytest.mark.budget({budget})
        async def test_a(http, vu):
            {body}
    """)
    assert project.run(f"--load-export=influx={receiver.url}/loads").ret == 1
    (passed,) = of(lines_of(receiver), "loadtest_passed")
    assert (passed.fields["value"], passed.tags["state"]) == (0, state)


def test_loads_that_a_test_runs_by_itself_are_exported_each(project: Project, receiver: Receiver) -> None:
    project.write("""
        async def scenario(http):
            await http.get("/")

        def test_two(load):
            load(scenario, vus=1, iterations=2, name="one")
            load(scenario, vus=1, iterations=5, name="other")
    """)
    assert project.run(f"--load-export=influx={receiver.url}/loads").ret == 0
    iterations = {
        line.tags["test"]: line.fields["total"] for line in of(lines_of(receiver), "loadtest_iterations")
    }
    assert iterations == {"test_load.py::test_two: one": 2, "test_load.py::test_two: other": 5}


def test_prometheus_can_scrape_until_the_session_ends(project: Project) -> None:
    port = free_port()
    project.write(f"""
        import urllib.request

        URL = "http://127.0.0.1:{port}/metrics"

        @pytest.mark.load(vus=1, duration=0.5)
        async def test_a(http, vu):
            await http.get("/a")
            await vu.think(0.01, 0.02)

        def test_between():
            page = urllib.request.urlopen(URL).read().decode()
            assert 'loadtest_passed{{environment="TEST"' in page
            assert 'status="200",test="test_load.py::test_a"' in page
    """)
    result = project.run(f"--load-export=prometheus=127.0.0.1:{port}")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*--load-export*")


def test_receivers_that_fail_are_one_line_each_and_the_run_stays_what_it_was(
    project: Project, receiver: Receiver
) -> None:
    receiver.status, receiver.answer = 500, b"out of order, token=abc123"
    port = free_port()
    project.write(LOAD)
    result = project.run(
        f"--load-export={REFUSING}",
        f"--load-export=influx={receiver.url}/loads",
        f"--load-export=prometheus=127.0.0.1:{port}",
        f"--load-export=prometheus=127.0.0.1:{port}",
    )
    assert result.ret == 0
    result.assert_outcomes(passed=1)
    told = [line for line in result.stdout.lines if line.startswith("--load-export")]
    assert len(told) == 3
    assert "Connection refused" in told[0]
    assert "status 500" in told[1]
    assert "out of order" in told[1]
    assert "abc123" not in told[1]
    assert "Address already in use" in told[2]


def test_a_receiver_that_hangs_is_left_behind(
    project: Project, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CLOSE_WITHIN_S", 0.1)
    receiver.hangs = True
    project.write(LOAD)
    result = project.run(f"--load-export=influx={receiver.url}/loads")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["--load-export influx=*exports failed: the receiver does not answer"])


def test_a_look_that_raises_is_told_in_the_end(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def points(*_: object, **__: object) -> Iterator[object]:
        raise RuntimeError("our mistake")

    monkeypatch.setattr(Growth, "points", points)
    project.write(LOAD)
    result = project.run(f"--load-export={REFUSING}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["--load-export: RuntimeError: our mistake"])


class Kept:
    """In place of a sender."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def put(self, batch: Batch) -> None:
        self.batches.append(batch)


def slow_points(self: Growth, metrics: Metrics, **_: object) -> Iterator[Level]:
    """Ten, each of which takes a whole turn."""
    for n in range(10):
        due_ns = perf_counter_ns() + exporting.LONGEST_TURN_NS + 1
        while perf_counter_ns() < due_ns:
            pass
        yield Level(VUS, (), n)


def a_look(kept: Kept, recorder: Recorder | None = None) -> Coroutine[Any, Any, float]:
    """Of a load that stands still."""
    run: Any = SimpleNamespace(
        elapsed_ns=0,
        active=1,
        queued=0,
        shape=SimpleNamespace(vus=1, has_schedule=False),
        recorder=recorder or Recorder(NS_PER_S),
    )
    senders: Any = [kept]
    return exporting.LoadExport(senders, ("run", "", "test"), run).look()


def test_a_look_sees_what_was_not_counted_yet() -> None:
    """Loads are counted once a second, at other moments than those of looks."""
    recorder = Recorder(NS_PER_S)
    recorder.start(perf_counter_ns())
    recorder.check("in stock", ok=True)
    kept = Kept()
    asyncio.run(a_look(kept, recorder))
    (batch,) = kept.batches
    (count,) = (point for point in batch.points if isinstance(point, Count) and "in stock" in point.labels)
    assert count.total == 1


def test_the_load_goes_on_during_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def turns_of_others() -> int:
        look, turns = asyncio.ensure_future(a_look(kept)), 0
        while not look.done():
            await asyncio.sleep(0)
            turns += 1
        assert look.result() >= 10 * exporting.LONGEST_TURN_NS / NS_PER_S, "by which the next is later"
        return turns

    monkeypatch.setattr(Growth, "points", slow_points)
    kept = Kept()
    assert asyncio.run(turns_of_others()) > 10
    assert [len(batch.points) for batch in kept.batches] == [10]


def test_a_look_that_is_cut_sends_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cut() -> None:
        look = asyncio.ensure_future(a_look(kept))
        for _ in range(3):
            await asyncio.sleep(0)
        look.cancel()
        await asyncio.wait([look])
        assert look.cancelled()

    monkeypatch.setattr(Growth, "points", slow_points)
    kept = Kept()
    asyncio.run(cut())
    assert [len(batch.points) for batch in kept.batches] == [3]


def test_a_password_is_shown_nowhere(project: Project) -> None:
    project.write(LOAD)
    result = project.run("-v", "--load-export=influx=http://me:geheim-123@127.0.0.1:1/loads")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["--load-export influx=http://127.0.0.1:1/loads: * exports failed*"])
    assert "geheim-123" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("graphite=a:1", "*allowed are otlp or otlp=http://HOST:4318; prometheus=HOST:PORT;*"),
        ("influx=http://127.0.0.1:8086", "*no bucket*"),
    ],
)
def test_a_wrong_option_is_a_usage_error_before_any_load(
    project: Project, target: Target, spec: str, message: str
) -> None:
    project.write(LOAD)
    result = project.run(f"--load-export={spec}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert target.requests == []


def test_a_missing_extra_is_a_usage_error_before_any_load(
    project: Project, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "pytest_loadtest.export.prometheus_exporter")
    project.write(LOAD)
    result = project.run("--load-export=prometheus=127.0.0.1:9464")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--load-export prometheus: *pip install 'pytest-loadtest?prometheus?'*"])
    assert target.requests == []


def test_collecting_opens_nothing(project: Project) -> None:
    port = free_port()
    project.write(LOAD)
    result = project.run("--collect-only", f"--load-export=prometheus=127.0.0.1:{port}")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*--load-export*")


def test_a_session_that_exports_nothing_imports_nothing_of_it(project: Project) -> None:
    project.write(
        """
        import sys

        def pytest_sessionfinish():
            heavy = ("opentelemetry", "prometheus_client", "influxdb_client", "datadog", "grpc",
                     "google.protobuf", "pytest_loadtest.export")
            loaded = [name for name in sys.modules if name.startswith(heavy)]
            print("LOADED", loaded)
        """,
        "conftest.py",
    )
    project.write(LOAD)
    result = project.run_subprocess("-s")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*LOADED []*"])


def test_workers_of_xdist_export_and_the_controller_tells(
    project: Project, target: Target, receiver: Receiver
) -> None:
    project.write(LOAD + LOAD.replace("test_a", "test_b"))
    result = project.run_subprocess(
        "-n1",
        f"--load-export=influx={receiver.url}/loads",
        f"--load-export={REFUSING}",
        plugins=("xdist.plugin",),
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["gw?: --load-export influx=http://127.0.0.1:1/loads: * exports failed: *"])
    lines = lines_of(receiver)
    counts = [line.fields["count"] for line in of(lines, "loadtest_requests", status="200")]
    assert sum(counts) == len(target.requests)
    assert len(of(lines, "loadtest_passed")) == 2
    assert len({line.tags["run"] for line in lines}) == 1
