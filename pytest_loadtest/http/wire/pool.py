"""The connections of one virtual user to one origin: at most so many, and who waits for one waits in line.

Knows connections and how many there may be; not how they are made (the connector) nor what is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.wire.connection import Connection

Opener = Callable[["HostPool", int | None], Coroutine[Any, Any, Connection]]


class HostPool:
    """`idle` is a stack: the connection used last is least likely to have been closed by the server."""

    __slots__ = (
        "_attempts",
        "_closed",
        "_drained",
        "_open",
        "_waiting",
        "connections",
        "idle",
        "limit",
        "opening",
    )

    def __init__(self, open_connection: Opener, limit: int) -> None:
        self._open = open_connection
        self.limit = limit
        self.idle: list[Connection] = []
        self.connections: set[Connection] = set()
        self.opening = 0
        self._closed = False
        self._attempts: set[asyncio.Future[Connection]] | None = None  # to connect, while there are any
        self._waiting: deque[asyncio.Future[Connection | None]] | None = None  # few virtual users ever wait
        self._drained: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        waiting = len(self._waiting or ())
        return (
            f"<HostPool open={len(self.connections)}/{self.limit} idle={len(self.idle)} "
            f"opening={self.opening} waiting={waiting}>"
        )

    def take_idle(self) -> Connection | None:
        """An open connection that nobody uses, or None."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    def is_full(self) -> bool:
        return len(self.connections) + self.opening >= self.limit

    async def open(self, timeout_ns: int | None, *, reserved: bool = False) -> Connection:
        """A new connection, counted from its first moment. Not when the pool is full, unless `reserved`."""
        if not reserved:
            self.opening += 1
        try:
            connection = await self._connect(timeout_ns)
            self.connections.add(connection)
            if self._closed:
                connection.close()
                raise _closed_failure()
        finally:
            self.opening -= 1
            self._place_may_be_free()
        return connection

    async def _connect(self, timeout_ns: int | None) -> Connection:
        """In a task of its own, which `aclose` can end: its caller may be forgotten by everybody."""
        attempt = asyncio.ensure_future(self._open(self, timeout_ns))
        if self._attempts is None:
            self._attempts = set()
        self._attempts.add(attempt)
        try:
            return await attempt
        except asyncio.CancelledError:
            if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
                attempt.result().abort()  # made in the moment in which nobody wanted it any more
            if self._closed and not _is_cancelled():
                raise _closed_failure() from None
            raise
        finally:
            self._attempts.discard(attempt)

    async def wait(self) -> Connection | None:
        """The next connection that is given back: first come, first served.

        None when one was lost instead: its place is the caller's, who must call `open(reserved=True)`.
        """
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(waiter)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise
        if connection is not None and connection.closed:  # by the server, between the hand-over and now
            return await self._wait_again(connection)
        return connection

    async def _wait_again(self, lost: Connection) -> Connection | None:
        """Its place is the caller's, unless it was found free and given to the next in line already."""
        if lost not in self.connections and self.is_full():
            return await self.wait()
        self.opening += 1
        return None

    def release(self, connection: Connection) -> None:
        """Its answer is complete: it goes to who waits longest. A closed one frees its place when lost."""
        if connection.closed:
            return
        waiter = self._next_waiter()
        if waiter is None:
            self.idle.append(connection)
        else:
            waiter.set_result(connection)

    def replace(self, connection: Connection) -> None:
        """Close one that was taken; its place is the caller's, who must call `open(reserved=True)`."""
        connection.abort()
        self.connections.discard(connection)
        self.opening += 1

    def lost(self, connection: Connection) -> None:
        """Called by the connection when its transport has gone: its place is free."""
        self.connections.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self._place_may_be_free()

    async def aclose(self) -> None:
        """Close every connection and wait until the event loop has let go of their sockets."""
        self._closed = True
        attempts = list(self._attempts or ())
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        for waiter in self._waiting or ():
            if not waiter.done():
                waiter.set_exception(_closed_failure())
        for connection in tuple(self.connections):
            connection.close()
        if self.connections:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def _give_up(self, waiter: asyncio.Future[Connection | None]) -> None:
        """A cancelled waiter leaves the line; what it was given in the same moment goes to the next."""
        if waiter.done() and not waiter.cancelled():
            if waiter.exception() is not None:
                return  # the pool was closed
            connection = waiter.result()
            if connection is None:
                self.opening -= 1
                self._place_may_be_free()
            else:
                self.release(connection)
        elif self._waiting and waiter in self._waiting:
            self._waiting.remove(waiter)

    def _place_may_be_free(self) -> None:
        if self._drained is not None and not self.connections and not self._drained.done():
            self._drained.set_result(None)
        if not self.is_full():
            waiter = self._next_waiter()
            if waiter is not None:
                self.opening += 1
                waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None


def _is_cancelled() -> bool:
    """Was it the caller who was cancelled, and not what it waited for?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _closed_failure() -> Failure:
    return Failure(Outcome.CLOSED, "the client was closed while the request was open")
