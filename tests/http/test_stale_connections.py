"""Kept connections that the server closes: not used again, and a race with a request is run once more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for, until
from tests.http.servers import Peer, answer, answering, serving

End = Callable[[Peer], None]


def closing(peer: Peer) -> None:
    peer.close()


def resetting(peer: Peer) -> None:
    peer.reset()


def test_an_idle_connection_that_was_closed_is_not_used_again(run: Run) -> None:
    async def scenario() -> None:
        async def answer_and_close(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"%d" % peer.number))
            peer.close()

        async with serving(answer_and_close) as server, client_for(server.url) as (http, owner):
            for number in range(3):
                assert (await http.post("/")).content == b"%d" % number
                await until(lambda: "open=0" in repr(http))
            assert owner.recorder.reconnects == []
            assert owner.recorder.outcomes == [Outcome.OK] * 3

    run(scenario())


class ClosesOnTheSecondRequest:
    """Its first `stale` connections answer once and end when the next request comes; later ones go on."""

    def __init__(self, end: End, stale: int = 1) -> None:
        self.end = end
        self.stale = stale
        self.methods: list[str] = []
        self.ended_ns: list[int] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            self.methods.append(request.method)
            if peer.number < self.stale and request.path == "/again":
                self.ended_ns.append(time.perf_counter_ns())
                self.end(peer)
                return
            await peer.send(answer(b"" if request.method == "HEAD" else b"%d" % peer.number))


@pytest.mark.parametrize("end", [closing, resetting], ids=lambda end: end.__name__)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_a_race_is_run_once_more_on_a_new_connection(method: str, end: End, run: Run) -> None:
    async def scenario() -> None:
        behaviour = ClosesOnTheSecondRequest(end)
        async with serving(behaviour) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            assert (await http.request(method, "/again")).status_code == 200
            assert behaviour.methods == ["GET", method, method]
            assert server.connections == 2
            assert owner.recorder.reconnects == [f"{method} /again"]
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.OK]
            assert [name for name, *_ in owner.recorder.connections] == ["GET /", f"{method} /again"]

    run(scenario())


@pytest.mark.parametrize(
    ("end", "outcome", "error"),
    [
        (closing, Outcome.CLOSED, httpx.RemoteProtocolError),
        (resetting, Outcome.RESET, httpx.ReadError),
    ],
    ids=["closing", "resetting"],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_not_idempotent_is_not_repeated(
    method: str, end: End, outcome: Outcome, error: type[Exception], run: Run
) -> None:
    async def scenario() -> None:
        behaviour = ClosesOnTheSecondRequest(end)
        async with serving(behaviour) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            with pytest.raises(error):
                await http.request(method, "/again")
            assert behaviour.methods == ["GET", method]
            assert owner.recorder.reconnects == []
            assert owner.recorder.outcomes == [Outcome.OK, outcome]
            assert (await http.request(method, "/")).status_code == 200

    run(scenario())


def test_a_new_connection_that_is_closed_is_an_error(run: Run) -> None:
    """Only a kept connection can have been closed in a race: a server that closes new ones is at fault."""

    async def scenario() -> None:
        async def close_at_once(peer: Peer) -> None:
            await peer.request()
            peer.close()

        async with serving(close_at_once) as server, client_for(server.url) as (http, owner):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get("/")
            assert server.connections == 1
            assert owner.recorder.outcomes == [Outcome.CLOSED]
            assert owner.recorder.reconnects == []

    run(scenario())


def test_a_part_of_an_answer_is_not_a_race(run: Run) -> None:
    async def scenario() -> None:
        async def answer_then_half(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"whole"))
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\n")
            peer.close()

        async with serving(answer_then_half) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get("/")
            assert server.connections == 1
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.CLOSED]

    run(scenario())


def test_a_second_failure_is_an_error_measured_from_the_first_attempt(run: Run) -> None:
    async def scenario() -> None:
        behaviour = ClosesOnTheSecondRequest(closing, stale=9)
        async with serving(behaviour) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get("/again")
            assert server.connections == 2, "once more, not for ever"
            first_ns, last_ns = behaviour.ended_ns
            assert owner.recorder.requests[1].started_ns < first_ns < last_ns
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.CLOSED]
            assert owner.recorder.reconnects == ["GET /again"]

    run(scenario())


def test_a_race_with_every_kept_connection_at_once(run: Run) -> None:
    """All six of a full pool are stale: each request gets a new connection, none a second stale one."""

    async def scenario() -> None:
        behaviour = ClosesOnTheSecondRequest(closing, stale=6)
        async with serving(behaviour) as server, client_for(server.url) as (http, owner):
            await asyncio.gather(*(http.get("/") for _ in range(6)))
            assert server.connections == 6
            for _ in range(6):
                assert (await http.get("/again")).status_code == 200
            answers = await asyncio.gather(*(http.get("/again") for _ in range(12)))
            assert {response.status_code for response in answers} == {200}
            assert owner.recorder.outcomes == [Outcome.OK] * 24

    run(scenario())


def test_what_the_first_attempt_took_is_part_of_a_request_sent_again(run: Run) -> None:
    arrived: list[int] = []

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"first"))
        await peer.request()
        if not arrived:
            arrived.append(time.perf_counter_ns())
            return
        await peer.send(answer(b"again"))
        await peer.reader.read()

    async def scenario() -> None:
        async with serving(behave) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            arrived.clear()
            await http.get("/again")
            assert owner.recorder.requests[1].started_ns < arrived[0]

    run(scenario())


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_so_it_is_for_a_request_that_had_waited_for_the_connection(streamed: bool, run: Run) -> None:
    """It takes a kept connection, too: not from those that are idle but from who used it before."""
    arrived: list[int] = []

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"first"))
        await peer.request()
        if peer.number == 0:
            arrived.append(time.perf_counter_ns())
            return
        await peer.reader.read()

    async def second(http: Client) -> bytes:
        if not streamed:
            return (await http.get("/again")).content
        async with http.stream("GET", "/again") as response:
            return await response.aread()

    async def scenario() -> None:
        async with (
            serving(behave) as server,
            client_for(server.url, max_connections_per_host=1) as (http, owner),
        ):
            await asyncio.gather(http.get("/"), second(http))
            assert owner.recorder.reconnects == ["GET /again"]
            assert len(owner.recorder.waits) == 1
            assert owner.recorder.requests[1].started_ns < arrived[0]

    run(scenario())


def test_a_client_that_is_closed_repeats_nothing(run: Run) -> None:
    """Closing it ends the kept connection of a request that was forgotten: no race, no reconnect."""

    async def scenario() -> None:
        async def answer_once(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"first"))
            await peer.request()
            arrived.set()
            await peer.reader.read()

        arrived = asyncio.Event()
        async with serving(answer_once) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            forgotten = asyncio.ensure_future(http.get("/again"))
            await arrived.wait()
            await http.aclose()
            with pytest.raises(httpx.RemoteProtocolError):
                await forgotten
            assert owner.recorder.reconnects == []
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.CENSORED]
            assert owner.recorder.requests[1].finished_ns > owner.recorder.requests[1].started_ns

    run(scenario())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_asks_to_close_ends_its_connection(method: str, run: Run) -> None:
    """Whatever the server says of it: it may close at any time from now on (RFC 9112, section 9.6)."""

    async def scenario() -> None:
        async with serving(answering(answer(b"x"))) as server, client_for(server.url) as (http, owner):
            for _ in range(3):
                await http.request(method, "/", headers={"Connection": "close"})
            async with http.stream(method, "/", headers={"connection": "Close"}) as response:
                await response.aread()
            await http.request(method, "/")
            await http.request(method, "/")
            assert server.connections == 5
            assert owner.recorder.outcomes == [Outcome.OK] * 6

    run(scenario())
