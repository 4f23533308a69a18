"""URLs as httpx has parsed them, and what requests need of them, remembered.

Must not know header fields, bodies or connections.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx

from pytest_loadtest.http.arguments import URLTypes
from pytest_loadtest.http.routes import MAX_ROUTES, Route, RouteTable, merge_url
from pytest_loadtest.http.transport import SharedTransport
from pytest_loadtest.http.wire.origin import Origin


class Target(NamedTuple):
    """A URL with what requests need of it: each of its properties costs httpx about 1 us."""

    url: httpx.URL
    netloc: bytes
    origin: Origin
    path: str


class RememberedTargets:
    """URLs and routes, for all clients of one load test.

    While httpx builds a request it parses the URL two to four times, 32 us each. Building a GET takes it
    96 us, with params 210; from what is remembered here 9 and 10 (the best of several runs).
    """

    def __init__(self, shared: SharedTransport) -> None:
        self.shared = shared
        self._targets: dict[tuple[RouteTable, URLTypes, str | None], Target] = {}
        self._routes: dict[tuple[RouteTable, str, str, bytes, bytes], Route] = {}

    def __repr__(self) -> str:
        return f"<RememberedTargets urls={len(self._targets)} routes={len(self._routes)}>"

    def target(self, base: RouteTable, url: URLTypes, params: Any, query: str | None) -> Target:
        """`url` with `params` (whose encoding is `query`). Raises what httpx raises for what is no URL."""
        key = (base, url, query)
        target = self._targets.get(key)
        if target is None:
            target = self._make(merge_url(base.base_url, url), params)
            if len(self._targets) >= MAX_ROUTES:
                self._targets.clear()
            self._targets[key] = target
        return target

    def _make(self, merged: httpx.URL, params: Any) -> Target:
        url = merged if params is None else httpx.URL(merged, params=params)
        path = url.raw_path.partition(b"?")[0].decode("ascii")
        return Target(url, url.netloc, self.shared.origins.of(url), path)

    def route(self, base: RouteTable, request: httpx.Request) -> Route:
        """Raises httpx.UnsupportedProtocol or LocalProtocolError for what cannot be sent."""
        url = request.url
        sni_hostname = request.extensions.get("sni_hostname")
        if sni_hostname is not None:
            return base.of(request.method, url, sni_hostname)
        key = (base, request.method, url.scheme, url.netloc, url.raw_path.partition(b"?")[0])
        route = self._routes.get(key)
        if route is None:
            route = base.of(request.method, url)
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            self._routes[key] = route
        return route
