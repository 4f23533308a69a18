"""What is measured of one WebSocket session, and how its end is judged.

Owns the names of a session's metrics and the rules below. Must not know sockets: it is told of what happened,
and reads the state that the `websockets` library left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import CloseCode

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.arguments import Expect
from pytest_loadtest.http.error_samples import sample_error
from pytest_loadtest.http.failures import failure_of
from pytest_loadtest.http.websocket.connection import WebSocketConnection
from pytest_loadtest.http.websocket.user import WebSocketUser

# "Normal closure", "going away", and a close frame that gives no code.
EXPECTED_CLOSE_CODES: Final = frozenset({1000, 1001, 1005})

# Why the library itself gave a connection up while it was reading. The first match counts.
_OUTCOME_OF_ERROR: Final[tuple[tuple[type[Exception], Outcome], ...]] = (
    (PayloadTooBig, Outcome.TOO_LARGE),
    (ProtocolError, Outcome.PROTOCOL),
    (UnicodeDecodeError, Outcome.PROTOCOL),
    (Exception, Outcome.OTHER),
)


def is_among(code: int, expected: Expect) -> bool:
    """A status, or a close code, against what the caller says are successes."""
    return code == expected if isinstance(expected, int) else code in expected


class End(NamedTuple):
    """How a session ended. `close_code` is the server's; `waited_ns`: how long a time-out was waited for."""

    outcome: Outcome
    phrase: str = ""
    close_code: int = 0
    waited_ns: int = 0


class SessionMeter:
    """The listener of one session. Made when its handshake begins: durations go to the recorder of then."""

    def __init__(self, user: WebSocketUser, name: str, location: str, expect_close: Expect) -> None:
        self._owner = user.owner
        self._recorder = user.owner.recorder
        self._user = user
        self._location = location
        self._expect_close = expect_close
        self._sent = f"{name} messages sent"
        self._received = f"{name} messages received"
        self._first_message = f"{name} first message"
        self._session = f"{name} session"
        self._unfinished = f"{name} sessions open at the end"
        self._opened_ns = 0
        self._has_message = False
        self._is_over = False

    # Messages belong to when they travel: a socket that a fixture opened before the load is measured in it.

    def message_sent(self) -> None:
        self._owner.recorder.count(self._sent, 1)

    def message_arrived(self, now_ns: int) -> None:
        self._owner.recorder.count(self._received, 1)
        if not self._has_message:
            self._has_message = True
            self._recorder.trend(self._first_message, max(0, now_ns - self._opened_ns), self._opened_ns)

    def opened(self, now_ns: int) -> None:
        self._opened_ns = now_ns

    def left(self) -> None:
        """The test left it without waiting for the server's goodbye."""
        self._end_without_goodbye(is_unfinished=self._owner.was_cut)

    def given_up(self) -> None:
        """Its user has left the load while it was open."""
        self._end_without_goodbye(is_unfinished=True)

    def forget(self) -> None:
        """The handshake was given up in the last moment: there was no session."""
        self._is_over = True

    def _end_without_goodbye(self, *, is_unfinished: bool) -> None:
        """One that the end of the load cut was at least as long as it is by now."""
        if self._begin_end():
            self._record_duration(perf_counter_ns())
            if is_unfinished:
                self._recorder.count(self._unfinished, 1)

    def connection_ended(self, connection: WebSocketConnection, now_ns: int) -> None:
        self._user.discard(connection)
        if self._begin_end():
            end = end_of(connection, self._expect_close)
            if end.outcome is Outcome.OK:
                self._record_duration(now_ns)
            else:
                self._record_failure(end, now_ns)

    def _begin_end(self) -> bool:
        """Whether this is the end: only the first one counts."""
        is_end = bool(self._opened_ns) and not self._is_over
        self._is_over = True
        return is_end

    def _record_duration(self, now_ns: int) -> None:
        self._recorder.trend(self._session, now_ns - self._opened_ns, self._opened_ns)

    def _record_failure(self, end: End, now_ns: int) -> None:
        """A session that broke has no duration; it is a failed request, of the time when it broke."""
        recorder, outcome, name = self._owner.recorder, end.outcome, self._session
        recorder.no_response(name, outcome, now_ns - end.waited_ns, now_ns, 0, 0)
        sample_error(recorder, name, outcome, end.close_code, end.phrase, self._location)


# -- how it ended -----------------------------------------------------------------------------------------

_Rule = Callable[[WebSocketConnection], End | None]


def end_of(connection: WebSocketConnection, expect_close: Expect) -> End:
    """How a closed connection ended: the first rule that has an answer."""
    end = next(end for rule in _RULES if (end := rule(connection)) is not None)
    return End(Outcome.OK) if end.close_code and is_among(end.close_code, expect_close) else end


def _broke_the_protocol(connection: WebSocketConnection) -> End | None:
    error = connection.protocol.parser_exc
    if error is None or isinstance(error, EOFError):
        return None
    outcome = next(outcome for kind, outcome in _OUTCOME_OF_ERROR if isinstance(error, kind))
    return _failed(outcome, str(error))


def _was_failed_by_the_library(connection: WebSocketConnection) -> End | None:
    """It said the first goodbye, and not because the test wanted it to."""
    protocol = connection.protocol
    if protocol.close_sent is None or protocol.close_rcvd_then_sent or connection.closed_by_test:
        return None
    if protocol.close_sent.code == CloseCode.INVALID_DATA:
        return _failed(Outcome.PROTOCOL, "a text that is not UTF-8")
    waited_ns = round((connection.ping_timeout or 0) * 1e9)
    return _failed(Outcome.TIMEOUT, "no answer to a ping")._replace(waited_ns=waited_ns)


def _said_goodbye(connection: WebSocketConnection) -> End | None:
    received = connection.protocol.close_rcvd
    if received is None:
        return None
    if connection.closed_by_test and not connection.protocol.close_rcvd_then_sent:
        return End(Outcome.OK)
    return End(Outcome.CLOSED, f"the server closed the WebSocket with {received}", int(received.code))


def _never_answered_goodbye(connection: WebSocketConnection) -> End | None:
    if not isinstance(connection.recv_exc, TimeoutError):
        return None
    waited_ns = perf_counter_ns() - connection.closing_ns
    return _failed(Outcome.TIMEOUT, "no answer to the close frame")._replace(waited_ns=waited_ns)


def _was_cut_off(connection: WebSocketConnection) -> End | None:
    if isinstance(connection.recv_exc, OSError):
        failure = failure_of(connection.recv_exc)
        return End(failure.outcome, failure.phrase)
    return _failed(Outcome.CLOSED, "without a close frame")


def _failed(outcome: Outcome, what: str) -> End:
    return End(outcome, f"{outcome.label}: {what}")


_RULES: Final[tuple[_Rule, ...]] = (
    _broke_the_protocol,
    _was_failed_by_the_library,
    _said_goodbye,
    _never_answered_goodbye,
    _was_cut_off,
)
