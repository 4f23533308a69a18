"""Makes connections: look-up, TCP, TLS, each timed for itself and bounded by the connect time-out.

Knows the resolver and the TLS settings; not pools' rules nor requests.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from time import perf_counter_ns

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.connection import Connection
from pytest_loadtest.http.failures import Failure, connect_failure_of
from pytest_loadtest.http.origin import Origin
from pytest_loadtest.http.resolver import Resolver

ConnectionFactory = Callable[[], Connection]


async def connect(
    origin: Origin,
    resolver: Resolver,
    ssl_context: Callable[[], ssl.SSLContext],
    factory: ConnectionFactory,
    timeout_ns: int | None,
) -> Connection:
    """A connection to `origin`. Raises Failure; a cancelled attempt leaves no socket behind."""
    in_handshake = False
    context = ssl_context() if origin.tls else None  # made the first time: nobody's TLS time
    try:
        async with asyncio.timeout(None if timeout_ns is None else timeout_ns / 1e9):
            begun_ns = perf_counter_ns()
            addresses = await resolver.resolve(origin.host)
            resolved_ns = perf_counter_ns()
            connection = await _connect_to_any(origin, addresses, resolver, factory)
            connected_ns = secured_ns = perf_counter_ns()
            if context is not None:
                in_handshake = True
                await _start_tls(connection, context, origin.host)
                secured_ns = perf_counter_ns()
    except (
        OSError,
        ssl.CertificateError,
        UnicodeError,
    ) as error:  # OSError: TimeoutError, gaierror, SSLError
        raise connect_failure_of(error, in_handshake=in_handshake) from error
    if connection.closed:
        raise Failure(Outcome.CLOSED, f"{Outcome.CLOSED.label}: the server closed the connection at once")
    connection.opened(resolved_ns - begun_ns, connected_ns - resolved_ns, secured_ns - connected_ns)
    return connection


async def _connect_to_any(
    origin: Origin, addresses: list[str], resolver: Resolver, factory: ConnectionFactory
) -> Connection:
    """The first address that answers; one that does not is not tried first again."""
    loop = asyncio.get_running_loop()
    first_error: OSError | None = None
    for address in addresses:
        try:
            _, connection = await loop.create_connection(factory, address, origin.port)
        except OSError as error:
            first_error = first_error or error
            resolver.demote(origin.host, address)
        else:
            return connection
    assert first_error is not None
    raise first_error


async def _start_tls(connection: Connection, context: ssl.SSLContext, host: str) -> None:
    plain = connection.transport
    try:
        secured = await connection.loop.start_tls(plain, connection, context, server_hostname=host)
    except BaseException:
        plain.abort()
        raise
    if secured is None:  # asyncio returns None when the peer went away in the last moment
        raise ConnectionResetError("closed in the TLS handshake")
    connection.transport = secured
