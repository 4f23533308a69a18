"""HTTP proxies: which requests go through one, what it is told, and the CONNECT that opens a tunnel.

Owns the proxy's URL and its secret, and the parsing of the proxy's answer. Must not know look-ups, TLS or
requests: a tunnel is a connected transport until somebody else takes it over.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import httptools
import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.redaction import declare_secret, redact
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.failures import Failure, failure_of

DEFAULT_PORT: Final = 80  # of http://, as httpx has it: not the 3128 or 8080 of custom
PROXY_FORMS: Final = (
    "a URL such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128"
)

Fields = tuple[tuple[bytes, bytes], ...]

_HOST: Final = re.compile(rb"[0-9A-Za-z._:-]+")

# Statuses with which a proxy says that it could not reach the target: not that it does not want to.
_NOT_REACHED: Final = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)


class Proxy:
    """Where it is, and the header fields that only it may see."""

    def __init__(self, url: str) -> None:
        """Raises ConfigurationError, which does not show the password."""
        parts = _parsed(url)
        self.host = parts.raw_host.decode("ascii")
        self.port = parts.port or DEFAULT_PORT
        self._netloc = parts.netloc.decode("ascii")
        self.fields: Fields = ()
        if parts.userinfo:
            token = base64.b64encode(f"{parts.username}:{parts.password}".encode())
            as_written = parts.userinfo.decode("ascii").partition(":")[2]
            for secret in (parts.password, as_written, token.decode("ascii")):
                declare_secret(secret)
            self.fields = ((b"Proxy-Authorization", b"Basic " + token),)

    def __repr__(self) -> str:
        return f"<Proxy {self}>"

    def __str__(self) -> str:
        return f"http://{self._netloc}"

    def connect_request(self, authority: str) -> bytes:
        """Asks for a tunnel to `authority` (host:port); the fields are those that httpx sends."""
        lines = [f"CONNECT {authority} HTTP/1.1".encode("ascii"), b"Host: " + authority.encode("ascii")]
        lines += [b"Accept: */*", *(b"%b: %b" % field for field in self.fields)]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _parsed(url: str) -> httpx.URL:
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):  # their messages quote parts of the URL
        raise ConfigurationError(f"{_shown(url)} is not {PROXY_FORMS}") from None
    if parts.scheme == "https" or parts.scheme.startswith("socks"):
        raise ConfigurationError(
            f"{parts.scheme}:// proxies are not supported: a proxy is reached over plain HTTP (https:// "
            f"targets stay encrypted, through CONNECT); what is possible is {PROXY_FORMS}"
        )
    if parts.scheme != "http" or not parts.host or parts.raw_path != b"/" or parts.fragment:
        raise ConfigurationError(f"{_shown(url)} is not {PROXY_FORMS}")
    return parts


def _shown(url: object) -> str:
    """Not what may hold a password: where that ends is not known of what is no URL."""
    return "[redacted]" if "@" in str(url) else redact(repr(url))


class ProxyRules:
    """Which hosts are reached through the proxy: all, but those of `no_proxy` and the names below them."""

    def __init__(self, url: str | None = None, no_proxy: Iterable[str] = ()) -> None:
        self.proxy = None if url is None else Proxy(url)
        self._exempt = tuple(_exempt_host(entry) for entry in no_proxy)

    def __repr__(self) -> str:
        return f"<ProxyRules {self.proxy!r} but for {', '.join(self._exempt) or 'nothing'}>"

    def proxy_for(self, host: str) -> Proxy | None:
        """`host` as in httpx.URL.raw_host: in lower case, IPv6 without brackets."""
        if any(host == entry or host.endswith(f".{entry}") for entry in self._exempt):
            return None
        return self.proxy


def _exempt_host(entry: str) -> str:
    """``localhost``, ``.example.com``, ``[::1]`` -> as it stands in a URL, without dot or brackets."""
    host = entry.strip().removeprefix("*").removeprefix(".")
    try:
        url = httpx.URL(scheme="http", host=host.strip("[]"))
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not _HOST.fullmatch(url.raw_host):  # httpx escapes what does not belong there
        raise ConfigurationError(
            f'{entry!r} is not a host such as "localhost", "10.0.0.7" or "example.com" (and names below it)'
        )
    return url.raw_host.decode("ascii")


class Tunnel(asyncio.Protocol):
    """The CONNECT handshake on a connection to a proxy."""

    def __init__(self, proxy: Proxy, authority: str, max_header_bytes: int) -> None:
        self._proxy = proxy
        self._authority = authority
        self._max_header_bytes = max_header_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._established: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._status = 0  # of the final answer, once its head is complete
        self._reason = b""
        self._received = 0
        self._has_more = False

    def __repr__(self) -> str:
        return f"<Tunnel to {self._authority} by {self._proxy} received={self._received}>"

    async def establish(self, transport: asyncio.Transport) -> None:
        """Afterwards reading is paused, and all that passes is the target's. On failure it is closed."""
        try:
            transport.write(self._proxy.connect_request(self._authority))
            await self._established
        except BaseException:
            transport.abort()
            raise

    # -- callbacks of the event loop -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's do not inherit it

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._status:
                self._fail(Outcome.PROTOCOL, f"{Outcome.PROTOCOL.label}: {error}")
                return
            self._has_more = True
        if self._status:
            self._decide()
        elif self._received > self._max_header_bytes:
            self._fail_too_large()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            failure = failure_of(error)
            self._fail(failure.outcome, failure.phrase)
        else:
            self._fail(Outcome.CLOSED, f"{Outcome.CLOSED.label} to CONNECT")
        del self._parser  # it holds our methods: a cycle

    # -- callbacks of llhttp -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._has_more = self._has_more or bool(self._status)

    def on_status(self, reason: bytes) -> None:
        if not self._status:
            self._reason += reason

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= HTTPStatus.OK and not self._status:
            self._status = status

    def on_message_complete(self) -> None:
        if not self._status:  # 100 Continue, 103 Early Hints: the answer follows
            self._reason = b""

    def on_chunk_header(self) -> None:
        self._has_more = True

    def on_body(self, _part: bytes) -> None:
        self._has_more = True

    # -- the end of the handshake --------------------------------------------------------------------

    def _decide(self) -> None:
        if not HTTPStatus.OK <= self._status < HTTPStatus.MULTIPLE_CHOICES:
            answer = f"{self._status} {self._reason.decode('ascii', 'ignore')}".strip()
            outcome = Outcome.UNREACHABLE if self._status in _NOT_REACHED else Outcome.REFUSED
            self._fail(outcome, f"{outcome.label}: it answered CONNECT with {answer}", httpx.ProxyError)
        elif self._has_more:
            self._fail(Outcome.PROTOCOL, f"{Outcome.PROTOCOL.label}: bytes after its answer to CONNECT")
        elif self._received > self._max_header_bytes:
            self._fail_too_large()
        elif not self._established.done():
            self._transport.pause_reading()  # what comes from now on is for who takes over
            self._established.set_result(None)

    def _fail_too_large(self) -> None:
        phrase = f"{Outcome.TOO_LARGE.label}: its answer to CONNECT is over {self._max_header_bytes} bytes"
        self._fail(Outcome.TOO_LARGE, phrase)

    def _fail(self, outcome: Outcome, phrase: str, error: type[httpx.RequestError] | None = None) -> None:
        if not self._established.done():
            self._established.set_exception(Failure(outcome, f"proxy {self._proxy}: {phrase}", error=error))
        self._transport.abort()
