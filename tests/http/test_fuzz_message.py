"""Any byte stream, cut anywhere: the same answer, the same failure, the same content; and what h11 reads."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import brotli
import h11
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.inputs import check, seeds
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.wire.head import HeadCache
from tests.http.byte_streams import Answer, answers, cut, places, single_bytes, streams, two_way_cuts
from tests.http.parsing import Parsed, Terms, check_content, check_message, check_same, exchange, parse

steady = settings(deadline=None, derandomize=True, database=None)

terms_of_reading = st.builds(
    Terms,
    ends=st.booleans(),
    head_request=st.booleans(),
    streamed=st.booleans(),
    max_header=st.sampled_from([4096, 200, 40]),
    max_body=st.sampled_from([4096, 50, 3]),
)


@settings(steady, max_examples=150)
@given(streams(), terms_of_reading)
def test_cut_once_at_every_place(stream: bytes, terms: Terms) -> None:
    check_message(stream, [*two_way_cuts(stream), single_bytes(stream)], terms)


@settings(steady, max_examples=120)
@given(st.lists(streams(), min_size=1, max_size=4), st.lists(places(), max_size=5), terms_of_reading)
def test_several_answers_cut_at_many_places(
    parts: list[bytes], many_places: list[list[int]], terms: Terms
) -> None:
    stream = b"".join(parts)
    check_message(stream, [cut(stream, cut_at) for cut_at in many_places], terms)


@settings(steady, max_examples=100)
@given(streams(), places(), terms_of_reading)
def test_the_same_through_a_connection(stream: bytes, cut_at: list[int], terms: Terms) -> None:
    """The cache of heads is on, and is used the second time."""

    async def scenario() -> None:
        heads = HeadCache()
        alone = parse([stream], terms)
        for reads in ([stream], [stream], cut(stream, cut_at), single_bytes(stream)):
            became = await exchange(heads, reads, terms)
            assert became.state == _told(alone, terms)
            if became.state == "complete":
                check_same(alone, became)

    asyncio.run(scenario())


def _told(alone: Parsed, terms: Terms) -> str | Outcome:
    """What a parser waits for in vain is a closed connection to who waits."""
    return Outcome.CLOSED if alone.state == "waiting" and terms.ends else alone.state


LONG = [
    (b"1" + b";a=" + b"x" * 300 + b"\r\n.\r\n0\r\n\r\n", Outcome.TOO_LARGE, "an extension without end"),
    (b"1\r\n.\r\n0\r\nX: " + b"x" * 300 + b"\r\n\r\n", Outcome.TOO_LARGE, "a trailer without end"),
    (b"1\r\n.\r\n0\r\n" + b"X: 1\r\n" * 60 + b"\r\n", Outcome.TOO_LARGE, "many trailers"),
    (b"1\r\n.\r\n" * 100 + b"0\r\n\r\n", "complete", "chunks of one byte"),
    (b"1;a=12345\r\n.\r\n" * 100 + b"0\r\n\r\n", "complete", "chunks of one byte, each with an extension"),
    (b"1;a=123456789\r\n.\r\n" * 100 + b"0\r\n\r\n", Outcome.TOO_LARGE, "chunks that are mostly extension"),
    (
        b"12c\r\n" + b"." * 300 + b"\r\n0;a=" + b"x" * 300 + b"\r\n\r\n",
        "complete",
        "a large body pays for it",
    ),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("body", "state", "sentence"), LONG, ids=[row[2] for row in LONG])
def test_framing_has_a_limit_wherever_it_is_cut(
    body: bytes, state: str | Outcome, sentence: str, streamed: bool
) -> None:
    stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    cuts = [*two_way_cuts(stream), single_bytes(stream), cut(stream, list(range(0, len(stream), 7)))]
    assert check_message(stream, cuts, Terms(streamed=streamed, max_header=60)).state == state, sentence


LIMITS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 5000 + b"3\r\n\r\nabc", "complete", "5000 zeros"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 5000 + b"9\r\n\r\nabc", "waiting", "and not all there"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nabc", Outcome.TOO_LARGE, "announced to be too large"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000 + b"\r\n\r\n", Outcome.TOO_LARGE, "a field over the limit"),
    (b"HTTP/1.1 101 X\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Outcome.PROTOCOL, "101 without Upgrade"),
    (b"HTTP/1.1 050 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Outcome.PROTOCOL, "a status below 100"),
]


@pytest.mark.parametrize(("stream", "state", "sentence"), LIMITS, ids=[row[2] for row in LIMITS])
def test_what_the_fuzzer_found(stream: bytes, state: str | Outcome, sentence: str) -> None:
    cuts = [cut(stream, [place]) for place in (1, 10, 60, 4000, 8000)]
    assert check_message(stream, cuts, Terms(max_header=8000, max_body=100)).state == state, sentence


@pytest.mark.parametrize(("name", "data"), [pytest.param(*seed, id=seed[0]) for seed in seeds()])
def test_what_the_fuzzer_begins_with(name: str, data: bytes) -> None:
    """`make fuzz` goes on from here."""
    check(data)


# -- an independent judge --------------------------------------------------------------------------------


def read_by_h11(answer: Answer) -> Parsed:
    """The same answer as h11 reads it; its field names are in lower case, Transfer-Encoding all of it."""
    connection = h11.Connection(h11.CLIENT)
    method = "HEAD" if answer.head_request else "GET"
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(answer.stream)
    if answer.ends:
        connection.receive_data(b"")
    head = None
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            version = event.http_version.decode()
            head = event.status_code, bytes(event.reason), version, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            assert isinstance(event, h11.InformationalResponse), event
    return Parsed("complete", head, body, connection.their_state is h11.DONE)


@settings(steady, max_examples=200)
@given(answers(), places())
def test_valid_answers_are_read_as_h11_reads_them(answer: Answer, cut_at: list[int]) -> None:
    terms = Terms(ends=answer.ends, head_request=answer.head_request)
    ours = check_message(answer.stream, [cut(answer.stream, cut_at)], terms)
    theirs = read_by_h11(answer)
    assert ours.head is not None
    assert theirs.head is not None
    status, reason, version, fields = ours.head
    lowered = [(name.lower(), value.lower() if name[:1] == b"T" else value) for name, value in fields]
    assert (ours.state, (status, reason, version, lowered), ours.body) == theirs[:3]
    if answer.ends:
        assert not ours.reusable
    elif version == "1.1":  # h11 never keeps a connection of HTTP/1.0
        assert ours.reusable == theirs.reusable


# -- content codings -------------------------------------------------------------------------------------


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


ENCODERS = {
    "gzip": [gzip.compress],
    "deflate": [zlib.compress, raw_deflate],
    "br": [brotli.compress],
    "zstd": [zstandard.compress, lambda data: zstandard.compress(data) + zstandard.compress(b"more")],
}
contents = st.one_of(st.binary(max_size=60), st.binary(min_size=1, max_size=8).map(lambda part: part * 500))


@st.composite
def encoded(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A body in one or two codings, whole, truncated, damaged, or with something behind it."""
    codings = draw(st.lists(st.sampled_from(list(ENCODERS)), min_size=1, max_size=2))
    body = draw(contents)
    for coding in codings:
        body = draw(st.sampled_from(ENCODERS[coding]))(body)
    at = draw(st.integers(0, len(body)))
    damage = draw(st.sampled_from(["none", "none", "cut", "change", "append"]))
    if damage == "cut":
        body = body[:at]
    elif damage == "change":
        body = body[:at] + draw(st.binary(min_size=1, max_size=2)) + body[at + 1 :]
    elif damage == "append":
        body += draw(st.binary(min_size=1, max_size=9))
    return body, codings


@settings(steady, max_examples=200)
@given(encoded(), st.lists(places(), max_size=3))
def test_content_is_the_same_however_it_comes(
    coded: tuple[bytes, list[str]], many_places: list[list[int]]
) -> None:
    body, codings = coded
    check_content(body, [*(cut(body, cut_at) for cut_at in many_places), single_bytes(body)], codings)


@settings(steady, max_examples=100)
@given(contents, st.lists(st.sampled_from(list(ENCODERS)), min_size=1, max_size=5), places())
def test_content_that_is_whole_comes_back(content: bytes, codings: list[str], cut_at: list[int]) -> None:
    body = content
    for coding in codings:
        body = ENCODERS[coding][0](body)
    assert check_content(body, [cut(body, cut_at)], codings) == content
