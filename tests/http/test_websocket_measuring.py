"""What is measured of a WebSocket, and how each of its ends counts."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter_ns
from typing import Any

import httpx
import pytest
import trustme
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.http11 import Request

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.recording import NullRecorder
from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for, until
from tests.http.tls_contexts import server_context, trusting
from tests.http.websocket_servers import durations, echo, silent, websocket_server


def test_a_session_is_measured(run: Run) -> None:
    """The first message with when it arrived, not with when the test reads it."""

    async def greet(peer: ServerConnection) -> None:
        await may_greet.wait()
        await peer.send("hello")
        await echo(peer)

    may_greet = asyncio.Event()

    async def scenario() -> None:
        async with websocket_server(greet) as url, client_for(url) as (http, owner):
            recorder = owner.recorder
            owner.start_delay_ns = 5
            async with http.websocket("/updates") as ws:
                asked_ns = perf_counter_ns()
                may_greet.set()
                await until(lambda: bool(recorder.trends))
                arrived_ns = perf_counter_ns()
                assert await ws.recv() == "hello"
                await ws.send("a")
                await ws.recv()
                read_ns = perf_counter_ns()
            closed_ns = perf_counter_ns()
            (handshake,) = recorder.requests
            assert (handshake.name, handshake.status, handshake.delay_ns) == ("WS /updates", 101, 5)
            assert (
                handshake.started_ns <= handshake.sent_ns < handshake.first_byte_ns <= handshake.finished_ns
            )
            assert handshake.bytes_sent > 150
            assert handshake.bytes_received > 100
            assert [connection[0] for connection in recorder.connections] == ["WS /updates"]
            assert owner.start_delay_ns == 0
            opened_ns = handshake.finished_ns
            first, session = recorder.trends
            assert first[::2] == ("WS /updates first message", opened_ns)
            assert asked_ns <= opened_ns + first[1] <= arrived_ns
            assert session[::2] == ("WS /updates session", opened_ns)
            assert read_ns <= opened_ns + session[1] <= closed_ns
            assert recorder.counters == {
                "WS /updates messages sent": 1,
                "WS /updates messages received": 2,
            }

    run(scenario())


def test_a_name_names_everything(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            async with http.websocket("/", name="updates") as ws:
                await ws.send("a")
                await ws.recv()
            assert owner.recorder.names == ["updates"]
            assert {trend[0] for trend in owner.recorder.trends} == {
                "updates first message",
                "updates session",
            }
            assert set(owner.recorder.counters) == {"updates messages sent", "updates messages received"}

    run(scenario())


def test_the_real_recorder_takes_it_all(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            recorder = Recorder(1_000_000_000)
            owner.recorder = recorder  # type: ignore[assignment]  # instead of the fake
            async with http.websocket("/") as ws:
                await ws.send("a")
                await ws.recv()
            recorder.flush()
            metrics = recorder.metrics
            assert set(metrics.trends) == {"WS / first message", "WS / session"}
            assert set(metrics.counters) == {"WS / messages sent", "WS / messages received"}
            assert set(metrics.requests) == {"WS /"}

    run(scenario())


def test_outside_the_measurement_nothing_is_counted_and_inside_messages_are(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            measuring = owner.recorder
            owner.recorder = NullRecorder()  # type: ignore[assignment]  # as the engine does in a set-up
            async with http.websocket("/") as ws:
                await ws.send("a")
                await ws.recv()
                owner.recorder = measuring
                await ws.send("b")
                await ws.recv()
                owner.recorder = NullRecorder()  # type: ignore[assignment]
            assert measuring.counters == {"WS / messages sent": 1, "WS / messages received": 1}
            assert (measuring.requests, measuring.trends, measuring.connections) == ([], [], [])

    run(scenario())


CLOSES = [
    ("1000 is a good end", 1000, {}, Outcome.OK),
    ("1001 is a good end", 1001, {}, Outcome.OK),
    ("1011, an error of the server, is not", 1011, {}, Outcome.CLOSED),
    ("a code of the application is not", 4001, {}, Outcome.CLOSED),
    ("unless the test expects it", 4001, {"expect_close": 4001}, Outcome.OK),
    ("or one of several", 4001, {"expect_close": range(4000, 5000)}, Outcome.OK),
    ("1000 is not when another is expected", 1000, {"expect_close": 4001}, Outcome.CLOSED),
]


@pytest.mark.parametrize(("sentence", "code", "options", "outcome"), CLOSES, ids=[row[0] for row in CLOSES])
def test_how_the_server_closes(
    sentence: str, code: int, options: dict[str, Any], outcome: Outcome, run: Run
) -> None:
    async def close(peer: ServerConnection) -> None:
        await peer.close(code, "reason")

    async def scenario() -> None:
        async with websocket_server(close) as url, client_for(url) as (http, owner):
            async with http.websocket("/", **options) as ws:
                with pytest.raises((ConnectionClosedOK, ConnectionClosedError)):
                    await ws.recv()
                assert (ws.close_code, ws.close_reason) == (code, "reason")
            if outcome is Outcome.OK:
                assert owner.recorder.outcomes == [Outcome.OK]
                assert len(durations(owner, "WS / session")) == 1
            else:
                assert owner.recorder.outcomes == [Outcome.OK, outcome]
                assert owner.recorder.names == ["WS /", "WS / session"]
                (sample,) = owner.recorder.samples
                assert sample[:3] == ("WS / session", Outcome.CLOSED, code)
                assert f"closed the WebSocket with {code}" in sample[3]
                assert durations(owner, "WS / session") == []

    run(scenario())


def test_the_tests_own_close_code_is_no_failure(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            async with http.websocket("/") as ws:
                await ws.close(4002, "enough")
                await ws.close()
            assert (ws.close_code, ws.close_reason) == (4002, "enough")
            with pytest.raises(ZeroDivisionError):
                async with http.websocket("/") as ws:
                    raise ZeroDivisionError
            assert ws.close_code == 1001
            assert owner.recorder.outcomes == [Outcome.OK] * 2
            assert len(durations(owner, "WS / session")) == 2

    run(scenario())


# -- ends that nobody chose -------------------------------------------------------------------------------


@pytest.mark.parametrize("was_cut", [True, False])
def test_a_cancelled_test_leaves_at_once(was_cut: bool, run: Run) -> None:
    """The end of the run is told apart: sessions that it cut are counted."""

    async def scenario() -> None:
        ends: list[int | None] = []

        async def note(peer: ServerConnection) -> None:
            await peer.wait_closed()
            ends.append(peer.close_code)

        async def body(http: Client) -> None:
            async with http.websocket("/") as ws:
                await ws.recv()

        async with websocket_server(note) as url, client_for(url) as (http, owner):
            task = asyncio.create_task(body(http))
            await until(lambda: "websockets=1" in repr(http._websockets) and bool(owner.recorder.requests))
            owner.was_cut = was_cut
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert "websockets=0" in repr(http._websockets)
            assert owner.recorder.outcomes == [Outcome.OK]
            assert len(durations(owner, "WS / session")) == 1
            assert owner.recorder.counters["WS / sessions open at the end"] == was_cut
            await until(lambda: bool(ends))
            assert ends == [1001], "the server is told that its client goes away"

    run(scenario())


@pytest.mark.parametrize("was_cut", [True, False])
def test_a_cancelled_test_leaves_a_websocket_behind_tls_at_once(was_cut: bool, run: Run) -> None:
    authority = trustme.CA()
    certificate = server_context(authority.issue_cert("localhost"))

    async def scenario() -> None:
        async with websocket_server(silent, ssl=certificate) as url:
            address = url.replace("http://127.0.0.1", "wss://localhost")
            async with client_for(verify=trusting(authority)) as (http, owner):
                websockets = []

                async def body() -> None:
                    async with http.websocket(address, name="secured") as ws:
                        websockets.append(ws)
                        await ws.recv()

                task = asyncio.create_task(body())
                await until(lambda: bool(websockets))
                owner.was_cut = was_cut
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                assert websockets[0].close_code == 1006
                assert owner.recorder.outcomes == [Outcome.OK]
                assert len(durations(owner, "secured session")) == 1

    run(scenario())


@pytest.mark.parametrize("was_cut", [True, False])
def test_a_handshake_that_is_cancelled(was_cut: bool, run: Run) -> None:
    async def never(peer: ServerConnection, request: Request) -> None:
        asked.set()
        await peer.wait_closed()

    asked = asyncio.Event()

    async def scenario() -> None:
        async with websocket_server(process_request=never) as url, client_for(url) as (http, owner):
            task = asyncio.create_task(http.websocket("/").__aenter__())
            await asked.wait()
            owner.was_cut = was_cut
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert owner.recorder.outcomes == [Outcome.CENSORED if was_cut else Outcome.CANCELLED]
            await until(lambda: "websockets=0" in repr(http._websockets))

    run(scenario())


def test_closing_the_client_closes_what_was_forgotten(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server(silent) as url, client_for(url) as (http, owner):
            ws = await http.websocket("/").__aenter__()
            waiting = asyncio.create_task(ws.recv())
            await asyncio.sleep(0)
            await http.aclose()
            assert ws.close_code == 1006
            with pytest.raises(ConnectionClosedError):
                await waiting
            assert owner.recorder.outcomes == [Outcome.OK]
            assert owner.recorder.counters == {"WS / sessions open at the end": 1}

    run(scenario())


def test_closing_the_client_ends_handshakes_that_are_under_way(run: Run) -> None:
    async def never(peer: ServerConnection, request: Request) -> None:
        asked.set()
        await peer.wait_closed()

    asked = asyncio.Event()

    async def scenario() -> None:
        async with websocket_server(process_request=never) as url, client_for(url) as (http, owner):
            task = asyncio.create_task(http.websocket("/").__aenter__())
            await asked.wait()
            await http.aclose()
            with pytest.raises(httpx.RemoteProtocolError):
                await task
            assert owner.recorder.outcomes == [Outcome.CENSORED]

    run(scenario())


def test_many_at_once(run: Run) -> None:
    """More than the pool of requests has connections: WebSockets are not counted there."""

    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            everybody = asyncio.Barrier(20)

            async def talk(n: int) -> None:
                async with http.websocket("/") as ws:
                    await everybody.wait()
                    await ws.send_json(n)
                    assert json.loads(await ws.recv()) == n

            await asyncio.gather(*[talk(n) for n in range(20)])
            assert owner.recorder.outcomes == [Outcome.OK] * 20
            assert owner.recorder.counters["WS / messages received"] == 20

    run(scenario())
