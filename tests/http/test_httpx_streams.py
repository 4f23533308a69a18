"""Streamed bodies of `httpx_client` in content codings: bounded, judged at their end, in all four ways.

The server gives back what it is sent, said to be coded as its path names.
"""

from __future__ import annotations

import copy
import functools
import gzip
import pickle
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import brotli  # type: ignore[import-untyped]  # has no stubs
import httpx
import pytest
import zstandard

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.engine.sync_bridge import SyncBody, await_only
from pytest_loadtest.http.httpx_client.client import LoadAsyncClient, LoadClient
from tests.http.conftest import Run
from tests.http.fakes import FakeOwner
from tests.http.http2_server import AUTHORITY, http2_server
from tests.http.servers import Seen, answer, answering, serving
from tests.http.test_httpx_transport import httpx_client_for
from tests.http.tls_contexts import trusting

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
TEXT = "".join(f"line {n}: blåbær\n" for n in range(20_000))
BOMB_BYTES = 20_000_000
MAX_BODY = 1_000_000
LARGEST_PIECE = 16 * 1024 * 1024  # zstd's; the others give less

AT_ONCE, IN_PARTS, AS_TEXT, AS_LINES = "at once", "in parts", "as text", "as lines"
How = str | int

pytestmark = pytest.mark.parametrize("run", ["uvloop"], indirect=True)
every_way = pytest.mark.parametrize("way", ["async", "plain"])
every_version = pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
every_coding = pytest.mark.parametrize("coding", ENCODERS)


@pytest.fixture(scope="module")
def url2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with http2_server(tmp_path_factory.mktemp("http2")) as address:
        yield address


def as_said(seen: Seen) -> bytes:
    return answer(seen.body, "200 OK", f"Content-Encoding: {seen.path.removeprefix('/as/')}")


@asynccontextmanager
async def client_of(
    version: str, url2: str, **settings: Any
) -> AsyncIterator[tuple[LoadAsyncClient, FakeOwner]]:
    if version == "HTTP/2":
        trusted = {"verify": trusting(AUTHORITY), **settings}
        async with httpx_client_for(url2, {"http2": True}, **trusted) as made:
            yield made
    else:
        async with serving(answering(as_said)) as server, httpx_client_for(server.url, **settings) as made:
            yield made


@functools.cache
def bomb(coding: str) -> bytes:
    return ENCODERS[coding](bytes(BOMB_BYTES))


@functools.cache
def text_in(coding: str) -> bytes:
    return ENCODERS[coding](TEXT.encode())


Read = tuple[list[Any], httpx.Response]


async def read_async(client: LoadAsyncClient, path: str, body: bytes, how: How) -> Read:
    async with client.stream("POST", path, content=body) as response:
        if how == AT_ONCE:
            return [await response.aread()], response
        if how == AS_TEXT:
            return [text async for text in response.aiter_text()], response
        if how == AS_LINES:
            return [line async for line in response.aiter_lines()], response
        size = how if isinstance(how, int) else None
        return [part async for part in response.aiter_bytes(size)], response


def read_plain(client: LoadClient, path: str, body: bytes, how: How) -> Read:
    with client.stream("POST", path, content=body) as response:
        if how == AT_ONCE:
            return [response.read()], response
        if how == AS_TEXT:
            return list(response.iter_text()), response
        if how == AS_LINES:
            return list(response.iter_lines()), response
        return list(response.iter_bytes(how if isinstance(how, int) else None)), response


async def read(way: str, client: LoadAsyncClient, coding: str, body: bytes, how: How) -> Read:
    if way == "async":
        return await read_async(client, f"/as/{coding}", body, how)
    plain = SyncBody()
    try:
        return await plain(read_plain, client.for_sync(await_only), f"/as/{coding}", body, how)
    finally:
        plain.close()


@every_way
@every_version
@every_coding
def test_every_way_of_reading_gives_what_was_coded(
    coding: str, version: str, way: str, run: Run, url2: str
) -> None:
    coded = text_in(coding)

    async def scenario() -> None:
        async with client_of(version, url2) as (client, owner):
            for how in (AT_ONCE, IN_PARTS, 1000, AS_TEXT, AS_LINES):
                parts, response = await read(way, client, coding, coded, how)
                if how == AS_LINES:
                    assert parts == TEXT.splitlines()
                else:
                    assert "".join(parts) == TEXT if how == AS_TEXT else b"".join(parts) == TEXT.encode()
                if how == 1000:
                    assert {len(part) for part in parts[:-1]} == {1000}
                assert (response.http_version, response.num_bytes_downloaded) == (version, len(coded))
                assert (response.is_closed, response.is_stream_consumed) == (True, True)
            assert owner.recorder.outcomes == [Outcome.OK] * 5

    run(scenario())


@every_way
@every_version
@every_coding
def test_a_bomb_that_is_read_in_parts_comes_in_bounded_ones(
    coding: str, version: str, way: str, run: Run, url2: str
) -> None:
    async def scenario() -> None:
        async with client_of(version, url2, max_body_bytes=MAX_BODY) as (client, owner):
            parts, _ = await read(way, client, coding, bomb(coding), IN_PARTS)
            assert sum(map(len, parts)) == BOMB_BYTES
            assert max(map(len, parts)) <= LARGEST_PIECE
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


@every_way
@every_version
@every_coding
def test_a_bomb_that_is_read_at_once_is_too_large(
    coding: str, version: str, way: str, run: Run, url2: str
) -> None:
    async def scenario() -> None:
        async with client_of(version, url2, max_body_bytes=MAX_BODY) as (client, owner):
            with pytest.raises(httpx.DecodingError, match=f"over {MAX_BODY} bytes") as raised:
                await read(way, client, coding, bomb(coding), AT_ONCE)
            assert raised.value.request.url.path == f"/as/{coding}"
            exactly = ENCODERS[coding](bytes(MAX_BODY))
            assert (await read(way, client, coding, exactly, AT_ONCE))[0] == [bytes(MAX_BODY)]
            assert owner.recorder.outcomes == [Outcome.TOO_LARGE, Outcome.OK]
            assert [sample[1] for sample in owner.recorder.samples] == [Outcome.TOO_LARGE]

    run(scenario())


def damaged(coded: bytes) -> bytes:
    """From its middle on it is nonsense."""
    half = len(coded) // 2
    return coded[:half] + bytes(byte ^ 0x5A for byte in coded[half:])


@every_way
@every_version
@pytest.mark.parametrize("how", [AT_ONCE, 1000, AS_LINES])
@pytest.mark.parametrize(
    ("sentence", "coding", "damage"),
    [
        ("damaged gzip", "gzip", damaged),
        ("damaged br", "br", lambda coded: coded[:20] + b"\xff" * 1000),
        ("damaged zstd", "zstd", damaged),
        ("zstd that ends too soon", "zstd", lambda coded: coded[:-5]),
        ("zstd of which there is only the beginning", "zstd", lambda coded: coded[:3]),
    ],
)
def test_what_does_not_decode_is_one_failed_request(
    sentence: str,
    coding: str,
    damage: Callable[[bytes], bytes],
    how: How,
    version: str,
    way: str,
    run: Run,
    url2: str,
) -> None:
    body = damage(text_in(coding))

    async def scenario() -> None:
        async with client_of(version, url2) as (client, owner):
            with pytest.raises(httpx.DecodingError, match="does not decode") as raised:
                await read(way, client, coding, body, how)
            assert raised.value.request.url.path == f"/as/{coding}"
            good = ENCODERS[coding](b"good")
            assert (await read(way, client, coding, good, AT_ONCE))[0] == [b"good"]
            assert owner.recorder.outcomes == [Outcome.DECODING, Outcome.OK]
            assert [sample[1] for sample in owner.recorder.samples] == [Outcome.DECODING]

    run(scenario())


PASSED_ON = [
    ("gzip that ends too soon", "gzip", gzip.compress(b"whole")[:-4], b"whole"),
    ("br that ends too soon", "br", brotli.compress(TEXT.encode())[:20], None),
    ("nothing, said to be gzip", "gzip", b"", b""),
    ("nothing, said to be zstd", "zstd", b"", b""),
    ("an unknown coding", "rot13", b"uryyb", b"uryyb"),
]


@every_way
@every_version
@pytest.mark.parametrize(
    ("sentence", "coding", "coded", "content"), PASSED_ON, ids=[row[0] for row in PASSED_ON]
)
def test_what_httpx_lets_pass(
    sentence: str,
    coding: str,
    coded: bytes,
    content: bytes | None,
    version: str,
    way: str,
    run: Run,
    url2: str,
) -> None:
    theirs = httpx.Response(200, headers={"content-encoding": coding}, content=coded).content
    assert content is None or theirs == content

    async def scenario() -> None:
        async with client_of(version, url2) as (client, owner):
            for how in (AT_ONCE, IN_PARTS):
                assert b"".join((await read(way, client, coding, coded, how))[0]) == theirs
            assert owner.recorder.outcomes == [Outcome.OK] * 2

    run(scenario())


@every_version
def test_a_response_that_was_read_can_be_copied_and_pickled(version: str, run: Run, url2: str) -> None:
    async def scenario() -> None:
        async with client_of(version, url2) as (client, _):
            _, response = await read("async", client, "gzip", gzip.compress(b"body"), AT_ONCE)
            for twin in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response), copy.copy(response)):
                assert (twin.content, twin.status_code, twin.elapsed) == (b"body", 200, response.elapsed)
                assert list(twin.iter_bytes(3)) == [b"bod", b"y"]
            _, unread = await read("async", client, "gzip", gzip.compress(b"body"), IN_PARTS)
            with pytest.raises(httpx.StreamConsumed):
                list(pickle.loads(pickle.dumps(unread)).iter_bytes())

    run(scenario())
