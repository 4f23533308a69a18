"""The request that follows a redirect, by the rules of httpx (which are those of browsers).

Pure: a request and an answer's status and Location in, a request out.
"""

from __future__ import annotations

from typing import Final

import httpx

from pytest_loadtest.http.wire.origin import DEFAULT_PORTS, check_port

MOVED_PERMANENTLY: Final = 301
FOUND: Final = 302
SEE_OTHER: Final = 303
REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})


def redirect_request(request: httpx.Request, status: int, location: str) -> httpx.Request:
    """Without cookies: those of the virtual user are added when it is sent.

    Raises httpx.RemoteProtocolError for a Location that is no URL.
    """
    method = redirect_method(request.method, status)
    url = redirect_url(request, location)
    drops_body = method != request.method and method == "GET"
    headers = _redirect_headers(request, url, drops_body=drops_body)
    stream: httpx.SyncByteStream | httpx.AsyncByteStream = request.stream
    if drops_body:
        stream = httpx.ByteStream(b"")
    following = httpx.Request(method, url, headers=headers, stream=stream, extensions=request.extensions)
    if isinstance(stream, httpx.ByteStream):
        following.read()
    return following


def redirect_method(method: str, status: int) -> str:
    """303 and 302 make a GET of everything but HEAD; 301 only of POST; 307 and 308 of nothing."""
    becomes_get = {SEE_OTHER: method != "HEAD", FOUND: method != "HEAD", MOVED_PERMANENTLY: method == "POST"}
    return "GET" if becomes_get.get(status, False) else method


def redirect_url(request: httpx.Request, location: str) -> httpx.URL:
    try:
        url = httpx.URL(location)
        if url.scheme and not url.host:  # "http:///path", seen in the wild
            url = url.copy_with(host=request.url.host)
        if url.is_relative_url:
            url = request.url.join(url)
        check_port(url)
    except httpx.InvalidURL as error:
        raise httpx.RemoteProtocolError(
            f"Invalid URL in location header: {error}.", request=request
        ) from None
    if request.url.fragment and not url.fragment:
        url = url.copy_with(fragment=request.url.fragment)
    return url


def _redirect_headers(request: httpx.Request, url: httpx.URL, *, drops_body: bool) -> httpx.Headers:
    headers = httpx.Headers(request.headers)
    if not _same_origin(url, request.url):
        if not _is_https_upgrade(request.url, url):
            headers.pop("Authorization", None)
        headers["Host"] = url.netloc.decode("ascii")
    if drops_body:
        headers.pop("Content-Length", None)
        headers.pop("Transfer-Encoding", None)
    headers.pop("Cookie", None)
    return headers


def _port(url: httpx.URL) -> int | None:
    return url.port or DEFAULT_PORTS.get(url.scheme)


def _same_origin(url: httpx.URL, other: httpx.URL) -> bool:
    return (url.scheme, url.host, _port(url)) == (other.scheme, other.host, _port(other))


def _is_https_upgrade(url: httpx.URL, location: httpx.URL) -> bool:
    """The same host, from http on its default port to https on its own."""
    return (
        url.host == location.host
        and (url.scheme, _port(url)) == ("http", DEFAULT_PORTS["http"])
        and (location.scheme, _port(location)) == ("https", DEFAULT_PORTS["https"])
    )
