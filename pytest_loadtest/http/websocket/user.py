"""The WebSockets that a client has open, so that closing the client closes them.

Imports no WebSocket library: every client has one of these, and hardly any opens a WebSocket.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.http.transport import SharedTransport


class Closable(Protocol):
    """A WebSocket, or one whose handshake is under way."""

    async def give_up(self) -> None:
        """Close at once; its user has left the load."""


class WebSocketUser:
    """A virtual user as its WebSockets see it: who measures, how connections are made, which are open."""

    __slots__ = ("_open", "closed", "owner", "shared")

    def __init__(self, owner: RequestOwner, shared: SharedTransport) -> None:
        self.owner = owner
        self.shared = shared
        self.closed = False
        self._open: set[Closable] | None = None  # 216 bytes for each virtual user, only where it is needed

    def __repr__(self) -> str:
        return f"<WebSocketUser {'closed' if self.closed else 'open'} websockets={len(self._open or ())}>"

    def add(self, websocket: Closable) -> None:
        if self._open is None:
            self._open = set()
        self._open.add(websocket)

    def discard(self, websocket: Closable) -> None:
        if self._open is not None:
            self._open.discard(websocket)

    async def aclose(self) -> None:
        """Afterwards no socket is left, and no other one is opened."""
        self.closed = True
        if self._open:
            await asyncio.gather(*[websocket.give_up() for websocket in self._open])
