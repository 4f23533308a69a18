"""What hostile servers do, as tables: one sentence for each, the steps, and the kind of error it must give.

Data only. Must not know how a client is tested with it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import brotli
import httpx
import zstandard

from pytest_loadtest.core.outcome import Outcome
from tests.http.servers import answer

CLOSE = "close"
RESET = "reset"
HANG = "hang"  # until the client gives up


class Endless(NamedTuple):
    """Sent again and again until the client closes."""

    block: bytes


class Times(NamedTuple):
    block: bytes
    times: int


class Drip(NamedTuple):
    """A byte at a time, slower than the time-out lasts for all of it."""

    data: bytes


Step = bytes | str | Endless | Times | Drip | Callable[[], bytes]
Expected = tuple[Outcome, type[httpx.RequestError]]

CLOSED = (Outcome.CLOSED, httpx.RemoteProtocolError)
RESETS = (Outcome.RESET, httpx.ReadError)
PROTOCOL = (Outcome.PROTOCOL, httpx.RemoteProtocolError)
TOO_LARGE = (Outcome.TOO_LARGE, httpx.RemoteProtocolError)
TIMEOUT = (Outcome.TIMEOUT, httpx.ReadTimeout)
DECODING = (Outcome.DECODING, httpx.DecodingError)
BOMB = (Outcome.TOO_LARGE, httpx.DecodingError)


class Case(NamedTuple):
    """`streamed`: what reading it as a stream gives, where that is not the same; `because` says why."""

    sentence: str
    steps: list[Step]
    expected: Expected
    streamed: Expected | None = None
    because: str = ""


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 9\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
BIG = b"a" * 65536


def head(field: bytes, body: bytes = b"") -> list[Step]:
    """An answer with one odd field."""
    return [OK + field + b"\r\n\r\n" + body]


def chunk_size(line: bytes) -> list[Step]:
    return [CHUNKED + line + b"\r\nabc\r\n0\r\n\r\n"]


def rows(expected: Expected, *cases: tuple[str, list[Step]]) -> list[Case]:
    return [Case(sentence, steps, expected) for sentence, steps in cases]


LOST = [
    *rows(
        CLOSED,
        ("closes before any byte", [CLOSE]),
        ("closes in the status line", [b"HTTP/1.1 20", CLOSE]),
        ("closes after the status line", [OK, CLOSE]),
        ("closes in a field", [OK + b"Content-Le", CLOSE]),
        ("closes before the empty line", [OK + b"Content-Length: 0\r\n", CLOSE]),
        ("closes in a body with a length", [LENGTH + b"abc", CLOSE]),
        ("closes in a chunk's size", [CHUNKED + b"5", CLOSE]),
        ("closes in a chunk", [CHUNKED + b"5\r\nabc", CLOSE]),
        ("closes before the last chunk", [CHUNKED + b"1\r\na\r\n", CLOSE]),
        ("closes in a trailer", [CHUNKED + b"1\r\na\r\n0\r\nX: 1\r\n", CLOSE]),
        ("closes after 100 Continue", [b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE]),
        ("closes after an empty line", [b"\r\n", CLOSE]),
    ),
    *rows(
        RESETS,
        ("resets before any byte", [RESET]),
        ("resets in the head", [OK + b"Content-Le", RESET]),
        ("resets in a body with a length", [LENGTH + b"abc", RESET]),
        ("resets in a chunk", [CHUNKED + b"5\r\nabc", RESET]),
        ("resets in a body without a length", [OK + b"\r\nabc", RESET]),
        ("resets after 103 Early Hints", [b"HTTP/1.1 103 Early Hints\r\n\r\n", RESET]),
    ),
]
SILENT = [
    *rows(
        TIMEOUT,
        ("answers nothing", [HANG]),
        ("sends half a head", [OK + b"Content-Le", HANG]),
        ("sends a head and no body", [LENGTH, HANG]),
        ("sends half a chunk", [CHUNKED + b"5\r\nabc", HANG]),
        ("announces a chunk of 2^64 - 1 bytes", [CHUNKED + b"ffffffffffffffff\r\nabc", HANG]),
        ("sends 100 Continue and no answer", [b"HTTP/1.1 100 Continue\r\n\r\n", HANG]),
        ("drips its head past the time-out", [Drip(OK + b"X: " + b"a" * 5000)]),
    ),
    Case(
        "drips its body past the time-out",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", Drip(b"a" * 40), HANG],
        TIMEOUT,
        because="the time-out of a stream is that of each part, so it ends only when the dripping does",
    ),
]
STATUS_LINES = [
    *rows(
        PROTOCOL,
        ("greets in another protocol", [b"220 ftp.example.com ready\r\n"]),
        ("answers in TLS", [b"\x15\x03\x01\x00\x02\x02\x28"]),
        ("answers in HTTP/1.2", [b"HTTP/1.2 200 OK\r\n\r\n"]),
        ("answers in HTTP/1.10", [b"HTTP/1.10 200 OK\r\n\r\n"]),
        ("answers in HTTP/3", [b"HTTP/3 200 OK\r\n\r\n"]),
        ("answers in small letters", [b"http/1.1 200 OK\r\n\r\n"]),
        ("answers with a status that is no number", [b"HTTP/1.1 two OK\r\n\r\n"]),
        ("answers with a status of two digits", [b"HTTP/1.1 20 OK\r\n\r\n"]),
        ("answers with a status of four digits", [b"HTTP/1.1 2000 OK\r\n\r\n"]),
        ("answers with a status below 100", [b"HTTP/1.1 099 OK\r\n\r\n"]),
        ("answers with status 000", [b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"]),
        ("puts NUL into the status line", [b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"]),
        ("ends the status line with a bare LF", [b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"]),
        ("ends the status line with a bare CR", [b"HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n"]),
        ("switches protocols unasked", [SWITCH]),
        ("switches protocols without saying to which", [b"HTTP/1.1 101 Up\r\n\r\n" + answer(b"abc")]),
    ),
]
FIELDS = [
    *rows(
        PROTOCOL,
        ("puts NUL into a field", head(b"X: a\0b")),
        ("puts NUL into a field's name", head(b"X\0: a")),
        ("ends a field with a bare LF", head(b"X: a\nContent-Length: 0")),
        ("ends a field with a bare CR", head(b"X: a\rY: b")),
        ("ends all lines with a bare LF", [b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"]),
        ("folds a field", head(b"X: a\r\n b\r\nContent-Length: 0")),
        ("puts a space before a colon", head(b"Content-Length : 0")),
        ("puts a space before a field", head(b" X: a")),
        ("sends a field without a colon", head(b"X")),
        ("sends a field without a name", head(b": a")),
        (
            "sends content-length, then chunked",
            head(b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"0"),
        ),
        (
            "sends chunked, then content-length",
            head(b"Transfer-Encoding: chunked\r\nContent-Length: 1", b"0"),
        ),
        ("sends an empty transfer-encoding", head(b"Transfer-Encoding: ")),
        ("sends a negative content-length", head(b"Content-Length: -1")),
        ("sends a content-length with a plus", head(b"Content-Length: +1", b"a")),
        ("sends a content-length in hex", head(b"Content-Length: 0x1", b"a")),
        ("sends a content-length that is no number", head(b"Content-Length: many", b"a")),
        ("sends an empty content-length", head(b"Content-Length: ")),
        ("sends two equal content-lengths", head(b"Content-Length: 1\r\nContent-Length: 1", b"a")),
        ("sends two different content-lengths", head(b"Content-Length: 1\r\nContent-Length: 2", b"ab")),
        ("sends a list of content-lengths", head(b"Content-Length: 1, 1", b"a")),
        ("sends a content-length past 64 bits", head(b"Content-Length: 99999999999999999999", b"a")),
    ),
]
CHUNKS = rows(
    PROTOCOL,
    ("sends a chunk size that is not hex", chunk_size(b"xyz")),
    ("sends an empty chunk size", chunk_size(b"")),
    ("sends a negative chunk size", chunk_size(b"-3")),
    ("sends a chunk size with a prefix", chunk_size(b"0x3")),
    ("sends a chunk size past 64 bits", chunk_size(b"10000000000000003")),
    ("sends a space after a chunk size", chunk_size(b"3 ")),
    ("sends junk after a chunk size", chunk_size(b"3 junk")),
    ("sends an empty extension of a chunk", chunk_size(b"3;")),
    ("ends a chunk size with a bare LF", [CHUNKED + b"3\nabc\r\n0\r\n\r\n"]),
    ("sends a chunk that is longer than its size", chunk_size(b"2")),
    ("sends a chunk that is shorter than its size", chunk_size(b"4")),
    ("puts NUL into an extension of a chunk", chunk_size(b"3;a=\0")),
    ("folds a trailer", [CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n"]),
)

_at_once = "a stream has a limit only when it is read at once, and then on what has come"
LARGE = [
    *rows(
        TOO_LARGE,
        ("sends a field of 10 MB", [OK + b"X: ", Times(BIG, 160), b"\r\n\r\n", HANG]),
        ("sends 10 MB of fields", [OK, Times(b"X: abcd\r\n" * 6000, 190), b"\r\n", HANG]),
        ("sends fields for ever", [OK, Endless(b"X: abcd\r\n" * 6000)]),
        ("sends a reason for ever", [b"HTTP/1.1 200 ", Endless(BIG)]),
        ("sends a field's name for ever", [OK, Endless(BIG)]),
        ("sends empty lines for ever", [Endless(b"\r\n" * 9000)]),
        ("sends 100 Continue for ever", [Endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 3000)]),
        ("sends 103 Early Hints for ever", [Endless(b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" * 2000)]),
        ("sends an extension of a chunk for ever", [CHUNKED + b"1;a=", Endless(BIG)]),
        ("sends zeros of a chunk size for ever", [CHUNKED, Endless(b"0" * 65536)]),
        ("sends a trailer for ever", [CHUNKED + b"0\r\nX: ", Endless(BIG)]),
        ("sends trailers for ever", [CHUNKED + b"0\r\n", Endless(b"X: abcd\r\n" * 6000)]),
    ),
    Case("sends a body for ever", [OK + b"\r\n", Endless(BIG)], TOO_LARGE, BOMB, "it is one limit of aread"),
    Case(
        "sends chunks for ever",
        [CHUNKED, Endless(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")],
        TOO_LARGE,
        BOMB,
        "it is one limit of aread",
    ),
    Case(
        "sends small chunks for ever",
        [CHUNKED, Endless((b"20\r\n" + b"a" * 32 + b"\r\n") * 1500)],
        TOO_LARGE,
        BOMB,
        "it is one limit of aread",
    ),
    Case(
        "announces a body over the limit",
        [OK + b"Content-Length: 99999999\r\n\r\nab", CLOSE],
        TOO_LARGE,
        CLOSED,
        _at_once,
    ),
    Case(
        "announces 2^64 - 1 bytes",
        [OK + b"Content-Length: 18446744073709551615\r\n\r\nab", CLOSE],
        TOO_LARGE,
        CLOSED,
        _at_once,
    ),
]


# -- content codings -------------------------------------------------------------------------------------

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.compress,
}
# RFC 8878, section 3.1.1: one block of 128 KiB of the same byte, and a window of 128 MiB to remember it.
WIDE_ZSTD = (
    b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3]) + (1 | 1 << 1 | 131072 << 3).to_bytes(3, "little") + b"a"
)


def coded(body: bytes, codings: str) -> bytes:
    return answer(body, "200 OK", f"Content-Encoding: {codings}")


def bomb(codings: str) -> Callable[[], bytes]:
    """An answer of a few KiB that decodes to 64 MiB; made once, when it is used."""

    @cache
    def make() -> bytes:
        body = bytes(64 * 1024 * 1024)
        for coding in codings.split(", "):
            body = COMPRESS[coding](body)
        return coded(body, codings)

    return make


BOMBS = rows(
    BOMB,
    *[
        (f"sends a bomb in {name}", [bomb(name)])
        for name in (*COMPRESS, "gzip, gzip", "zstd, br", "br, zstd")
    ],
)
CODINGS = rows(
    DECODING,
    *[(f"sends what is not {name}", [coded(b"not at all compressed", name)]) for name in COMPRESS],
    ("sends damaged gzip", [coded(gzip.compress(b"abc")[:10] + b"\xff\xff\xff", "gzip")]),
    ("sends a wrong checksum of gzip", [coded(gzip.compress(b"abc")[:-8] + bytes(8), "gzip")]),
    ("sends half a frame of zstd", [coded(zstandard.compress(b"abc" * 99)[:-3], "zstd")]),
    ("asks zstd to remember 128 MiB", [coded(WIDE_ZSTD, "zstd")]),
    ("names six codings", [coded(b"x", ", ".join(["gzip"] * 6))]),
)

CASES = [*LOST, *SILENT, *STATUS_LINES, *FIELDS, *CHUNKS, *LARGE, *BOMBS, *CODINGS]
HEAVY = {case.sentence for case in (*LARGE, *BOMBS)}  # their memory is measured
SLOW = {case.sentence for case in SILENT}  # they have a short time-out
