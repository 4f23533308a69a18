"""The server both clients talk to: what it answers is in the path."""

from __future__ import annotations

import gzip
import zlib

import brotli
import zstandard

from tests.http.servers import Seen, answer

TEXT = "blåbær " * 20
ENCODED = {
    "gzip": (gzip.compress(TEXT.encode()), "gzip"),
    "deflate": (zlib.compress(TEXT.encode()), "deflate"),
    "raw-deflate": (zlib.compress(TEXT.encode())[2:-4], "deflate"),
    "br": (brotli.compress(TEXT.encode()), "br"),
    "zstd": (zstandard.compress(TEXT.encode()) + zstandard.compress(b"!"), "zstd"),
    "both": (gzip.compress(brotli.compress(TEXT.encode())), "br, gzip"),
    "unknown": (b"as it is", "rot13"),
    "empty": (b"", "gzip"),
}
TEXTS = {
    "latin-1": ("blå".encode("latin-1"), "text/plain; charset=iso-8859-1"),
    "klingon": (b"bl\xc3\xa5", "text/plain; charset=klingon"),
    "damaged": (b"bl\xff\xfea", "text/plain; charset=utf-8"),
    "none": ("blå".encode(), "text/plain"),
    "json16": ('{"a": "å"}'.encode("utf-16"), "application/json; charset=utf-16"),
}
STATUSES = {
    "299": "299 As It Were",
    "418": "418 ",
    "404": "404 Not Found",
    "503": "503 Busy",
    "204": "204 No Content",
}
DIGEST = 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'


def respond(elsewhere: str, seen: Seen) -> bytes:
    """The recording server's answers: by the path's first segment."""
    _, kind, *rest = seen.path.split("/")
    argument = rest[0] if rest else ""
    body = b"" if seen.method == "HEAD" else b'{"echo": true}'
    if kind == "encoded":
        encoded, coding = ENCODED[argument]
        return answer(encoded, "200 OK", f"Content-Encoding: {coding}")
    if kind == "text":
        text, content_type = TEXTS[argument]
        return answer(text, "200 OK", f"Content-Type: {content_type}")
    if kind == "digest" and seen.header("authorization") is None:
        return answer(b"", "401 Unauthorized", DIGEST)
    if kind == "chain" and argument != "0":
        return answer(b"", "302 Found", f"Location: /chain/{int(argument) - 1}")
    table = {
        "redirect": (f"{argument} Moved", ["Location: /echo?landed=1"]),
        "dir": ("302 Found", ["Location: ../echo"]),
        "elsewhere": ("302 Found", [f"Location: {elsewhere}/echo"]),
        "cookie-redirect": ("302 Found", ["Location: /echo", "Set-Cookie: b=2; Path=/"]),
        "no-location": ("302 Found", []),
        "set-cookies": ("200 OK", ["Set-Cookie: a=1; Path=/; HttpOnly", "Set-Cookie: b=2; Max-Age=100"]),
        "links": ("200 OK", ['Link: </a?page=2>; rel="next", </b>; rel=last; title="x"']),
        "status": (STATUSES.get(argument, ""), []),
        "repeated": ("200 OK", ["X-A: 1", "x-a: 2", "Vary: a, b"]),
        "latin-header": ("200 OK", ["X-Latin: blå"]),
    }
    status, fields = table.get(kind, ("200 OK", ["Content-Type: application/json"]))
    return answer(b"" if status.startswith(("204", "3")) else body, status, *fields)
