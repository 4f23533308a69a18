"""One HTTP/1.1 connection: request bytes out, one answer in, with the times of both.

Owns the socket's side of an exchange: who waits, until when, and what the end of the connection means to
them. All that goes wrong in a callback of the event loop ends in the request that waits, as a Failure. What
is an answer is decided in message.py. Knows nothing of requests' names, redirects, cookies or who is asking.
"""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import Final, Protocol

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.failures import Failure, failure_of
from pytest_loadtest.http.wire.body_stream import BodyStream
from pytest_loadtest.http.wire.deadlines import NEVER, DeadlineSweeper
from pytest_loadtest.http.wire.head import HEAD_END, HeadCache
from pytest_loadtest.http.wire.message import NO_HEAD_YET, MessageParser

# What a kernel takes at once (Linux begins with 16 KiB, and takes 2.5 MiB on loopback). Of a longer request a
# part may still be here when its answer comes, and what is sent next would stand behind it.
SENT_AT_ONCE_BYTES: Final = 16 * 1024


class ConnectionUser(Protocol):
    """The pool, as a connection sees it."""

    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """The times are of time.perf_counter_ns; they, `head` and `body` are those of the last answer."""

    __slots__ = (
        "_expects_no_body",
        "_heads",
        "_idle_ns",
        "_max_body_bytes",
        "_max_header_bytes",
        "_message",
        "_needs_parser",
        "_stream",
        "_sweeper",
        "_user",
        "_waiter",
        "body",
        "closed",
        "connect_times",
        "deadline_ns",
        "finished_ns",
        "first_byte_ns",
        "head",
        "loop",
        "received",
        "sent_ns",
        "started_ns",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(
        self,
        user: ConnectionUser,
        heads: HeadCache,
        sweeper: DeadlineSweeper,
        max_header_bytes: int,
        max_body_bytes: int,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._user = user
        self._heads = heads
        self._sweeper = sweeper
        self._max_header_bytes = max_header_bytes
        self._max_body_bytes = max_body_bytes
        self._message: MessageParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._stream: BodyStream | None = None
        self._idle_ns: int | None = None
        self.deadline_ns = NEVER
        self.closed = False
        self.connect_times = (0, 0, 0)  # look-up, connect, TLS
        self.head = NO_HEAD_YET
        self.body = b""
        self.received = 0
        self.started_ns = self.sent_ns = self.first_byte_ns = self.finished_ns = 0
        self._expects_no_body = False
        self._needs_parser = False

    def __repr__(self) -> str:
        state = "closed" if self.closed else "waiting" if self.is_busy else "idle"
        return f"<Connection {state} received={self.received}>"

    def opened(self, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        """It can be used now. Not in connection_made: a TLS handshake that fails is never told to us."""
        self.connect_times = (lookup_ns, connect_ns, tls_ns)
        self._sweeper.watch(self)

    @property
    def is_busy(self) -> bool:
        return self._waiter is not None or self._stream is not None

    # -- a request -----------------------------------------------------------------------------------

    def send(self, data: bytes, deadline_ns: int, expects_no_body: bool) -> asyncio.Future[None]:
        """Write a request; the future is done when the answer is complete in `head` and `body`."""
        waiter = self._waiter = self.loop.create_future()
        self.received = 0
        self._expects_no_body = expects_no_body
        self._needs_parser = expects_no_body or len(data) > SENT_AT_ONCE_BYTES
        self.deadline_ns = deadline_ns
        if deadline_ns < self._sweeper.next_sweep_ns:
            self._sweeper.sweep_by(deadline_ns)
        self.started_ns = perf_counter_ns()
        self.transport.write(data)
        self.sent_ns = perf_counter_ns()
        return waiter

    def send_for_stream(
        self, data: bytes, deadline_ns: int, idle_ns: int | None, expects_no_body: bool
    ) -> tuple[BodyStream, asyncio.Future[None]]:
        """Write a request; the future is done when `head` is there, the body comes through the stream.

        From then on the server has `idle_ns` for each part that the caller waits for.
        """
        stream = BodyStream(self._pause, self._resume, self._expect_next_part)
        waiter = self.send(data, deadline_ns, expects_no_body)
        self._stream = stream
        self._idle_ns = idle_ns
        self._needs_parser = True
        return stream, waiter

    def _pause(self) -> None:
        """The caller is behind: read no more for now."""
        self.transport.pause_reading()

    def _resume(self) -> None:
        self.transport.resume_reading()

    def expire(self) -> None:
        """The deadline has passed."""
        self._fail(Failure(Outcome.TIMEOUT, Outcome.TIMEOUT.label, error=httpx.ReadTimeout))

    def abort(self) -> None:
        """Close at once. A request that still waits must have been given up by its caller."""
        self._waiter = self._stream = None
        self.deadline_ns = NEVER
        self.closed = True
        self.transport.abort()

    def close(self) -> None:
        """Close at once; a request that still waits fails."""
        self._fail(Failure(Outcome.CLOSED, "the client was closed while the request was open"))

    # -- callbacks of the event loop -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's transports do not inherit asyncio's

    def data_received(self, data: bytes) -> None:
        now_ns = perf_counter_ns()
        waiter = self._waiter
        if waiter is None:
            if self._stream is None:
                self.abort()  # an answer that nobody asked for: what follows cannot be trusted
            else:
                self._parse(data, now_ns)
            return
        if not self.received:
            self.first_byte_ns = now_ns
            head_end = data.find(HEAD_END) + 4
            head = self._heads.get(data[:head_end])
            if (
                head is not None
                and head.body_length == len(data) - head_end
                and not self._needs_parser
                and head.body_length <= self._max_body_bytes
            ):
                self.received = len(data)
                self.finished_ns = now_ns
                self.head = head
                self.body = data[head_end:]
                self._waiter = None
                self.deadline_ns = NEVER
                if not waiter.done():
                    waiter.set_result(None)
                return
            self._begin_message()
        self._parse(data, now_ns)

    def eof_received(self) -> None:
        self.closed = True
        self._end_of_stream()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._sweeper.forget(self)
        if error is None:
            self._end_of_stream()
        if self.is_busy:
            self._fail(failure_of(error) if error is not None else self._closed_early())
        if self._message is not None:
            self._message.close()
        self._user.lost(self)

    # -- the answer ----------------------------------------------------------------------------------

    def _begin_message(self) -> None:
        if self._message is None:
            self._message = MessageParser(self._max_header_bytes, self._max_body_bytes)
        sink = None if self._stream is None else self._stream.put
        self._message.begin(expects_no_body=self._expects_no_body, sink=sink)

    def _parse(self, data: bytes, now_ns: int) -> None:
        message = self._message
        assert message is not None
        message.feed(data)
        self.received = message.received
        self.finished_ns = now_ns
        if message.complete:
            if not self._needs_parser:
                message.remember_head(data, self._heads)
            self._finish(message)
        elif message.failure is not None:
            self._fail(message.failure)
        elif self._stream is not None and message.in_body:
            self._head_has_come(message)
            self.deadline_ns = NEVER  # until the caller waits again

    def _head_has_come(self, message: MessageParser) -> None:
        """A streamed answer can be given to its caller now."""
        waiter = self._waiter
        self._waiter = None
        if waiter is not None:
            self.head = message.head
            if not waiter.done():
                waiter.set_result(None)

    def _expect_next_part(self) -> None:
        """The caller waits: only now is it the server's time."""
        if self._idle_ns is None:
            return
        self.deadline_ns = perf_counter_ns() + self._idle_ns
        if self.deadline_ns < self._sweeper.next_sweep_ns:
            self._sweeper.sweep_by(self.deadline_ns)

    def _end_of_stream(self) -> None:
        """The server has closed: is that the end of the answer?"""
        message = self._message
        if self.is_busy and self.received and message is not None and message.end_of_stream():
            self.finished_ns = perf_counter_ns()  # until now more could have come
            self._finish(message)

    def _closed_early(self) -> Failure:
        how_far = f"after {self.received} bytes of its answer" if self.received else "without an answer"
        return Failure(Outcome.CLOSED, f"{Outcome.CLOSED.label}: the server closed the connection {how_far}")

    # -- the end of a request ------------------------------------------------------------------------

    def _finish(self, message: MessageParser) -> None:
        self.head = message.head
        self.body = message.body
        waiter, stream = self._waiter, self._stream
        self._waiter = self._stream = None
        self.deadline_ns = NEVER
        if not self.closed and not (message.keeps_alive and self._has_sent_all()):
            self.closed = True
            self.transport.abort()
        elif stream is not None and stream.is_paused:
            self.transport.resume_reading()  # for the next request
        message.forget()
        if stream is not None:
            stream.end()
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _has_sent_all(self) -> bool:
        """A server may answer before it has read the request; whether it will read on is not known."""
        return self.transport.get_write_buffer_size() == 0

    def _fail(self, failure: Failure) -> None:
        self.finished_ns = perf_counter_ns()
        waiter, stream = self._waiter, self._stream
        self.abort()
        if stream is not None:
            stream.fail(failure)
        if waiter is not None and not waiter.done():
            waiter.set_exception(failure)
