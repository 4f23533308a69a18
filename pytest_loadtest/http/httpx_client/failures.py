"""What goes wrong on httpx's own connections, under the kinds it has on ours.

Pure: exceptions in, failures out.
"""

from __future__ import annotations

from typing import Final

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.failures import Failure, connect_failure_of, failure_of, outcome_of

# How httpcore words the end of a connection and of a stream: it has no types of exceptions for them.
_CLOSED: Final = ("Server disconnected", "<ConnectionTerminated")
_RESET: Final = "<StreamReset"


def failure_of_httpx(error: Failure | httpx.TransportError) -> Failure:
    """Under the kind the same failure has on our own connections; the exception stays that of httpx."""
    if isinstance(error, Failure):
        return error
    kind, text = type(error), str(error)
    if isinstance(error, httpx.TimeoutException):
        outcome = Outcome.CONNECT_TIMEOUT if kind is httpx.ConnectTimeout else Outcome.TIMEOUT
        return Failure(outcome, outcome.label, error=kind)
    below = _system_error_below(error)
    if below is not None:
        is_new = isinstance(error, httpx.ConnectError)
        failure = connect_failure_of(below, in_handshake=False) if is_new else failure_of(below)
        return Failure(failure.outcome, failure.phrase, error=kind)
    if isinstance(error, httpx.NetworkError):
        outcome = Outcome.RESET
    elif isinstance(error, httpx.RemoteProtocolError):
        outcome = _outcome_of_protocol_error(text)
    else:
        outcome = Outcome.OTHER
    return Failure(outcome, f"{outcome.label}: {text}" if text else outcome.label, error=kind)


def oversize_of_body(max_bytes: int) -> Failure:
    phrase = f"{Outcome.TOO_LARGE.label}: the response body is over {max_bytes} bytes"
    return Failure(Outcome.TOO_LARGE, phrase)


def _outcome_of_protocol_error(text: str) -> Outcome:
    if text.startswith(_RESET):
        return Outcome.RESET
    return Outcome.CLOSED if text.startswith(_CLOSED) else Outcome.PROTOCOL


def _system_error_below(error: BaseException) -> OSError | None:
    """What the operating system, the look-up or TLS said, below what httpx, httpcore and anyio made of it."""
    found: OSError | None = None
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError):
            if outcome_of(below) is not Outcome.OTHER:
                return below
            found = found or below  # anyio's own: "All connection attempts failed"
        if isinstance(below, BaseExceptionGroup):
            below = below.exceptions[0]
        else:
            below = below.__cause__ or below.__context__
    return found
