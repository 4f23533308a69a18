"""HTTP/2 on httpx's own transport, with each request measured.

Owns the connections of one virtual user that are not ours. Must not know clients.
"""

from __future__ import annotations

import logging
import ssl
from typing import Final

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.http.error_samples import record_unsent
from pytest_loadtest.http.httpx_client.exchange import MeasuredExchange
from pytest_loadtest.http.httpx_client.requests import RequestBuilder
from pytest_loadtest.http.httpx_client.sending import TermsTable, name_of, sending
from pytest_loadtest.http.routes import Route
from pytest_loadtest.http.transport import SharedTransport
from pytest_loadtest.http.wire.origin import Origin

# At DEBUG, which `pytest --log-level=DEBUG` turns on for all, these write header fields, and those hold keys.
_TALKATIVE: Final = ("hpack", "httpcore")


class Http2Transport(httpx.AsyncBaseTransport):
    """One per virtual user. Its connections are its own; `aclose` closes them."""

    def __init__(
        self,
        owner: RequestOwner,
        shared: SharedTransport,
        builder: RequestBuilder,
        terms: TermsTable,
        context: ssl.SSLContext,
        *,
        http1: bool,
    ) -> None:
        self._owner = owner
        self._shared = shared
        self._builder = builder
        self._terms = terms
        self._context = context
        self._http1 = http1
        self._transports: dict[Origin, httpx.AsyncHTTPTransport] = {}
        self._retired: set[httpx.AsyncHTTPTransport] = set()
        self._open: dict[MeasuredExchange, httpx.AsyncHTTPTransport] = {}
        _keep_quiet()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Http2Transport {'closed' if self._closed else 'open'} requests={len(self._open)}>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer with its body still to come."""
        if self._closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        await self._retire()
        now = sending.get()
        route = self._builder.route(request)
        terms = self._terms.while_sending(request, now)
        transport = self._transport_of(route)
        exchange = MeasuredExchange(
            self._owner, route, name_of(request, route.name, now), terms, self._shared.settings.max_body_bytes
        )
        exchange.waits_for_all = now is not None and now.whole
        self._open[exchange] = transport
        return await exchange.begin(transport, request)

    def too_many_redirects(self, request: httpx.Request, message: str) -> None:
        """One more failed request, under the name of the first hop."""
        name = name_of(request, self._builder.route(request).name)
        record_unsent(self._owner.recorder, name, Outcome.TOO_MANY_REDIRECTS, message)

    async def aclose(self) -> None:
        """Close every connection. Who still waits for an answer has been forgotten by its test."""
        self._closed = True
        for exchange in self._open:
            exchange.end_without_answer(Outcome.CENSORED, Outcome.CENSORED.label)
        for transport in (*self._transports.values(), *self._retired):
            await transport.aclose()

    async def _retire(self) -> None:
        """No further request goes out on a connection where one was given up: it is closed when idle.

        Its stream would count against those that the server allows, 100 mostly, until no request is possible.
        """
        for exchange in [each for each in self._open if each.ended]:
            transport = self._open.pop(exchange)
            if exchange.spoils_connection:
                self._retired.add(transport)
        self._transports = {key: each for key, each in self._transports.items() if each not in self._retired}
        idle = self._retired.difference(self._open.values())
        self._retired -= idle
        for transport in idle:
            await transport.aclose()

    def _transport_of(self, route: Route) -> httpx.AsyncHTTPTransport:
        settings, origin = self._shared.settings, route.origin
        if origin not in self._transports:
            origin.admit(self._owner)
            self._transports[origin] = httpx.AsyncHTTPTransport(
                verify=self._context,
                trust_env=False,
                http1=self._http1,
                http2=True,
                limits=httpx.Limits(max_connections=settings.max_connections_per_host, keepalive_expiry=None),
                proxy=settings.proxy if origin.proxy is not None else None,
                uds=settings.unix_socket,
            )
        return self._transports[origin]


def _keep_quiet() -> None:
    """Who wants to see what these log sets the level of their loggers, and has it."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
