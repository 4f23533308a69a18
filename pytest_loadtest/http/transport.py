"""What the clients of one load test share: addresses, TLS settings, routes, parsed heads, the sweeper.

One per load test; its clients are on one event loop. Must not know virtual users.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final

import httpx

from pytest_loadtest.http.decoding import ACCEPT_ENCODING
from pytest_loadtest.http.encoding import ObservedHeaders
from pytest_loadtest.http.routes import RouteTable
from pytest_loadtest.http.settings import ClientSettings, user_agent
from pytest_loadtest.http.wire.connecting import C, Connector
from pytest_loadtest.http.wire.connection import Connection, ConnectionUser
from pytest_loadtest.http.wire.deadlines import DeadlineSweeper
from pytest_loadtest.http.wire.head import HeadCache
from pytest_loadtest.http.wire.origin import Origin, Origins
from pytest_loadtest.http.wire.proxy import ProxyRules
from pytest_loadtest.http.wire.resolver import Resolver
from pytest_loadtest.http.wire.tls import make_context

# Who sends a request, for the logs of the target.
RUN_FIELD: Final = "X-Load-Test-Session"
USER_FIELD: Final = "X-Load-Test-VU"


class SharedTransport:
    """Cheap to make: look-ups and the TLS context come with the first connection that needs them."""

    def __init__(self, settings: ClientSettings) -> None:
        """Raises ConfigurationError for a proxy that cannot be one."""
        self.settings = settings
        self.resolver = Resolver(settings.dns_ttl_ns)
        self.proxies = ProxyRules(settings.proxy, settings.no_proxy)
        # All connections to a Unix socket stay on this machine, whatever the URLs say.
        self.origins = Origins(self.proxies, None if settings.unix_socket else settings.targets)
        self._connector = Connector(
            self.resolver, self.ssl_context, settings.unix_socket, settings.max_header_bytes
        )
        self.sweeper = DeadlineSweeper()
        self.heads = HeadCache()
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

    def default_headers(self, user_id: int) -> ObservedHeaders:
        """What a virtual user's client sends unless told otherwise, in the order of httpx."""
        headers = ObservedHeaders(
            [
                ("Accept", "*/*"),
                ("Accept-Encoding", ACCEPT_ENCODING),
                ("Connection", "keep-alive"),
                ("User-Agent", self._user_agent),
            ]
        )
        if self.settings.run_id:
            headers.update({RUN_FIELD: self.settings.run_id, USER_FIELD: str(user_id)})
        headers.update(self.settings.headers)
        return headers

    async def connect(self, origin: Origin, user: ConnectionUser, timeout_ns: int | None) -> Connection:
        """A new connection for `user`. Raises Failure."""
        return await self.connect_with(origin, lambda: self._new_connection(user), timeout_ns)

    async def connect_with(self, origin: Origin, factory: Callable[[], C], timeout_ns: int | None) -> C:
        """A new connection of the caller's own kind. Raises Failure."""
        return await self._connector.connect(origin, factory, timeout_ns)

    def ssl_context(self) -> ssl.SSLContext:
        """Verifying unless the settings say otherwise. Made once: loading the authorities takes 44 ms.

        Raises ConfigurationError for files that cannot be used.
        """
        if self._ssl_context is None:
            self._ssl_context = make_context(self.settings.verify, self.settings.cert)
        return self._ssl_context

    def _new_connection(self, user: ConnectionUser) -> Connection:
        settings = self.settings
        return Connection(user, self.heads, self.sweeper, settings.max_header_bytes, settings.max_body_bytes)
