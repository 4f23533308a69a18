"""A virtual user and its recorder as the client sees them: everything told is kept as tuples."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, NoReturn

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.errors import ConfigurationError


class Recorded(NamedTuple):
    """One request; without an answer `status`, `sent_ns`, `first_byte_ns` and `bytes_received` are 0."""

    name: str
    outcome: Outcome
    status: int
    started_ns: int
    sent_ns: int
    first_byte_ns: int
    finished_ns: int
    bytes_sent: int
    bytes_received: int
    delay_ns: int


class FakeRecorder:
    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.connections: list[tuple[str, int, int, int]] = []
        self.waits: list[tuple[str, int]] = []
        self.reconnects: list[str] = []
        self.samples: list[tuple[str, Outcome, int, str]] = []
        self.counters: Counter[str] = Counter()
        self.trends: list[tuple[str, int, int | None]] = []

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
        self.requests.append(
            Recorded(
                name,
                outcome,
                status,
                started_ns,
                sent_ns,
                first_byte_ns,
                finished_ns,
                bytes_sent,
                bytes_received,
                delay_ns,
            )
        )

    def no_response(
        self, name: str, outcome: Outcome, started_ns: int, finished_ns: int, bytes_sent: int, delay_ns: int
    ) -> None:
        self.requests.append(
            Recorded(name, outcome, 0, started_ns, 0, 0, finished_ns, bytes_sent, 0, delay_ns)
        )

    def connected(self, name: str, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        self.connections.append((name, lookup_ns, connect_ns, tls_ns))

    def blocked(self, name: str, waited_ns: int) -> None:
        self.waits.append((name, waited_ns))

    def reconnected(self, name: str) -> None:
        self.reconnects.append(name)

    def wants_sample(self, name: str, outcome: Outcome, status: int) -> bool:
        return (name, outcome, status) not in [sample[:3] for sample in self.samples]

    def error_sample(self, name: str, outcome: Outcome, status: int, message: str) -> None:
        self.samples.append((name, outcome, status, message))

    def count(self, name: str, n: int) -> None:
        self.counters[name] += n

    def trend(self, name: str, value_ns: int, started_ns: int | None = None) -> None:
        self.trends.append((name, value_ns, started_ns))

    @property
    def outcomes(self) -> list[Outcome]:
        return [request.outcome for request in self.requests]

    @property
    def names(self) -> list[str]:
        return [request.name for request in self.requests]


class FakeOwner:
    """`ended_by`: what the load was to end with."""

    def __init__(self, id: int = 1) -> None:  # noqa: A002 - as the virtual user's
        self.id = id
        self.recorder = FakeRecorder()
        self.ended_by: ConfigurationError | None = None
        self.start_delay_ns = 0
        self.was_cut = False

    def end_load(self, error: ConfigurationError) -> NoReturn:
        self.ended_by = error
        raise error
