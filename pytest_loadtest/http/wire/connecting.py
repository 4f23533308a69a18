"""Makes connections: look-up, TCP (or a Unix socket, or a proxy's tunnel), TLS, each timed for itself.

All of it together is bounded by the connect time-out. Knows the resolver, the proxy's handshake and the TLS
settings; not pools' rules nor requests.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, Protocol, TypeVar

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.failures import Failure, connect_failure_of, outcome_of
from pytest_loadtest.http.wire.origin import Origin
from pytest_loadtest.http.wire.proxy import Tunnel
from pytest_loadtest.http.wire.resolver import Resolver
from pytest_loadtest.http.wire.unix import connected_socket


class Connectable(Protocol):
    """A protocol of asyncio that is told when it can be used, behind TLS too: any kind of connection."""

    transport: asyncio.Transport

    @property
    def closed(self) -> bool: ...

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def opened(self, lookup_ns: int, connect_ns: int, tls_ns: int) -> None: ...


C = TypeVar("C", bound=Connectable)
_P = TypeVar("_P")  # a protocol of asyncio; for its stubs only classes that inherit from theirs are

# The event loops' own limit of 60 s must not be what ends a handshake: it would not be counted as a time-out.
_HANDSHAKE_LIMIT_S: Final = 86_400.0

# When no address of a host could be connected to, the error that is told is the one that says most of the
# target: what answered before what was silent, and that before what never left this machine.
_TELLING: Final = (Outcome.REFUSED, Outcome.RESET, Outcome.TIMEOUT, Outcome.CONNECT_TIMEOUT)


class Connector:
    """How the connections of one load test are made."""

    def __init__(
        self,
        resolver: Resolver,
        ssl_context: Callable[[], ssl.SSLContext],
        unix_socket: str | None,
        max_header_bytes: int,
    ) -> None:
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._unix_socket = unix_socket
        self._max_header_bytes = max_header_bytes  # of a proxy's answer

    def __repr__(self) -> str:
        return f"<Connector {self._unix_socket or self._resolver!r}>"

    async def connect(self, origin: Origin, factory: Callable[[], C], timeout_ns: int | None) -> C:
        """A connection to `origin`. Raises Failure; a cancelled attempt leaves no socket behind."""
        in_handshake = False
        context = self._ssl_context() if origin.tls else None  # made the first time: nobody's TLS time
        begun_ns = perf_counter_ns()
        deadline_ns = None if timeout_ns is None else begun_ns + timeout_ns
        try:
            async with asyncio.timeout(None if timeout_ns is None else timeout_ns / 1e9):
                addresses = await self._addresses(origin)
                resolved_ns = perf_counter_ns()
                connection = await self._reach(origin, addresses, factory, deadline_ns)
                connected_ns = secured_ns = perf_counter_ns()
                if context is not None:
                    in_handshake = True
                    await _start_tls(connection, context, origin.server_hostname)
                    secured_ns = perf_counter_ns()
        except (OSError, ValueError) as error:
            # OSError: TimeoutError, gaierror, SSLError; ValueError: a name that is none
            peer = "" if in_handshake else self._peer(origin)
            raise connect_failure_of(error, in_handshake=in_handshake, peer=peer) from error
        if connection.closed:
            raise Failure(Outcome.CLOSED, f"{Outcome.CLOSED.label}: the server closed the connection at once")
        connection.opened(resolved_ns - begun_ns, connected_ns - resolved_ns, secured_ns - connected_ns)
        return connection

    def _peer(self, origin: Origin) -> str:
        """What is connected to when it is not the target itself."""
        if self._unix_socket is not None:
            return f"Unix socket {self._unix_socket}"
        return f"proxy {origin.proxy}" if origin.proxy is not None else ""

    async def _addresses(self, origin: Origin) -> list[str]:
        if self._unix_socket is not None:
            return []
        return await self._resolver.resolve(_host_and_port(origin)[0])

    async def _reach(
        self, origin: Origin, addresses: list[str], factory: Callable[[], C], deadline_ns: int | None
    ) -> C:
        """A connection on which the target hears, still without TLS."""
        if self._unix_socket is not None:
            sock = await connected_socket(self._unix_socket)
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_unix_connection(factory, sock=sock)  # type: ignore[type-var]  # see _P
            return connection
        if not origin.tunnelled:
            _, connection = await self._connect_to_any(origin, addresses, factory, deadline_ns)
            return connection
        return await self._tunnel(origin, addresses, factory, deadline_ns)

    async def _tunnel(
        self, origin: Origin, addresses: list[str], factory: Callable[[], C], deadline_ns: int | None
    ) -> C:
        proxy = origin.proxy
        assert proxy is not None
        transport, tunnel = await self._connect_to_any(
            origin, addresses, lambda: Tunnel(proxy, origin.authority, self._max_header_bytes), deadline_ns
        )
        await tunnel.establish(transport)
        connection = factory()
        transport.set_protocol(connection)  # type: ignore[arg-type]  # see _P
        connection.connection_made(transport)
        transport.resume_reading()
        return connection

    async def _connect_to_any(
        self,
        origin: Origin,
        addresses: list[str],
        factory: Callable[[], _P],
        deadline_ns: int | None,
    ) -> tuple[asyncio.Transport, _P]:
        """The first address that answers; one that does not is not tried first again.

        Each has an equal share of the time that is left, so that a silent one does not take it all.
        """
        loop = asyncio.get_running_loop()
        host, port = _host_and_port(origin)
        errors: list[OSError] = []
        for n_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout(_share_s(deadline_ns, n_left)):
                    return await loop.create_connection(factory, address, port)  # type: ignore[type-var]  # see _P
            except OSError as error:
                errors.append(error)
                if outcome_of(error) is not Outcome.GENERATOR:
                    self._resolver.demote(host, address)
        raise min(errors, key=_silence)


def _host_and_port(origin: Origin) -> tuple[str, int]:
    """Of what is connected to: the target or its proxy."""
    if origin.proxy is not None:
        return origin.proxy.host, origin.proxy.port
    return origin.host, origin.port


def _share_s(deadline_ns: int | None, n_left: int) -> float | None:
    """The last address has all that is left: the limit around all of them ends it."""
    if deadline_ns is None or n_left == 1:
        return None
    return max(0, deadline_ns - perf_counter_ns()) / n_left / 1e9


def _silence(error: OSError) -> int:
    outcome = outcome_of(error)
    return _TELLING.index(outcome) if outcome in _TELLING else len(_TELLING)


async def _start_tls(connection: Connectable, context: ssl.SSLContext, server_hostname: str) -> None:
    plain = connection.transport
    try:
        secured = await asyncio.get_running_loop().start_tls(
            plain,
            connection,  # type: ignore[arg-type]  # see _P
            context,
            server_hostname=server_hostname,
            ssl_handshake_timeout=_HANDSHAKE_LIMIT_S,
        )
    except BaseException:
        plain.abort()
        raise
    if secured is None:  # asyncio returns None when the peer went away in the last moment
        raise ConnectionResetError("closed in the TLS handshake")
    connection.transport = secured
