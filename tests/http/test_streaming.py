"""Streamed answers: httpx's interface, backpressure, and one record for each, whatever becomes of it."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Generator
from contextlib import suppress

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.wire.deadlines import NEVER
from tests.http.conftest import Run, client_for, until
from tests.http.servers import Peer, Seen, answer, answering, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def send_half(peer: Peer) -> None:
    """The head and a part of the body, and then nothing."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await peer.reader.read()


def test_events_come_one_by_one(run: Run) -> None:
    """Each line is there before the server has sent the next one."""

    async def scenario() -> None:
        go_on = asyncio.Semaphore(0)

        async def send_events(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED)
            for number in range(3):
                await go_on.acquire()
                await peer.send(chunk(b"data: %d\n\n" % number))
            await peer.send(chunk(b""))
            await peer.request()
            await peer.send(answer(b"next"))

        async with serving(send_events) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/events", name="events") as response:
                assert (response.status_code, response.headers["transfer-encoding"]) == (200, "chunked")
                with pytest.raises(httpx.ResponseNotRead):
                    response.json()
                lines = []
                go_on.release()
                async for line in response.aiter_lines():
                    if line:
                        lines.append(line)
                        assert owner.recorder.requests == [], "it is recorded at its end"
                        go_on.release()
                assert lines == ["data: 0", "data: 1", "data: 2"]
                assert response.is_stream_consumed
                assert response.is_closed
            assert (await http.get("/")).content == b"next"
            assert server.connections == 1
            first = owner.recorder.requests[0]
            assert (first.name, first.outcome, first.status) == ("events", Outcome.OK, 200)
            assert first.started_ns <= first.sent_ns <= first.first_byte_ns <= first.finished_ns
            assert first.bytes_received == len(CHUNKED) + 3 * len(chunk(b"data: 0\n\n")) + len(chunk(b""))

    run(scenario())


def test_the_ways_to_read(run: Run) -> None:
    async def scenario() -> None:
        body = "grün\nblau".encode()
        coded = gzip.compress(body)
        served = answer(coded, "200 OK", "Content-Encoding: gzip", "Content-Type: text/plain; charset=utf-8")
        async with serving(answering(served)) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/") as response:
                assert b"".join([part async for part in response.aiter_raw()]) == coded
                assert response.num_bytes_downloaded == len(coded)
            async with http.stream("GET", "/") as response:
                assert b"".join([part async for part in response.aiter_bytes(3)]) == body
            async with http.stream("GET", "/") as response:
                assert "".join([part async for part in response.aiter_text()]) == "grün\nblau"
            async with http.stream("GET", "/") as response:
                assert [line async for line in response.aiter_lines()] == ["grün", "blau"]
                with pytest.raises(httpx.StreamConsumed):
                    await response.aread()
            async with http.stream("GET", "/") as response:
                assert await response.aread() == body
                assert response.text == "grün\nblau"
                assert response.elapsed.total_seconds() > 0
                assert [line async for line in response.aiter_lines()] == ["grün", "blau"]
            async with http.stream("GET", "/") as response:
                await response.aclose()
                with pytest.raises(httpx.StreamClosed):
                    await response.aread()
            assert owner.recorder.outcomes == [Outcome.OK] * 6

    run(scenario())


def test_plain_methods_are_refused_on_an_async_stream(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer(b"x"))) as server,
            client_for(server.url) as (http, _),
            http.stream("GET", "/") as response,
        ):
            with pytest.raises(RuntimeError, match="sync"):
                response.read()
            with pytest.raises(RuntimeError, match="sync"):
                next(response.iter_lines())
            with pytest.raises(RuntimeError, match="elapsed"):
                _ = response.elapsed

    run(scenario())


def test_a_slow_reader_holds_the_server_back(run: Run) -> None:
    """What is not read yet stays with the server; the time-out is for the server, not for the reader."""

    async def scenario() -> None:
        sent = 0
        peers: list[Peer] = []

        async def send_without_end(peer: Peer) -> None:
            nonlocal sent
            peers.append(peer)
            await peer.request()
            await peer.send(CHUNKED)
            with suppress(ConnectionError):
                while True:
                    await peer.send(chunk(bytes(65536)))
                    sent += 65536

        async with (
            serving(send_without_end) as server,
            client_for(server.url) as (http, owner),
            http.stream("GET", "/endless") as response,
        ):
            parts = response.aiter_bytes()
            received = len(await anext(parts))
            answer_ = response._answer
            await until(lambda: answer_.attempt.stream.is_paused)
            await until(lambda: peers[0].writer.transport.get_write_buffer_size() > 0)
            assert answer_._connection.deadline_ns == NEVER
            assert sent < 32 * 1024 * 1024
            wanted = sent + 1024 * 1024
            while received < wanted:
                received += len(await anext(parts))
            await response.aclose()
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


def test_leaving_early_counts_what_came(run: Run) -> None:
    async def scenario() -> None:
        async with serving(send_half) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/") as response:
                assert await anext(response.aiter_bytes()) == b"half"
            async with http.stream("GET", "/", expect=201):
                pass
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.STATUS]
            assert server.connections == 2, "a connection with the rest of an answer is not used again"

    run(scenario())


def test_an_error_of_the_test_leaves_the_stream(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"x" * 10))) as server, client_for(server.url) as (http, owner):
            with pytest.raises(ValueError, match="mine"):
                async with http.stream("GET", "/"):
                    raise ValueError("mine")
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


@pytest.mark.parametrize(
    ("was_cut", "outcome"), [(True, Outcome.CENSORED), (False, Outcome.CANCELLED)], ids=["cut", "given up"]
)
def test_a_cancelled_stream(was_cut: bool, outcome: Outcome, run: Run) -> None:
    async def scenario() -> None:
        async with serving(send_half) as server, client_for(server.url) as (http, owner):
            owner.was_cut = was_cut
            reading = asyncio.Event()

            async def read() -> None:
                async with http.stream("GET", "/") as response:
                    async for _ in response.aiter_bytes():
                        reading.set()

            for _ in range(2):
                task = asyncio.create_task(read())
                await reading.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                reading.clear()
            assert owner.recorder.outcomes == [outcome] * 2

    run(scenario())


def test_a_stream_that_stops_times_out(run: Run) -> None:
    """The time-out holds for each next part, and begins anew with it."""

    async def scenario() -> None:
        async def send_and_stop(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED)
            for _ in range(4):
                await peer.send(chunk(b"x"))
                await asyncio.sleep(0.2)
            await peer.reader.read()

        async with serving(send_and_stop) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/", timeout=0.6) as response:
                parts = response.aiter_bytes()
                assert [await anext(parts) for _ in range(4)] == [b"x"] * 4
                with pytest.raises(httpx.ReadTimeout):
                    await anext(parts)
            assert owner.recorder.outcomes == [Outcome.TIMEOUT]

    run(scenario())


def test_a_body_that_is_read_part_by_part_has_no_limit(run: Run) -> None:
    async def scenario() -> None:
        served = answering(answer(bytes(300_000)))
        async with (
            serving(served) as server,
            client_for(server.url, max_body_bytes=1000) as (http, owner),
        ):
            async with http.stream("GET", "/") as response:
                assert sum([len(part) async for part in response.aiter_bytes()]) == 300_000
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


@pytest.mark.parametrize(
    ("served", "outcome", "message"),
    [
        (answer(bytes(300_000)), Outcome.TOO_LARGE, "over 1000 bytes"),
        (
            answer(gzip.compress(bytes(300_000)), "200 OK", "Content-Encoding: gzip"),
            Outcome.TOO_LARGE,
            "over 1000 bytes",
        ),
        (answer(b"damaged", "200 OK", "Content-Encoding: gzip"), Outcome.DECODING, "does not decode"),
    ],
    ids=["too large", "a bomb", "damaged"],
)
def test_a_streamed_body_that_is_read_at_once(
    served: bytes, outcome: Outcome, message: str, run: Run
) -> None:
    """It fails as an ordinary request does, and is one failed request in the results."""

    async def scenario() -> None:
        async with (
            serving(answering(served)) as server,
            client_for(server.url, max_body_bytes=1000) as (http, owner),
            http.stream("GET", "/") as response,
        ):
            with pytest.raises(httpx.DecodingError, match=message):
                await response.aread()
            assert owner.recorder.outcomes == [outcome]
            assert [sample[1] for sample in owner.recorder.samples] == [outcome]

    run(scenario())


def test_redirects_cookies_and_challenges_lead_to_a_stream(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []

        async def lead_on(peer: Peer) -> None:
            while True:
                request = await peer.request()
                seen.append(request)
                if request.path == "/":
                    cookie = "Set-Cookie: place=here; Path=/"
                    await peer.send(answer(b"elsewhere", "302 Found", "Location: /end", cookie))
                else:
                    await peer.send(answer(json.dumps({"cookie": request.header("cookie")}).encode()))

        async with serving(lead_on) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/", follow_redirects=True, auth=("ada", "x")) as response:
                assert (await response.aread(), response.url.path) == (b'{"cookie": "place=here"}', "/end")
                assert [hop.status_code for hop in response.history] == [302]
                assert response.json() == {"cookie": "place=here"}
            assert owner.recorder.names == ["GET /", "GET /end"]
            assert [request.header("authorization") for request in seen] == ["Basic YWRhOng="] * 2
            assert server.connections == 1

    run(scenario())


def test_a_kept_connection_that_is_closed_is_replaced(run: Run) -> None:
    """The retry of idempotent requests holds for streamed ones, too."""

    async def scenario() -> None:
        async def answer_once(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"%d" % peer.number))
            if peer.number == 0:
                await peer.request()
                peer.close()

        async with serving(answer_once) as server, client_for(server.url) as (http, owner):
            await http.get("/")
            async with http.stream("GET", "/") as response:
                assert await response.aread() == b"1"
            assert owner.recorder.reconnects == ["GET /"]
            assert owner.recorder.outcomes == [Outcome.OK] * 2

    run(scenario())


def test_closing_the_client_ends_an_open_stream(run: Run) -> None:
    async def scenario() -> None:
        async with serving(send_half) as server, client_for(server.url) as (http, owner):
            response = await http.open_stream("GET", "/")
            task = asyncio.create_task(response.aread())
            await until(lambda: response.num_bytes_downloaded == 4)
            await http.aclose()
            with pytest.raises(httpx.RemoteProtocolError, match="client was closed"):
                await task
            assert owner.recorder.outcomes == [Outcome.CENSORED]

    run(scenario())


class Refusing(httpx.Auth):
    """Sees an answer that it cannot use."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        yield request
        raise ValueError("no token in the answer")


def test_an_authentication_that_fails_leaves_its_answer(run: Run) -> None:
    """Nobody else can: the caller never gets it. Its place in the pool is free again, and it is recorded."""

    async def scenario() -> None:
        async def half(peer: Peer) -> None:
            if (await peer.request()).path == "/":
                await peer.send(CHUNKED + chunk(b"half"))
                await peer.reader.read()
            await peer.send(answer(b"next"))

        async with (
            serving(half) as server,
            client_for(server.url, max_connections_per_host=1) as (http, owner),
        ):
            with pytest.raises(ValueError, match="no token"):
                async with http.stream("GET", "/", auth=Refusing()):
                    pass
            assert owner.recorder.outcomes == [Outcome.OK]
            assert (await http.get("/next")).content == b"next"

    run(scenario())


def test_a_failure_is_as_late_as_it_was_not_as_it_was_asked_for(run: Run) -> None:
    async def scenario() -> None:
        async def send_and_stop(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + chunk(b"x"))
            await go_on.wait()
            peer.reset()

        go_on = asyncio.Event()
        async with serving(send_and_stop) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/") as response:
                parts = response.aiter_raw()
                assert await anext(parts) == b"x"
                go_on.set()
                await until(lambda: "open=0" in repr(http))
                lost_ns = time.perf_counter_ns()
                with pytest.raises(httpx.ReadError):
                    await anext(parts)
            assert owner.recorder.outcomes == [Outcome.RESET]
            assert owner.recorder.requests[0].finished_ns < lost_ns

    run(scenario())


def test_the_time_out_is_for_the_server_not_for_the_reader(run: Run) -> None:
    """A caller that thinks between parts longer than the time-out loses nothing, as in httpx."""

    async def scenario() -> None:
        go_on = asyncio.Event()

        async def send_when_asked(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + chunk(b"x"))
            await go_on.wait()
            await peer.send(chunk(b"y") + chunk(b""))

        async with serving(send_when_asked) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/", timeout=0.4) as response:
                parts = response.aiter_raw()
                assert await anext(parts) == b"x"
                await asyncio.sleep(0.5)  # the reader's own time: nothing that could be waited for
                go_on.set()
                assert await anext(parts) == b"y"
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


def test_a_stream_that_broke_is_an_error_though_nobody_read_on(run: Run) -> None:
    async def scenario() -> None:
        async def send_half_and_reset(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + chunk(b"x"))
            await go_on.wait()
            peer.reset()

        go_on = asyncio.Event()
        async with serving(send_half_and_reset) as server, client_for(server.url) as (http, owner):
            async with http.stream("GET", "/") as response:
                assert await anext(response.aiter_raw()) == b"x"
                go_on.set()
                await until(lambda: "open=0" in repr(http))
            assert owner.recorder.outcomes == [Outcome.RESET]

    run(scenario())


def test_elapsed_stays_what_it_was(run: Run) -> None:
    """The connection goes on to other requests."""

    async def scenario() -> None:
        async with serving(answering(answer(b"x"))) as server, client_for(server.url) as (http, _):
            async with http.stream("GET", "/") as response:
                await response.aread()
            before = response.elapsed
            await http.get("/")
            assert response.elapsed == before

    run(scenario())
