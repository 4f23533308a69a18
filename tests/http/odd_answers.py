"""Answers that are good, though odd, as tables: one sentence for each, the steps, and what is read.

Data only. Must not know how a client is tested with it.
"""

from __future__ import annotations

import gzip
from typing import NamedTuple

from tests.http.hostile_answers import CHUNKED, CLOSE, LENGTH, OK, RESET, SWITCH, Step, coded, head
from tests.http.servers import answer


class Good(NamedTuple):
    """`kept`: the connection is used again."""

    sentence: str
    steps: list[Step]
    body: bytes
    kept: bool


GOOD = [
    Good("content-length", [answer(b"abc")], b"abc", True),
    Good("one byte at a time", [bytes([byte]) for byte in answer(b"abc")], b"abc", True),
    Good("chunked", [CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"], b"abc", True),
    Good("chunked with an extension", [CHUNKED + b"3;x=y\r\nabc\r\n0\r\n\r\n"], b"abc", True),
    Good("chunked with a trailer", [CHUNKED + b"3\r\nabc\r\n0\r\nT: 1\r\nU:\r\n\r\n"], b"abc", True),
    Good(
        "chunked after gzip",
        head(b"Transfer-Encoding: gzip, chunked", b"3\r\nabc\r\n0\r\n\r\n"),
        b"abc",
        True,
    ),
    Good(
        "identity until the connection closes",
        [*head(b"Transfer-Encoding: identity", b"abc"), CLOSE],
        b"abc",
        False,
    ),
    Good("until the connection closes", [OK + b"\r\nabc", CLOSE], b"abc", False),
    Good("HTTP/1.0 until the connection closes", [b"HTTP/1.0 200 OK\r\n\r\nabc", CLOSE], b"abc", False),
    Good(
        "HTTP/1.0 with a length, no keep-alive",
        [b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"],
        b"abc",
        False,
    ),
    Good(
        "HTTP/1.0 with keep-alive",
        [b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc"],
        b"abc",
        True,
    ),
    Good("HTTP/2.0 in the status line", [b"HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"], b"abc", False),
    Good("no reason", [b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc"], b"abc", True),
    Good("an empty line first", [b"\r\n" + answer(b"abc")], b"abc", True),
    Good("connection: close", [answer(b"abc", "200 OK", "Connection: close")], b"abc", False),
    Good(
        "5000 zeros in content-length",
        [*head(b"Content-Length: " + b"0" * 5000 + b"3"), b"abc"],
        b"abc",
        True,
    ),
    Good("100 Continue first", [b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"abc")], b"abc", True),
    Good(
        "103 Early Hints with fields first",
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", answer(b"abc")],
        b"abc",
        True,
    ),
    Good("204 without a body", [b"HTTP/1.1 204 No Content\r\n\r\n"], b"", True),
    Good("204 with a body", [b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc"], b"", False),
    Good("304 with a content-length", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], b"", True),
    Good("304 with a body", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc"], b"", False),
    Good("two answers to one request", [answer(b"abc") + answer(b"evil")], b"abc", False),
    Good("junk after the answer", [answer(b"abc") + b"junk"], b"abc", False),
    Good("junk after the last chunk", [CHUNKED + b"3\r\nabc\r\n0\r\n\r\njunk"], b"abc", False),
    Good("an unasked switch after the answer", [answer(b"abc") + SWITCH], b"abc", False),
    Good("a reset after the answer", [answer(b"abc"), RESET], b"abc", False),
    Good("truncated gzip", [coded(gzip.compress(b"abc")[:-6], "gzip")], b"abc", True),
    Good("junk after gzip", [coded(gzip.compress(b"abc") + b"junk", "gzip")], b"abc", True),
    Good("an unknown coding", [coded(b"abc", "rot13")], b"abc", True),
    Good("a coding without a body", [coded(b"", "gzip")], b"", True),
]

HEADS = [
    Good("with the length of what GET would give", [LENGTH], b"", True),
    Good("without a length", [OK + b"\r\n"], b"", True),
    Good("chunked", [CHUNKED], b"", True),
    Good("with a coding", head(b"Content-Encoding: gzip\r\nContent-Length: 9"), b"", True),
    Good("with a forbidden body", [OK + b"Content-Length: 3\r\n\r\nabc"], b"", False),
    Good("with a forbidden last chunk", [CHUNKED + b"0\r\n\r\n"], b"", False),
    Good("and close", [OK + b"Connection: close\r\nContent-Length: 3\r\n\r\n"], b"", False),
    Good("in HTTP/1.0", [b"HTTP/1.0 200 OK\r\n\r\n"], b"", False),
]
