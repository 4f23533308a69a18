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
from pytest_loadtest.http.decoding import DamagedContent, OversizedContent, decode_content, parse_json
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
    """The request was answered; the error is told when, and each time, the content is asked for."""

    async def scenario() -> None:
        behaviour = answering(answer(body, "200 OK", "Content-Encoding: gzip"))
        async with (
            serving(behaviour) as server,
            client_for(server.url, max_body_bytes=100_000) as (http, owner),
        ):
            response = await http.get("/x?secret=1")
            assert response.status_code == 200
            assert owner.recorder.samples == []
            with pytest.raises(httpx.DecodingError, match=message) as caught:
                response.json()
            assert "secret" not in str(caught.value)
            assert [sample[:3] for sample in owner.recorder.samples] == [("GET /x", outcome, 200)]
            assert (await http.get("/x")).status_code == 200, "the connection is as good as before"
            assert server.connections == 1

    run(scenario())


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
