"""One WebSocket connection: that of the `websockets` library, with the times of what arrives on it.

Owns when things happened and that a connection which is to end does end. The protocol is the library's. Must
not know names, recorders or virtual users: it tells a listener.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter_ns
from typing import Any, Final, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import WebSocketException
from websockets.frames import DATA_OPCODES, Close, CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import OPEN, Event

# Not the library's logger: at DEBUG, which `pytest --log-level=DEBUG` turns on for all, it writes the header
# fields of the handshake, and those hold tokens.
LOGGER: Final = logging.getLogger(__name__)
LOGGER.setLevel(logging.WARNING)

# The library stops reading when 16 frames wait for the test, whatever their size. Behind one of this size we
# stop at once, so that what waits is 16 MiB and one message at most.
LARGE_FRAME_BYTES: Final = 1024 * 1024


class Listener(Protocol):
    """Is told what happens on a connection."""

    def opened(self, now_ns: int) -> None:
        """The handshake has succeeded."""

    def message_arrived(self, now_ns: int) -> None:
        """The last byte of a message was read."""

    def given_up(self) -> None:
        """It is being closed because its user has left the load."""

    def connection_ended(self, connection: WebSocketConnection, now_ns: int) -> None:
        """The socket is closed, perhaps without ever having been opened as a WebSocket."""


class HandshakeProtocol(ClientProtocol):
    """Sends these header fields with the handshake, the Host among them."""

    def __init__(self, fields: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(**options, logger=LOGGER)
        self._fields = fields

    def connect(self) -> Request:
        request = super().connect()
        own = [item for item in request.headers.raw_items() if item[0].lower() != "host"]
        return Request(request.path, Headers([*self._fields, *own]))


class WebSocketConnection(ClientConnection):
    """The times are of time.perf_counter_ns; 0 for what has not happened."""

    def __init__(self, protocol: HandshakeProtocol, listener: Listener, **options: Any) -> None:
        super().__init__(protocol, **options)
        self._listener = listener
        self.data_ns = 0  # when the bytes that are being looked at were read
        self._discards = False
        self._close_timer: asyncio.TimerHandle | None = None
        self.connect_times = (0, 0, 0)  # look-up, connect, TLS
        self.started_ns = self.sent_ns = self.first_byte_ns = self.finished_ns = 0
        self.closing_ns = 0
        self.received = 0  # bytes of the handshake's answer
        self.closed_by_test = False

    def __repr__(self) -> str:
        return f"<WebSocketConnection {self.state.name.lower()}>"

    # -- as the connector sees it --------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return self.connection_lost_waiter.done()

    def opened(self, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        """Behind TLS there is another transport than the one that the library was given at first."""
        self.connect_times = (lookup_ns, connect_ns, tls_ns)
        self.connection_made(self.transport)

    # -- what happens --------------------------------------------------------------------------------

    def send_data(self) -> None:
        """Writes what the protocol has to say."""
        if self.started_ns or not self.protocol.writes:
            super().send_data()
        else:
            self.started_ns = perf_counter_ns()
            super().send_data()
            self.sent_ns = perf_counter_ns()
        if self.protocol.close_sent is not None and not self.closing_ns:
            self.closing_ns = perf_counter_ns()
            self._close_soon()

    def data_received(self, data: bytes) -> None:
        self.data_ns = perf_counter_ns()
        if not self.finished_ns:
            self.first_byte_ns = self.first_byte_ns or self.data_ns
            self.received += len(data)
        super().data_received(data)

    def process_event(self, event: Event) -> None:
        if self.response is None:
            self.finished_ns = self.data_ns
            if self.protocol.handshake_exc is None:
                self._listener.opened(self.data_ns)
        elif isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            if event.fin:
                self._listener.message_arrived(self.data_ns)
            if self._discards:
                return
        super().process_event(event)
        if isinstance(event, Frame) and len(event.data) >= LARGE_FRAME_BYTES:
            self._pause_reading()

    def _pause_reading(self) -> None:
        """Until the test has read on: the library resumes."""
        messages = self.recv_messages
        if not messages.paused:
            messages.paused = True
            messages.pause()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._close_timer is not None:
            self._close_timer.cancel()
        super().connection_lost(exc)
        self._listener.connection_ended(self, perf_counter_ns())

    def start_keepalive(self) -> None:
        """The connection may be lost before anybody has seen that it was made."""
        if not self.closed:
            super().start_keepalive()

    async def keepalive(self) -> None:
        """As the library's. But while the test is behind, no pong is read either: nobody is to blame."""
        assert self.ping_interval is not None
        while True:
            await asyncio.sleep(self.ping_interval)
            pong = asyncio.ensure_future(await self.ping())
            if self.ping_timeout is not None and not await self._comes_in_time(pong, self.ping_timeout):
                async with self.send_context():
                    self.protocol.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")

    async def _comes_in_time(self, pong: asyncio.Future[float], timeout_s: float) -> bool:
        was_reading = False
        while not was_reading and not pong.done():
            was_reading = not self.recv_messages.paused
            await asyncio.wait([pong], timeout=timeout_s)
            was_reading = was_reading and not self.recv_messages.paused
        return pong.done()

    # -- closing -------------------------------------------------------------------------------------

    def _close_soon(self) -> None:
        """A close frame has been sent: the socket is closed within the close time-out, whoever waits for it.

        (The library bounds only its own `close`; in `recv` it would wait for ever for a server that stays.)
        Where it was the library that had to fail the connection, there is nothing more to wait for.
        """
        if self.close_timeout is not None:
            self._close_timer = self.loop.call_later(self.close_timeout, self._close_timed_out)
        if not self.closed_by_test and not self.protocol.close_rcvd_then_sent:
            self.transport.close()

    def _close_timed_out(self) -> None:
        self.set_recv_exc(TimeoutError("timed out while closing connection"))
        self.transport.abort()

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """As the library's; but what the test has not read does not keep the server's answer away."""
        Close(code, reason).serialize()  # raises ProtocolError for what cannot be sent
        self.closed_by_test = self.closed_by_test or self.state is OPEN
        self._discards = True
        messages = self.recv_messages
        messages.high = None  # never pause again
        if messages.paused and not self.transport.is_closing():
            messages.paused = False
            messages.resume()
        await super().close(code, reason)

    def abandon(self) -> None:
        """Say goodbye if that can be done at once, and close the socket."""
        self.closed_by_test = True
        if self.state is OPEN:
            try:
                self.protocol.send_close(CloseCode.GOING_AWAY)
                self.send_data()
            except (OSError, WebSocketException):
                pass  # it is closed all the same
        self.transport.abort()

    async def give_up(self) -> None:
        self._listener.given_up()
        self.abandon()
        await self.wait_closed()
