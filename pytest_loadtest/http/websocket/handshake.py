"""The opening handshake of a WebSocket: a request like others, on a connection that is then kept.

Owns what is sent, how the handshake is recorded, and what its failures are called. Must not know what is done
with the WebSocket afterwards.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final, NamedTuple, NoReturn

import httpx
from websockets.exceptions import InvalidMessage, InvalidStatus, SecurityError, WebSocketException
from websockets.http11 import Response as HandshakeResponse
from websockets.uri import WebSocketURI

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.errors import MisuseError
from pytest_loadtest.http.arguments import Terms
from pytest_loadtest.http.encoding import encode_fields
from pytest_loadtest.http.error_samples import sample_error
from pytest_loadtest.http.failures import Failure, connect_failure_of, failure_of
from pytest_loadtest.http.routes import Route
from pytest_loadtest.http.websocket.connection import WebSocketConnection
from pytest_loadtest.http.websocket.meter import is_among
from pytest_loadtest.http.websocket.user import WebSocketUser

SWITCHING_PROTOCOLS: Final = 101

# Fields of ordinary requests that have no place in a handshake, or that the handshake has of its own.
_UNSENT_FIELDS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "transfer-encoding", "upgrade"}
)
# The body of a refusal is given as it came, up to 1 MiB; it is not inflated.
_UNTRUE_FIELDS: Final = frozenset({"content-encoding", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A handshake that is to be made. Its total time-out bounds connecting and the answer together."""

    request: httpx.Request
    auth: httpx.Auth | None
    terms: Terms
    name: str
    location: str
    keep_cookies: Callable[[httpx.Response], None]

    def allows(self, status: int) -> bool:
        expect = self.terms.expect
        return is_among(status, SWITCHING_PROTOCOLS if expect is None else expect)


class Handshake(NamedTuple):
    """What the library is to send, and to whom."""

    uri: WebSocketURI
    fields: list[tuple[str, str]]


ConnectionFactory = Callable[[Handshake], WebSocketConnection]


def opening_of(
    request: httpx.Request,
    auth: httpx.Auth | None,
    terms: Terms,
    route: Route,
    name: str | None,
    keep_cookies: Callable[[httpx.Response], None],
) -> Opening:
    """`route` is that of the method ``WS``, for the names it gives."""
    return Opening(
        request, auth, terms, name or _as_websocket(route.name), _as_websocket(route.location), keep_cookies
    )


def _as_websocket(text: str) -> str:
    """``http://host/path`` and ``WS http://host/path`` with the schemes that people know for WebSockets."""
    return re.sub(r"^(WS )?http", r"\1ws", text)


async def open_connection(
    user: WebSocketUser, opening: Opening, new_connection: ConnectionFactory
) -> tuple[WebSocketConnection, httpx.Response]:
    """A connection whose handshake has succeeded, and its answer. Raises exceptions of httpx.

    Whatever happens is recorded.
    """
    if user.closed:
        raise RuntimeError("Cannot open a WebSocket, as the client has been closed.")
    request = await _authorized(opening.request, opening.auth)
    origin = user.shared.origins.of(request.url, tunnelled=True)
    origin.admit(user.owner)
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    uri = WebSocketURI(origin.tls, origin.host, origin.port, path, query)
    handshake = Handshake(uri, fields_of(request))
    attempt = _Attempt(user, opening)
    total_ns, connect_ns = opening.terms.timeouts
    try:
        async with asyncio.timeout(None if total_ns is None else total_ns / 1e9):
            connection = await user.shared.connect_with(origin, lambda: new_connection(handshake), connect_ns)
            attempt.connected(connection)
            await connection.handshake(user_agent_header=None)
    except BaseException as error:
        attempt.fail(error)
    response = attempt.answered(connection)
    connection.start_keepalive()
    return connection, response


async def _authorized(request: httpx.Request, auth: httpx.Auth | None) -> httpx.Request:
    """The first request of an authentication: with those that begin with a challenge, it is refused."""
    if auth is None:
        return request
    flow = auth.async_auth_flow(request)
    try:
        return await anext(flow)
    finally:
        await flow.aclose()


def fields_of(request: httpx.Request) -> list[tuple[str, str]]:
    """The header fields to send. Raises MisuseError or httpx.LocalProtocolError for what must not be sent."""
    headers = request.headers
    own = [name for name in headers if name.startswith("sec-websocket-")]
    if own:
        raise MisuseError(f"http.websocket: the header {own[0]} is the handshake's own; see its arguments")
    encode_fields(headers.raw)
    return [
        (name.decode("ascii"), value.decode(headers.encoding))
        for name, value in headers.raw
        if name.decode("ascii").lower() not in _UNSENT_FIELDS
    ]


class _Attempt:
    """One handshake on its way, and what it takes to record it however it ends."""

    def __init__(self, user: WebSocketUser, opening: Opening) -> None:
        self._user = user
        self._opening = opening
        self._recorder = user.owner.recorder
        self._delay_ns = user.owner.start_delay_ns
        user.owner.start_delay_ns = 0
        self._begun_ns = perf_counter_ns()
        self._connection: WebSocketConnection | None = None

    def connected(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._recorder.connected(self._opening.name, *connection.connect_times)
        if self._user.closed:
            raise _left_the_load()
        self._user.add(connection)

    def answered(self, connection: WebSocketConnection) -> httpx.Response:
        """Any complete answer: record it, keep its cookies."""
        assert connection.response is not None
        opening, recorder = self._opening, self._recorder
        response = response_of(connection.response, opening.request)
        status = response.status_code
        outcome = Outcome.OK if opening.allows(status) else Outcome.STATUS
        recorder.response(
            opening.name,
            outcome,
            status,
            connection.started_ns,
            connection.sent_ns,
            connection.first_byte_ns,
            connection.finished_ns,
            self._bytes_sent(connection),
            connection.received,
            self._delay_ns,
        )
        if outcome is Outcome.STATUS:
            phrase = f"{status} {response.reason_phrase}"
            sample_error(recorder, opening.name, outcome, status, phrase, opening.location)
        if "set-cookie" in response.headers:
            opening.keep_cookies(response)
        return response

    def fail(self, error: BaseException) -> NoReturn:
        """Close what is open, record what happened, raise what the caller is to see."""
        now_ns = perf_counter_ns()
        connection = self._connection
        if connection is not None:
            connection.transport.abort()
        if isinstance(error, asyncio.CancelledError):
            outcome = Outcome.CENSORED if self._user.owner.was_cut else Outcome.CANCELLED
            self._record(outcome, outcome.label, now_ns)
            raise error
        if isinstance(error, InvalidStatus) and connection is not None:
            self._raise_refusal(self.answered(connection))
        if not isinstance(error, (Failure, OSError, WebSocketException)):
            raise error  # not the target's doing: an interrupt, or a mistake in this package
        failure = self._failure_of(error)
        phrase = failure.phrase
        if failure.outcome in (Outcome.TIMEOUT, Outcome.CONNECT_TIMEOUT):
            phrase = f"{phrase} after {(now_ns - self._begun_ns) / 1e9:.3g} s"
        self._record(failure.outcome, phrase, now_ns)
        message = f"{phrase}: {self._opening.location}"
        raise failure.error(message, request=self._opening.request) from failure.__cause__

    def _raise_refusal(self, response: httpx.Response) -> NoReturn:
        status = f"{response.status_code} {response.reason_phrase}".rstrip()
        message = f"the WebSocket was refused with {status}: {self._opening.location}"
        raise httpx.HTTPStatusError(message, request=self._opening.request, response=response) from None

    def _failure_of(self, error: BaseException) -> Failure:
        if self._user.closed:
            return _left_the_load()
        if isinstance(error, WebSocketException) and self._connection is not None:
            return _handshake_failure(error, self._connection)
        if isinstance(error, TimeoutError) and self._connection is None:
            return connect_failure_of(error, in_handshake=False)
        return failure_of(error)

    def _record(self, outcome: Outcome, phrase: str, now_ns: int) -> None:
        recorder, name, connection = self._recorder, self._opening.name, self._connection
        # A time-out counts its full wait, connecting included.
        begun_ns = self._begun_ns
        if connection is not None and connection.started_ns and outcome is not Outcome.TIMEOUT:
            begun_ns = connection.started_ns
        recorder.no_response(name, outcome, begun_ns, now_ns, self._bytes_sent(connection), self._delay_ns)
        if outcome.is_error:
            sample_error(recorder, name, outcome, 0, phrase, self._opening.location)

    @staticmethod
    def _bytes_sent(connection: WebSocketConnection | None) -> int:
        if connection is None or connection.request is None:
            return 0
        return len(connection.request.serialize())


def _left_the_load() -> Failure:
    """Its user has: a task that was forgotten still waited."""
    return Failure(Outcome.CENSORED, Outcome.CENSORED.label, error=httpx.RemoteProtocolError)


def _handshake_failure(error: WebSocketException, connection: WebSocketConnection) -> Failure:
    """No right answer. The library's words quote the server's answer, never the request."""
    if isinstance(connection.recv_exc, OSError):
        return failure_of(connection.recv_exc)
    cause = error.__cause__ if isinstance(error, InvalidMessage) else error
    if isinstance(cause, EOFError) or connection.protocol.handshake_exc is None:
        phrase = "the server closed the connection in the handshake"
        return Failure(Outcome.CLOSED, f"{Outcome.CLOSED.label}: {phrase}")
    outcome = Outcome.TOO_LARGE if isinstance(cause, SecurityError) else Outcome.PROTOCOL
    return Failure(outcome, f"{outcome.label}: {cause}")


def response_of(answer: HandshakeResponse, request: httpx.Request) -> httpx.Response:
    fields = [item for item in answer.headers.raw_items() if item[0].lower() not in _UNTRUE_FIELDS]
    return httpx.Response(
        answer.status_code,
        headers=[(name.encode("latin-1"), _raw(value)) for name, value in fields],
        content=bytes(answer.body),
        request=request,
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": _raw(answer.reason_phrase)},
    )


def _raw(text: str) -> bytes:
    """The bytes that the library read: it keeps those that are not ASCII as surrogates."""
    return text.encode("ascii", "surrogateescape")
