"""The hot path of measuring: takes finished requests, iterations and checks, and fills `Metrics`.

Owns the record buffer. It reads no clock: every time is an argument. A request costs one `pack_into`
of a fixed record (0.36 us measured; a tuple turned into an array later 0.80 us, `array.extend`
0.87 us); full buffers are counted by numpy, 4096 records at a time.
"""

from __future__ import annotations

import struct
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.histogram import IntArray
from pytest_loadtest.core.metrics import Metrics, RequestSeries, ShareSeries
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts

_REQUEST = struct.Struct("=iiiqqqqqqq")
_REQUEST_DTYPE = np.dtype(
    [
        ("name", "i4"),
        ("outcome", "i4"),
        ("status", "i4"),
        ("started", "i8"),
        ("delay", "i8"),
        ("sending", "i8"),
        ("waiting", "i8"),
        ("receiving", "i8"),
        ("bytes_sent", "i8"),
        ("bytes_received", "i8"),
    ]
)
_ITERATION = struct.Struct("=qqqq")
_ITERATION_DTYPE = np.dtype([("started", "i8"), ("service", "i8"), ("delay", "i8"), ("failed", "i8")])

_BUFFERED_RECORDS = 4096
_REQUEST_BYTES = _REQUEST.size * _BUFFERED_RECORDS
_ITERATION_BYTES = _ITERATION.size * _BUFFERED_RECORDS

# A test that puts ids into its request names must not eat the memory: further names share one series.
MOST_NAMES = 1000
OTHER_NAMES = "(further names)"

_IS_ERROR = np.array([outcome.is_error for outcome in Outcome])
_HAS_LATENCY = np.array([outcome.has_latency for outcome in Outcome])

_Records = npt.NDArray[np.void]


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
        """The request ended without a complete answer."""

    def connected(self, name: str, lookup_ns: int, connect_ns: int, tls_ns: int) -> None:
        """A new connection was made for this request. `tls_ns` is 0 for plain HTTP."""

    def blocked(self, name: str, waited_ns: int) -> None:
        """The request waited for a free connection of its virtual user."""

    def wants_sample(self, name: str, outcome: Outcome, status: int) -> bool:
        """Whether the group of this error has no sample yet: building one costs time."""

    def error_sample(self, name: str, outcome: Outcome, status: int, message: str) -> None:
        """Count a failed request in its group; the group's first message is kept, redacted."""


class RequestOwner(Protocol):
    """The virtual user, as a client sees it."""

    recorder: RequestRecorder
    start_delay_ns: int
    was_cut: bool


class NullRecorder:
    """Outside the measurement: set-up, tear-down. It forgets everything."""

    def response(self, *_: object) -> None:
        """Forget it."""

    no_response = connected = blocked = error_sample = response

    def wants_sample(self, *_: object) -> bool:
        """No sample is wanted: it would be forgotten."""
        return False


class Recorder:
    """Fills one `Metrics`. `start` fixes time 0; `tick` must come at least once per slice."""

    def __init__(self, slice_ns: int, *, open_model: bool = False) -> None:
        self.metrics = Metrics(slice_ns)
        self._open_model = open_model
        self._origin_ns = 0
        self._slice = 0
        self._ids: dict[str, int] = {}
        self._series: list[RequestSeries] = []
        self._requests = bytearray(_REQUEST_BYTES)
        self._requests_end = 0
        self._iterations = bytearray(_ITERATION_BYTES)
        self._iterations_end = 0
        self._phases: dict[tuple[int, str], list[int]] = {}
        self._results: dict[tuple[str, str, bool], int] = {}
        self._increments: dict[str, int] = {}
        self._trends: dict[str, list[int]] = {}

    def start(self, origin_ns: int) -> None:
        """Time 0 of the load, on the clock that all other times come from."""
        self._origin_ns = origin_ns

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
        _REQUEST.pack_into(
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
        self._requests_end = end = end + _REQUEST.size
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

    def _phase(self, name: str, phase: str, spent_ns: int) -> None:
        name_id = self._ids[name] if name in self._ids else self._id_of(name)
        self._phases.setdefault((name_id, phase), []).append(spent_ns)

    def wants_sample(self, name: str, outcome: Outcome, status: int) -> bool:
        """Whether the group of this error has no sample yet."""
        return (name, outcome, status) not in self.metrics.errors

    def error_sample(self, name: str, outcome: Outcome, status: int, message: str) -> None:
        """Count a failed request in its group."""
        sample = redact(message) if self.wants_sample(name, outcome, status) else ""
        self.metrics.count_error(name, outcome, status, sample)

    def _id_of(self, name: str) -> int:
        """The number of a name that was not seen before."""
        if len(self._series) >= MOST_NAMES and name != OTHER_NAMES:
            # The name is not remembered: an unbounded dictionary is what this is here to prevent.
            return self._ids[OTHER_NAMES] if OTHER_NAMES in self._ids else self._id_of(OTHER_NAMES)
        self._ids[name] = len(self._series)
        self._series.append(self.metrics.requests.setdefault(name, RequestSeries()))
        return self._ids[name]

    # -- iterations, checks, custom metrics -------------------------------------------------------

    def iteration(self, started_ns: int, finished_ns: int, *, failed: bool, delay_ns: int) -> None:
        """One run of the test body ended by itself."""
        end = self._iterations_end
        _ITERATION.pack_into(self._iterations, end, started_ns, finished_ns - started_ns, delay_ns, failed)
        self._iterations_end = end = end + _ITERATION.size
        if end == _ITERATION_BYTES:
            self._flush_iterations()

    def dropped(self, intended_ns: int, n: int = 1) -> None:
        """Iterations that could not start."""
        self.metrics.iterations.dropped.add(self._slice_of(intended_ns), n)

    def interrupted(self) -> None:
        """An iteration was cut at the end of the run."""
        self.metrics.iterations.interrupted += 1

    def check(self, name: str, ok: bool) -> None:
        """A soft check."""
        key = ("checks", name, ok)
        self._results[key] = self._results.get(key, 0) + 1

    def rate(self, name: str, ok: bool) -> None:
        """One result of a custom rate."""
        key = ("rates", name, ok)
        self._results[key] = self._results.get(key, 0) + 1

    def count(self, name: str, n: int) -> None:
        """Add to a custom counter."""
        self._increments[name] = self._increments.get(name, 0) + n

    def trend(self, name: str, value_ns: int) -> None:
        """One value of a custom trend."""
        self._trends.setdefault(name, []).extend((self._slice, value_ns))

    # -- slices -----------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> None:
        """Count what is pending into the slice that was current until now."""
        self.flush()
        self._slice = self._slice_of(now_ns)

    def flush(self) -> None:
        """Count everything pending into the metrics."""
        self._flush_requests()
        self._flush_iterations()
        self._flush_results()
        for (name_id, phase), spent in self._phases.items():
            self._series[name_id].phase(phase).add(np.array(spent, dtype=np.int64))
        self._phases.clear()
        for name, flat in self._trends.items():
            pairs = np.array(flat, dtype=np.int64).reshape(-1, 2)
            self.metrics.trends.setdefault(name, LatencyTimeline()).add(pairs[:, 0], pairs[:, 1])
        self._trends.clear()

    def _flush_results(self) -> None:
        for (kind, name, ok), n in self._results.items():
            table: dict[str, ShareSeries] = getattr(self.metrics, kind)
            series = table.setdefault(name, ShareSeries())
            (series.yes if ok else series.no).add(self._slice, n)
        self._results.clear()
        for name, n in self._increments.items():
            self.metrics.counters.setdefault(name, SliceCounts()).add(self._slice, n)
        self._increments.clear()

    def _flush_iterations(self) -> None:
        if not self._iterations_end:
            return
        records: _Records = np.frombuffer(
            bytes(self._iterations[: self._iterations_end]), dtype=_ITERATION_DTYPE
        )
        self._iterations_end = 0
        series = self.metrics.iterations
        slices = self._slices_of(records)
        series.finished.add_each(slices)
        series.failed.add_each(slices[records["failed"] != 0])
        series.service.add(slices, records["service"])
        if self._open_model:
            series.response.add(slices, records["service"] + records["delay"])
            series.start_delay.add(records["delay"])

    def _flush_requests(self) -> None:
        if not self._requests_end:
            return
        records: _Records = np.frombuffer(bytes(self._requests[: self._requests_end]), dtype=_REQUEST_DTYPE)
        self._requests_end = 0
        names = records["name"]
        for name_id in np.unique(names):
            self._count_requests(self._series[name_id], records[names == name_id])

    def _count_requests(self, series: RequestSeries, records: _Records) -> None:
        outcomes = records["outcome"]
        slices = self._slices_of(records)
        series.total.add_each(slices)
        for outcome, n in zip(*np.unique(outcomes, return_counts=True), strict=True):
            series.outcomes[Outcome(int(outcome))] += int(n)
        for status, n in zip(*np.unique(records["status"], return_counts=True), strict=True):
            if status:
                series.statuses[int(status)] += int(n)
        if outcomes.any():  # Outcome.OK is 0
            series.failed.add_each(slices[_IS_ERROR[outcomes]])
            series.censored.add_each(slices[outcomes == Outcome.CENSORED])
            keep = _HAS_LATENCY[outcomes]
            records, slices = records[keep], slices[keep]
        self._count_latencies(series, records, slices)
        series.bytes_sent += int(records["bytes_sent"].sum())
        series.bytes_received += int(records["bytes_received"].sum())

    def _count_latencies(self, series: RequestSeries, records: _Records, slices: IntArray) -> None:
        service = records["sending"] + records["waiting"] + records["receiving"]
        series.service.add(slices, service)
        if self._open_model:
            series.response.add(slices, service + records["delay"])
        for phase in ("sending", "waiting", "receiving"):
            series.phase(phase).add(records[phase])

    def _slice_of(self, time_ns: int) -> int:
        return max(0, time_ns - self._origin_ns) // self.metrics.slice_ns

    def _slices_of(self, records: _Records) -> IntArray:
        slices: IntArray = np.maximum(records["started"] - self._origin_ns, 0) // self.metrics.slice_ns
        return slices
