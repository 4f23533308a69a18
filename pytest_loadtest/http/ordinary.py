"""The short way: an ordinary request written as bytes at once, without a request of httpx in between.

Owns what is ordinary: no body but JSON, parameters and header fields in dicts. What is written must be what
httpx would write; whatever is out of the ordinary is left to httpx. Must not know connections.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_loadtest.http.arguments import HeaderTypes, QueryParamTypes
from pytest_loadtest.http.cookies import CookieLines
from pytest_loadtest.http.encoding import HeaderBlocks, encode_query, json_parts
from pytest_loadtest.http.routes import Route

_EMPTY_BODY: Final = b"Content-Length: 0\r\n\r\n"


def encode_ordinary(
    route: Route,
    params: QueryParamTypes | None,
    headers: HeaderTypes | None,
    json: Any,
    blocks: HeaderBlocks,
    cookies: CookieLines | None,
) -> bytes | None:
    """The whole request, or None if httpx has to encode it."""
    if not route.is_plain or not (headers is None or type(headers) is dict):
        return None
    if params is None:
        line = route.line
    elif type(params) is dict:
        query = encode_query(params)
        if query is None:
            return None
        line = f"{route.start}{'?' if query else ''}{query} HTTP/1.1\r\n".encode("ascii")
    else:
        return None
    block = blocks.get(route.origin, headers)
    if block.is_special:
        return None
    if cookies is None and json is None and not route.announces_body:
        return line + block.ended
    cookie = b"" if cookies is None else cookies.get(route.origin, route.path)
    return b"".join((line, block.open, cookie, *_body(route, json)))


def _body(route: Route, json: Any) -> tuple[bytes, ...]:
    """What follows the header block."""
    if json is not None:
        return json_parts(json)
    return (_EMPTY_BODY if route.announces_body else b"\r\n",)
