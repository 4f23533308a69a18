"""One input of the fuzzer as one check: the first bytes say how to read, the rest is read.

Owns the format of inputs and the seeds in it. The invariants are those of the tests (tests/http/parsing.py).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import brotli  # type: ignore[import-untyped]  # has no stubs
import zstandard

from tests.http.byte_streams import cut, single_bytes
from tests.http.parsing import Terms, check_bounds, check_content, check_message

# Byte 0: flags. Bytes 1 to 3: where to cut. The rest: the stream.
DECODES: Final = 0x01  # the stream is a body, in the codings that bits 1 to 4 name
ENDS: Final = 0x02
HEAD_REQUEST: Final = 0x04
STREAMED: Final = 0x08
SHORT_HEADER: Final = 0x10
SHORT_BODY: Final = 0x20
PREFIX_BYTES: Final = 4

CODINGS: Final = ("gzip", "deflate", "br", "zstd")
LONGEST_BYTE_BY_BYTE: Final = 600


def check(data: bytes) -> None:
    """Raises AssertionError, or whatever a mistake raises."""
    if len(data) <= PREFIX_BYTES:
        return
    flags, stream = data[0], data[PREFIX_BYTES:]
    places = [place * len(stream) // 256 for place in data[1:PREFIX_BYTES]]
    cuts = [cut(stream, places), *(cut(stream, [place]) for place in places)]
    if len(stream) <= LONGEST_BYTE_BY_BYTE:
        cuts.append(single_bytes(stream))
    if flags & DECODES:
        codings = [coding for bit, coding in enumerate(CODINGS, 1) if flags >> bit & 1]
        check_content(stream, cuts, codings)
        return
    terms = Terms(
        ends=bool(flags & ENDS),
        head_request=bool(flags & HEAD_REQUEST),
        streamed=bool(flags & STREAMED),
        max_header=200 if flags & SHORT_HEADER else 4096,
        max_body=50 if flags & SHORT_BODY else 4096,
    )
    check_bounds(check_message(stream, cuts, terms), stream, terms)


# -- seeds -----------------------------------------------------------------------------------------------

_CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_STREAMS: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    _CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
    _CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\nx",
)
_WORDS: Final = (
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 ", b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n\r\n", b"\r\n", b": "),
    *(b"Content-Length: ", b"Transfer-Encoding: ", b"chunked", b"Connection: ", b"close", b"keep-alive"),
    *(b"Upgrade: ", b"0\r\n\r\n", b"ffffffffffffffff", b"18446744073709551615", b";a=b", b"\x28\xb5\x2f\xfd"),
)
_TEXT: Final = b"the quick brown fox " * 20


def seeds() -> Iterator[tuple[str, bytes]]:
    """A few valid inputs of each kind, under a name."""
    for number, stream in enumerate(_STREAMS):
        for flags in (0, ENDS, HEAD_REQUEST, STREAMED | SHORT_HEADER | SHORT_BODY):
            yield f"stream-{number}-{flags:02x}", bytes([flags, 40, 128, 200]) + stream
    bodies = (gzip.compress(_TEXT), zlib.compress(_TEXT), brotli.compress(_TEXT), zstandard.compress(_TEXT))
    for bit, (coding, body) in enumerate(zip(CODINGS, bodies, strict=True), 1):
        yield f"content-{coding}", bytes([DECODES | 1 << bit, 10, 100, 200]) + body


def write_seeds(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds():
        (folder / name).write_bytes(data)


def write_dictionary(path: Path) -> None:
    """The words of the protocol, for libFuzzer to put in."""
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in _WORDS]
    path.write_text("".join(lines))
