"""A streamed answer: its head is there, its body comes while the caller reads, it is recorded at its end.

Owns when a streamed request ends and what it is counted as. Must not know pools or how requests are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import NoReturn, Protocol

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.attempt import StreamedAttempt
from pytest_loadtest.http.failures import Failure
from pytest_loadtest.http.wire.connection import Connection
from pytest_loadtest.http.wire.head import Head


class StreamUser(Protocol):
    """The exchanger, as a streamed answer sees it."""

    def fail(self, error: BaseException, connection: Connection, attempt: StreamedAttempt) -> NoReturn:
        """Record a request without a whole answer and raise what the caller is to see."""

    def give_back(self, connection: Connection, attempt: StreamedAttempt) -> None:
        """The answer has ended, or its caller has left it."""


class StreamedAnswer:
    """One caller reads `parts` to their end or leaves with `aclose`; the connection is then free or closed.

    The request's time ends with the last byte that came, be it the last of all or before the caller left.
    `at_end` is called when all has come, before it is recorded: it raises Failure if it should not end so.
    """

    def __init__(
        self, user: StreamUser, attempt: StreamedAttempt, connection: Connection, started_ns: int
    ) -> None:
        self.head: Head = connection.head
        self.attempt = attempt
        self.started_ns = started_ns
        self._user = user
        self._connection = connection
        self._ended = False
        self._finished_ns = 0
        self.at_end: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<StreamedAnswer {self.head.status} {'ended' if self._ended else 'open'}>"

    @property
    def elapsed_ns(self) -> int:
        """From just before the request was written to the last byte that has come."""
        return (self._finished_ns or self._connection.finished_ns) - self.started_ns

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes, not decoded. Raises the exceptions of httpx; the failure is recorded."""
        while not self._ended:
            try:
                part = await self.attempt.stream.get()
            except BaseException as error:
                self._ended = True
                self._user.fail(error, self._connection, self.attempt)
            if not part:
                self._end_whole()
                return
            yield part

    def close(self, error: BaseException | None = None) -> None:
        """The caller reads no more: `error` is why, if it has not simply seen enough. May be called again."""
        if self._ended:
            return
        broke = error if isinstance(error, asyncio.CancelledError) else self.attempt.stream.failure
        if broke is not None:
            self._ended = True
            with suppress(
                asyncio.CancelledError, httpx.RequestError
            ):  # recorded; the caller is leaving anyway
                self._user.fail(broke, self._connection, self.attempt)
            return
        self._end(error if isinstance(error, Failure) else None)

    def _end_whole(self) -> None:
        try:
            if self.at_end is not None:
                self.at_end()
        except Failure as damage:
            self._end(damage)
            raise
        self._end(None)

    def _end(self, damage: Failure | None) -> None:
        self._ended = True
        self._finished_ns = self._connection.finished_ns  # the connection is about to be used by others
        attempt, head = self.attempt, self.head
        if damage is not None:
            outcome, phrase = damage.outcome, damage.phrase
        else:
            outcome = Outcome.OK if attempt.terms.allow(head) else Outcome.STATUS
            phrase = f"{head.status} {head.reason_phrase}"
        attempt.record_answer(self._connection, self.started_ns, outcome, phrase)
        self._user.give_back(self._connection, attempt)
