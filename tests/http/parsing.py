"""What a stream of bytes becomes, and what must hold for every stream: shared by the tests and the fuzzer.

Owns the invariants. Must not know where the streams come from.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.decoding import ContentDecoder, DamagedContent
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.wire.body_stream import BodyStream
from pytest_loadtest.http.wire.connection import Connection
from pytest_loadtest.http.wire.deadlines import NEVER, DeadlineSweeper
from pytest_loadtest.http.wire.head import Head, HeadCache, RawHeaders
from pytest_loadtest.http.wire.message import MessageParser


class Terms(NamedTuple):
    """How an answer is read. `ends`: the server closes after the last byte."""

    ends: bool = False
    head_request: bool = False
    streamed: bool = False
    max_header: int = 4096
    max_body: int = 4096


class Parsed(NamedTuple):
    """`state` is complete, waiting, or the outcome it failed with."""

    state: str | Outcome
    head: tuple[int, bytes, str, RawHeaders] | None = None
    body: bytes = b""
    reusable: bool = False


def shown(head: Head) -> tuple[int, bytes, str, RawHeaders]:
    return head.status, head.reason, head.http_version, head.raw_headers


# -- the parser alone ------------------------------------------------------------------------------------


def parse(reads: list[bytes], terms: Terms, parser: MessageParser | None = None) -> Parsed:
    """One answer, as a connection would read it: nothing is fed after its end."""
    parser = parser or MessageParser(terms.max_header, terms.max_body)
    parts: list[bytes] = []
    parser.begin(expects_no_body=terms.head_request, sink=parts.append if terms.streamed else None)
    rest = list(reads)
    while rest and not (parser.complete or parser.failure):
        parser.feed(rest.pop(0))
    if terms.ends:
        parser.end_of_stream()
    body = b"".join(parts) if terms.streamed else parser.body
    if parser.complete:
        return Parsed("complete", shown(parser.head), body, parser.keeps_alive and not rest)
    if parser.failure is not None:
        return Parsed(parser.failure.outcome, None, body if terms.streamed else b"")
    return Parsed("waiting", shown(parser.head) if parser.in_body else None, body)


def check_same(whole: Parsed, other: Parsed) -> None:
    """The pieces change nothing but one thing, and that only to the safe side.

    llhttp overlooks a line break right after an answer; one that comes later closes the connection.
    """
    assert other[:-1] == whole[:-1]
    assert whole.reusable or not other.reusable, "never used again where it would not be"


def check_bounds(parsed: Parsed, stream: bytes, terms: Terms) -> None:
    """What came out is no more than what is allowed, nor than what went in."""
    assert len(parsed.body) <= len(stream)
    assert terms.streamed or len(parsed.body) <= terms.max_body
    if parsed.head is not None:
        assert sum(len(name) + len(value) for name, value in parsed.head[3]) < terms.max_header
        assert 200 <= parsed.head[0] <= 999
    if terms.head_request and parsed.state == "complete":
        assert parsed.body == b""


def check_message(stream: bytes, cuts: list[list[bytes]], terms: Terms) -> Parsed:
    """All that must hold for one stream, however it is cut; what it became."""
    whole = parse([stream], terms)
    check_bounds(whole, stream, terms)
    for reads in cuts:
        check_same(whole, parse(reads, terms))
    if whole.reusable:
        parser = MessageParser(terms.max_header, terms.max_body)
        for _ in range(2):
            assert parse([stream], terms, parser) == whole, "the next answer begins with nothing of this one"
    return whole


# -- through a connection --------------------------------------------------------------------------------


class FakeTransport:
    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        raise AssertionError("the streams are smaller than what may wait")


class FakePool:
    def lost(self, connection: Connection) -> None:
        pass


class NoCache(HeadCache):
    """llhttp alone."""

    def add(self, head_bytes: bytes, head: Head, body_length: int) -> None:
        pass


async def exchange(heads: HeadCache, reads: list[bytes], terms: Terms) -> Parsed:
    """What one answer becomes for who waits for it."""
    connection = Connection(FakePool(), heads, DeadlineSweeper(), terms.max_header, terms.max_body)
    transport: Any = FakeTransport()
    connection.connection_made(transport)
    stream: BodyStream | None = None
    if terms.streamed:
        stream, waiter = connection.send_for_stream(b"", NEVER, None, terms.head_request)
    else:
        waiter = connection.send(b"", NEVER, terms.head_request)
    for read in reads:
        if not transport.aborted:
            connection.data_received(read)
    if terms.ends and not transport.aborted:
        connection.connection_lost(None)
    if not waiter.done():
        waiter.cancel()
        return Parsed("waiting")
    error = waiter.exception()
    if error is not None:
        assert isinstance(error, Failure)
        return Parsed(error.outcome)
    if stream is not None:
        return await _streamed(connection, stream)
    return Parsed("complete", shown(connection.head), connection.body, not connection.closed)


async def _streamed(connection: Connection, stream: BodyStream) -> Parsed:
    """A streamed answer that fails has failed, whether its head was given before or not."""
    body = b""
    try:
        async with asyncio.timeout(0):
            while part := await stream.get():
                body += part
    except TimeoutError:
        return Parsed("waiting")
    except Failure as failure:
        return Parsed(failure.outcome)
    return Parsed("complete", shown(connection.head), body, not connection.closed)


# -- content codings -------------------------------------------------------------------------------------


def decode(parts: list[bytes], codings: list[str], max_bytes: int = 10_000_000) -> bytes | None:
    """The content, or None for damage; no more than a little over `max_bytes` of it."""
    pieces: list[bytes] = []
    size = 0
    try:
        decoder = ContentDecoder(codings)
        for part in parts:
            for piece in decoder.decode(part):
                assert piece, "no empty pieces"
                pieces.append(piece)
                size += len(piece)
                if size > max_bytes:
                    return b"".join(pieces)[:max_bytes]
        decoder.finish()
    except DamagedContent:
        return None
    return b"".join(pieces)


def check_content(body: bytes, cuts: list[list[bytes]], codings: list[str]) -> bytes | None:
    """The same content, or damage, however the body is cut."""
    whole = decode([body] if body else [], codings)
    for parts in cuts:
        assert decode(parts, codings) == whole
    return whole
