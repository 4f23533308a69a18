"""What a misbehaving server's answer becomes: an outcome, an exception of httpx, a client that goes on."""

from __future__ import annotations

from typing import NamedTuple

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from tests.http.conftest import Run, client_for, until
from tests.http.servers import Peer, Seen, answer, serving

OK = answer(b"sane")
CLOSE = "close"
RESET = "reset"
HANG = "hang"
CLOSED = (Outcome.CLOSED, httpx.RemoteProtocolError)
PROTOCOL = (Outcome.PROTOCOL, httpx.RemoteProtocolError)
TOO_LARGE = (Outcome.TOO_LARGE, httpx.RemoteProtocolError)
TIMEOUT = (Outcome.TIMEOUT, httpx.ReadTimeout)


class Case(NamedTuple):
    sentence: str
    steps: list[bytes | str]  # what the server does after the request
    expected: tuple[Outcome, type[Exception]]


CASES = [
    Case("closes before any byte", [CLOSE], CLOSED),
    Case("closes in the status line", [b"HTTP/1.1 20", CLOSE], CLOSED),
    Case("closes after the status line", [b"HTTP/1.1 200 OK\r\n", CLOSE], CLOSED),
    Case("closes in a header", [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], CLOSED),
    Case("closes in a body", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", CLOSE], CLOSED),
    Case(
        "closes in a chunk", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", CLOSE], CLOSED
    ),
    Case(
        "closes before the last chunk",
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", CLOSE],
        CLOSED,
    ),
    Case("closes after 100 Continue", [b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE], CLOSED),
    Case("resets before any byte", [RESET], (Outcome.RESET, httpx.ReadError)),
    Case(
        "resets in a body without length",
        [b"HTTP/1.1 200 OK\r\n\r\nabc", HANG, RESET],
        (Outcome.RESET, httpx.ReadError),
    ),
    Case("answers nothing", [HANG], TIMEOUT),
    Case("sends a head and no body", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", HANG], TIMEOUT),
    Case("answers with a greeting of another protocol", [b"220 ftp.example.com ready\r\n"], PROTOCOL),
    Case(
        "sends a bad chunk size", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"], PROTOCOL
    ),
    Case(
        "sends content-length with chunked",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
        PROTOCOL,
    ),
    Case("sends a negative content-length", [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"], PROTOCOL),
    Case(
        "sends two content-lengths",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
        PROTOCOL,
    ),
    Case(
        "sends a content-length past 64 bits",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"],
        PROTOCOL,
    ),
    Case(
        "sends a content-length over the limit",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nab", HANG],
        TOO_LARGE,
    ),
    Case("sends NUL in a header", [b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n"], PROTOCOL),
    Case("ends header lines with a bare LF", [b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"], PROTOCOL),
    Case(
        "puts a space before a header's colon", [b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"], PROTOCOL
    ),
    Case("sends a header over the limit", [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, HANG], TOO_LARGE),
    Case(
        "sends a header over the limit in one go",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"],
        TOO_LARGE,
    ),
    Case("sends 100 Continue for ever", [b"HTTP/1.1 100 Continue\r\n\r\n" * 4000, HANG], TOO_LARGE),
    Case("sends a body over the limit", [b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 200_000, HANG], TOO_LARGE),
    Case(
        "sends chunks over the limit",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 9,
            HANG,
        ],
        TOO_LARGE,
    ),
    Case(
        "sends trailers for ever",
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: 1\r\n" * 20_000, HANG],
        TOO_LARGE,
    ),
    Case(
        "switches protocols unasked",
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
        PROTOCOL,
    ),
]


def misbehaving(steps: list[bytes | str]):
    async def behave(peer: Peer) -> None:
        while True:
            seen: Seen = await peer.request()
            if seen.path == "/sane":
                await peer.send(OK)
                continue
            for step in steps:
                if isinstance(step, bytes):
                    await peer.send(step)
                elif step == CLOSE:
                    return
                elif step == HANG and steps[-1] != RESET:
                    await peer.reader.read()  # until the client gives up
                elif step == RESET:
                    peer.reset()
                    return

    return behave


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_a_server_that(case: Case, run: Run) -> None:
    async def scenario() -> None:
        outcome, error = case.expected
        async with (
            serving(misbehaving(case.steps)) as server,
            client_for(server.url, timeout_ns=300_000_000, max_body_bytes=100_000) as (http, owner),
        ):
            with pytest.raises(error) as caught:
                await http.get("/bad?secret=1")
            assert type(caught.value) is error
            assert str(caught.value).endswith(f": {server.url}/bad"), "says where, without the query"
            assert str(caught.value.request.url) == f"{server.url}/bad?secret=1"
            assert (await http.get("/sane")).text == "sane"
            recorder = owner.recorder
            assert recorder.outcomes == [outcome, Outcome.OK]
            assert [sample[:3] for sample in recorder.samples] == [("GET /bad", outcome, 0)]
            assert "secret" not in recorder.samples[0][3]

    run(scenario())


GOOD = [
    ("content-length", [answer(b"abc")], b"abc", 1),
    ("one byte at a time", [bytes([byte]) for byte in answer(b"abc")], b"abc", 1),
    (
        "chunked",
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"],
        b"abc",
        1,
    ),
    (
        "chunked with an extension and a trailer",
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"],
        b"abc",
        1,
    ),
    ("until the connection closes", [b"HTTP/1.1 200 OK\r\n\r\nabc", CLOSE], b"abc", 2),
    ("HTTP/1.0 until the connection closes", [b"HTTP/1.0 200 OK\r\n\r\nabc", CLOSE], b"abc", 2),
    (
        "HTTP/1.0 with a length, no keep-alive",
        [b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"],
        b"abc",
        2,
    ),
    (
        "HTTP/1.0 with keep-alive",
        [b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc"],
        b"abc",
        1,
    ),
    ("connection: close", [answer(b"abc", "200 OK", "Connection: close")], b"abc", 2),
    ("100 Continue first", [b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"abc")], b"abc", 1),
    (
        "103 Early Hints with fields first",
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", answer(b"abc")],
        b"abc",
        1,
    ),
    ("204 without a body", [b"HTTP/1.1 204 No Content\r\n\r\n"], b"", 1),
    ("304 with a content-length", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], b"", 1),
    ("two answers to one request", [answer(b"abc") + answer(b"evil")], b"abc", 2),
    ("junk after the answer", [answer(b"abc") + b"junk"], b"abc", 2),
    ("204 with a body", [b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc"], b"", 2),
]


@pytest.mark.parametrize(("sentence", "steps", "body", "connections"), GOOD, ids=[row[0] for row in GOOD])
def test_framing(sentence: str, steps: list[bytes | str], body: bytes, connections: int, run: Run) -> None:
    """The answer is read whole; the connection is used again exactly when its framing allows it."""

    async def scenario() -> None:
        async with serving(misbehaving(steps)) as server, client_for(server.url) as (http, owner):
            for _ in range(2):  # the second time from the cache of heads
                assert (await http.get("/framed")).content == body
            assert (await http.get("/sane")).text == "sane"
            assert owner.recorder.outcomes == [Outcome.OK] * 3
            assert server.connections == (1 if connections == 1 else 3)

    run(scenario())


HEADS = [
    ("with the length of what GET would give", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 1),
    ("without a length", b"HTTP/1.1 200 OK\r\n\r\n", 1),
    ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 1),
    ("with a forbidden body", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 2),
    ("with a forbidden last chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 2),
    ("and close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", 2),
    ("in HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\n", 2),
]


@pytest.mark.parametrize(("sentence", "raw", "connections"), HEADS, ids=[row[0] for row in HEADS])
def test_an_answer_to_head(sentence: str, raw: bytes, connections: int, run: Run) -> None:
    async def scenario() -> None:
        async with serving(misbehaving([raw])) as server, client_for(server.url) as (http, owner):
            response = await http.head("/framed")
            assert (response.status_code, response.content) == (200, b"")
            assert (await http.get("/sane")).text == "sane"
            assert owner.recorder.outcomes == [Outcome.OK] * 2
            assert server.connections == connections

    run(scenario())


def test_an_answer_before_the_request_is_never_believed(run: Run) -> None:
    async def behave(peer: Peer) -> None:
        if peer.number == 0:
            await peer.request()
            await peer.send(OK)
            await peer.send(answer(b"evil"))
            await peer.reader.read()
        else:
            await peer.request()
            await peer.send(OK)
            await peer.reader.read()

    async def scenario() -> None:
        async with serving(behave) as server, client_for(server.url) as (http, _):
            assert (await http.get("/")).text == "sane"
            await until(lambda: "idle=0" in repr(http))  # the early answer has been read
            assert (await http.get("/")).text == "sane"
            assert server.connections == 2

    run(scenario())
