"""What happened when: counts and latencies per slice of time. Owns the sparse storage of slices.

A slice is a fixed piece of the run, counted from 0 at the load's start. A thing belongs to the slice
in which it *started*: a slow request that began in the steady part is judged there, whenever it ends.
A window is a tuple of half-open slice ranges, such as ``((30, 210),)``; ``None`` is the whole run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.histogram import SLOTS, Histogram, IntArray, slot_of

Window: TypeAlias = tuple[tuple[int, int], ...]


def in_window(index: int, window: Window | None) -> bool:
    """Whether slice `index` belongs to the window."""
    return window is None or any(first <= index < end for first, end in window)


class SliceCounts:
    """How many events each slice saw. Grows with the run's length only."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def add(self, index: int, n: int = 1) -> None:
        """Count `n` events in slice `index`."""
        self._counts[index] = self._counts.get(index, 0) + n

    def add_each(self, indices: IntArray) -> None:
        """Count one event in each of these slices."""
        for index, n in zip(*np.unique(indices, return_counts=True), strict=True):
            self.add(int(index), int(n))

    def total(self, window: Window | None = None) -> int:
        """Events in the window."""
        if window is None:
            return sum(self._counts.values())
        return sum(n for index, n in self._counts.items() if in_window(index, window))

    def merge(self, other: SliceCounts) -> None:
        """Add another one's events, slice by slice."""
        for index, n in other._counts.items():
            self.add(index, n)

    def __getitem__(self, index: int) -> int:
        return self._counts.get(index, 0)

    def __repr__(self) -> str:
        return f"<SliceCounts {self.total()} events in {len(self._counts)} slices>"


@dataclass(slots=True)
class _Slice:
    """One slice's latencies: non-empty slots with their counts, and the exact sums. About 10 bytes a slot."""

    slots: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.uint32]
    n: int
    sum: int
    min: int
    max: int

    def merge(self, other: _Slice) -> None:
        slots, where = np.unique(np.concatenate((self.slots, other.slots)), return_inverse=True)
        counts = np.zeros(len(slots), dtype=np.uint32)
        np.add.at(counts, where, np.concatenate((self.counts, other.counts)))
        self.slots, self.counts = slots, counts
        self.min, self.max = min(self.min, other.min), max(self.max, other.max)
        self.n += other.n
        self.sum += other.sum


class LatencyTimeline:
    """One histogram per slice, kept sparse: some hundred non-empty slots of 4226 each."""

    __slots__ = ("_slices", "_total")

    def __init__(self) -> None:
        self._slices: dict[int, _Slice] = {}
        self._total = Histogram()

    def add(self, indices: IntArray, values_ns: IntArray) -> None:
        """Record each value in its slice. Both arrays have the same length."""
        if not len(values_ns):
            return
        self._total.add(values_ns)
        slots = slot_of(values_ns)
        first, last = int(indices.min()), int(indices.max())
        if first == last:
            self._add_slice(first, slots, values_ns)
            return
        for index in np.unique(indices):
            mask = indices == index
            self._add_slice(int(index), slots[mask], values_ns[mask])

    def _add_slice(self, index: int, slots: IntArray, values_ns: IntArray) -> None:
        dense = np.bincount(slots, minlength=SLOTS)
        used = np.flatnonzero(dense)
        self._merge_slice(
            index,
            _Slice(
                used.astype(np.uint16),
                dense[used].astype(np.uint32),
                len(values_ns),
                int(values_ns.sum()),
                int(values_ns.min()),
                int(values_ns.max()),
            ),
        )

    def _merge_slice(self, index: int, piece: _Slice) -> None:
        mine = self._slices.get(index)
        if mine is None:
            self._slices[index] = piece
        else:
            mine.merge(piece)

    def histogram(self, window: Window | None = None) -> Histogram:
        """The latencies of the window as one histogram, which the caller may keep and merge into."""
        merged = Histogram()
        if window is None:
            merged.merge(self._total)
            return merged
        for index, piece in self._slices.items():
            if in_window(index, window):
                slots = piece.slots.astype(np.int64)
                merged.merge_slots(
                    slots, piece.counts.astype(np.int64), piece.n, piece.sum, piece.min, piece.max
                )
        return merged

    def merge(self, other: LatencyTimeline) -> None:
        """Add another timeline's values, slice by slice."""
        self._total.merge(other._total)
        for index, piece in other._slices.items():
            copy = _Slice(piece.slots, piece.counts, piece.n, piece.sum, piece.min, piece.max)
            self._merge_slice(index, copy)

    @property
    def n(self) -> int:
        """All values recorded."""
        return self._total.n

    def __repr__(self) -> str:
        return f"<LatencyTimeline {self.n} values in {len(self._slices)} slices>"
