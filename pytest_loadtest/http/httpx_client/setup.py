"""What `httpx_client` is made of: the environment's settings, and over them the options of the test.

Owns which arguments of httpx.AsyncClient make sense here. Must not know pytest.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

import httpx

from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.exchange import Exchanger
from pytest_loadtest.http.httpx_client.client import LoadAsyncClient
from pytest_loadtest.http.httpx_client.http2 import Http2Transport
from pytest_loadtest.http.httpx_client.requests import RequestBuilder
from pytest_loadtest.http.httpx_client.sending import TermsTable
from pytest_loadtest.http.httpx_client.targets import RememberedTargets
from pytest_loadtest.http.httpx_client.transport import LoadTransport
from pytest_loadtest.http.response import Response
from pytest_loadtest.http.transport import SharedTransport
from pytest_loadtest.http.wire.tls import make_context

HONOURED: Final = frozenset(
    {"auth", "params", "headers", "cookies", "timeout", "follow_redirects", "max_redirects", "event_hooks"}
    | {"base_url", "default_encoding", "http1", "http2"}
)
_IN_ENVIRONMENT: Final = "it belongs to the environment's settings, which hold for all connections"
_OWN_CONNECTIONS: Final = "the requests go out on the connections of the load test"
REFUSED: Final[Mapping[str, str]] = {
    "transport": _OWN_CONNECTIONS,
    "mounts": _OWN_CONNECTIONS,
    "limits": f"{_OWN_CONNECTIONS}, which have limits of their own",
    "proxy": _IN_ENVIRONMENT,
    "verify": _IN_ENVIRONMENT,
    "cert": _IN_ENVIRONMENT,
    "trust_env": "environment variables are not read for proxies or passwords",
}


def check_options(options: object, *, http2: bool = False) -> Mapping[str, Any]:
    """Raises ConfigurationError for what cannot be used. `http2` is the environment's."""
    if not isinstance(options, Mapping):
        raise ConfigurationError(
            "httpx_client_options: a dict of arguments of httpx.AsyncClient is needed, "
            f"not {type(options).__name__}"
        )
    for name in options:
        if name in REFUSED:
            raise ConfigurationError(f"httpx_client_options: {name!r} is not possible here: {REFUSED[name]}")
        if name not in HONOURED:
            raise ConfigurationError(
                f"httpx_client_options: httpx.AsyncClient has no argument {name!r}; possible are "
                + ", ".join(sorted(HONOURED))
            )
    for kind in options.get("event_hooks") or ():
        if kind not in ("request", "response"):
            raise ConfigurationError(
                f"httpx_client_options: event_hooks are of 'request' and 'response', not of {kind!r}"
            )
    speaks_http2 = bool(options.get("http2", http2))
    if speaks_http2 and find_spec("h2") is None:
        raise ConfigurationError("http2 needs the package h2: pip install 'pytest-loadtest[http2]'")
    if not (speaks_http2 or options.get("http1", True)):
        raise ConfigurationError("httpx_client_options: without http1 there must be http2")
    return options


class HttpxSetup:
    """Makes the clients of one load test, and keeps what they share."""

    def __init__(self, shared: SharedTransport) -> None:
        self._shared = shared
        self._remembered = RememberedTargets(shared)
        self._terms = TermsTable(shared.settings)
        self._context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<HttpxSetup {self._remembered!r}>"

    def client(
        self, owner: RequestOwner, exchanger: Exchanger, options: Mapping[str, Any]
    ) -> LoadAsyncClient:
        """A virtual user's client, on the connections of `exchanger` unless it speaks HTTP/2."""
        arguments = self._arguments(options)
        http1, http2 = arguments.pop("http1", True), arguments.pop("http2", self._shared.settings.http2)
        builder = RequestBuilder(self._remembered, arguments["base_url"], owner.id)
        if http2:
            context = self._http2_context()
            transport = Http2Transport(owner, self._shared, builder, self._terms, context, http1=http1)
            return LoadAsyncClient(transport, builder, self._terms, arguments)
        own = exchanger.sibling(_no_cookies)
        return LoadAsyncClient(LoadTransport(own, builder, self._terms), builder, self._terms, arguments)

    def _arguments(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The environment's header fields are the builder's: `headers` are laid over them."""
        settings = self._shared.settings
        defaults = {
            "base_url": settings.base_url,
            "timeout": httpx.Timeout(
                _seconds(settings.timeout_ns), connect=_seconds(settings.connect_timeout_ns)
            ),
            "follow_redirects": settings.follow_redirects,
            "max_redirects": settings.max_redirects,
        }
        return {**defaults, **check_options(options, http2=settings.http2)}

    def _http2_context(self) -> ssl.SSLContext:
        """Its own: httpcore writes into it that HTTP/2 may be chosen."""
        if self._context is None:
            self._context = make_context(self._shared.settings.verify, self._shared.settings.cert)
        return self._context


def _no_cookies(response: Response) -> None:
    """The cookies are kept by the client itself."""


def _seconds(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / 1e9
