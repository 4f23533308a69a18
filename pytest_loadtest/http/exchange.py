"""One exchange of a virtual user: take a connection, send, wait, record, give the connection back.

Owns what is retried and how a request that fails is told, to the recorder and to the caller. Must not know
how requests are written, nor what follows from an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, NoReturn

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestOwner
from pytest_loadtest.http.arguments import Terms
from pytest_loadtest.http.attempt import Attempt, StreamedAttempt
from pytest_loadtest.http.content import decode_body
from pytest_loadtest.http.error_samples import record_unsent, sample_error
from pytest_loadtest.http.failures import Failure, failure_of
from pytest_loadtest.http.response import Response, request_of
from pytest_loadtest.http.routes import IDEMPOTENT_METHODS, Route
from pytest_loadtest.http.streaming import StreamedAnswer
from pytest_loadtest.http.transport import SharedTransport
from pytest_loadtest.http.wire.connection import Connection
from pytest_loadtest.http.wire.deadlines import NEVER
from pytest_loadtest.http.wire.origin import Origin
from pytest_loadtest.http.wire.pool import HostPool

_RETRIED: Final = frozenset({Outcome.CLOSED, Outcome.RESET})


class Pools(dict[Origin, HostPool]):
    """The connections of one virtual user. `closed`: it has left the load."""

    __slots__ = ("closed",)

    closed: bool


class Exchanger:
    """`on_cookies` is told of each answer that sets cookies."""

    __slots__ = ("_on_cookies", "_owner", "_pools", "_shared", "max_body_bytes")

    def __init__(
        self, owner: RequestOwner, shared: SharedTransport, on_cookies: Callable[[Response], None]
    ) -> None:
        self._owner = owner
        self._shared = shared
        self._on_cookies = on_cookies
        self.max_body_bytes = shared.settings.max_body_bytes
        self._pools = Pools()
        self._pools.closed = False

    def __repr__(self) -> str:
        pools = ", ".join(f"{origin}: {pool!r}" for origin, pool in self._pools.items())
        return f"{'closed' if self.is_closed else 'open'} pools=[{pools}]"

    def sibling(self, on_cookies: Callable[[Response], None]) -> Exchanger:
        """For another client of the same virtual user, with cookies of its own, on the same connections."""
        sibling = Exchanger(self._owner, self._shared, on_cookies)
        sibling._pools = self._pools
        return sibling

    async def aclose(self) -> None:
        """Close every connection; afterwards no socket is left. Requests that are still open fail."""
        self._pools.closed = True
        pools = list(self._pools.values())
        self._pools.clear()  # a request from now on finds the client closed
        for pool in pools:
            await pool.aclose()

    @property
    def is_closed(self) -> bool:
        return self._pools.closed

    def record_unsent(self, name: str, outcome: Outcome, message: str) -> None:
        """A request that failed before it was sent."""
        record_unsent(self._owner.recorder, name, outcome, message)

    async def exchange(self, route: Route, sent: bytes, name: str, terms: Terms) -> Response:
        """Send, wait for the answer, record. The hot path: each line of it is paid for by every request."""
        owner = self._owner
        recorder = owner.recorder
        delay_ns = owner.start_delay_ns
        if delay_ns:
            owner.start_delay_ns = 0
        total_ns = terms.timeouts.total_ns
        deadline_ns = NEVER if total_ns is None else perf_counter_ns() + total_ns
        pool = self._pools.get(route.origin) or self._add_pool(route.origin)
        first_started_ns = 0
        connection = pool.take_idle()
        if connection is None:
            attempt = Attempt(route, sent, name, recorder, delay_ns, deadline_ns, terms)
            connection = await self._send_elsewhere(pool, attempt)
            first_started_ns, delay_ns = attempt.first_started_ns, attempt.delay_ns
        else:
            try:
                await connection.send(sent, deadline_ns, route.expects_no_body)
            except BaseException as error:
                attempt = Attempt(route, sent, name, recorder, delay_ns, deadline_ns, terms)
                connection = await self._send_again(error, connection, pool, attempt)
                first_started_ns = attempt.first_started_ns
        head = connection.head
        content = body = connection.body
        started_ns = first_started_ns or connection.started_ns
        finished_ns = connection.finished_ns
        outcome = Outcome.OK if terms.allow(head) else Outcome.STATUS
        damage = None
        if head.encoded:
            content, damage = decode_body(head, body, self.max_body_bytes)
            if damage is not None:
                outcome = damage.outcome
        recorder.response(
            name,
            outcome,
            head.status,
            started_ns,
            connection.sent_ns,
            connection.first_byte_ns,
            finished_ns,
            len(sent),
            connection.received,
            delay_ns,
        )
        response = Response(head, content, len(body), finished_ns - started_ns, route, sent, name)
        if terms.closes:
            connection.abort()
        else:
            pool.release(connection)
        if head.sets_cookies:
            self._on_cookies(response)
        if outcome is not Outcome.OK:
            phrase = f"{head.status} {head.reason_phrase}" if damage is None else damage.phrase
            said = content if damage is None else b""
            sample_error(recorder, name, outcome, head.status, phrase, route, said)
            if damage is not None:
                raise damage.error(f"{damage.phrase}: {route.location}", request=response.request)
        return response

    async def open(self, route: Route, sent: bytes, name: str, terms: Terms) -> StreamedAnswer:
        """Send and wait for the head of the answer. It is recorded when its body has ended."""
        owner = self._owner
        delay_ns, owner.start_delay_ns = owner.start_delay_ns, 0
        total_ns = terms.timeouts.total_ns
        deadline_ns = NEVER if total_ns is None else perf_counter_ns() + total_ns
        pool = self._pools.get(route.origin) or self._add_pool(route.origin)
        attempt = StreamedAttempt(route, sent, name, owner.recorder, delay_ns, deadline_ns, terms)
        connection = pool.take_idle()
        if connection is None:
            connection = await self._send_elsewhere(pool, attempt)
        else:
            try:
                await attempt.begin(connection)
            except BaseException as error:
                connection = await self._send_again(error, connection, pool, attempt)
        return StreamedAnswer(self, attempt, connection, attempt.first_started_ns or connection.started_ns)

    # -- the way to a connection ---------------------------------------------------------------------

    async def _send_elsewhere(self, pool: HostPool, attempt: Attempt, *, fresh: bool = False) -> Connection:
        """On a connection that is not at hand: a new one, or one that has to be waited for."""
        begun_ns = perf_counter_ns()
        connection = None
        is_used = False
        try:
            connection = await self._acquire(pool, attempt, fresh=fresh)
            attempt.has_connection(perf_counter_ns() - begun_ns)
            is_used = connection.finished_ns > 0
            await attempt.begin(connection)
        except BaseException as error:
            if connection is None or not is_used:
                self.fail(error, connection, attempt, begun_ns)
            return await self._send_again(error, connection, pool, attempt)
        return connection

    async def _send_again(
        self, error: BaseException, connection: Connection, pool: HostPool, attempt: Attempt
    ) -> Connection:
        """Once more on a new connection, if the server may just have closed the kept one. Else it fails."""
        if self.is_closed or not _may_be_sent_again(error, connection, attempt.route):
            self.fail(error, connection, attempt)
        attempt.first_started_ns = connection.started_ns  # its time is part of what the user waited
        attempt.recorder.reconnected(attempt.name)
        return await self._send_elsewhere(pool, attempt, fresh=True)

    async def _acquire(self, pool: HostPool, attempt: Attempt, *, fresh: bool) -> Connection:
        """Opens a connection if the pool may have one more, else waits in line. `fresh`: only a new one."""
        reserved = False
        if pool.is_full():
            connection = pool.take_idle() or await _wait_in_line(pool, attempt)
            if connection is not None and not fresh:
                return connection
            if connection is not None:
                pool.replace(connection)
            reserved = True
        timeout_ns = attempt.terms.timeouts.connect_ns
        if attempt.deadline_ns != NEVER:
            left_ns = max(0, attempt.deadline_ns - perf_counter_ns())
            timeout_ns = left_ns if timeout_ns is None else min(timeout_ns, left_ns)
        connection = await pool.open(timeout_ns, reserved=reserved)
        attempt.recorder.connected(attempt.name, *connection.connect_times)
        return connection

    def _add_pool(self, origin: Origin) -> HostPool:
        if self.is_closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        origin.admit(self._owner)

        async def open_connection(pool: HostPool, timeout_ns: int | None) -> Connection:
            return await self._shared.connect(origin, pool, timeout_ns)

        pool = HostPool(open_connection, self._shared.settings.max_connections_per_host)
        self._pools[origin] = pool
        return pool

    # -- failures ------------------------------------------------------------------------------------

    def fail(
        self, error: BaseException, connection: Connection | None, attempt: Attempt, begun_ns: int = 0
    ) -> NoReturn:
        """Record a request that has no answer and raise what its caller is to see."""
        now_ns = perf_counter_ns()
        bytes_sent = 0
        if connection is not None:
            begun_ns, bytes_sent = connection.started_ns, len(attempt.sent)
            if isinstance(error, Failure):  # the connection knows when; its caller may have come to ask later
                now_ns = connection.finished_ns
            if not connection.closed:  # cancelled: the answer may still come, to nobody
                connection.abort()
        begun_ns = attempt.first_started_ns or begun_ns
        if isinstance(error, asyncio.CancelledError):
            outcome = Outcome.CENSORED if self._owner.was_cut else Outcome.CANCELLED
            attempt.record_failure(outcome, outcome.label, begun_ns, now_ns, bytes_sent)
            raise error
        if not isinstance(error, (Failure, OSError)):
            raise error  # not the target's doing: an interrupt, or a mistake in this package
        failure = failure_of(error)
        phrase = failure.phrase
        if self.is_closed:  # its user has left the load while a task that it forgot still waited
            outcome = Outcome.CENSORED
            attempt.record_failure(outcome, outcome.label, begun_ns, now_ns, bytes_sent)
            raise failure.error(phrase, request=request_of(attempt.route, attempt.sent)) from None
        total_ns = attempt.terms.timeouts.total_ns
        if failure.outcome is Outcome.TIMEOUT and total_ns is not None and attempt.waits_for_all:
            begun_ns = attempt.deadline_ns - total_ns  # its full wait, connecting included
            attempt.delay_ns -= attempt.waited_ns
        if failure.outcome in (Outcome.TIMEOUT, Outcome.CONNECT_TIMEOUT):
            phrase = f"{phrase} after {(now_ns - begun_ns) / 1e9:.3g} s"
        attempt.record_failure(failure.outcome, phrase, begun_ns, now_ns, bytes_sent)
        request = request_of(attempt.route, attempt.sent)
        message = f"{phrase}: {attempt.route.location}"
        raise failure.error(message, request=request) from failure.__cause__

    def give_back(self, connection: Connection, attempt: StreamedAttempt) -> None:
        """A streamed answer has ended, or its caller has left it."""
        if connection.is_busy or attempt.terms.closes:
            connection.abort()  # what is still to come is for nobody
        elif attempt.route.origin in self._pools:
            self._pools[attempt.route.origin].release(connection)


async def _wait_in_line(pool: HostPool, attempt: Attempt) -> Connection | None:
    """The wait counts as `blocked`, and against the time-out of the request."""
    begun_ns = perf_counter_ns()
    left_s = None if attempt.deadline_ns == NEVER else (attempt.deadline_ns - begun_ns) / 1e9
    try:
        async with asyncio.timeout(left_s):
            connection = await pool.wait()
    except TimeoutError:
        phrase = f"{Outcome.TIMEOUT.label} waiting for one of {pool.limit} connections"
        raise Failure(Outcome.TIMEOUT, phrase, error=httpx.PoolTimeout) from None
    attempt.recorder.blocked(attempt.name, perf_counter_ns() - begun_ns)
    return connection


def _may_be_sent_again(error: BaseException, connection: Connection, route: Route) -> bool:
    """Did the server close an idle connection just as the request was sent? (RFC 9110, section 9.2.2)"""
    return (
        isinstance(error, Failure)
        and error.outcome in _RETRIED
        and not connection.received
        and route.method in IDEMPOTENT_METHODS
    )
