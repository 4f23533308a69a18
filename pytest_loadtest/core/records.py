"""A buffer full of fixed records, counted into series. Owns what they count as.

All names of a batch are counted in the same passes of numpy. It knows no clock and no virtual user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.groups import Groups
from pytest_loadtest.core.histogram import IntArray
from pytest_loadtest.core.layout import ITERATION_FIELDS, REQUEST_FIELDS
from pytest_loadtest.core.metrics import IterationSeries, RequestSeries
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.sparse import SparseHistogram

_REQUEST_DTYPE = np.dtype(list(REQUEST_FIELDS.items()))
_ITERATION_DTYPE = np.dtype(list(ITERATION_FIELDS.items()))

_ERRORS = frozenset(outcome for outcome in Outcome if outcome.is_error)
_WITHOUT_LATENCY = frozenset(outcome for outcome in Outcome if not outcome.has_latency)
_OPEN = frozenset({Outcome.CENSORED})
# Nobody knows how long they would have taken: their latencies are lower bounds.
_CUT = frozenset({Outcome.CENSORED, Outcome.CANCELLED})

Records = npt.NDArray[np.void]
_T = TypeVar("_T")


def request_records(buffer: bytes | bytearray) -> Records:
    """The requests packed into `buffer`."""
    return np.frombuffer(buffer, dtype=_REQUEST_DTYPE)


def iteration_records(buffer: bytes | bytearray) -> Records:
    """The iterations packed into `buffer`."""
    return np.frombuffer(buffer, dtype=_ITERATION_DTYPE)


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a run is cut into slices: where time 0 is, and how long each is."""

    origin_ns: int
    slice_ns: int

    def of(self, moments_ns: IntArray) -> IntArray:
        """The slice of each moment; what is before time 0 belongs to the first."""
        slices: IntArray = np.maximum(moments_ns - self.origin_ns, 0) // self.slice_ns
        return slices


def count_requests(
    records: Records, slicing: Slicing, series: Sequence[RequestSeries], *, open_model: bool
) -> None:
    """Count requests; a record's name is its index in `series`."""
    names = records["name"].astype(np.int64)
    outcomes = Outcomes(records["outcome"].astype(np.int64))
    service = records["sending"] + records["waiting"] + records["receiving"]
    starts = Pairs(names, slicing.of(records["started"] - records["delay"]))
    ends = Pairs(names, slicing.of(records["started"] + service))
    _count_events(starts, ends, outcomes, series)
    _count_answers(records, names, outcomes, series)
    lost = outcomes.among(_WITHOUT_LATENCY)
    if lost is not None:
        kept = ~lost
        records, names, service = records[kept], names[kept], service[kept]
        starts, outcomes = starts.where(kept), outcomes.where(kept)
    _count_latencies(records, service, starts, outcomes, series, open_model=open_model)
    _count_phases(records, names, series)


def _count_events(starts: Pairs, ends: Pairs, outcomes: Outcomes, series: Sequence[RequestSeries]) -> None:
    """How many started, failed and finished in each slice: with or without a latency."""
    for name, index, n in starts.sizes():
        series[name].total.add(index, n)
    if (failed := outcomes.among(_ERRORS)) is not None:
        for name, index, n in starts.where(failed).sizes():
            series[name].failed.add(index, n)
    # Of what was open when the run ended, nobody knows when it would have finished.
    if (still_open := outcomes.among(_OPEN)) is not None:
        ends = ends.where(~still_open)
    for name, index, n in ends.sizes():
        series[name].finished.add(index, n)


def _count_answers(
    records: Records, names: IntArray, outcomes: Outcomes, series: Sequence[RequestSeries]
) -> None:
    """How they ended, and their bytes: with or without a latency."""
    for name, outcome, n in Pairs(names, outcomes.each).sizes():
        series[name].outcomes[Outcome(outcome)] += n
    for name, status, n in Pairs(names, records["status"].astype(np.int64)).sizes():
        if status:  # 0: no answer
            series[name].statuses[status] += n
    by_name = Groups(names)
    for name, n in by_name.totals(records["bytes_sent"]):
        series[name].bytes_sent += n
    for name, n in by_name.totals(records["bytes_received"]):
        series[name].bytes_received += n


def _count_latencies(
    records: Records,
    service: IntArray,
    starts: Pairs,
    outcomes: Outcomes,
    series: Sequence[RequestSeries],
    *,
    open_model: bool,
) -> None:
    response = service + records["delay"] if open_model else service
    for name, index, values in starts.histograms(service):
        series[name].service.add_slice(index, values)
    if open_model:
        for name, index, values in starts.histograms(response):
            series[name].response.add_slice(index, values)
    # What is known of those that were cut, apart: the others' latencies are theirs less these.
    if (cut := outcomes.among(_CUT)) is not None:
        for name, index, values in starts.where(cut).histograms(response[cut]):
            series[name].censored.add_slice(index, values)


def _count_phases(records: Records, names: IntArray, series: Sequence[RequestSeries]) -> None:
    by_name = Groups(names)
    for phase in ("sending", "waiting", "receiving"):
        for name, values in by_name.histograms(records[phase]):
            series[name].phase(phase).merge_sparse(values)


def count_iterations(
    records: Records, slicing: Slicing, series: IterationSeries, *, open_model: bool
) -> None:
    """Count iterations that ended by themselves."""
    slices = slicing.of(records["started"] - records["delay"])
    series.finished.add_each(slices)
    series.ended.add_each(slicing.of(records["started"] + records["service"]))
    series.failed.add_each(slices[records["failed"] != 0])
    series.service.add(slices, records["service"])
    if open_model:
        series.response.add(slices, records["service"] + records["delay"])
        series.start_delay.add(records["delay"])


class Outcomes:
    """How each record ended. Nearly all batches have few kinds of end: what none has is not looked for."""

    def __init__(self, each: IntArray) -> None:
        self.each = each
        self._kinds = frozenset(Groups(each).keys)

    def among(self, kinds: frozenset[Outcome]) -> npt.NDArray[np.bool_] | None:
        """Which records ended in one of these ways; None when none did."""
        found = self._kinds & kinds
        return np.isin(self.each, list(found)) if found else None

    def where(self, mask: npt.NDArray[np.bool_]) -> Outcomes:
        """Only these records' ends."""
        return Outcomes(self.each[mask])


class Pairs:
    """Groups of records by name and a number of theirs (a slice, an outcome, a status), as one small key."""

    def __init__(self, names: IntArray, numbers: IntArray) -> None:
        self._lowest = int(numbers.min()) if len(numbers) else 0
        self._span = int(numbers.max()) - self._lowest + 1 if len(numbers) else 1
        self._keys: IntArray = names * self._span + (numbers - self._lowest)
        self._groups = Groups(self._keys)

    def where(self, mask: npt.NDArray[np.bool_]) -> Pairs:
        """Only these records."""
        chosen = copy(self)
        chosen._keys = self._keys[mask]
        chosen._groups = Groups(chosen._keys)
        return chosen

    def sizes(self) -> Iterator[tuple[int, int, int]]:
        """The name's index, the number, how many records have both."""
        return self._unpacked(self._groups.sizes())

    def histograms(self, values_ns: IntArray) -> Iterator[tuple[int, int, SparseHistogram]]:
        """The name's index, the number, the distribution of a value of these records."""
        return self._unpacked(self._groups.histograms(values_ns))

    def _unpacked(self, keyed: Iterable[tuple[int, _T]]) -> Iterator[tuple[int, int, _T]]:
        """(key, figure) -> (the name's index, the number, the figure)."""
        return ((key // self._span, key % self._span + self._lowest, figure) for key, figure in keyed)
