"""The hot path of measuring: takes finished requests, iterations and checks, and fills `Metrics`.

Owns the buffers. It reads no clock: every time is an argument. A request costs one `pack_into` of a
fixed record (0.36 us measured; a tuple turned into an array later 0.80 us, `array.extend` 0.87 us);
full buffers are counted by numpy, 4096 records at a time.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from pytest_loadtest.core.layout import ITERATION, REQUEST
from pytest_loadtest.core.metrics import (
    MOST_NAMES,
    OTHER_NAMES,
    Metrics,
    RequestSeries,
    ShareSeries,
    entry_of,
)
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recording import NullRecorder, RequestOwner, RequestRecorder, RequestSink
from pytest_loadtest.core.records import (
    Slicing,
    count_iterations,
    count_requests,
    iteration_records,
    request_records,
)
from pytest_loadtest.core.redaction import redact_name, redacted_sample
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.errors import MisuseError

__all__ = ["MOST_NAMES", "OTHER_NAMES", "NullRecorder", "Recorder", "RequestOwner", "RequestRecorder"]

_BUFFERED_RECORDS = 4096
_REQUEST_BYTES = REQUEST.size * _BUFFERED_RECORDS
_ITERATION_BYTES = ITERATION.size * _BUFFERED_RECORDS

# Counting costs 2.7 ms for 200 requests and 3.9 ms for 2000, and meanwhile nothing is sent or read: done for
# each slice of 0.1 s, it was in the p99 of start delays.
_FLUSHED_EVERY_NS = NS_PER_S

_T = TypeVar("_T")
_Result = tuple[str, bool, int]  # the name of a check or rate, its answer, its slice


class Recorder(RequestRecorder):
    """Fills one `Metrics`. `start` fixes time 0; `tick` must come at least once per slice."""

    def __init__(self, slice_ns: int, *, open_model: bool = False, sink: RequestSink | None = None) -> None:
        self.metrics = Metrics(slice_ns)
        self._sink = sink
        self._open_model = open_model
        self._slicing = Slicing(0, slice_ns)
        self._slice = 0
        self._ids: dict[str, int] = {}
        self._series: list[RequestSeries] = []
        self._requests = bytearray(_REQUEST_BYTES)
        self._iterations = bytearray(_ITERATION_BYTES)
        self._requests_end = self._iterations_end = 0
        self._phases: dict[tuple[int, str], list[int]] = {}
        self._checks: dict[_Result, int] = {}
        self._rates: dict[_Result, int] = {}
        self._next_flush = 0  # the slice
        self.counted_ns = 0  # until when `metrics` are complete, since the load's start
        self._increments: dict[tuple[str, int], int] = {}  # by name and slice
        self._trends: dict[str, list[int]] = {}
        self._read_delays: list[int] = []
        self._start_delays: list[int] = []

    def start(self, origin_ns: int) -> None:
        """Time 0 of the load, on the clock that all other times come from."""
        self._slicing = Slicing(origin_ns, self.metrics.slice_ns)
        if self._sink is not None:
            self._sink.start(origin_ns)

    # -- requests: the hot path -------------------------------------------------------------------

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
        """A complete answer came."""
        end = self._requests_end
        ids = self._ids
        answered_ns = first_byte_ns
        if answered_ns < sent_ns:  # the answer came while the write was still returning
            answered_ns = sent_ns
        REQUEST.pack_into(
            self._requests,
            end,
            ids[name] if name in ids else self._id_of(name),
            outcome,
            status,
            started_ns,
            delay_ns,
            sent_ns - started_ns,
            answered_ns - sent_ns,
            finished_ns - answered_ns if finished_ns > answered_ns else 0,
            bytes_sent,
            bytes_received,
        )
        self._requests_end = end = end + REQUEST.size
        if end == _REQUEST_BYTES:
            self._flush_requests()

    def no_response(
        self, name: str, outcome: Outcome, started_ns: int, finished_ns: int, bytes_sent: int, delay_ns: int
    ) -> None:
        """The request ended without a complete answer: its whole time was waiting."""
        self.response(
            name, outcome, 0, started_ns, started_ns, finished_ns, finished_ns, bytes_sent, 0, delay_ns
        )

    def connected(self, name: str, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        """A new connection was made for a request of this name."""
        for phase, spent_ns in (("looking up", lookup_ns), ("connecting", connect_ns), ("TLS", tls_ns)):
            if spent_ns:
                self._phase(name, phase, spent_ns)

    def blocked(self, name: str, waited_ns: int) -> None:
        """The request waited for a free connection of its virtual user."""
        self._phase(name, "blocked", waited_ns)

    def reconnected(self, name: str) -> None:
        """The request was sent once more, on a new connection."""
        self._series[self._ids[name] if name in self._ids else self._id_of(name)].reconnects += 1

    def _phase(self, name: str, phase: str, spent_ns: int) -> None:
        name_id = self._ids[name] if name in self._ids else self._id_of(name)
        self._phases.setdefault((name_id, phase), []).append(spent_ns)

    def wants_sample(self, name: str, outcome: Outcome, status: int) -> bool:
        """Whether the group of this error has no sample yet."""
        return (self._shown_name(name), outcome, status) not in self.metrics.errors

    def error_sample(self, name: str, outcome: Outcome, status: int, message: str) -> None:
        """Count a failed request in its group."""
        sample = redacted_sample(message) if self.wants_sample(name, outcome, status) else ""
        self.metrics.count_error(self._shown_name(name), outcome, status, sample)

    def _shown_name(self, name: str) -> str:
        """The name a request goes by in the results."""
        if name in self._ids:
            return name
        return redact_name(name) if len(self._series) < MOST_NAMES else OTHER_NAMES

    def _id_of(self, name: str) -> int:
        """The number of a name that was not seen before. Raises MisuseError for what is no text."""
        if not isinstance(name, str):
            raise MisuseError(f"the name of a request is a text, not {name!r}")
        if len(self._series) >= MOST_NAMES and name != OTHER_NAMES:
            # The name is not remembered: an unbounded dictionary is what this is here to prevent.
            return self._ids[OTHER_NAMES] if OTHER_NAMES in self._ids else self._id_of(OTHER_NAMES)
        if (shown := redact_name(name)) != name:  # nor is a path with a token in it
            return self._ids[shown] if shown in self._ids else self._id_of(shown)
        self._ids[name] = len(self._series)
        self._series.append(self.metrics.requests.setdefault(name, RequestSeries()))
        if self._sink is not None:
            self._sink.name(name)
        return self._ids[name]

    # -- iterations, checks, custom metrics -------------------------------------------------------

    def iteration(self, started_ns: int, finished_ns: int, *, failed: bool, delay_ns: int) -> None:
        """One run of the test body ended by itself."""
        end = self._iterations_end
        ITERATION.pack_into(self._iterations, end, started_ns, delay_ns, finished_ns - started_ns, failed)
        self._iterations_end = end = end + ITERATION.size
        if end == _ITERATION_BYTES:
            self._flush_iterations()

    def dropped(self, intended_ns: int, n: int = 1) -> None:
        """Iterations that could not start."""
        self.metrics.iterations.dropped.add(self._slice_of(intended_ns), n)

    def interrupted(self) -> None:
        """An iteration was cut at the end of the run."""
        self.metrics.iterations.interrupted += 1

    # What a test tells belongs to the slice in which its iteration (or its measured block) started, so
    # that slow iterations are judged with the others of their time. Without a start: the current slice.

    def check(self, name: str, ok: bool, started_ns: int | None = None) -> None:
        """A soft check."""
        key = name, ok, self._slice_of(started_ns)
        self._checks[key] = self._checks.get(key, 0) + 1

    def rate(self, name: str, ok: bool, started_ns: int | None = None) -> None:
        """One result of a custom rate."""
        key = name, ok, self._slice_of(started_ns)
        self._rates[key] = self._rates.get(key, 0) + 1

    def count(self, name: str, n: int) -> None:
        """Add to a custom counter."""
        key = name, self._slice
        self._increments[key] = self._increments.get(key, 0) + n

    def trend(self, name: str, value_ns: int, started_ns: int | None = None) -> None:
        """One value of a custom trend."""
        self._trends.setdefault(name, []).extend((self._slice_of(started_ns), value_ns))

    # -- the generator itself -----------------------------------------------------------------------

    def read_late(self, due_ns: int, late_ns: int) -> None:
        """What was there to be read at `due_ns` was read so much later."""
        self._read_delays.extend((due_ns, late_ns))

    def started_late(self, intended_ns: int, late_ns: int) -> None:
        """An iteration that a free user was waiting for began so much later than intended."""
        self._start_delays.extend((intended_ns, late_ns))

    def _slice_of(self, started_ns: int | None) -> int:
        if started_ns is None:
            return self._slice
        return max(0, started_ns - self._slicing.origin_ns) // self.metrics.slice_ns

    # -- levels ----------------------------------------------------------------------------------

    def gauge(self, vus: int, queued: int) -> None:
        """How many users are active and how many arrivals wait for one; of a slice the highest is kept."""
        self.metrics.vus.raise_to(self._slice, vus)
        self.metrics.queued.raise_to(self._slice, queued)

    # -- slices -----------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> None:
        """Another slice has begun. What is pending knows its own; it is counted once in a while."""
        latest, self._slice = self._slice, self._slice_of(now_ns)
        for levels in (self.metrics.vus, self.metrics.queued):
            levels.hold(latest, self._slice)  # a loop that was blocked: nobody looked, came or went
        if self._slice >= self._next_flush:
            self._next_flush = self._slice + max(1, _FLUSHED_EVERY_NS // self.metrics.slice_ns)
            self.counted_ns = self._slice * self.metrics.slice_ns
            self.flush()

    def flush(self) -> None:
        """Count everything pending into the metrics."""
        self._flush_requests()
        self._flush_iterations()
        self._flush_phases()
        self._flush_shares(self._checks, self.metrics.checks)
        self._flush_shares(self._rates, self.metrics.rates)
        for (name, index), n in self._increments.items():
            entry_of(self.metrics.counters, name, SliceCounts).add(index, n)
        self._increments.clear()
        for name, values in self._trends.items():
            pairs = np.array(values, dtype=np.int64).reshape(-1, 2)
            entry_of(self.metrics.trends, name, LatencyTimeline).add(pairs[:, 0], pairs[:, 1])
        self._trends.clear()
        self._flush_delays(self._read_delays, self.metrics.generator.read_delay)
        self._flush_delays(self._start_delays, self.metrics.generator.start_delay)

    def _flush_delays(self, pending: list[int], timeline: LatencyTimeline) -> None:
        if pending:
            pairs = np.array(pending, dtype=np.int64).reshape(-1, 2)
            timeline.add(self._slicing.of(pairs[:, 0]), pairs[:, 1])
            pending.clear()

    def _flush_shares(self, pending: dict[_Result, int], table: dict[str, ShareSeries]) -> None:
        for (name, ok, index), n in pending.items():
            series = entry_of(table, name, ShareSeries)
            (series.yes if ok else series.no).add(index, n)
        pending.clear()

    def _flush_phases(self) -> None:
        for (name_id, phase), spent in self._phases.items():
            self._series[name_id].phase(phase).add(np.array(spent, dtype=np.int64))
        self._phases.clear()

    def _flush_iterations(self) -> None:
        if not self._iterations_end:
            return
        records = iteration_records(self._iterations[: self._iterations_end])
        self._iterations_end = 0
        count_iterations(records, self._slicing, self.metrics.iterations, open_model=self._open_model)

    def _flush_requests(self) -> None:
        if not self._requests_end:
            return
        packed = self._requests[: self._requests_end]
        self._requests_end = 0
        if self._sink is not None:
            self._sink.requests(packed)
        records = request_records(packed)
        count_requests(records, self._slicing, self._series, open_model=self._open_model)
