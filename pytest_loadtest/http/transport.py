"""What the clients of one load test share: addresses, TLS settings, routes, parsed heads, the sweeper.

One per load test; its clients are on one event loop. Must not know virtual users.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from pytest_loadtest.http.connecting import connect
from pytest_loadtest.http.connection import Connection, ConnectionUser
from pytest_loadtest.http.deadlines import DeadlineSweeper
from pytest_loadtest.http.decoding import ACCEPT_ENCODING
from pytest_loadtest.http.encoding import ObservedHeaders
from pytest_loadtest.http.head import HeadCache
from pytest_loadtest.http.origin import Origin, Origins
from pytest_loadtest.http.resolver import Resolver
from pytest_loadtest.http.routes import RouteTable
from pytest_loadtest.http.settings import ClientSettings, user_agent


class SharedTransport:
    """Cheap to make: look-ups and the TLS context come with the first connection that needs them."""

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self.resolver = Resolver()
        self.sweeper = DeadlineSweeper()
        self.heads = HeadCache()
        self.origins = Origins()
        self._ssl_context: ssl.SSLContext | None = None
        self._routes: dict[str, RouteTable] = {}
        self._user_agent = user_agent()

    def __repr__(self) -> str:
        return f"<SharedTransport {self.resolver!r} {self.sweeper!r} heads={len(self.heads)}>"

    def routes(self, base_url: httpx.URL | str) -> RouteTable:
        """The routes of every client with this base URL."""
        key = str(base_url)
        if key not in self._routes:
            self._routes[key] = RouteTable(key, self.origins)
        return self._routes[key]

    def default_headers(self) -> ObservedHeaders:
        """What a client sends unless told otherwise, in the order of httpx."""
        headers = ObservedHeaders(
            [
                ("Accept", "*/*"),
                ("Accept-Encoding", ACCEPT_ENCODING),
                ("Connection", "keep-alive"),
                ("User-Agent", self._user_agent),
            ]
        )
        headers.update(self.settings.headers)
        return headers

    async def connect(self, origin: Origin, user: ConnectionUser, timeout_ns: int | None) -> Connection:
        """A new connection for `user`. Raises Failure."""
        return await connect(
            origin, self.resolver, self.ssl_context, lambda: self._new_connection(user), timeout_ns
        )

    def ssl_context(self) -> ssl.SSLContext:
        """Verifying unless the settings say otherwise. Made once: loading the authorities takes 44 ms."""
        if self._ssl_context is None:
            self._ssl_context = _ssl_context(self.settings.verify)
        return self._ssl_context

    def _new_connection(self, user: ConnectionUser) -> Connection:
        settings = self.settings
        return Connection(user, self.heads, self.sweeper, settings.max_header_bytes, settings.max_body_bytes)


def _ssl_context(verify: bool | str | ssl.SSLContext) -> ssl.SSLContext:
    if isinstance(verify, str):
        if Path(verify).is_dir():
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    return httpx.create_ssl_context(verify=verify)
