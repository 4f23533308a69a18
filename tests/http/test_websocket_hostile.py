"""What a misbehaving WebSocket server becomes: an outcome, an exception, a virtual user that goes on."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, NamedTuple

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.utils import accept_key

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for
from tests.http.fakes import FakeOwner
from tests.http.servers import Behaviour, Peer, Seen, answer, serving

CLOSE, RESET, HANG, DRIP = "close", "reset", "hang", "drip"
TEXT, BINARY, CONTINUATION, CLOSE_FRAME, PING = 1, 2, 0, 8, 9
LIMIT = 100_000  # of a message
MS = 1_000_000

Steps = tuple[bytes | str, ...]


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, bits: int = 0, masked: bool = False
) -> bytes:
    """A frame as a server sends it; `bits` are the reserved ones of the first byte."""
    head = bytes([opcode | (0x80 if fin else 0) | bits])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([len(payload) | mask_bit])
    elif len(payload) < 65536:
        head += bytes([126 | mask_bit]) + len(payload).to_bytes(2, "big")
    else:
        head += bytes([127 | mask_bit]) + len(payload).to_bytes(8, "big")
    return head + (b"\x00" * 4 if masked else b"") + payload


def accepting(seen: Seen, *fields: str) -> bytes:
    key = seen.header("sec-websocket-key")
    assert key is not None
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Accept: {accept_key(key)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def play(peer: Peer, steps: Steps) -> None:
    for step in steps:
        if isinstance(step, bytes):
            await peer.send(step)
        elif step == RESET:
            peer.reset()
        elif step == HANG:
            await peer.reader.read()  # until the client gives up
        elif step == DRIP:
            while not (peer.reader.at_eof() or peer.writer.is_closing()):
                await peer.send(b"H")
                await asyncio.sleep(0.01)  # slowly: that is what it is for


async def be_sane(peer: Peer, seen: Seen) -> None:
    """Echoes one short message, then answers the goodbye."""
    await peer.send(accepting(seen))
    await peer.send(frame(TEXT, b"sane"))
    await peer.reader.readexactly(2 + 4 + 2)  # a close frame: head, mask, code
    await peer.send(frame(CLOSE_FRAME, (1000).to_bytes(2, "big")))


def misbehaving(steps: Steps, *, after_handshake: bool, fields: tuple[str, ...] = ()) -> Behaviour:
    async def behave(peer: Peer) -> None:
        seen = await peer.request()
        if seen.path == "/sane":
            await be_sane(peer, seen)
        elif seen.path == "/http":
            await peer.send(answer(b"sane"))
        else:
            if after_handshake:
                await peer.send(accepting(seen, *fields))
            await play(peer, steps)

    return behave


async def check_that_the_user_goes_on(http: Client, owner: FakeOwner) -> None:
    async with http.websocket("/sane") as ws:
        assert await ws.recv() == "sane"
    assert (await http.get("/http")).text == "sane"
    assert owner.recorder.outcomes[-2:] == [Outcome.OK] * 2
    assert owner.recorder.trends[-1][0] == "WS /sane session"


# -- in the handshake -------------------------------------------------------------------------------------


class Refusal(NamedTuple):
    sentence: str
    steps: Steps
    outcome: Outcome
    error: type[Exception]


UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
GONE = (Outcome.CLOSED, httpx.RemoteProtocolError)
WRONG = (Outcome.PROTOCOL, httpx.RemoteProtocolError)
HUGE = (Outcome.TOO_LARGE, httpx.RemoteProtocolError)
LATE = (Outcome.TIMEOUT, httpx.ReadTimeout)

HANDSHAKES = [
    Refusal("answers 200", (answer(b"hello"), HANG), Outcome.STATUS, httpx.HTTPStatusError),
    Refusal(
        "answers 503 and closes", (answer(b"", "503 Busy"), CLOSE), Outcome.STATUS, httpx.HTTPStatusError
    ),
    Refusal(
        "redirects", (answer(b"", "302 Found", "Location: /sane"),), Outcome.STATUS, httpx.HTTPStatusError
    ),
    Refusal(
        "answers 200 until it closes",
        (b"HTTP/1.1 200 OK\r\n\r\nhello", CLOSE),
        Outcome.STATUS,
        httpx.HTTPStatusError,
    ),
    Refusal("answers 200 with a body that never ends", (b"HTTP/1.1 200 OK\r\n\r\nhello", HANG), *LATE),
    Refusal("answers 200 with too large a body", (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000,), *HUGE),
    Refusal(
        "answers 200 with a bad chunk",
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",),
        *WRONG,
    ),
    Refusal("gives a wrong accept key", (UPGRADE + b"Sec-WebSocket-Accept: d3Jvbmc=\r\n\r\n", HANG), *WRONG),
    Refusal("gives no accept key", (UPGRADE + b"\r\n", HANG), *WRONG),
    Refusal("upgrades to something else", (UPGRADE.replace(b"websocket", b"h2c") + b"\r\n", HANG), *WRONG),
    Refusal("answers in HTTP/1.0", (UPGRADE.replace(b"1.1", b"1.0") + b"\r\n", HANG), *WRONG),
    Refusal("greets in another protocol", (b"220 ftp.example.com ready\r\n", HANG), *WRONG),
    Refusal("closes before any byte", (CLOSE,), *GONE),
    Refusal("closes in the status line", (b"HTTP/1.1 10", CLOSE), *GONE),
    Refusal("closes in a header", (UPGRADE + b"Sec-WebS", CLOSE), *GONE),
    Refusal("resets before any byte", (RESET,), Outcome.RESET, httpx.ReadError),
    Refusal("answers nothing", (HANG,), *LATE),
    Refusal("drips its answer", (DRIP,), *LATE),
    Refusal("sends a header over the limit", (UPGRADE + b"X: " + b"a" * 10_000, HANG), *HUGE),
    Refusal("sends headers for ever", (UPGRADE + b"X: a\r\n" * 10_000, HANG), *HUGE),
]


@pytest.mark.parametrize("case", HANDSHAKES, ids=lambda case: case.sentence)
def test_a_handshake_that(case: Refusal, run: Run) -> None:
    async def scenario() -> None:
        timeout_ns = 300 * MS if case.outcome is Outcome.TIMEOUT else 20_000 * MS
        async with (
            serving(misbehaving(case.steps, after_handshake=False)) as server,
            client_for(server.url, timeout_ns=timeout_ns) as (http, owner),
        ):
            http.headers["Authorization"] = "Bearer secret"
            with pytest.raises(case.error) as caught:
                await http.websocket("/bad?key=secret").__aenter__()
            assert type(caught.value) is case.error
            assert str(caught.value).endswith(f": {server.url.replace('http', 'ws')}/bad")
            (recorded,) = owner.recorder.requests
            assert recorded.outcome is case.outcome
            if case.outcome is Outcome.TIMEOUT:
                assert recorded.finished_ns - recorded.started_ns >= 299 * MS, "its full wait"
            (sample,) = owner.recorder.samples
            assert sample[:2] == ("WS /bad", case.outcome)
            assert "secret" not in sample[3]
            assert owner.recorder.trends == [], "there was no session"
            http.timeout = 20
            await check_that_the_user_goes_on(http, owner)

    run(scenario())


NEGOTIATIONS = [
    ("a subprotocol that nobody asked for", {}, "Sec-WebSocket-Protocol: v9"),
    ("another subprotocol", {"subprotocols": ["v1"]}, "Sec-WebSocket-Protocol: v9"),
    ("an unknown extension", {}, "Sec-WebSocket-Extensions: x-turbo"),
    (
        "compression that was not offered",
        {"compression": False},
        "Sec-WebSocket-Extensions: permessage-deflate",
    ),
]


@pytest.mark.parametrize(("sentence", "options", "field"), NEGOTIATIONS, ids=[row[0] for row in NEGOTIATIONS])
def test_a_server_that_chooses(sentence: str, options: dict[str, Any], field: str, run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(misbehaving((HANG,), after_handshake=True, fields=(field,))) as server,
            client_for(server.url) as (http, owner),
        ):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.websocket("/bad", **options).__aenter__()
            assert owner.recorder.outcomes == [Outcome.PROTOCOL]
            await check_that_the_user_goes_on(http, owner)

    run(scenario())


# -- once it is open --------------------------------------------------------------------------------------


class Break(NamedTuple):
    sentence: str
    steps: Steps
    outcome: Outcome
    code: int  # as the test sees it
    options: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    fields: tuple[str, ...] = ()


DEFLATE = ("Sec-WebSocket-Extensions: permessage-deflate",)


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]


BOMB = deflated(b"\x00" * (1000 * LIMIT))
ERROR_ANSWERED = frame(CLOSE_FRAME, (1002).to_bytes(2, "big"))

BREAKS = [
    Break("closes without a close frame", (CLOSE,), Outcome.CLOSED, 1006),
    Break("closes in a frame's head", (frame(TEXT, b"x" * 200)[:3], CLOSE), Outcome.CLOSED, 1006),
    Break("closes in a message", (frame(TEXT, b"hello")[:-2], CLOSE), Outcome.CLOSED, 1006),
    Break("closes between two fragments", (frame(TEXT, b"he", fin=False), CLOSE), Outcome.CLOSED, 1006),
    Break("resets", (RESET,), Outcome.RESET, 1006),
    Break("sends garbage", (b"\xff" * 50, HANG), Outcome.PROTOCOL, 1006),
    Break("sends an unknown opcode", (frame(3), HANG), Outcome.PROTOCOL, 1006),
    Break("sets a reserved bit", (frame(TEXT, b"a", bits=0x20), HANG), Outcome.PROTOCOL, 1006),
    Break("masks its frames", (frame(TEXT, b"hello", masked=True), HANG), Outcome.PROTOCOL, 1006),
    Break("continues what has not begun", (frame(CONTINUATION, b"a"), HANG), Outcome.PROTOCOL, 1006),
    Break(
        "begins a message in a message",
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), HANG),
        Outcome.PROTOCOL,
        1006,
    ),
    Break("sends a long ping", (frame(PING, b"a" * 126), HANG), Outcome.PROTOCOL, 1006),
    Break("fragments a ping", (frame(PING, b"a", fin=False), HANG), Outcome.PROTOCOL, 1006),
    Break("sends half a close code", (frame(CLOSE_FRAME, b"\x03"), HANG), Outcome.PROTOCOL, 1006),
    Break("sends text that is not UTF-8", (frame(TEXT, b"\xff\xfe"), HANG), Outcome.PROTOCOL, 1006),
    Break("sends HTTP", (answer(b"hello" * 50), HANG), Outcome.PROTOCOL, 1006),
    Break(
        "announces a message over the limit",
        (frame(BINARY, b"x" * LIMIT + b"x")[:100], HANG),
        Outcome.TOO_LARGE,
        1006,
    ),
    Break(
        "sends fragments over the limit",
        (frame(BINARY, b"x" * LIMIT, fin=False) + frame(CONTINUATION, b"x"), HANG),
        Outcome.TOO_LARGE,
        1006,
    ),
    Break("announces 8 exbibytes", (b"\x82\x7f\x7f" + b"\xff" * 7, HANG), Outcome.TOO_LARGE, 1006),
    Break(
        "sends a compression bomb",
        (frame(BINARY, BOMB, bits=0x40), HANG),
        Outcome.TOO_LARGE,
        1006,
        {},
        DEFLATE,
    ),
    Break(
        "sends what does not decompress",
        (frame(BINARY, b"\xff" * 20, bits=0x40), HANG),
        Outcome.PROTOCOL,
        1006,
        {},
        DEFLATE,
    ),
    Break(
        "never answers a ping",
        (HANG,),
        Outcome.TIMEOUT,
        1006,
        {"ping_interval": 0.02, "ping_timeout": 0.05},
    ),
    Break(
        "closes with an error", (frame(CLOSE_FRAME, (1011).to_bytes(2, "big")), CLOSE), Outcome.CLOSED, 1011
    ),
    Break(
        "closes with an error and stays",
        (frame(CLOSE_FRAME, (1011).to_bytes(2, "big")), HANG),
        Outcome.CLOSED,
        1011,
        {"close_timeout": 0.05},
    ),
    Break("answers our error and closes", (b"\xff" * 50, ERROR_ANSWERED, CLOSE), Outcome.PROTOCOL, 1006),
]


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.sentence)
def test_a_server_that(case: Break, run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(misbehaving(case.steps, after_handshake=True, fields=case.fields)) as server,
            client_for(server.url) as (http, owner),
        ):
            async with http.websocket("/bad?key=secret", max_message=LIMIT, **case.options) as ws:
                with pytest.raises(ConnectionClosedError):
                    await ws.recv(timeout=20)
                assert ws.close_code == case.code
                with pytest.raises(ConnectionClosedError):
                    await ws.send("more")
                await ws.close()
            # The last callback of the connection may come before its opener has seen the answer.
            handshake, broken = sorted(owner.recorder.requests)
            assert (handshake.outcome, handshake.status) == (Outcome.OK, 101)
            assert (broken.name, broken.outcome, broken.status) == ("WS /bad session", case.outcome, 0)
            (sample,) = owner.recorder.samples
            assert sample[:2] == ("WS /bad session", case.outcome)
            assert sample[3].endswith(f": {server.url.replace('http', 'ws')}/bad")
            assert all(name == "WS /bad first message" for name, *_ in owner.recorder.trends)
            await check_that_the_user_goes_on(http, owner)

    run(scenario())


def test_a_server_that_never_answers_the_goodbye(run: Run) -> None:
    """The time-out holds, and counts with the time that was waited."""

    async def scenario() -> None:
        async with (
            serving(misbehaving((HANG, HANG), after_handshake=True)) as server,
            client_for(server.url) as (http, owner),
        ):
            async with http.websocket("/bad", close_timeout=0.1) as ws:
                await ws.send("hello")
            assert ws.close_code == 1006
            broken = owner.recorder.requests[-1]
            assert (broken.name, broken.outcome) == ("WS /bad session", Outcome.TIMEOUT)
            assert 90 * MS <= broken.finished_ns - broken.started_ns < 20_000 * MS
            assert "no answer to the close frame" in owner.recorder.samples[0][3]
            await check_that_the_user_goes_on(http, owner)

    run(scenario())


def test_a_server_that_says_goodbye_and_stays(run: Run) -> None:
    """Both have said goodbye, so it is a good end; the socket is closed within the time-out."""

    async def scenario() -> None:
        steps: Steps = (frame(CLOSE_FRAME, (1000).to_bytes(2, "big")), HANG, HANG)
        async with (
            serving(misbehaving(steps, after_handshake=True)) as server,
            client_for(server.url) as (http, owner),
        ):
            async with http.websocket("/bad", close_timeout=0.1) as ws:
                assert [message async for message in ws] == []
            assert owner.recorder.outcomes == [Outcome.OK]
            await check_that_the_user_goes_on(http, owner)

    run(scenario())


def test_a_message_right_behind_the_handshake_is_measured(run: Run) -> None:
    async def behave(peer: Peer) -> None:
        seen = await peer.request()
        await peer.send(accepting(seen) + frame(TEXT, b"fast"))
        await peer.reader.read()

    async def scenario() -> None:
        async with serving(behave) as server, client_for(server.url) as (http, owner):
            async with http.websocket("/", close_timeout=0.05) as ws:
                assert await ws.recv() == "fast"
            first, *_ = owner.recorder.trends
            assert first[:2] == ("WS / first message", 0)

    run(scenario())


def test_a_fragmented_message_is_one(run: Run) -> None:
    async def behave(peer: Peer) -> None:
        seen = await peer.request()
        await peer.send(accepting(seen))
        for part in (frame(TEXT, b"o", fin=False), frame(PING), frame(CONTINUATION, b"ne")):
            await peer.send(part)
        await peer.reader.read()

    async def scenario() -> None:
        async with serving(behave) as server, client_for(server.url) as (http, owner):
            async with http.websocket("/", close_timeout=0.05) as ws:
                assert await ws.recv() == "one"
            assert owner.recorder.counters == {"WS / messages received": 1}

    run(scenario())
