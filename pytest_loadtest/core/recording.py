"""What the measured parts tell while a load runs: the contract, and the recorder that forgets.

Clients and virtual users know these; they need not know how anything is kept.
"""

from __future__ import annotations

from typing import NoReturn, Protocol

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.errors import ConfigurationError


class RequestRecorder(Protocol):
    """What a client tells about its requests. All times are of one monotonic clock, in ns."""

    def response(
        self,
        name: str,
        outcome: Outcome,
        status: int,
        started_ns: int,
        sent_ns: int,
        first_byte_ns: int,
        finished_ns: int,
        bytes_sent: int,
        bytes_received: int,
        delay_ns: int,
    ) -> None:
        """A complete answer came. `started_ns` is just before the write, `sent_ns` when it returned."""

    def no_response(
        self, name: str, outcome: Outcome, started_ns: int, finished_ns: int, bytes_sent: int, delay_ns: int
    ) -> None:
        """The request ended without a complete answer. `started_ns`: when work on it began, if never sent."""

    def connected(self, name: str, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        """A new connection was made for this request. `tls_ns` is 0 for plain HTTP."""

    def blocked(self, name: str, waited_ns: int) -> None:
        """The request waited for a free connection of its virtual user."""

    def reconnected(self, name: str) -> None:
        """The request was sent once more: the server had closed the kept connection it went out on."""

    def wants_sample(self, name: str, outcome: Outcome, status: int) -> bool:
        """Whether the group of this error has no sample yet: building one costs time."""

    def error_sample(self, name: str, outcome: Outcome, status: int, message: str) -> None:
        """Count a failed request in its group; the group's first message is kept, redacted.

        Called after `response` or `no_response`, once for each failed request.
        """

    def count(self, name: str, n: int) -> None:
        """Add to a custom counter: the messages of a WebSocket."""

    def trend(self, name: str, value_ns: int, started_ns: int | None = None) -> None:
        """One value of a custom trend: how long a WebSocket was open. It belongs to the time of its start."""


class RequestSink(Protocol):
    """Who wants every request that a `Recorder` counts. It must return at once and raise nothing."""

    def start(self, origin_ns: int) -> None:
        """The load begins: time 0 on the clock of all its times."""

    def name(self, name: str) -> None:
        """The name of the next number: in packed requests names are numbers, counted from 0."""

    def requests(self, packed: bytes | bytearray) -> None:
        """Requests as `records.REQUEST` packs them, in the order in which they ended."""


class RequestOwner(Protocol):
    """The virtual user, as a client sees it."""

    @property
    def id(self) -> int:
        """It counts from 1."""

    @property
    def recorder(self) -> RequestRecorder:
        """Changes when measuring begins and ends: read it once per request."""

    start_delay_ns: int  # how late the iteration started; its first request takes it and leaves 0
    was_cut: bool  # the engine has cancelled the iteration: its open requests are censored, not cancelled

    def end_load(self, error: ConfigurationError) -> NoReturn:
        """Raise it. The whole load ends with it, also if the test catches it."""


class NullRecorder:
    """Outside the measurement: set-up, tear-down. It forgets everything."""

    def response(self, *_: object, **__: object) -> None:
        """Forget it."""

    no_response = connected = blocked = reconnected = error_sample = response
    check = rate = count = trend = response

    def wants_sample(self, *_: object, **__: object) -> bool:
        """No sample is wanted: it would be forgotten."""
        return False
