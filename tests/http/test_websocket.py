"""WebSockets against a real server: messages, waiting, closing; with and without await."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedOK, ProtocolError

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.sync_client import SyncClient
from tests.http.conftest import Run, client_for, until
from tests.http.test_sync_client import in_body
from tests.http.websocket_servers import durations, websocket_server


def test_messages_go_both_ways(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, _), http.websocket("/echo") as ws:
            await ws.send("text ü")
            assert await ws.recv() == "text ü"
            for binary in (b"\x00\xff", bytearray(b"ab"), memoryview(b"cd")):
                await ws.send(binary)
                assert await ws.recv() == bytes(binary)
            await ws.send_json({"ü": [1, None]})
            assert await ws.recv_json(timeout=20) == {"ü": [1, None]}
            assert ws.name == "WS /echo"
            assert (ws.response.status_code, ws.response.headers["upgrade"]) == (101, "websocket")
            assert (ws.close_code, ws.close_reason, ws.subprotocol) == (None, None, None)
            assert repr(ws) == "<WebSocket 'WS /echo' open>"

    run(scenario())


def test_a_loop_over_messages_ends_with_the_servers_goodbye(run: Run) -> None:
    async def count_down(peer: ServerConnection) -> None:
        for n in range(3):
            await peer.send(str(n))
        await peer.close(1001, "done")

    async def scenario() -> None:
        async with websocket_server(count_down) as url, client_for(url) as (http, owner):
            async with http.websocket("/") as ws:
                assert [message async for message in ws] == ["0", "1", "2"]
                assert (ws.close_code, ws.close_reason) == (1001, "done")
                with pytest.raises(ConnectionClosedOK):
                    await ws.send("late")
            assert owner.recorder.counters == {"WS / messages received": 3}
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


def test_what_is_no_message_is_refused_and_the_websocket_goes_on(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner), http.websocket("/") as ws:
            for wrong in ({"a": 1}, 7, None, ["a"]):
                with pytest.raises(TypeError, match="a message is text or bytes"):
                    await ws.send(wrong)  # type: ignore[arg-type]  # what is tested
            with pytest.raises(ValueError, match="not JSON compliant"):
                await ws.send_json(float("nan"))
            with pytest.raises(ProtocolError):
                await ws.close(999)
            await ws.send("good")
            assert await ws.recv() == "good"
            assert owner.recorder.counters == {"WS / messages sent": 1, "WS / messages received": 1}

    run(scenario())


def test_waiting_is_bounded_and_loses_nothing(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, _), http.websocket("/") as ws:
            with pytest.raises(TimeoutError, match=r"^no message within 0.01 s: WS /$"):
                await ws.recv(timeout=0.01)
            await ws.send("late")
            assert await ws.recv() == "late"
            assert 0 < await ws.ping(timeout=20) < 20

    run(scenario())


def test_a_pong_that_does_not_come_is_a_time_out(run: Run) -> None:
    async def stuck(peer: ServerConnection) -> None:
        peer.transport.pause_reading()
        await peer.send("stuck")
        await timed_out.wait()
        peer.transport.resume_reading()
        await peer.wait_closed()

    timed_out = asyncio.Event()

    async def scenario() -> None:
        async with websocket_server(stuck) as url, client_for(url) as (http, _), http.websocket("/") as ws:
            assert await ws.recv() == "stuck"
            with pytest.raises(TimeoutError, match=r"^no pong within 0.02 s: WS /$"):
                await ws.ping(timeout=0.02)
            timed_out.set()

    run(scenario())


def test_unread_messages_do_not_keep_it_from_closing(run: Run) -> None:
    async def flood(peer: ServerConnection) -> None:
        for _ in range(200):
            await peer.send("x" * 10_000)
        await peer.wait_closed()

    async def scenario() -> None:
        async with websocket_server(flood) as url, client_for(url) as (http, owner):
            async with http.websocket("/", close_timeout=15) as ws:
                await ws.recv()
                await until(lambda: owner.recorder.counters["WS / messages received"] > 16)
            assert ws.close_code == 1000
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


def test_a_test_that_is_behind_does_not_make_the_server_late(run: Run) -> None:
    """Behind unread messages no pong is read: that is no time-out of the server's."""

    async def flood(peer: ServerConnection) -> None:
        for _ in range(200):
            await peer.send("x" * 10_000)
        await peer.wait_closed()

    async def scenario() -> None:
        async with websocket_server(flood) as url, client_for(url) as (http, owner):
            async with http.websocket("/", ping_interval=0.02, ping_timeout=0.03) as ws:
                await until(lambda: owner.recorder.counters["WS / messages received"] > 16)
                await asyncio.sleep(0.2)  # as a test that thinks for longer than both
                for _ in range(200):
                    await ws.recv(timeout=10)
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


def test_large_messages_wait_outside(run: Run) -> None:
    async def flood(peer: ServerConnection) -> None:
        for _ in range(8):
            await peer.send(b"\x00" * 2_000_000)
        await peer.wait_closed()

    async def scenario() -> None:
        async with websocket_server(flood, compression=None) as url, client_for(url) as (http, owner):
            async with http.websocket("/") as ws:
                received = owner.recorder.counters
                await until(lambda: received["WS / messages received"] > 0)
                for _ in range(200):
                    await asyncio.sleep(0)
                assert received["WS / messages received"] == 1
                for _ in range(8):
                    assert len(await ws.recv()) == 2_000_000
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


def test_without_await_in_plain_functions(run: Run) -> None:
    def body(http: SyncClient) -> None:
        with http.websocket("/echo") as ws:
            ws.send("a")
            assert ws.recv() == "a"
            ws.send_json([1])
            assert ws.recv_json() == [1]
            assert ws.ping() > 0
            assert (ws.name, ws.subprotocol, ws.response.status_code) == ("WS /echo", None, 101)
            ws.close(1000, "bye")
            assert (ws.close_code, ws.close_reason) == (1000, "bye")
            assert list(ws) == []
        with pytest.raises(ZeroDivisionError), http.websocket("/echo"):
            raise ZeroDivisionError

    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            await in_body(body, http)
            assert len(durations(owner, "WS /echo session")) == 2
            assert owner.recorder.outcomes == [Outcome.OK] * 2

    run(scenario())
