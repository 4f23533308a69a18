"""The cache of heads changes no outcome: any byte stream gives what llhttp alone gives."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_loadtest.http.wire.head import MAX_CACHED_HEADS, Head, HeadCache
from tests.http.byte_streams import BODIES, odd_streams, streams
from tests.http.parsing import NoCache, Terms, exchange

steady = settings(deadline=None, derandomize=True, database=None, max_examples=100)


@steady
@given(streams(), st.booleans(), st.booleans())
def test_a_cached_head_gives_what_llhttp_gives(stream: bytes, ends: bool, head_request: bool) -> None:
    async def scenario() -> None:
        heads = HeadCache()
        for as_head in (False, head_request, False):
            terms = Terms(ends=ends, head_request=as_head)
            expected = await exchange(NoCache(), [stream], terms)
            for _ in range(2):
                assert await exchange(heads, [stream], terms) == expected

    asyncio.run(scenario())


@steady
@given(odd_streams(), st.lists(st.sampled_from(BODIES), min_size=1, max_size=3), st.booleans())
def test_the_same_head_with_other_bodies(stream: bytes, bodies: list[bytes], ends: bool) -> None:
    async def scenario() -> None:
        heads = HeadCache()
        terms = Terms(ends=ends)
        head = stream[: stream.find(b"\r\n\r\n") + 4]
        for body in bodies:
            expected = await exchange(NoCache(), [head + body], terms)
            assert await exchange(heads, [head + body], terms) == expected

    asyncio.run(scenario())


def test_the_limit_of_the_body_holds_for_cached_heads() -> None:
    """Connections with other limits may share the cache."""

    async def scenario() -> None:
        heads = HeadCache()
        stream = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        await exchange(heads, [stream], Terms())
        assert len(heads) == 1
        for terms in (Terms(max_body=2), Terms(streamed=True), Terms(head_request=True)):
            assert await exchange(heads, [stream], terms) == await exchange(NoCache(), [stream], terms)

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
