"""Content that does not decode, or that becomes too much: an error of its kind when it is read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import brotli
import httpx
import pytest
import zstandard

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.decoding import (
    ContentDecoder,
    DamagedContent,
    OversizedContent,
    decode_content,
    parse_json,
)
from tests.http.conftest import Run, client_for
from tests.http.servers import answer, answering, serving

TEXT = bytes(range(256)) * 40
ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", ENCODERS)
def test_the_bound_holds_exactly(coding: str) -> None:
    encoded = ENCODERS[coding](TEXT)
    assert decode_content(encoded, [coding], len(TEXT)) == TEXT
    with pytest.raises(OversizedContent):
        decode_content(encoded, [coding], len(TEXT) - 1)


@pytest.mark.parametrize("coding", ENCODERS)
def test_damaged_content(coding: str) -> None:
    with pytest.raises(DamagedContent):
        decode_content(b"this is not compressed at all", [coding], 1000)


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_bomb_does_not_grow(coding: str) -> None:
    bomb = ENCODERS[coding](bytes(4_000_000))
    with pytest.raises(OversizedContent):
        decode_content(bomb, [coding], 100_000)


@pytest.mark.parametrize(
    ("body", "outcome", "message"),
    [
        (b"junk", Outcome.DECODING, "does not decode"),
        (gzip.compress(bytes(200_000)), Outcome.TOO_LARGE, "over 100000 bytes"),
    ],
    ids=["damaged", "a bomb"],
)
def test_a_response_that_does_not_decode(body: bytes, outcome: Outcome, message: str, run: Run) -> None:
    """The answer came, so its time counts; the request failed, as it does in httpx."""

    async def scenario() -> None:
        behaviour = answering(answer(body, "200 OK", "Content-Encoding: gzip"))
        async with (
            serving(behaviour) as server,
            client_for(server.url, max_body_bytes=100_000) as (http, owner),
        ):
            for _ in range(2):
                with pytest.raises(httpx.DecodingError, match=message) as caught:
                    await http.get("/x?secret=1")
                assert "secret" not in str(caught.value)
            assert owner.recorder.outcomes == [outcome, outcome]
            assert [sample[:3] for sample in owner.recorder.samples] == [("GET /x", outcome, 200)] * 2
            assert server.connections == 1, "the connection is as good as before"

    run(scenario())


def test_too_many_codings(run: Run) -> None:
    """A few bytes of header must not make the generator decode thousands of times."""
    with pytest.raises(DamagedContent, match="6 content codings"):
        decode_content(b"x", ["gzip"] * 6, 1000)


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_any_size_give_the_same(coding: str, size: int) -> None:
    encoded = ENCODERS[coding](TEXT)
    decoder = ContentDecoder([coding])
    pieces = [
        piece
        for start in range(0, len(encoded), size)
        for piece in decoder.decode(encoded[start : start + size])
    ]
    decoder.finish()
    assert b"".join(pieces) == TEXT


@pytest.mark.parametrize("coding", ENCODERS)
def test_pieces_are_bounded(coding: str) -> None:
    """However much comes out, it comes in pieces: memory stays."""
    bomb = ENCODERS[coding](bytes(40_000_000))
    sizes = [len(piece) for piece in ContentDecoder([coding]).decode(bomb)]
    assert sum(sizes) == 40_000_000
    assert max(sizes) <= 16 * 1024 * 1024


def test_deflate_without_a_wrapper() -> None:
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert decode_content(raw.compress(TEXT) + raw.flush(), ["deflate"], len(TEXT)) == TEXT


def test_a_truncated_zstd_frame_is_damage() -> None:
    with pytest.raises(DamagedContent, match="incomplete"):
        decode_content(zstandard.compress(TEXT)[:-3], ["zstd"], len(TEXT))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"a": [1, 2.5, null, "\xc3\xa9"]}', "an object in UTF-8"),
        (b"[]\n", "a line feed at the end, as many servers send it"),
        (b' {"a": 1}', "white space before it"),
        (b"17", "a number alone"),
        (b'"text"', "a text alone"),
        ('{"a": "é"}'.encode("utf-16"), "UTF-16 with a byte order mark"),
        ('["é"]'.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ('{"a": 1}'.encode("utf-32-be"), "UTF-32"),
        ('{"a": 1}'.encode("utf-8-sig"), "UTF-8 with a byte order mark"),
        (b'{"a": "\xed\xa0\x80"}', "a lone surrogate"),
        (b'{"a": NaN, "b": Infinity}', "what JSON has not, but Python reads"),
        (b"", "nothing"),
        (b"{", "an object that does not end"),
        (b"[1] x", "something behind it"),
        ("[1]\u00a0".encode(), "a space that is none in JSON"),
        (b'{"a": "\xff"}', "bytes that are no UTF-8"),
    ],
)
def test_json_is_what_the_standard_library_makes_of_it(content: bytes, sentence: str) -> None:
    def outcome(parse: Callable[[bytes], object]) -> str:
        try:
            return repr(parse(content))
        except ValueError as error:
            return f"{type(error).__name__}: {error}"

    assert outcome(parse_json) == outcome(json.loads), sentence
