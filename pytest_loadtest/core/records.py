"""A buffer full of fixed records, counted into series. Owns the records' layout.

All names of a batch are counted in the same passes of numpy. It knows no clock and no virtual user.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.histogram import IntArray
from pytest_loadtest.core.metrics import IterationSeries, RequestSeries
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.timeline import Groups

REQUEST = struct.Struct("=iiiqqqqqqq")
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
ITERATION = struct.Struct("=qqqq")
_ITERATION_DTYPE = np.dtype([("started", "i8"), ("delay", "i8"), ("service", "i8"), ("failed", "i8")])

_IS_ERROR = np.array([outcome.is_error for outcome in Outcome])
_HAS_LATENCY = np.array([outcome.has_latency for outcome in Outcome])

Records = npt.NDArray[np.void]
_T = TypeVar("_T")


def request_records(buffer: bytes | bytearray) -> Records:
    """The requests packed into `buffer`."""
    return np.frombuffer(buffer, dtype=_REQUEST_DTYPE)


def iteration_records(buffer: bytes | bytearray) -> Records:
    """The iterations packed into `buffer`."""
    return np.frombuffer(buffer, dtype=_ITERATION_DTYPE)


def slices_of_starts(records: Records, origin_ns: int, slice_ns: int) -> IntArray:
    """The slice in which each was to start; what was to start before time 0 belongs to the first."""
    intended = records["started"] - records["delay"] - origin_ns
    slices: IntArray = np.maximum(intended, 0) // slice_ns
    return slices


def count_requests(
    records: Records, slices: IntArray, series: Sequence[RequestSeries], *, open_model: bool
) -> None:
    """Count requests; a record's name is its index in `series`."""
    outcomes = records["outcome"]
    names = records["name"].astype(np.int64)
    moments = Pairs(names, slices)
    _count_ends(records, names, moments, series)
    has_latency = _HAS_LATENCY[outcomes]
    if not has_latency.all():
        records, names, moments = records[has_latency], names[has_latency], moments.where(has_latency)
    service = records["sending"] + records["waiting"] + records["receiving"]
    response = service + records["delay"] if open_model else service
    for name, index, values in moments.unpacked(moments.groups.histograms(service)):
        series[name].service.add_slice(index, values)
    if open_model:
        for name, index, values in moments.unpacked(moments.groups.histograms(response)):
            series[name].response.add_slice(index, values)
    _count_censored(records["outcome"] == Outcome.CENSORED, moments, response, series)
    _count_phases(records, names, series)


def _count_ends(records: Records, names: IntArray, moments: Pairs, series: Sequence[RequestSeries]) -> None:
    """How many there were, how they ended, and their bytes: with or without a latency."""
    for name, index, n in moments.sizes():
        series[name].total.add(index, n)
    for name, index, n in moments.where(_IS_ERROR[records["outcome"]]).sizes():
        series[name].failed.add(index, n)
    for name, outcome, n in Pairs(names, records["outcome"]).sizes():
        series[name].outcomes[Outcome(outcome)] += n
    for name, status, n in Pairs(names, records["status"]).sizes():
        if status:  # 0: no answer
            series[name].statuses[status] += n
    by_name = Groups(names)
    for name, n in by_name.totals(records["bytes_sent"]):
        series[name].bytes_sent += n
    for name, n in by_name.totals(records["bytes_received"]):
        series[name].bytes_received += n


def _count_censored(
    censored: npt.NDArray[np.bool_], moments: Pairs, latencies: IntArray, series: Sequence[RequestSeries]
) -> None:
    """What is known of those that were still open, apart: the others' latencies are theirs less these."""
    if censored.any():
        open_moments = moments.where(censored)
        for name, index, values in open_moments.unpacked(open_moments.groups.histograms(latencies[censored])):
            series[name].censored.add_slice(index, values)


def _count_phases(records: Records, names: IntArray, series: Sequence[RequestSeries]) -> None:
    by_name = Groups(names)
    for phase in ("sending", "waiting", "receiving"):
        for name, values in by_name.histograms(records[phase]):
            series[name].phase(phase).merge_sparse(values)


def count_iterations(
    records: Records, slices: IntArray, series: IterationSeries, *, open_model: bool
) -> None:
    """Count iterations that ended by themselves."""
    series.finished.add_each(slices)
    series.failed.add_each(slices[records["failed"] != 0])
    series.service.add(slices, records["service"])
    if open_model:
        series.response.add(slices, records["service"] + records["delay"])
        series.start_delay.add(records["delay"])


class Pairs:
    """Groups of records by name and a number of theirs (a slice, an outcome, a status), as one small key."""

    def __init__(self, names: IntArray, numbers: npt.NDArray[np.signedinteger[Any]]) -> None:
        self._lowest = int(numbers.min()) if len(numbers) else 0
        self._span = int(numbers.max()) - self._lowest + 1 if len(numbers) else 1
        self._keys: IntArray = names * self._span + (numbers - self._lowest)
        self.groups = Groups(self._keys)

    def where(self, mask: npt.NDArray[np.bool_]) -> Pairs:
        """Only these records."""
        chosen = copy(self)
        chosen._keys = self._keys[mask]
        chosen.groups = Groups(chosen._keys)
        return chosen

    def sizes(self) -> Iterator[tuple[int, int, int]]:
        """The name's index, the number, how many records have both."""
        return self.unpacked(self.groups.sizes())

    def unpacked(self, keyed: Iterable[tuple[int, _T]]) -> Iterator[tuple[int, int, _T]]:
        """(key, figure) -> (the name's index, the number, the figure)."""
        return ((key // self._span, key % self._span + self._lowest, figure) for key, figure in keyed)
