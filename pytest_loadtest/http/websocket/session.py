"""WebSockets of a virtual user: ``async with http.websocket(path) as ws``.

Owns what a test sees of a WebSocket: sending, receiving, closing. The protocol is that of the `websockets`
library; the connection is made and measured as those of other requests. Imported with the first WebSocket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Final, Self, TypedDict

import httpx

from pytest_loadtest.errors import ConfigurationError, MisuseError

try:
    from websockets.version import version
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "http.websocket needs the library `websockets`: pip install 'pytest-loadtest[websocket]'"
    ) from error
if version.partition(".")[0] not in ("15", "16"):  # parts that are not documented are used: see connection.py
    raise ConfigurationError(
        f"http.websocket works with websockets 15 and 16, and {version} is installed: "
        "pip install 'pytest-loadtest[websocket]'"
    )

from websockets.exceptions import ConnectionClosedOK
from websockets.extensions.permessage_deflate import enable_client_permessage_deflate
from websockets.frames import CloseCode
from websockets.typing import Origin, Subprotocol

from pytest_loadtest.http.arguments import Expect, URLTypes, check_expect
from pytest_loadtest.http.websocket.connection import HandshakeProtocol, WebSocketConnection
from pytest_loadtest.http.websocket.handshake import Handshake, Opening, open_connection, opening_of
from pytest_loadtest.http.websocket.meter import EXPECTED_CLOSE_CODES, SessionMeter
from pytest_loadtest.http.websocket.user import WebSocketUser

__all__ = ["SessionOptions", "WebSocket", "WebSocketSession", "http_url", "opening_of"]

# As the library's own; the time-outs in seconds.
PING_INTERVAL_S: Final = 20.0
PING_TIMEOUT_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 10.0

_HTTP_SCHEMES: Final = {"ws": "http", "wss": "https"}


class SessionOptions(TypedDict, total=False):
    """How a WebSocket behaves: what `http.websocket` takes besides the arguments of every request."""

    subprotocols: Sequence[str] | None
    origin: str | None
    compression: bool
    max_message: int | None
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
    expect_close: Expect


class WebSocket:
    """An open WebSocket. A method that finds it closed raises websockets.ConnectionClosed."""

    __slots__ = ("_connection", "_meter", "name", "response")

    def __init__(
        self, name: str, connection: WebSocketConnection, meter: SessionMeter, response: httpx.Response
    ) -> None:
        self.name = name
        self.response = response
        self._connection = connection
        self._meter = meter

    def __repr__(self) -> str:
        return f"<WebSocket {self.name!r} {self._connection.state.name.lower()}>"

    @property
    def subprotocol(self) -> str | None:
        """The one that the server chose."""
        return self._connection.subprotocol

    @property
    def close_code(self) -> int | None:
        """None while it is open; 1006 if the connection ended without a close frame."""
        return self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        return self._connection.close_reason

    async def send(self, message: str | bytes | bytearray | memoryview) -> None:
        """One message: text from `str`, binary from bytes."""
        if not isinstance(message, (str, bytes, bytearray, memoryview)):
            raise TypeError(f"a message is text or bytes, not {type(message).__name__}; see also send_json")
        await self._connection.send(message if isinstance(message, str) else bytes(message))
        self._meter.message_sent()

    async def send_json(self, value: Any) -> None:
        await self.send(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))

    async def recv(self, timeout: float | None = None) -> str | bytes:  # noqa: ASYNC109 - as the library's sync client
        """The next message. Raises TimeoutError when none has come in `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                return await self._connection.recv()
        except TimeoutError:
            raise TimeoutError(f"no message within {timeout} s: {self.name}") from None

    async def recv_json(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as recv
        """The next message, parsed. Raises ValueError for what is no JSON."""
        return json.loads(await self.recv(timeout))

    def __aiter__(self) -> Self:
        """Messages until the server closes with 1000, 1001 or no code; ConnectionClosedError after others."""
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None

    async def ping(self, timeout: float | None = None) -> float:  # noqa: ASYNC109 - as recv
        """Send a ping, wait for its pong; gives the seconds in between."""
        # The library's own figure is of the event loop's clock, and uvloop's ticks in milliseconds.
        sent_ns = perf_counter_ns()
        try:
            async with asyncio.timeout(timeout):
                await (await self._connection.ping())
        except TimeoutError:
            raise TimeoutError(f"no pong within {timeout} s: {self.name}") from None
        return (self._connection.data_ns - sent_ns) / 1e9

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Say goodbye and wait for the server's, at most `close_timeout`. The second time nothing happens."""
        try:
            await self._connection.close(code, reason)
        except asyncio.CancelledError:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Close without waiting for the server's goodbye."""
        self._meter.left()
        self._connection.abandon()
        await self._connection.wait_closed()


class WebSocketSession:
    """One WebSocket from its handshake to its end: ``async with session as ws``. Can be entered once."""

    def __init__(self, user: WebSocketUser, opening: Opening, options: SessionOptions) -> None:
        unknown = options.keys() - SessionOptions.__optional_keys__
        if unknown:
            raise TypeError(f"http.websocket() got an unexpected keyword argument {min(unknown)!r}")
        check_expect(options.get("expect_close"))
        self._user = user
        self._opening = opening
        self._options = options
        self._was_entered = False
        self._websocket: WebSocket | None = None

    def __repr__(self) -> str:
        return f"<WebSocketSession {self._opening.name!r} {self._websocket!r}>"

    async def __aenter__(self) -> WebSocket:
        if self._was_entered:
            raise MisuseError("a WebSocket is opened once: call http.websocket again for another one")
        self._was_entered = True
        opening = self._opening
        expect_close = self._options.get("expect_close", EXPECTED_CLOSE_CODES)
        meter = SessionMeter(self._user, opening.name, opening.location, expect_close)
        try:
            new_connection = partial(self._new_connection, meter)
            connection, response = await open_connection(self._user, opening, new_connection)
        except BaseException:
            meter.forget()
            raise
        self._websocket = WebSocket(opening.name, connection, meter, response)
        return self._websocket

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        websocket = self._websocket
        assert websocket is not None
        if error is None:
            await websocket.close()
        elif isinstance(error, Exception):
            await websocket.close(CloseCode.GOING_AWAY)
        else:  # cancelled, or the load is to end: no time for goodbyes
            await websocket.leave()

    def _new_connection(self, meter: SessionMeter, handshake: Handshake) -> WebSocketConnection:
        options = self._options
        extensions = enable_client_permessage_deflate(None) if options.get("compression", True) else None
        subprotocols, origin = options.get("subprotocols"), options.get("origin")
        protocol = HandshakeProtocol(
            [field for field in handshake.fields if origin is None or field[0].lower() != "origin"],
            uri=handshake.uri,
            origin=None if origin is None else Origin(origin),
            extensions=extensions,
            subprotocols=None if subprotocols is None else [Subprotocol(each) for each in subprotocols],
            max_size=options.get("max_message", self._user.shared.settings.max_body_bytes),
        )
        return WebSocketConnection(
            protocol,
            meter,
            ping_interval=options.get("ping_interval", PING_INTERVAL_S),
            ping_timeout=options.get("ping_timeout", PING_TIMEOUT_S),
            close_timeout=options.get("close_timeout", CLOSE_TIMEOUT_S),
        )


def http_url(url: URLTypes) -> httpx.URL:
    """The URL that the handshake goes to: ws is http, and wss is https."""
    parsed = httpx.URL(url)
    scheme = _HTTP_SCHEMES.get(parsed.scheme)
    return parsed if scheme is None else parsed.copy_with(scheme=scheme)
