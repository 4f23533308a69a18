"""A target for the load tests that plugin tests run: an HTTP server in a thread that counts what reaches it.

Its paths say how it behaves:

    /status/503     that status
    /delay/0.2      answers after so many seconds
    /hang           reads the request and never answers
    /close          closes the connection instead of answering
    /echo           a JSON object of the request: method, target, headers, body
    .../events      three server-sent events and [DONE], in chunks
    anything else   200 and {"ok": true}
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import NamedTuple, Self


class Seen(NamedTuple):
    """A request that reached the target."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    connection: int  # the number of its connection, from 1

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Target:
    """The server. `connections` and `requests` count since the last `forget()`."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.requests: list[Seen] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="target", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def forget(self) -> None:
        """Count from zero."""
        self.connections = 0
        self.requests = []

    def paths(self) -> list[str]:
        """The paths asked for, in order of arrival."""
        return [seen.path for seen in self.requests]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        self._started.set()
        await self._stop.wait()
        listener.close()
        pending = list(self._open)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        number = self.connections
        try:
            while await self._answer(await _request(reader, number), writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        """False to close the connection."""
        self.requests.append(seen)
        kind, _, value = seen.path.lstrip("/").partition("/")
        if kind == "close":
            return False
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind == "delay":
            await asyncio.sleep(float(value))
        if seen.path.endswith("/events"):
            await _send_events(writer)
            return True
        content = {"ok": True}
        if kind == "echo":
            content = {**seen._asdict(), "body": seen.body.decode("latin-1")}
        body = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {value if kind == 'status' else 200} Reason\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        return True


async def _send_events(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for event in (*(json.dumps({"n": n}) for n in range(3)), "[DONE]"):
        line = f"data: {event}\n\n".encode()
        writer.write(b"%x\r\n%b\r\n" % (len(line), line))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _request(reader: asyncio.StreamReader, connection: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head[:-4].split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, target, headers, body, connection)
