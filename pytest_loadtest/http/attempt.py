"""One request on its way: what is needed to send it, and to record it however it ends.

Must not know how connections are found nor what is retried.
"""

from __future__ import annotations

import asyncio

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import RequestRecorder
from pytest_loadtest.http.arguments import Terms
from pytest_loadtest.http.error_samples import sample_error
from pytest_loadtest.http.routes import Route
from pytest_loadtest.http.wire.body_stream import BodyStream
from pytest_loadtest.http.wire.connection import Connection


class Attempt:
    """`deadline_ns` is that of the whole request, of perf_counter_ns.

    `delay_ns`: how much later than intended it was sent; of that, `waited_ns` for a connection.
    `first_started_ns`: when it was sent for the first time, if it has been sent again since; else 0.
    """

    __slots__ = (
        "deadline_ns",
        "delay_ns",
        "first_started_ns",
        "name",
        "recorder",
        "route",
        "sent",
        "terms",
        "waited_ns",
    )

    waits_for_all = True  # the time-out holds for the whole answer

    def __init__(
        self,
        route: Route,
        sent: bytes,
        name: str,
        recorder: RequestRecorder,
        delay_ns: int,
        deadline_ns: int,
        terms: Terms,
    ) -> None:
        self.route = route
        self.sent = sent
        self.name = name
        self.recorder = recorder
        self.delay_ns = delay_ns
        self.deadline_ns = deadline_ns
        self.terms = terms
        self.first_started_ns = 0
        self.waited_ns = 0

    def has_connection(self, waited_ns: int) -> None:
        """After so long. Sent once more, the wait is a part of its sending."""
        if not self.first_started_ns:
            self.waited_ns = waited_ns
            self.delay_ns += waited_ns

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self.route!r}>"

    def begin(self, connection: Connection) -> asyncio.Future[None]:
        """Send it; done when its answer can be used. Raises Failure."""
        return connection.send(self.sent, self.deadline_ns, self.route.expects_no_body)

    def record_failure(
        self, outcome: Outcome, phrase: str, begun_ns: int, now_ns: int, bytes_sent: int
    ) -> None:
        """It ended without a complete answer."""
        recorder, name = self.recorder, self.name
        recorder.no_response(name, outcome, begun_ns, now_ns, bytes_sent, self.delay_ns)
        if outcome.is_error:
            sample_error(recorder, name, outcome, 0, phrase, self.route)


class StreamedAttempt(Attempt):
    """Its body is read by the caller: the time-out holds until the head, then for each next part."""

    __slots__ = ("stream",)

    waits_for_all = False

    stream: BodyStream

    def begin(self, connection: Connection) -> asyncio.Future[None]:
        self.stream, head_has_come = connection.send_for_stream(
            self.sent, self.deadline_ns, self.terms.timeouts.total_ns, self.route.expects_no_body
        )
        return head_has_come

    def record_answer(self, connection: Connection, started_ns: int, outcome: Outcome, phrase: str) -> None:
        """Its caller has all that it wanted."""
        head = connection.head
        self.recorder.response(
            self.name,
            outcome,
            head.status,
            started_ns,
            connection.sent_ns,
            connection.first_byte_ns,
            connection.finished_ns,
            len(self.sent),
            connection.received,
            self.delay_ns,
        )
        if outcome.is_error:
            sample_error(self.recorder, self.name, outcome, head.status, phrase, self.route)
