"""One HTTP/1.1 connection: request bytes out, one parsed answer in, with the times of both.

Owns the framing rules: what is an answer, when is it complete, may the connection be used again. All that
goes wrong in a callback of the event loop ends in the request that waits, as a Failure. Knows nothing of
requests' names, redirects, cookies or who is asking.
"""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import Final, Protocol

import httptools
import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.deadlines import NEVER, DeadlineSweeper
from pytest_loadtest.http.failures import Failure, failure_of
from pytest_loadtest.http.head import HEAD_END, Head, HeadCache, RawHeaders

SWITCHING_PROTOCOLS: Final = 101
NO_HEAD_YET: Final = Head(0, b"", "1.1", [], keep_alive=False)


class ConnectionUser(Protocol):
    """The pool, as a connection sees it."""

    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """The times are of time.perf_counter_ns; they, `head` and `body` are those of the last answer."""

    __slots__ = (
        "_body_bytes",
        "_body_parts",
        "_complete",
        "_expect_no_body",
        "_failure",
        "_headers",
        "_heads",
        "_in_body",
        "_interim_bytes",
        "_junk",
        "_max_body_bytes",
        "_max_header_bytes",
        "_parser",
        "_reason",
        "_sweeper",
        "_trailer_bytes",
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
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.deadline_ns = NEVER
        self.closed = False
        self.connect_times = (0, 0, 0)  # look-up, connect, TLS
        self.head = NO_HEAD_YET
        self.body = b""
        self.received = 0
        self.started_ns = self.sent_ns = self.first_byte_ns = self.finished_ns = 0
        self._expect_no_body = False
        self._begin_message()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "waiting" if self._waiter is not None else "idle"
        return f"<Connection {state} received={self.received}>"

    def opened(self, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        """It can be used now. Not in connection_made: a TLS handshake that fails is never told to us."""
        self.connect_times = (lookup_ns, connect_ns, tls_ns)
        self._sweeper.watch(self)

    # -- a request -----------------------------------------------------------------------------------

    def send(self, data: bytes, deadline_ns: int, expect_no_body: bool) -> asyncio.Future[None]:
        """Write a request; the future is done when the answer is complete in `head` and `body`."""
        waiter = self._waiter = self.loop.create_future()
        self.received = 0
        self._expect_no_body = expect_no_body
        self.deadline_ns = deadline_ns
        if deadline_ns < self._sweeper.next_sweep_ns:
            self._sweeper.sweep_by(deadline_ns)
        self.started_ns = perf_counter_ns()
        self.transport.write(data)
        self.sent_ns = perf_counter_ns()
        return waiter

    def expire(self) -> None:
        """The deadline has passed."""
        self._fail(Failure(Outcome.TIMEOUT, Outcome.TIMEOUT.label, error=httpx.ReadTimeout))

    def abort(self) -> None:
        """Close at once. A request that still waits must have been given up by its caller."""
        self._waiter = None
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
            self.abort()  # an answer that nobody asked for: what follows cannot be trusted
            return
        if not self.received:
            self.first_byte_ns = now_ns
            head_end = data.find(HEAD_END) + 4
            head = self._heads.get(data[:head_end])
            if (
                head is not None
                and head.body_length == len(data) - head_end
                and not self._expect_no_body
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
        self._parse(data, now_ns)

    def eof_received(self) -> None:
        self.closed = True
        if self._waiter is not None and self._ends_now():
            self._finish(perf_counter_ns(), keep_alive=False)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._sweeper.forget(self)
        if self._waiter is not None:
            if error is None and self._ends_now():
                self._finish(perf_counter_ns(), keep_alive=False)
            else:
                self._fail(failure_of(error) if error is not None else self._closed_early())
        self._parser = None  # it holds our methods: a cycle
        self._user.lost(self)

    # -- parsing with llhttp -------------------------------------------------------------------------

    def _begin_message(self) -> None:
        self._headers: RawHeaders = []
        self._reason = b""
        self._body_parts: list[bytes] = []
        self._body_bytes = 0
        self._interim_bytes = 0
        self._trailer_bytes = 0
        self._in_body = False
        self._complete = False
        self._junk = False
        self._failure: Failure | None = None

    def _parse(self, data: bytes, now_ns: int) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpResponseParser(self)
        self.received += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._failure = Failure(
                Outcome.PROTOCOL, f"{Outcome.PROTOCOL.label}: switched protocols without being asked to"
            )
        except httptools.HttpParserError as error:
            self._junk = True
            self._failure = self._failure or Failure(Outcome.PROTOCOL, f"{Outcome.PROTOCOL.label}: {error}")
        if self._complete:
            self._remember_head(data)
            self._finish(now_ns, keep_alive=self.head.keep_alive and not self._junk)
        elif self._failure is not None or self._is_too_large():
            self._fail(self._failure or Failure(Outcome.TOO_LARGE, self._too_large()))

    def on_message_begin(self) -> None:
        self._junk = self._junk or self._complete

    def on_status(self, reason: bytes) -> None:
        if not self._complete:
            self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:  # a trailer: httpx drops it, too
            self._trailer_bytes += len(name) + len(value) + len(b": \r\n")
            if self._trailer_bytes > self._max_header_bytes:
                self._failure = Failure(Outcome.TOO_LARGE, f"{Outcome.TOO_LARGE.label}: endless trailers")
        elif not self._complete:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        parser = self._parser
        assert parser is not None
        self.head = Head(
            parser.get_status_code(),
            self._reason,
            parser.get_http_version(),
            self._headers,
            parser.should_keep_alive(),
        )
        if self.received > self._max_header_bytes and self._header_bytes() > self._max_header_bytes:
            self._failure = Failure(Outcome.TOO_LARGE, self._too_large())
            return
        self._in_body = self.head.status >= 200
        if self._in_body and self._expect_no_body:
            self._complete_without_body()

    def on_chunk_header(self) -> None:
        self._junk = self._junk or self._complete

    def on_body(self, part: bytes) -> None:
        if self._complete:
            self._junk = True
            return
        self._body_bytes += len(part)
        if self._body_bytes > self._max_body_bytes:
            self._failure = Failure(Outcome.TOO_LARGE, self._too_large())
            self._body_parts.clear()
        else:
            self._body_parts.append(part)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if self.head.status >= 200:
            self._complete = self._failure is None
        elif self.head.status != SWITCHING_PROTOCOLS:  # 100 Continue, 103 Early Hints: the answer follows
            self._interim_bytes = self.received
            self._headers = []
            self._reason = b""

    def _complete_without_body(self) -> None:
        """An answer to HEAD is its head. llhttp cannot know that, so this parser is not used again."""
        head = self.head
        named = b",".join(head.values(b"connection")).lower()
        head.keep_alive = b"close" not in named and (head.http_version == "1.1" or b"keep-alive" in named)
        self._complete = True
        self._parser = None

    def _remember_head(self, data: bytes) -> None:
        """See head.py: only a message that came alone in one read, its body all that follows the head."""
        head_end = data.find(HEAD_END) + 4
        if (
            len(data) == self.received
            and not self._junk
            and not self._interim_bytes
            and not self._expect_no_body
            and self._body_bytes == len(data) - head_end
        ):
            self._heads.add(data[:head_end], self.head, self._body_bytes)

    def _header_bytes(self) -> int:
        return sum(len(name) + len(value) + len(b": \r\n") for name, value in self._headers)

    def _is_too_large(self) -> bool:
        """Of a message that is not complete: a head past its limit, or a body announced to be."""
        if not self._in_body:
            return self.received > self._max_header_bytes
        lengths = self.head.values(b"content-length")
        return bool(lengths) and int(lengths[0]) > self._max_body_bytes

    def _too_large(self) -> str:
        what, limit = ("body", self._max_body_bytes) if self._in_body else ("header", self._max_header_bytes)
        return f"{Outcome.TOO_LARGE.label}: the response {what} is over {limit} bytes"

    # -- the end of a request ------------------------------------------------------------------------

    def _ends_now(self) -> bool:
        """Has the server ended the message by closing the connection?"""
        return self._in_body and not self._complete and self.head.ends_with_the_connection()

    def _closed_early(self) -> Failure:
        how_far = f"after {self.received} bytes of its answer" if self.received else "without an answer"
        return Failure(Outcome.CLOSED, f"{Outcome.CLOSED.label}: the server closed the connection {how_far}")

    def _finish(self, now_ns: int, *, keep_alive: bool) -> None:
        self.finished_ns = now_ns
        parts = self._body_parts
        self.body = parts[0] if len(parts) == 1 else b"".join(parts)
        waiter = self._waiter
        self._waiter = None
        self.deadline_ns = NEVER
        self._begin_message()
        if not keep_alive and not self.closed:
            self.closed = True
            self.transport.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, failure: Failure) -> None:
        self.finished_ns = perf_counter_ns()
        waiter = self._waiter
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(failure)
