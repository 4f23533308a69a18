"""One request over httpx's own connections: its times from what httpcore traces, its end recorded once.

Must not know clients, nor how the connections are made.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter_ns
from typing import Any, NoReturn, TypeVar

import httpcore
import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.http.arguments import Terms
from pytest_loadtest.http.error_samples import sample_error
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.httpx_client.failures import failure_of_httpx, oversize_of_body
from pytest_loadtest.http.httpx_client.response import StreamedResponse
from pytest_loadtest.http.routes import Route
from pytest_loadtest.http.wire.head import Head

T = TypeVar("T")


class MeasuredExchange:
    """One request and its answer. It is recorded once, when it ends."""

    def __init__(
        self, owner: RequestOwner, route: Route, name: str, terms: Terms, max_body_bytes: int
    ) -> None:
        self._owner = owner
        self._recorder = owner.recorder
        self._delay_ns, owner.start_delay_ns = owner.start_delay_ns, 0
        self._route = route
        self._name = name
        self._terms = terms
        self._max_body_bytes = max_body_bytes
        self._begun_ns = self._started_ns = self._sent_ns = perf_counter_ns()
        self._first_byte_ns = self._finished_ns = 0
        self._bytes_sent = self._received = 0
        self._status = 0
        self._speaks_http2 = self._stream_has_ended = False
        self._unmade: httpcore.AsyncNetworkStream | None = None  # its TLS handshake is under way
        self.waits_for_all = False  # the time-out holds for the whole answer, not for each part
        self.ended = False
        self.at_end: Callable[[], None] | None = None  # see httpx_response.Answer

    def __repr__(self) -> str:
        return f"<MeasuredExchange {self._name!r} {'ended' if self.ended else 'open'}>"

    @property
    def spoils_connection(self) -> bool:
        """Whether it was given up on a connection of HTTP/2: httpcore resets no stream that nobody reads on,
        and cancelled in its first steps the connection counts streams wrongly for ever."""
        return self.ended and self._speaks_http2 and not self._stream_has_ended

    @property
    def elapsed_ns(self) -> int:
        """From just before the request was written to the last byte that has come."""
        return (self._finished_ns or self._first_byte_ns or self._sent_ns) - self._started_ns

    async def begin(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> StreamedResponse:
        """Sends it and waits for the head of the answer."""
        traced = self._traced(request)
        try:
            response = await self._in_time(transport.handle_async_request(traced))
        except BaseException as error:
            try:
                self._fail(error, request)
            finally:
                await self._drop_unmade()
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._first_byte_ns = self._first_byte_ns or perf_counter_ns()
        self._status = response.status_code
        version = response.http_version.removeprefix("HTTP/")
        self.head = Head(response.status_code, b"", version, response.headers.raw, keep_alive=True)
        stream = MeasuredStream(self, response.stream, request)
        return StreamedResponse(self.head, self, stream, response.extensions, self._max_body_bytes)

    async def parts(self, stream: httpx.AsyncByteStream, request: httpx.Request) -> AsyncIterator[bytes]:
        """The body as it comes, not decoded. Raises the exceptions of httpx; the failure is recorded."""
        parts = aiter(stream)
        while not self.ended:
            try:
                part = await self._in_time(anext(parts, None))
                if part is not None and self._received + len(part) > self._max_body_bytes:
                    raise oversize_of_body(self._max_body_bytes)
            except BaseException as error:
                self._fail(error, request)
            self._finished_ns = perf_counter_ns()
            if part is None:
                self._end_whole()
                return
            self._received += len(part)
            yield part

    def _end_whole(self) -> None:
        self._stream_has_ended = True
        try:
            if self.at_end is not None:
                self.at_end()
        except Failure as damage:
            self.close(damage)
            raise
        self.close()

    def close(self, error: BaseException | None = None) -> None:
        """The caller has what it wanted, or `error` is why it leaves."""
        if self.ended:
            return
        if isinstance(error, asyncio.CancelledError):
            self._cancelled()
            return
        status, outcome = self._status, Outcome.OK
        phrase = f"{status} {httpx.codes.get_reason_phrase(status)}"
        if isinstance(error, Failure):
            outcome, phrase = error.outcome, error.phrase
        elif not self._terms.allow(self.head):
            outcome = Outcome.STATUS
        self.ended = True
        self._recorder.response(
            self._name,
            outcome,
            status,
            self._started_ns,
            self._sent_ns,
            self._first_byte_ns,
            self._finished_ns or self._first_byte_ns,
            self._bytes_sent,
            self._received,
            self._delay_ns,
        )
        if outcome.is_error:
            sample_error(self._recorder, self._name, outcome, status, phrase, self._route)

    def end_without_answer(self, outcome: Outcome, phrase: str, begun_ns: int = 0) -> None:
        """It is over, and all of its time was waiting."""
        if self.ended:
            return
        self.ended = True
        started_ns = begun_ns or self._started_ns
        self._recorder.no_response(
            self._name, outcome, started_ns, perf_counter_ns(), self._bytes_sent, self._delay_ns
        )
        if outcome.is_error:
            sample_error(self._recorder, self._name, outcome, 0, phrase, self._route)

    # -- time ----------------------------------------------------------------------------------------

    async def _in_time(self, awaitable: Awaitable[T]) -> T:
        """Raises httpx.ReadTimeout when the time-out of the request, or that of this part, has passed."""
        total_ns = self._terms.timeouts.total_ns
        left_s = None
        if total_ns is not None:
            since_ns = self._begun_ns if self.waits_for_all or not self._status else perf_counter_ns()
            left_s = max(0, since_ns + total_ns - perf_counter_ns()) / 1e9
        try:
            async with asyncio.timeout(left_s):
                return await awaitable
        except TimeoutError:
            raise httpx.ReadTimeout(Outcome.TIMEOUT.label) from None

    def _traced(self, request: httpx.Request) -> httpx.Request:
        """The request with our ear at httpcore, and with our meaning of time-outs."""
        theirs = request.extensions.get("trace")
        begun_ns: dict[str, int] = {}

        async def trace(event: str, info: Any) -> None:
            self._note(event, begun_ns)
            if event.endswith((".connect_tcp.complete", ".connect_unix_socket.complete")):
                self._unmade = info["return_value"]
            if theirs is not None:
                await theirs(event, info)

        connect_ns = self._terms.timeouts.connect_ns
        limits = {"connect": None if connect_ns is None else connect_ns / 1e9}
        self._bytes_sent = len(request.read()) if isinstance(request.stream, httpx.ByteStream) else 0
        return httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "trace": trace, "timeout": limits},
        )

    def _note(self, event: str, begun_ns: dict[str, int]) -> None:
        """`event` is ``connection.start_tls.complete``, ``http2.send_request_headers.started`` and so on."""
        now_ns = perf_counter_ns()
        protocol, step, stage = event.split(".")
        self._speaks_http2 = protocol == "http2"
        if stage == "started":
            begun_ns[step] = now_ns
        if step == "send_request_headers" and stage == "started":
            self._started_ns = now_ns
            self._unmade = None
        elif step in ("send_request_headers", "send_request_body"):
            self._sent_ns = now_ns
        elif step == "receive_response_headers" and stage == "complete":
            self._first_byte_ns = now_ns
        elif step in ("connect_tcp", "connect_unix_socket") and stage == "complete":
            self._recorder.connected(self._name, 0, now_ns - begun_ns[step], 0)
        elif step == "start_tls" and stage == "complete":
            self._unmade = None
            self._recorder.connected(self._name, 0, 0, now_ns - begun_ns[step])

    async def _drop_unmade(self) -> None:
        """httpcore leaves the socket open of a handshake that was cancelled, as our time-outs do."""
        if self._unmade is not None:
            await self._unmade.aclose()

    # -- failures ------------------------------------------------------------------------------------

    def _fail(self, error: BaseException, request: httpx.Request) -> NoReturn:
        """Record it, and raise what the caller is to see."""
        if isinstance(error, asyncio.CancelledError):
            self._cancelled()
            raise error
        if not isinstance(error, (Failure, httpx.TransportError)):
            self.ended = True  # not the target's doing
            raise error
        self._stream_has_ended = isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))
        failure = failure_of_httpx(error)
        begun_ns, phrase = 0, failure.phrase
        if failure.outcome in (Outcome.TIMEOUT, Outcome.CONNECT_TIMEOUT):
            begun_ns = self._begun_ns if self.waits_for_all or not self._status else 0
            waited_ns = perf_counter_ns() - (begun_ns or self._started_ns)
            phrase = f"{phrase} after {waited_ns / 1e9:.3g} s"
        self.end_without_answer(failure.outcome, phrase, begun_ns)
        message = f"{phrase}: {self._route.location}"
        raise failure.error(message, request=request) from error

    def _cancelled(self) -> None:
        outcome = Outcome.CENSORED if self._owner.was_cut else Outcome.CANCELLED
        self.end_without_answer(outcome, outcome.label)


class MeasuredStream(httpx.AsyncByteStream):
    """The body of an answer as it comes, once."""

    def __init__(
        self, exchange: MeasuredExchange, stream: httpx.AsyncByteStream, request: httpx.Request
    ) -> None:
        self._exchange = exchange
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._exchange.parts(self._stream, self._request):
            yield part

    async def aclose(self) -> None:
        """The exception in flight, if any, is why: a user who is cancelled has not simply seen enough."""
        self._exchange.close(sys.exception())
        await self._stream.aclose()
