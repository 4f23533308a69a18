"""Requests as bytes. Ordinary ones are written here; httpx.Request encodes all others.

Must not know connections. What is written here must be what httpx would write: the parity tests compare.
"""

from __future__ import annotations

import functools
import json as jsonlib
import re
from typing import Any, Final
from urllib.parse import quote_plus

import httpx

from pytest_loadtest.http.arguments import HeaderTypes
from pytest_loadtest.http.wire.origin import Origin

# RFC 9110, sections 5.1 and 5.5: what a field name and a field value may consist of. Anything else,
# line breaks above all, could smuggle in another field or another request.
_FIELD_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE: Final = re.compile(
    rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
)

# Fields that the client writes itself. Where the caller sets one, httpx decides what becomes of it.
_SPECIAL_FIELDS: Final = frozenset({b"content-length", b"content-type", b"transfer-encoding", b"cookie"})

# Header blocks kept per virtual user: a test uses one or two sets of fields, each about 0.6 KiB.
MAX_BLOCKS: Final = 8

_QUOTED_TEXT_MAX: Final = 64  # longer texts are not worth keeping: they are rarely repeated
_quoted = functools.lru_cache(maxsize=4096)(quote_plus)
_encode_json = jsonlib.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class HeaderBlock:
    """Header fields as bytes, Host first: `open` for more to follow, `ended` with the empty line."""

    __slots__ = ("ended", "is_special", "open")

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        names = {name.lower() for name, _ in fields}
        self.open = encode_fields(fields)
        self.ended = self.open + b"\r\n"
        # Left to httpx, or to the transport, to decide what comes of it.
        self.is_special = not _SPECIAL_FIELDS.isdisjoint(names) or asks_to_close(fields)


class HeaderBlocks:
    """The blocks of one virtual user: its own default fields with those of each request laid over them."""

    __slots__ = ("_blocks", "_defaults", "_version")

    def __init__(self, defaults: ObservedHeaders) -> None:
        self._defaults = defaults
        self._version = defaults.version
        self._blocks: dict[tuple[Any, ...], HeaderBlock] = {}

    def get(self, origin: Origin, headers: dict[str, str] | None) -> HeaderBlock:
        """Raises httpx.LocalProtocolError for a field that must not be sent."""
        if self._version != self._defaults.version:
            self._version = self._defaults.version
            self._blocks.clear()
        key = (origin, *headers.items()) if headers else (origin,)
        block = self._blocks.get(key)
        if block is None:
            block = self._make(origin, headers)
            if len(self._blocks) >= MAX_BLOCKS:
                self._blocks.clear()
            self._blocks[key] = block
        return block

    def _make(self, origin: Origin, headers: dict[str, str] | None) -> HeaderBlock:
        fields = merge_headers(self._defaults, headers)
        if "host" not in fields:
            fields = httpx.Headers([(b"Host", origin.netloc.encode("ascii")), *fields.raw])
        return HeaderBlock(_with_proxy_fields(origin, fields))


class ObservedHeaders(httpx.Headers):
    """httpx's header fields, counting their changes so that what was built from them can be kept."""

    def __init__(self, headers: HeaderTypes | None = None) -> None:
        self.version = 0
        super().__init__(headers)

    def __setitem__(self, key: str, value: str) -> None:
        self.version += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.version += 1
        super().__delitem__(key)

    def update(self, headers: HeaderTypes | None = None) -> None:  # type: ignore[override]  # as httpx
        self.version += 1
        super().update(headers)


def _with_proxy_fields(origin: Origin, fields: httpx.Headers) -> list[tuple[bytes, bytes]]:
    """What a proxy that forwards must be told stands in front, unless the caller tells it otherwise."""
    own = [(name, value) for name, value in origin.proxy_fields if name.decode("ascii") not in fields]
    return [*own, *fields.raw]


def merge_headers(defaults: httpx.Headers, headers: HeaderTypes | None) -> httpx.Headers:
    """`headers` laid over `defaults`, by the rules of httpx."""
    merged = httpx.Headers(defaults)
    merged.update(headers)
    return merged


def asks_to_close(fields: list[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"connection" and b"close" in value.lower() for name, value in fields)


def encode_fields(fields: list[tuple[bytes, bytes]]) -> bytes:
    """The lines of a head. Error messages name the field only: its value may be a secret."""
    for name, value in fields:
        if not _FIELD_NAME.fullmatch(name):
            raise httpx.LocalProtocolError(f"Illegal header name {name!r}")
        if not _FIELD_VALUE.fullmatch(value):
            raise httpx.LocalProtocolError(f"Illegal header value of {name.decode('ascii')}")
    return b"".join(b"%b: %b\r\n" % field for field in fields)


def encode_query(params: dict[str, Any]) -> str | None:
    """`params` as a query, or None if a value is neither text nor a whole number: then httpx encodes it."""
    pairs = []
    for key, value in params.items():
        kind = type(value)  # not isinstance: True is an int, but not written as one
        if kind is int:
            text = str(value)
        elif kind is str:
            text = value if value.isascii() and value.isalnum() else _quote(value)
        else:
            return None
        if type(key) is not str:
            return None
        pairs.append(f"{_quote(key)}={text}")
    return "&".join(pairs)


def _quote(text: str) -> str:
    return _quoted(text) if len(text) <= _QUOTED_TEXT_MAX else quote_plus(text)


def json_parts(value: Any) -> tuple[bytes, bytes]:
    """The body fields with the end of the head, and the body. TypeError or ValueError for what is no JSON."""
    body = _encode_json(value).encode("utf-8")
    return b"Content-Length: %d\r\nContent-Type: application/json\r\n\r\n" % len(body), body


async def encode_request(request: httpx.Request, origin: Origin) -> bytes:
    """A whole request of httpx as bytes, as it is sent to `origin`.

    A body that comes in parts is collected before the request begins, so that the time the generator takes to
    make it is not measured as the server's.
    """
    parts = await _body_parts(request)
    head = encode_fields(_with_proxy_fields(origin, request.headers))
    if "transfer-encoding" in request.headers:  # counts, also beside a Content-Length (RFC 9112, section 6.3)
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"
    else:
        body = b"".join(parts)
        declared = _declared_length(request)
        if declared != len(body):
            raise httpx.LocalProtocolError(
                f"Too {'little' if len(body) < declared else 'much'} data for declared Content-Length",
                request=request,
            )
    target = origin.target_prefix.encode("ascii") + request.url.raw_path
    line = b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), target)
    return b"".join((line, head, b"\r\n", body))


def _declared_length(request: httpx.Request) -> int:
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise httpx.LocalProtocolError("bad Content-Length", request=request)
    return int(length)


async def _body_parts(request: httpx.Request) -> list[bytes]:
    try:
        return [request.content]
    except httpx.RequestNotRead:
        pass
    if isinstance(request.stream, httpx.AsyncByteStream):
        return [part async for part in request.stream]
    return list(request.stream)
