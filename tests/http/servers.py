"""Servers on loopback that do exactly what a test tells them, byte for byte."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple


class Seen(NamedTuple):
    """A request as the server saw it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        return values[0] if values else None


class Peer:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number  # of the connection, from 0

    async def request(self) -> Seen:
        """The next request. Raises IncompleteReadError when there is none."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head[:-4].split("\r\n")
        method, target, _ = line.split(" ")
        headers = [(name, value) for name, _, value in (field.partition(": ") for field in lines)]
        seen = Seen(method, target, headers, b"")
        if seen.header("transfer-encoding") == "chunked":
            return seen._replace(body=await self._chunks())
        return seen._replace(body=await self.reader.readexactly(int(seen.header("content-length") or 0)))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def send(self, data: bytes) -> None:
        """Raises ConnectionError when the client has closed."""
        if self.writer.is_closing():  # uvloop raises RuntimeError
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with a TCP reset instead of an orderly end."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        self.writer.close()


Behaviour = Callable[[Peer], Awaitable[None]]


class Server:
    """Where it listens and how many connections it has had."""

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self.port = port
        self.url = f"{scheme}://{host}:{port}"
        self.connections = 0
        self.requests: list[Seen] = []


@asynccontextmanager
async def serving(
    behaviour: Behaviour,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    bind: str = "127.0.0.1",
    unix_socket: str | None = None,
) -> AsyncIterator[Server]:
    """`behaviour` is run for each connection, which is closed when it returns.

    It listens on `bind`, or on a Unix socket; `host` is what its URL says.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(reader, writer, server.connections)
        server.connections += 1
        try:
            await behaviour(peer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    port = 80
    if unix_socket is not None:
        listener = await asyncio.start_unix_server(accept, unix_socket, ssl=tls)
    else:
        listener = await asyncio.start_server(accept, bind, 0, ssl=tls)
        port = listener.sockets[0].getsockname()[1]
    server = Server("https" if tls else "http", host, port)
    try:
        yield server
    finally:
        listener.close()
        pending = list(tasks)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.sleep(0)


def answer(body: bytes = b"ok", status: str = "200 OK", *fields: str) -> bytes:
    """A sane response with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


Answers = Callable[[Seen], bytes]


def answering(answers: Answers | bytes, requests: list[Seen] | None = None) -> Behaviour:
    """Answers each request of a connection, as long as the client keeps it open."""

    async def behave(peer: Peer) -> None:
        while True:
            seen = await peer.request()
            if requests is not None:
                requests.append(seen)
            await peer.send(answers if isinstance(answers, bytes) else answers(seen))

    return behave
