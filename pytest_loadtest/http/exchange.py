"""One exchange of a virtual user: take a connection, send, wait, record, give the connection back.

Owns what is retried and how a request that fails is told, to the recorder and to the caller. Must not know
how requests are written, nor what follows from an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, NamedTuple, NoReturn

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import RequestOwner, RequestRecorder
from pytest_loadtest.http.arguments import Terms, Timeouts
from pytest_loadtest.http.connection import Connection
from pytest_loadtest.http.deadlines import NEVER
from pytest_loadtest.http.failures import Failure, failure_of
from pytest_loadtest.http.origin import Origin
from pytest_loadtest.http.pool import HostPool
from pytest_loadtest.http.response import Response, request_of
from pytest_loadtest.http.routes import IDEMPOTENT_METHODS, Route
from pytest_loadtest.http.transport import SharedTransport

_RETRIED: Final = frozenset({Outcome.CLOSED, Outcome.RESET})


class _Attempt(NamedTuple):
    """One request on its way: what is needed to record it however it ends."""

    route: Route
    sent: bytes
    name: str
    recorder: RequestRecorder
    delay_ns: int
    deadline_ns: int
    timeouts: Timeouts


class Exchanger:
    """`on_cookies` is told of each answer that sets cookies."""

    __slots__ = ("_closed", "_max_body_bytes", "_on_cookies", "_owner", "_pools", "_shared")

    def __init__(
        self, owner: RequestOwner, shared: SharedTransport, on_cookies: Callable[[Response], None]
    ) -> None:
        self._owner = owner
        self._shared = shared
        self._on_cookies = on_cookies
        self._max_body_bytes = shared.settings.max_body_bytes
        self._pools: dict[Origin, HostPool] = {}
        self._closed = False

    def __repr__(self) -> str:
        pools = ", ".join(f"{origin}: {pool!r}" for origin, pool in self._pools.items())
        return f"{'closed' if self._closed else 'open'} pools=[{pools}]"

    async def aclose(self) -> None:
        """Close every connection; afterwards no socket is left. Requests that are still open fail."""
        self._closed = True
        pools = list(self._pools.values())
        self._pools.clear()  # a request from now on finds the client closed
        for pool in pools:
            await pool.aclose()

    def record_unsent(self, name: str, outcome: Outcome, message: str) -> None:
        """A request that failed before it was sent."""
        recorder = self._owner.recorder
        now_ns = perf_counter_ns()
        recorder.no_response(name, outcome, now_ns, now_ns, 0, 0)
        recorder.error_sample(name, outcome, 0, message)

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
            attempt = _Attempt(route, sent, name, recorder, delay_ns, deadline_ns, terms.timeouts)
            connection = await self._exchange_on_another(pool, attempt)
        else:
            try:
                await connection.send(sent, deadline_ns, route.expects_no_body)
            except BaseException as error:
                attempt = _Attempt(route, sent, name, recorder, delay_ns, deadline_ns, terms.timeouts)
                if not _may_be_sent_again(error, connection, route):
                    self._fail(error, connection, attempt)
                first_started_ns = connection.started_ns  # its time is part of what the user waited
                connection = await self._exchange_on_another(pool, attempt)
        head = connection.head
        status = head.status
        started_ns = first_started_ns or connection.started_ns
        finished_ns = connection.finished_ns
        ok = terms.allow(status)
        recorder.response(
            name,
            Outcome.OK if ok else Outcome.STATUS,
            status,
            started_ns,
            connection.sent_ns,
            connection.first_byte_ns,
            finished_ns,
            len(sent),
            connection.received,
            delay_ns,
        )
        response = Response(
            head, connection.body, finished_ns - started_ns, route, sent, name, recorder, self._max_body_bytes
        )
        pool.release(connection)
        if head.sets_cookies:
            self._on_cookies(response)
        if not ok:
            _sample_status(recorder, response)
        return response

    async def _exchange_on_another(self, pool: HostPool, attempt: _Attempt) -> Connection:
        """The same on a connection that is not at hand: a new one, or one that has to be waited for."""
        begun_ns = perf_counter_ns()
        connection = None
        try:
            connection = await self._acquire(pool, attempt)
            await connection.send(attempt.sent, attempt.deadline_ns, attempt.route.expects_no_body)
        except BaseException as error:
            self._fail(error, connection, attempt, begun_ns)
        return connection

    async def _acquire(self, pool: HostPool, attempt: _Attempt) -> Connection:
        """Opens a connection if the pool may have one more, else waits in line."""
        reserved = False
        if pool.is_full():
            connection = pool.take_idle() or await _wait_in_line(pool, attempt)
            if connection is not None:
                return connection
            reserved = True
        timeout_ns = attempt.timeouts.connect_ns
        if attempt.deadline_ns != NEVER:
            left_ns = max(0, attempt.deadline_ns - perf_counter_ns())
            timeout_ns = left_ns if timeout_ns is None else min(timeout_ns, left_ns)
        connection = await pool.open(timeout_ns, reserved=reserved)
        attempt.recorder.connected(attempt.name, *connection.connect_times)
        return connection

    def _add_pool(self, origin: Origin) -> HostPool:
        if self._closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")

        async def open_connection(pool: HostPool, timeout_ns: int | None) -> Connection:
            return await self._shared.connect(origin, pool, timeout_ns)

        pool = HostPool(open_connection, self._shared.settings.max_connections_per_host)
        self._pools[origin] = pool
        return pool

    def _fail(
        self, error: BaseException, connection: Connection | None, attempt: _Attempt, begun_ns: int = 0
    ) -> NoReturn:
        """Record a request that has no answer and raise what its caller is to see."""
        now_ns = perf_counter_ns()
        bytes_sent = 0
        if connection is not None:
            begun_ns, bytes_sent = connection.started_ns, len(attempt.sent)
            if not connection.closed:  # cancelled: the answer may still come, to nobody
                connection.abort()
        if isinstance(error, asyncio.CancelledError):
            outcome = Outcome.CENSORED if self._owner.was_cut else Outcome.CANCELLED
            _record_failure(attempt, outcome, outcome.label, begun_ns, now_ns, bytes_sent)
            raise error
        if not isinstance(error, (Failure, OSError)):
            raise error  # not the target's doing: an interrupt, or a mistake in this package
        failure = failure_of(error)
        phrase = failure.phrase
        if self._closed:  # its user has left the load while a task that it forgot still waited
            outcome = Outcome.CENSORED
            _record_failure(attempt, outcome, outcome.label, begun_ns, now_ns, bytes_sent)
            raise failure.error(phrase, request=request_of(attempt.route, attempt.sent)) from None
        if failure.outcome is Outcome.TIMEOUT and attempt.timeouts.total_ns is not None:
            begun_ns = attempt.deadline_ns - attempt.timeouts.total_ns  # its full wait, connecting included
        if failure.outcome in (Outcome.TIMEOUT, Outcome.CONNECT_TIMEOUT):
            phrase = f"{phrase} after {(now_ns - begun_ns) / 1e9:.3g} s"
        _record_failure(attempt, failure.outcome, phrase, begun_ns, now_ns, bytes_sent)
        request = request_of(attempt.route, attempt.sent)
        message = f"{phrase}: {attempt.route.location}"
        raise failure.error(message, request=request) from failure.__cause__


async def _wait_in_line(pool: HostPool, attempt: _Attempt) -> Connection | None:
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


def _record_failure(
    attempt: _Attempt, outcome: Outcome, phrase: str, begun_ns: int, now_ns: int, bytes_sent: int
) -> None:
    recorder, name = attempt.recorder, attempt.name
    recorder.no_response(name, outcome, begun_ns, now_ns, bytes_sent, attempt.delay_ns)
    if outcome.is_error:
        wanted = recorder.wants_sample(name, outcome, 0)
        message = f"{phrase}: {attempt.route.method} {attempt.route.location}" if wanted else ""
        recorder.error_sample(name, outcome, 0, message)


def _sample_status(recorder: RequestRecorder, response: Response) -> None:
    """Counts an unexpected status, with one example for each name and status."""
    name, status = response.name, response.status_code
    message = ""
    if recorder.wants_sample(name, Outcome.STATUS, status):
        message = f"{status} {response.reason_phrase}: {response.method} {response.location}"
    recorder.error_sample(name, Outcome.STATUS, status, message)
