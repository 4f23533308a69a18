"""What can go wrong with a request: each cause has one outcome in the results and one exception of httpx.

The tables below are the only place where the two meet. Must not know sockets' owners: pools, clients.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import Final

import httpx

from pytest_loadtest.core.outcome import Outcome

# What the caller's `except` sees. As in httpx: whatever stops a connection from being made is a ConnectError.
EXCEPTION_OF: Final[dict[Outcome, type[httpx.RequestError]]] = {
    Outcome.TIMEOUT: httpx.ReadTimeout,
    Outcome.CONNECT_TIMEOUT: httpx.ConnectTimeout,
    Outcome.REFUSED: httpx.ConnectError,
    Outcome.UNREACHABLE: httpx.ConnectError,
    Outcome.DNS: httpx.ConnectError,
    Outcome.TLS: httpx.ConnectError,
    Outcome.RESET: httpx.ReadError,
    Outcome.CLOSED: httpx.RemoteProtocolError,
    Outcome.PROTOCOL: httpx.RemoteProtocolError,
    Outcome.TOO_LARGE: httpx.RemoteProtocolError,
    Outcome.TOO_MANY_REDIRECTS: httpx.TooManyRedirects,
    Outcome.DECODING: httpx.DecodingError,
    Outcome.OTHER: httpx.ReadError,
    Outcome.GENERATOR: httpx.ConnectError,
}

OUTCOME_OF_ERRNO: Final[dict[int, Outcome]] = {
    errno.ECONNREFUSED: Outcome.REFUSED,
    errno.EHOSTUNREACH: Outcome.UNREACHABLE,
    errno.ENETUNREACH: Outcome.UNREACHABLE,
    errno.ENETDOWN: Outcome.UNREACHABLE,
    errno.EHOSTDOWN: Outcome.UNREACHABLE,
    errno.EAFNOSUPPORT: Outcome.UNREACHABLE,
    errno.ETIMEDOUT: Outcome.CONNECT_TIMEOUT,
    errno.ECONNRESET: Outcome.RESET,
    errno.ECONNABORTED: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
    errno.ENOENT: Outcome.UNREACHABLE,  # a Unix socket that is not there
    errno.EACCES: Outcome.UNREACHABLE,  # or may not be used
    errno.EMFILE: Outcome.GENERATOR,
    errno.ENFILE: Outcome.GENERATOR,
    errno.EBUSY: Outcome.GENERATOR,  # a look-up in glibc that gets no descriptor, with some name services
    errno.ENOBUFS: Outcome.GENERATOR,
    errno.ENOMEM: Outcome.GENERATOR,
    errno.EADDRNOTAVAIL: Outcome.GENERATOR,
}

# What to do when this machine, not the target, was the limit.
_ADVICE: Final[dict[int, str]] = {
    errno.EMFILE: "allow this process more open files (ulimit -n) or use fewer connections",
    errno.EBUSY: "allow this process more open files (ulimit -n) or use fewer connections",
    errno.ENFILE: "allow this machine more open files (fs.file-max) or use fewer connections",
    errno.ENOBUFS: "give this machine more memory for sockets or use fewer connections",
    errno.ENOMEM: "give this machine more memory or use fewer connections",
    errno.EADDRNOTAVAIL: "give this machine more client addresses or ports (ip_local_port_range), "
    "or use fewer connections",
}

# First match wins, so the narrower types stand first.
OUTCOME_OF_TYPE: Final[tuple[tuple[type[BaseException], Outcome], ...]] = (
    (socket.gaierror, Outcome.DNS),
    (ssl.SSLError, Outcome.TLS),
    (ssl.CertificateError, Outcome.TLS),
    (ConnectionRefusedError, Outcome.REFUSED),
    (ConnectionError, Outcome.RESET),
    (TimeoutError, Outcome.TIMEOUT),
    (ValueError, Outcome.DNS),  # a host name that IDNA cannot encode
)


class Failure(Exception):  # noqa: N818 - never leaves the package: the caller gets the exception of httpx
    """A request has failed: the outcome it is counted under, and a phrase that says what happened.

    `error` overrides the exception type where httpx has a narrower one than the outcome's.
    """

    def __init__(
        self, outcome: Outcome, phrase: str, *, error: type[httpx.RequestError] | None = None
    ) -> None:
        super().__init__(phrase)
        self.outcome = outcome
        self.phrase = phrase
        self.error = error or EXCEPTION_OF[outcome]


def outcome_of(error: BaseException) -> Outcome:
    """The outcome an exception of the operating system, ssl or asyncio is counted under."""
    if isinstance(error, OSError) and not isinstance(error, (socket.gaierror, ssl.SSLError)):
        by_number = OUTCOME_OF_ERRNO.get(error.errno or 0)
        if by_number is not None:
            return by_number
    return next((outcome for kind, outcome in OUTCOME_OF_TYPE if isinstance(error, kind)), Outcome.OTHER)


def failure_of(error: BaseException) -> Failure:
    """`error` as a Failure; one that is a Failure already is itself."""
    if isinstance(error, Failure):
        return error
    outcome = outcome_of(error)
    return Failure(outcome, _phrase(outcome, error))


def connect_failure_of(error: BaseException, *, in_handshake: bool, peer: str = "") -> Failure:
    """`error` while a connection was being made: a time-out or a break then has its own outcome.

    `peer` is what was being connected to, if not the target itself.
    """
    if isinstance(error, Failure):
        return error
    outcome = outcome_of(error)
    if in_handshake and outcome in (Outcome.RESET, Outcome.OTHER, Outcome.DNS):
        outcome = Outcome.TLS
    if outcome is Outcome.TIMEOUT:
        outcome = Outcome.CONNECT_TIMEOUT
    error_type = httpx.ConnectTimeout if outcome is Outcome.CONNECT_TIMEOUT else httpx.ConnectError
    phrase = _phrase(outcome, error)
    return Failure(outcome, f"{peer}: {phrase}" if peer else phrase, error=error_type)


def _phrase(outcome: Outcome, error: BaseException) -> str:
    """What happened, in words; the operating system's own text only where the outcome does not say it all."""
    if outcome in (Outcome.REFUSED, Outcome.RESET, Outcome.CONNECT_TIMEOUT, Outcome.TIMEOUT):
        return outcome.label
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{outcome.label}: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"{outcome.label}: {error.reason or error.strerror or type(error).__name__}"
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        advice = _ADVICE.get(error.errno or 0) if outcome is Outcome.GENERATOR else None
        return f"{outcome.label}: {reason}; {advice}" if advice else f"{outcome.label}: {reason}"
    if isinstance(error, asyncio.InvalidStateError):
        return f"{outcome.label}: the connection was used twice at once"
    return f"{outcome.label}: {type(error).__name__}: {error}"
