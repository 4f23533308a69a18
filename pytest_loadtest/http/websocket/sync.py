"""WebSockets for test bodies that are plain functions: ``with http.websocket(path) as ws``, nothing awaited.

Owns nothing: every method is that of the WebSocket itself, waited for by what the sync client was given.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from pytest_loadtest.http.waiting import AwaitOnly
from pytest_loadtest.http.websocket.session import WebSocket, WebSocketSession


class SyncWebSocket:
    """An open WebSocket. A method that finds it closed raises websockets.ConnectionClosed."""

    __slots__ = ("_await_only", "_websocket")

    def __init__(self, websocket: WebSocket, await_only: AwaitOnly) -> None:
        self._websocket = websocket
        self._await_only = await_only

    def __repr__(self) -> str:
        return f"<SyncWebSocket {self._websocket!r}>"

    @property
    def name(self) -> str:
        return self._websocket.name

    @property
    def response(self) -> httpx.Response:
        return self._websocket.response

    @property
    def subprotocol(self) -> str | None:
        return self._websocket.subprotocol

    @property
    def close_code(self) -> int | None:
        return self._websocket.close_code

    @property
    def close_reason(self) -> str | None:
        return self._websocket.close_reason

    def send(self, message: str | bytes | bytearray | memoryview) -> None:
        self._await_only(self._websocket.send(message))

    def send_json(self, value: Any) -> None:
        self._await_only(self._websocket.send_json(value))

    def recv(self, timeout: float | None = None) -> str | bytes:
        return self._await_only(self._websocket.recv(timeout))

    def recv_json(self, timeout: float | None = None) -> Any:
        return self._await_only(self._websocket.recv_json(timeout))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | bytes:
        try:
            return self._await_only(anext(self._websocket))
        except StopAsyncIteration:
            raise StopIteration from None

    def ping(self, timeout: float | None = None) -> float:
        return self._await_only(self._websocket.ping(timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._await_only(self._websocket.close(code, reason))


class SyncWebSocketSession:
    """``with session as ws``. Can be entered once."""

    def __init__(self, session: WebSocketSession, await_only: AwaitOnly) -> None:
        self._session = session
        self._await_only = await_only

    def __repr__(self) -> str:
        return f"<SyncWebSocketSession {self._session!r}>"

    def __enter__(self) -> SyncWebSocket:
        return SyncWebSocket(self._await_only(self._session.__aenter__()), self._await_only)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._await_only(self._session.__aexit__(kind, error, trace))
