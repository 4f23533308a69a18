"""What happened when: counts and latencies per slice of time. Owns the sparse storage of slices.

A slice is a fixed piece of the run, counted from 0 at the load's start. A thing belongs to the slice
in which it *was to start*: a slow request that began in the steady part is judged there, whenever it
ends, and so is an iteration that was due in the steady part and had to wait until after it.
A window is a tuple of half-open slice ranges, such as ``((30, 210),)``; ``None`` is the whole run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.groups import Groups
from pytest_loadtest.core.histogram import Histogram, IntArray
from pytest_loadtest.core.sparse import EXACT, SparseHistogram, exact_of

Window: TypeAlias = tuple[tuple[int, int], ...]


def in_window(index: int, window: Window | None) -> bool:
    """Whether slice `index` belongs to the window."""
    return window is None or any(first <= index < end for first, end in window)


def slices_in(window: Window | None, end: int) -> range | list[int]:
    """The slices of the window in order; of the whole run those below `end`."""
    if window is None:
        return range(end)
    return [index for first, last in window for index in range(first, last)]


def spans_of(slices: Sequence[int]) -> Window:
    """Slices in order as a window: neighbours are one range."""
    breaks = [index for index in range(1, len(slices)) if slices[index] != slices[index - 1] + 1]
    parts = zip([0, *breaks], [*breaks, len(slices)], strict=True)
    return tuple((slices[first], slices[end - 1] + 1) for first, end in parts if first < end)


def outside(window: Window, end: int) -> Window:
    """The slices below `end` that are not in the window, whose ranges are in order."""
    begins = [0, *(last for _, last in window)]
    ends = [*(first for first, _ in window), end]
    return tuple((first, last) for first, last in zip(begins, ends, strict=True) if first < min(last, end))


def _fewer(window: Window, end: int) -> tuple[list[int], bool]:
    """The slices below `end` in the window, or those outside if they are fewer; which of both.

    Budgets are looked at each second of a run of hours; a window is nearly all of it, or its last seconds.
    """
    inside = tuple((first, min(last, end)) for first, last in window if first < end)
    rest = outside(inside, end)
    is_rest = _length(rest) < _length(inside)
    return list(slices_in(rest if is_rest else inside, end)), is_rest


def _length(window: Window) -> int:
    return sum(last - first for first, last in window)


class SliceCounts:
    """How many events each slice saw. Grows with the run's length only."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def add(self, index: int, n: int = 1) -> None:
        """Count `n` events in slice `index`."""
        self._counts[index] = self._counts.get(index, 0) + n

    def raise_to(self, index: int, n: int) -> None:
        """Of a level and not of events: the slice's highest is kept."""
        self._counts[index] = max(n, self._counts.get(index, 0))

    def hold(self, index: int, end: int) -> None:
        """Of a level: what slice `index` had, if anything was told of it, holds until before slice `end`."""
        if index in self:
            for later in range(index + 1, end):
                self.raise_to(later, self[index])

    def add_each(self, indices: IntArray) -> None:
        """Count one event in each of these slices."""
        for index, n in Groups(indices).sizes():
            self.add(index, n)

    def total(self, window: Window | None = None) -> int:
        """Events in the window."""
        if window is None:
            return sum(self._counts.values())
        slices, are_outside = _fewer(window, self.end)
        counted = sum(self._counts.get(index, 0) for index in slices)
        return self.total() - counted if are_outside else counted

    def values(self, first: int, end: int) -> IntArray:
        """The counts of the slices from `first` to before `end`."""
        return np.array([self._counts.get(index, 0) for index in range(first, end)], dtype=np.int64)

    @property
    def end(self) -> int:
        """The first slice behind all events."""
        return max(self._counts, default=-1) + 1

    def __deepcopy__(self, _memo: object) -> SliceCounts:
        twin = SliceCounts()
        twin._counts = self._counts.copy()
        return twin

    def merge(self, other: SliceCounts) -> None:
        """Add another one's events, slice by slice."""
        for index, n in other._counts.items():
            self.add(index, n)

    def __getitem__(self, index: int) -> int:
        return self._counts.get(index, 0)

    def __contains__(self, index: int) -> bool:
        """Whether anything was told of the slice."""
        return index in self._counts

    def __repr__(self) -> str:
        return f"<SliceCounts {self.total()} events in {len(self._counts)} slices>"


# Slices of a timeline that are kept unpacked: those that requests still fall into.
MOST_OPEN = 8


class LatencyTimeline:
    """One sparse histogram per slice. Those that nothing was added to for the longest time are packed.

    What comes late for a packed slice is kept apart from it until its turn comes again.
    """

    __slots__ = ("_old", "_open", "_packed")

    def __init__(self) -> None:
        self._open: dict[int, SparseHistogram] = {}  # what was added to last comes last
        self._packed: dict[int, bytes] = {}
        self._old = Histogram()  # all that is packed

    def add(self, indices: IntArray, values_ns: IntArray) -> None:
        """Record each value in its slice. Both arrays have the same length."""
        for index, values in Groups(indices).histograms(values_ns):
            self.add_slice(index, values)

    def add_slice(self, index: int, values: SparseHistogram) -> None:
        """Record values of one slice. They may be kept: the caller leaves them alone from now on."""
        mine = self._open.pop(index, None)
        if mine is not None:
            mine.merge(values)
        self._open[index] = values if mine is None else mine
        if len(self._open) > MOST_OPEN:
            self._pack_one()

    def _pack_one(self) -> None:
        index = next(iter(self._open))
        values = self._open.pop(index)
        self._old.merge_sparse(values)
        if index in self._packed:
            values.merge(SparseHistogram.unpack(self._packed[index]))
        self._packed[index] = values.pack()

    def _parts(self, index: int) -> Iterator[SparseHistogram]:
        """What there is of a slice, to be read only: nothing, one part, or a packed one and late values."""
        if index in self._packed:
            yield SparseHistogram.unpack(self._packed[index])
        if index in self._open:
            yield self._open[index]

    def _slices(self, window: Window | None = None) -> list[int]:
        """The slices of the window that have values, in order."""
        return sorted(index for index in self._packed.keys() | self._open if in_window(index, window))

    def histogram(self, window: Window | None = None) -> Histogram:
        """The latencies of the window as one histogram, which the caller may keep and merge into."""
        merged = Histogram()
        if window is None:
            merged.merge(self._old)
            for part in self._open.values():
                merged.merge_sparse(part)
            return merged
        slices, are_outside = _fewer(window, self.end)
        for index in slices:
            for part in self._parts(index):
                merged.merge_sparse(part)
        return self._without(merged, window) if are_outside else merged

    def _without(self, part: Histogram, window: Window) -> Histogram:
        """The values of the window: all but `part`."""
        rest = self.histogram().without(part)
        if rest.n and part.n and (part.min == rest.min or part.max == rest.max):  # perhaps the part's alone
            _, kept = self.exact(slices_in(window, 0))
            rest.min, rest.max = int(kept["min"].min()), int(kept["max"].max())
        return rest if rest.n else Histogram()

    def at(self, index: int) -> SparseHistogram | None:
        """The values of one slice, to be read only; None if it has none."""
        parts = [*self._parts(index)]
        return _together(parts) if parts else None

    def exact(self, slices: Iterable[int]) -> tuple[IntArray, npt.NDArray[np.void]]:
        """For each part of these slices its slice, and its number, sum and extremes. Nothing is unpacked."""
        chosen = list(slices)
        packed = [index for index in chosen if index in self._packed]
        late = [index for index in chosen if index in self._open]
        values = [self._open[index] for index in late]
        unpacked = np.array([(each.n, 0, each.sum, each.min, each.max) for each in values], dtype=EXACT)
        parts = exact_of(self._packed[index] for index in packed)
        return np.array(packed + late, dtype=np.int64), np.concatenate((parts, unpacked))

    def packed_rows(self, length: int) -> Iterator[tuple[int, bytes]]:
        """The latencies of each `length` slices in a row, packed, with the row's number; rows with any."""
        for row, indices in groupby(self._slices(), lambda index: index // length):
            match list(indices):
                case [index] if index in self._packed and index not in self._open:
                    yield row, self._packed[index]
                case several:
                    yield row, _together([part for index in several for part in self._parts(index)]).pack()

    @property
    def end(self) -> int:
        """The first slice behind all values."""
        return max(max(self._open, default=-1), max(self._packed, default=-1)) + 1

    def total(self, window: Window | None = None) -> int:
        """Values in the window."""
        if window is None:
            return self._old.n + sum(values.n for values in self._open.values())
        slices, are_outside = _fewer(window, self.end)
        counted = int(self.exact(slices)[1]["n"].sum())
        return self.total() - counted if are_outside else counted

    def __deepcopy__(self, memo: dict[int, Any]) -> LatencyTimeline:
        """Cheap: what is packed, and the arrays of the rest, are never written to."""
        twin = LatencyTimeline()
        twin._open = {index: replace(values) for index, values in self._open.items()}
        twin._packed = self._packed.copy()
        twin._old = deepcopy(self._old, memo)
        return twin

    def merge(self, other: LatencyTimeline) -> None:
        """Add another timeline's values, slice by slice."""
        theirs = [(index, replace(values)) for index, values in other._open.items()]
        for index, packed in list(other._packed.items()):
            self.add_slice(index, SparseHistogram.unpack(packed))
        for index, values in theirs:
            self.add_slice(index, values)

    def __repr__(self) -> str:
        return f"<LatencyTimeline {self.total()} values in {len(self._slices())} slices>"


def _together(parts: Sequence[SparseHistogram]) -> SparseHistogram:
    """One histogram of one or more, which stay as they are."""
    if len(parts) == 1:
        return parts[0]
    whole = replace(parts[0])
    for part in parts[1:]:
        whole.merge(part)
    return whole


def values_of(timelines: Iterable[LatencyTimeline], slices: Iterable[int]) -> Histogram:
    """The latencies of a few slices, of several timelines together."""
    together = Histogram()
    chosen = list(slices)
    for timeline in timelines:
        for index in chosen:
            if (values := timeline.at(index)) is not None:
                together.merge_sparse(values)
    return together
