"""Requests of httpx, built and written without doing the same work for each of them again.

Owns what a client remembers: merged header fields and their lines. What is built here must be what httpx
would build (the tests compare); whatever is out of the ordinary is left to httpx. Must not know connections
or answers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import httpx

from pytest_loadtest.http.arguments import CookieTypes, HeaderTypes, QueryParamTypes, URLTypes
from pytest_loadtest.http.cookies import CookieLines
from pytest_loadtest.http.encoding import (
    ObservedHeaders,
    encode_fields,
    encode_query,
    encode_request,
    json_parts,
    merge_headers,
)
from pytest_loadtest.http.httpx_client.targets import RememberedTargets, Target
from pytest_loadtest.http.routes import BODY_METHODS, Route
from pytest_loadtest.http.wire.origin import Origin

MAX_MERGED: Final = 8  # per virtual user: a test uses one or two sets of fields, each about 1.5 KiB
MAX_LINES: Final = 64  # per virtual user: the fields of those sets

# Left to httpx to decide what becomes of them, with the fields that it would add.
_SPECIAL_FIELDS: Final = frozenset({b"content-length", b"transfer-encoding", b"cookie"})
_FRAMING_FIELDS: Final = frozenset({b"content-length", b"transfer-encoding"})

RawField = tuple[bytes, bytes]


class _Fields(NamedTuple):
    """Header fields of requests without a body of their own, with Host."""

    headers: httpx.Headers
    has_content_type: bool


class RequestBuilder:
    """The defaults of one client (base URL, header fields, cookies), and the requests made from them."""

    def __init__(self, remembered: RememberedTargets, base_url: URLTypes, user_id: int) -> None:
        self._remembered = remembered
        self._shared = remembered.shared
        self._base = self._shared.routes(base_url)
        self._user_id = user_id
        self._headers = self._shared.default_headers(user_id)
        self._cookies: CookieLines | None = None
        self._merged: dict[tuple[Any, ...], _Fields | None] = {}
        self._version = self._headers.version
        self._lines: dict[RawField, bytes] = {}

    def __repr__(self) -> str:
        return f"<RequestBuilder merged={len(self._merged)} lines={len(self._lines)}>"

    def blank(self) -> RequestBuilder:
        """Another one with the defaults of the load test."""
        return RequestBuilder(self._remembered, self.base_url, self._user_id)

    # -- defaults ------------------------------------------------------------------------------------

    @property
    def base_url(self) -> httpx.URL:
        return self._base.base_url

    @base_url.setter
    def base_url(self, url: URLTypes) -> None:
        self._base = self._shared.routes(url)

    @property
    def headers(self) -> ObservedHeaders:
        return self._headers

    def set_headers(self, headers: HeaderTypes | None) -> None:
        """The default fields of the load test, with these laid over them."""
        self._headers = self._shared.default_headers(self._user_id)
        self._headers.update(headers)
        self._merged.clear()
        self._version = self._headers.version

    @property
    def cookies(self) -> httpx.Cookies:
        if self._cookies is None:
            self._cookies = CookieLines()
        return self._cookies.cookies

    def set_cookies(self, cookies: CookieTypes | None) -> None:
        self._cookies = CookieLines(httpx.Cookies(cookies)) if cookies else None

    # -- building ------------------------------------------------------------------------------------

    def build(
        self,
        method: str,
        url: URLTypes,
        content: Any,
        json: Any,
        params: QueryParamTypes | None,
        headers: HeaderTypes | None,
        extensions: dict[str, Any],
    ) -> httpx.Request | None:
        """The request httpx would build, or None if it has to do it itself."""
        query = None
        if params is not None:
            query = _query_of(params)
            if query is None:
                return None
        if not (content is None or type(content) is bytes) or (content is not None and json is not None):
            return None
        try:
            target = self._remembered.target(self._base, url, params, query)
        except httpx.UnsupportedProtocol:  # for httpx that is a mistake in sending, not in building
            return None
        body = content or b"" if json is None else json_parts(json)[1]
        method = method.upper()
        fields = self._fields(target.netloc, headers, announce=not body and method in BODY_METHODS)
        if fields is None:
            return None
        merged = fields.headers
        if body or self._cookies is not None:
            merged = self._with_own_fields(fields, target, len(body), is_json=json is not None)
        request = httpx.Request(
            method, target.url, headers=merged, stream=httpx.ByteStream(body), extensions=extensions
        )
        request.read()
        return request

    def _with_own_fields(
        self, fields: _Fields, target: Target, length: int, *, is_json: bool
    ) -> httpx.Headers:
        """In the order of httpx: cookies, then what describes the body."""
        raw = fields.headers.raw
        if self._cookies is not None and (line := self._cookies.get(target.origin, target.path)):
            raw.append((b"Cookie", line.partition(b": ")[2].rstrip(b"\r\n")))
        if length:
            raw.append((b"Content-Length", b"%d" % length))
        if is_json and not fields.has_content_type:
            raw.append((b"Content-Type", b"application/json"))
        return httpx.Headers(raw)

    def _fields(self, netloc: bytes, headers: HeaderTypes | None, *, announce: bool) -> _Fields | None:
        """The client's fields with those of the request laid over them; None if they are special.

        Merging and adding Host takes 17 us, looking it up 3.4 us.
        """
        if self._version != self._headers.version:
            self._version = self._headers.version
            self._merged.clear()
        own = _key_of(headers)
        if own is None:
            return None
        key = (netloc, announce, own)
        if key in self._merged:
            return self._merged[key]
        fields = self._merge(netloc, headers, announce=announce)
        if len(self._merged) >= MAX_MERGED:
            self._merged.clear()
        self._merged[key] = fields
        return fields

    def _merge(self, netloc: bytes, headers: HeaderTypes | None, *, announce: bool) -> _Fields | None:
        merged = merge_headers(self._headers, headers)
        names = {name.lower() for name, _ in merged.raw}
        if not _SPECIAL_FIELDS.isdisjoint(names):
            return None
        first = [] if b"host" in names else [(b"Host", netloc)]
        if announce:
            first.append((b"Content-Length", b"0"))
        return _Fields(httpx.Headers([*first, *merged.raw]), b"content-type" in names)

    # -- writing -------------------------------------------------------------------------------------

    def route(self, request: httpx.Request) -> Route:
        """Raises httpx.UnsupportedProtocol or LocalProtocolError for what cannot be sent."""
        return self._remembered.route(self._base, request)

    def write(self, request: httpx.Request, origin: Origin) -> bytes | None:
        """The bytes of a request whose content is there; None if its framing is not the ordinary one.

        A field is checked and written the first time it is seen. All of it takes 4.0 us for six known ones;
        checking and writing them would take 5.1 us more.
        """
        if origin.target_prefix or not isinstance(request.stream, httpx.ByteStream):
            return None
        content = _content_of(request)
        head = [b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path)]
        lines = self._lines
        has_length = not content
        for field in request.headers.raw:
            line = lines.get(field)
            if line is None:
                if field[0].lower() in _FRAMING_FIELDS:
                    if field[0].lower() != b"content-length" or field[1] != b"%d" % len(content):
                        return None
                    has_length = True
                    line = encode_fields([field])
                else:
                    line = self._add_line(field)
            head.append(line)
        if not has_length:
            return None
        head += (b"\r\n", content)
        return b"".join(head)

    async def write_any(self, request: httpx.Request, origin: Origin) -> bytes:
        """The same for every request. Raises httpx.LocalProtocolError for what must not be sent."""
        written = self.write(request, origin)
        return await encode_request(request, origin) if written is None else written

    def _add_line(self, field: RawField) -> bytes:
        line = encode_fields([field])
        if len(self._lines) >= MAX_LINES:
            self._lines.clear()
        self._lines[field] = line
        return line


def _content_of(request: httpx.Request) -> bytes:
    """Without leaving in a redirect's request what httpx has not read of it."""
    try:
        return request.content
    except httpx.RequestNotRead:
        assert isinstance(request.stream, httpx.ByteStream)
        return b"".join(request.stream)


def _query_of(params: Any) -> str | None:
    """How httpx encodes them, if that is known without asking it."""
    if type(params) is dict:
        return encode_query(params)
    return str(params) if type(params) is httpx.QueryParams else None


def _key_of(headers: Any) -> tuple[Any, ...] | None:
    """What tells two sets of fields apart; None for what is better left to httpx."""
    if headers is None:
        return ()
    if type(headers) is dict:
        items = tuple(headers.items())
        return items if all(type(value) is str for value in headers.values()) else None
    return tuple(headers.raw) if isinstance(headers, httpx.Headers) else None
