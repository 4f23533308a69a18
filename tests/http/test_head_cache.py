"""The cache of heads changes no outcome: any byte stream, split anywhere, gives what llhttp alone gives."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_loadtest.http.connection import Connection
from pytest_loadtest.http.deadlines import NEVER, DeadlineSweeper
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.head import MAX_CACHED_HEADS, Head, HeadCache

LIMIT = 4096


class FakeTransport:
    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


class Pool:
    def lost(self, connection: Connection) -> None:
        pass


class NoCache(HeadCache):
    """llhttp alone."""

    def add(self, head_bytes: bytes, head: Head, body_length: int) -> None:
        pass


async def outcome(heads: HeadCache, reads: list[bytes], *, ends: bool, head_request: bool) -> Any:
    """What one answer becomes, and whether its connection may be used again."""
    connection = Connection(Pool(), heads, DeadlineSweeper(), LIMIT, LIMIT)
    transport = FakeTransport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    waiter = connection.send(b"", NEVER, head_request)
    for read in reads:
        if not transport.aborted:
            connection.data_received(read)
    if ends and not transport.aborted:
        connection.connection_lost(None)
    if not waiter.done():
        waiter.cancel()
        return "waiting"
    error = waiter.exception()
    if error is not None:
        assert isinstance(error, Failure)
        return error.outcome
    head = connection.head
    reusable = not connection.closed
    return head.status, head.reason, head.http_version, head.raw_headers, connection.body, reusable


NAMES = [
    b"Content-Length",
    b"content-length",
    b"Transfer-Encoding",
    b"Connection",
    b"Date",
    b"X-A",
    b"Upgrade",
]
VALUES = [b"0", b"3", b"5", b"+3", b" 3 ", b"chunked", b"gzip", b"close", b"keep-alive", b"x", b"", b"a\tb"]
LINES = [b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No", b"HTTP/1.1 304 Not", b"HTTP/1.1 100 Go"]
LINES += [
    b"HTTP/1.1 101 Up",
    b"HTTP/1.1 404",
    b"HTTP/1.1 404 ",
    b"HTTP/2.0 200 OK",
    b"HTTP/1.1 2000 OK",
    b"ICY 200 OK",
]
BODIES = [
    b"",
    b"abc",
    b"abcde",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"\r\n",
    b"abcHTTP/1.1 200 OK\r\n\r\n",
]

fields = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3)
line_ends = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n", b"\0\r\n"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    end = draw(line_ends)
    separator = draw(st.sampled_from([b": "] * 6 + [b":", b" : ", b":\r\n "]))
    lines = [draw(st.sampled_from(LINES))]
    lines += [name + separator + value for name, value in draw(fields)]
    return end.join(lines) + end + draw(line_ends) + draw(st.sampled_from(BODIES))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A stream with one byte changed, taken out or put in."""
    stream = draw(streams())
    at = draw(st.integers(0, len(stream)))
    return stream[:at] + draw(st.binary(max_size=1)) + stream[at + draw(st.integers(0, 1)) :]


@settings(max_examples=150, deadline=None)
@given(st.one_of(streams(), damaged()), st.booleans(), st.booleans())
def test_a_cached_head_gives_what_llhttp_gives(stream: bytes, ends: bool, head_request: bool) -> None:
    async def scenario() -> None:
        heads = HeadCache()
        for as_head in (False, head_request, False):
            expected = await outcome(NoCache(), [stream], ends=ends, head_request=as_head)
            for _ in range(2):
                assert await outcome(heads, [stream], ends=ends, head_request=as_head) == expected

    asyncio.run(scenario())


@settings(max_examples=150, deadline=None)
@given(streams(), st.lists(st.sampled_from(BODIES), min_size=1, max_size=3), st.booleans())
def test_the_same_head_with_other_bodies(stream: bytes, bodies: list[bytes], ends: bool) -> None:
    async def scenario() -> None:
        heads = HeadCache()
        head = stream[: stream.find(b"\r\n\r\n") + 4]
        for body in bodies:
            expected = await outcome(NoCache(), [head + body], ends=ends, head_request=False)
            assert await outcome(heads, [head + body], ends=ends, head_request=False) == expected

    asyncio.run(scenario())


@settings(max_examples=100, deadline=None)
@given(st.one_of(streams(), damaged()), st.data(), st.booleans())
def test_where_a_stream_is_split_makes_no_difference(stream: bytes, data: st.DataObject, ends: bool) -> None:
    """llhttp overlooks a line break right after an answer; one that comes later closes the connection."""

    async def scenario() -> None:
        heads = HeadCache()
        whole = await outcome(heads, [stream], ends=ends, head_request=False)
        at = data.draw(st.integers(0, len(stream)))
        reads = [part for part in (stream[:at], stream[at:]) if part]
        split = await outcome(heads, reads, ends=ends, head_request=False)
        single_bytes = await outcome(heads, [bytes([b]) for b in stream], ends=ends, head_request=False)
        for parts in (split, single_bytes):
            if isinstance(whole, tuple):
                assert parts[:-1] == whole[:-1]
                assert whole[-1] or not parts[-1], "never used again where it would not be"
            else:
                assert parts == whole

    asyncio.run(scenario())


def test_the_cache_is_bounded() -> None:
    heads = HeadCache()
    head = Head(200, b"OK", "1.1", [], keep_alive=True)
    for number in range(3 * MAX_CACHED_HEADS):
        heads.add(b"%d" % number, head, 0)
    assert 0 < len(heads) <= MAX_CACHED_HEADS


def test_what_is_not_cached() -> None:
    heads = HeadCache()
    heads.add(b"x" * 3000, Head(200, b"OK", "1.1", [], keep_alive=True), 0)
    heads.add(b"closes", Head(200, b"OK", "1.1", [], keep_alive=False), 0)
    heads.add(b"cookie", Head(200, b"OK", "1.1", [(b"Set-Cookie", b"a=1")], keep_alive=True), 0)
    assert len(heads) == 0
