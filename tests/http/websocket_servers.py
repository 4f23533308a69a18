"""Real WebSocket servers on loopback, and what a recorder was told of a session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

from tests.http.fakes import FakeOwner

Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(peer: ServerConnection) -> None:
    async for message in peer:
        await peer.send(message)


@asynccontextmanager
async def websocket_server(handler: Handler = echo, **options: Any) -> AsyncIterator[str]:
    """Its address for http."""
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield f"http://127.0.0.1:{port_of(server)}"


def port_of(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


def durations(owner: FakeOwner, name: str) -> list[int]:
    return [value for key, value, _ in owner.recorder.trends if key == name]


async def silent(peer: ServerConnection) -> None:
    await peer.wait_closed()
