"""Byte streams that a server may send: valid answers, odd ones, damaged ones; and ways to cut them up.

One grammar for all tests of parsing. Must not know what the streams become.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st

CRLF = b"\r\n"

LINES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 404",
    b"HTTP/1.1 404 ",
    b"HTTP/1.1 503 Busy \xff there",
]
ODD_LINES = [
    *LINES,
    b"HTTP/1.1 100 Go on",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 099 Low",
    b"HTTP/1.1 2000 OK",
    b"HTTP/1.1 200 O\0K",
    b"HTTP/2.0 200 OK",
    b"HTTP/0.9 200 OK",
    b"ICY 200 OK",
    b"\r\nHTTP/1.1 200 OK",
]
NAMES = [
    b"Content-Length",
    b"content-length",
    b"Transfer-Encoding",
    b"Connection",
    b"Date",
    b"X-A",
    b"Upgrade",
]
VALUES = [b"0", b"3", b"5", b"+3", b" 3 ", b"0003", b"3, 3", b"99", b"18446744073709551616"]
VALUES += [b"chunked", b"gzip", b"gzip, chunked", b"close", b"keep-alive", b"upgrade", b"x", b"", b"a\tb"]
BODIES = [
    b"",
    b"abc",
    b"abcde",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"3;a=b\r\nabc\r\n0\r\nX: 1\r\n\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\nabc",
    b"\r\n",
    b"abcHTTP/1.1 200 OK\r\n\r\n",
]
HARMLESS = [
    (b"Date", b"today"),
    (b"X-A", b""),
    (b"x-a", b"1, 2"),
    (b"Server", b" x \t"),
    (b"X-B", b"\xfc\xff"),
]
INTERIM = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-A: \r\n\r\n"]


class Answer(NamedTuple):
    """A valid stream: `ends` if the body is all until the server closes."""

    stream: bytes
    ends: bool
    head_request: bool


# -- odd and damaged -------------------------------------------------------------------------------------

_fields = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3)
_line_ends = st.sampled_from([CRLF] * 8 + [b"\n", b"\r", b"\r\r\n", b"\0\r\n"])
_separators = st.sampled_from([b": "] * 6 + [b":", b" : ", b":\r\n "])


@st.composite
def odd_streams(draw: st.DrawFn) -> bytes:
    """Parts that are each found in the wild, put together without asking whether they fit."""
    end = draw(_line_ends)
    separator = draw(_separators)
    lines = [draw(st.sampled_from(ODD_LINES))]
    lines += [name + separator + value for name, value in draw(_fields)]
    before = draw(st.sampled_from([b"", b"", b"", *INTERIM]))
    return before + end.join(lines) + end + draw(_line_ends) + draw(st.sampled_from(BODIES))


# -- valid -----------------------------------------------------------------------------------------------

_contents = st.one_of(st.sampled_from([b"", b"abc", CRLF, b"0\r\n\r\n"]), st.binary(max_size=40))


@st.composite
def _chunked_bodies(draw: st.DrawFn) -> bytes:
    chunks = draw(st.lists(_contents.filter(bool), max_size=3))
    extension = draw(st.sampled_from([b"", b"", b";a", b";a=b", b';a="b c"']))
    trailer = draw(st.sampled_from([b"", b"", b"X-T: 1\r\n", b"X-T: 1\r\nX-U:\r\n"]))
    body = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return body + b"0" + extension + CRLF + trailer + CRLF


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """What RFC 9112 allows: a length, chunks or the end of the connection; an answer to GET or HEAD."""
    line = draw(st.sampled_from(LINES))
    fields = draw(st.lists(st.sampled_from(HARMLESS), max_size=3))
    head_request = draw(st.booleans())
    framing = draw(st.sampled_from(["length", "chunked", "end"]))
    body = b""
    if framing == "length":
        body = draw(_contents)
        fields.append((b"Content-Length", b"%d" % len(body)))
    elif framing == "chunked" and line.startswith(b"HTTP/1.1"):
        body = draw(_chunked_bodies())
        fields.append((b"Transfer-Encoding", draw(st.sampled_from([b"chunked", b"Chunked"]))))
    else:
        framing = "end"
        body = draw(_contents)
    if b" 204 " in line:
        fields = [field for field in fields if field[0] not in (b"Content-Length", b"Transfer-Encoding")]
    has_body = not (head_request or b" 204 " in line or b" 304 " in line)
    if draw(st.booleans()):
        fields.append((b"Connection", draw(st.sampled_from([b"close", b"keep-alive"]))))
    fields = draw(st.permutations(fields))
    before = b"".join(draw(st.lists(st.sampled_from(INTERIM), max_size=2)))
    head = CRLF.join([line, *(name + b": " + value for name, value in fields)]) + CRLF + CRLF
    return Answer(before + head + (body if has_body else b""), framing == "end" and has_body, head_request)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A stream with one byte changed, taken out or put in, or with something behind it."""
    stream = draw(st.one_of(odd_streams(), answers().map(lambda answer: answer.stream)))
    at = draw(st.integers(0, len(stream)))
    stream = stream[:at] + draw(st.binary(max_size=1)) + stream[at + draw(st.integers(0, 1)) :]
    return stream + draw(st.sampled_from([b"", b"", b"", CRLF, b"junk", b"HTTP/1.1 200 OK\r\n\r\n"]))


def streams() -> st.SearchStrategy[bytes]:
    """Any of them."""
    return st.one_of(odd_streams(), damaged(), answers().map(lambda answer: answer.stream))


# -- ways to cut -----------------------------------------------------------------------------------------


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The pieces between the places, without empty ones."""
    edges = sorted({0, len(stream), *(min(place, len(stream)) for place in places)})
    return [stream[start:end] for start, end in pairwise(edges)]


def two_way_cuts(stream: bytes) -> list[list[bytes]]:
    """All ways to cut it once."""
    return [cut(stream, [place]) for place in range(1, len(stream))]


def single_bytes(stream: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in stream]


def places() -> st.SearchStrategy[list[int]]:
    """Where to cut a long one."""
    return st.lists(st.integers(1, 400), max_size=12)
