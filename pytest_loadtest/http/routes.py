"""From a method and a URL as the caller wrote them to what goes on the request line, remembered.

Parsing a URL with httpx takes 50 us; a load test writes the same few hundred URLs over and over.
Must not know bodies, header fields or connections.
"""

from __future__ import annotations

import re
from typing import Final

import httpx

from pytest_loadtest.http.naming import default_name
from pytest_loadtest.http.wire.origin import Origin, Origins

MAX_ROUTES: Final = 4096  # about 0.6 KiB each: 2.5 MiB for a load test

_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Z]+")
# A path that httpx would leave as it is: no escapes, no dot segments, no query. Both are checked with httpx's
# own URL in the tests.
_ORDINARY_PATH: Final = re.compile(r"(?:/(?!\.)[A-Za-z0-9\-._~!$&'()*+,;=:@]+)+/?|/")

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
# Methods whose requests announce an empty body (as httpx does).
BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


class Route:
    """One method and URL. `start` is ``GET /path``, `line` the request line with the URL's own query.

    What a proxy is to forward has the whole URL there: ``GET http://host/path``.
    """

    __slots__ = (
        "announces_body",
        "expects_no_body",
        "is_plain",
        "line",
        "method",
        "name",
        "origin",
        "path",
        "start",
    )

    def __init__(
        self, method: str, origin: Origin, path: str, query: str, name: str, *, is_plain: bool = True
    ) -> None:
        self.method = method
        self.origin = origin
        self.path = path
        self.name = name
        self.is_plain = is_plain  # can requests be written without httpx?
        self.start = f"{method} {origin.target_prefix}{path}"
        self.line = f"{self.start}{query} HTTP/1.1\r\n".encode("ascii")
        self.announces_body = method in BODY_METHODS
        self.expects_no_body = method == "HEAD"

    def __repr__(self) -> str:
        return f"<Route {self.method} {self.location}>"

    def __str__(self) -> str:
        return f"{self.method} {self.location}"

    @property
    def location(self) -> str:
        """The URL without its query: what may be shown, as a query can hold secrets."""
        return f"{self.origin}{self.path}"


class RouteTable:
    """The routes of all clients with one base URL."""

    def __init__(self, base_url: str, origins: Origins) -> None:
        self.base_url = with_trailing_slash(httpx.URL(base_url))
        self._origins = origins
        self._base_origin = origins.of(self.base_url) if self.base_url.is_absolute_url else None
        self._base_path = self.base_url.raw_path.decode("ascii")
        self._base_is_plain = self._base_origin is not None and not (
            self.base_url.userinfo or "?" in self._base_path
        )
        self._known: dict[tuple[str, httpx.URL | str], Route] = {}

    def __repr__(self) -> str:
        return f"<RouteTable {self.base_url!r} routes={len(self._known)}>"

    def get(self, method: str, url: httpx.URL | str) -> Route:
        """Raises httpx.InvalidURL, UnsupportedProtocol, LocalProtocolError for what cannot be requested."""
        route = self._known.get((method, url))
        if route is None:
            route = self._make(method, url)
            if len(self._known) >= MAX_ROUTES:
                self._known.clear()
            self._known[method, url] = route
        return route

    def _make(self, method: str, url: httpx.URL | str) -> Route:
        upper = method.upper()
        if self._base_is_plain and isinstance(url, str) and _ORDINARY_PATH.fullmatch(url):
            assert self._base_origin is not None
            path = self._base_path + url.lstrip("/")
            check_method(upper)
            return Route(upper, self._base_origin, path, "", default_name(upper, path))
        return self.of(upper, merge_url(self.base_url, url))

    def of(self, method: str, url: httpx.URL, sni_hostname: str | None = None) -> Route:
        """The route of an absolute URL, not remembered. `sni_hostname` as in httpx's extensions."""
        check_method(method)
        origin = self._origins.of(url, sni_hostname)
        path, separator, query = url.raw_path.decode("ascii").partition("?")
        other_origin = "" if str(origin) == str(self._base_origin) else str(origin)
        name = default_name(method, path, other_origin)
        is_plain = not url.fragment and not url.userinfo
        return Route(method, origin, path, separator + query, name, is_plain=is_plain)


def check_method(method: str) -> None:
    if not _METHOD.fullmatch(method):
        raise httpx.LocalProtocolError("Illegal method characters")


def with_trailing_slash(url: httpx.URL) -> httpx.URL:
    if url.raw_path.endswith(b"/"):
        return url
    return url.copy_with(raw_path=url.raw_path + b"/")


def merge_url(base_url: httpx.URL, url: httpx.URL | str) -> httpx.URL:
    """As httpx: a relative URL is appended to the base URL, even if it begins with a slash."""
    merged = httpx.URL(url)
    if merged.is_absolute_url:
        return merged
    return base_url.copy_with(raw_path=base_url.raw_path + merged.raw_path.lstrip(b"/"))
