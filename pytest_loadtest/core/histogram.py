"""Latencies in buckets: record, merge, read quantiles. Owns the bucket layout and its error bound.

Fixed log-linear buckets on integer nanoseconds: 128 per octave, 33 octaves from 2^9 ns (512 ns to
4398 s). A value stands for its bucket as the harmonic mean of the bucket's edges, 2ab/(a+b), which
is off by at most 1/257 = 0.389 % relative. Values below and above are counted apart. Beside the
buckets stand the exact count, sum, smallest and largest value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt

SUB_BUCKET_BITS = 7
LOWEST_OCTAVE = 9  # 2^9 ns: nothing that crosses a socket is faster
OCTAVES = 33
BUCKETS = OCTAVES << SUB_BUCKET_BITS
LOWEST_NS = 1 << LOWEST_OCTAVE
HIGHEST_NS = 1 << (LOWEST_OCTAVE + OCTAVES)  # exclusive: 4398 s

# Slot 0 counts what is below the buckets, the last slot what is above; bucket i is slot i + 1.
SLOTS = BUCKETS + 2
UNDERFLOW = 0
OVERFLOW = SLOTS - 1

# The exponent and the top 7 mantissa bits of a float64 are the octave and the sub-bucket.
_MANTISSA_SHIFT = 52 - SUB_BUCKET_BITS
_BIAS = int(np.float64(LOWEST_NS).view(np.int64)) >> _MANTISSA_SHIFT

IntArray = npt.NDArray[np.int64]


def slot_of(values_ns: IntArray) -> IntArray:
    """The slot of each value. Exact for values below 2^53 ns, which is 104 days."""
    buckets = (values_ns.astype(np.float64).view(np.int64) >> _MANTISSA_SHIFT) - _BIAS
    slots: IntArray = np.clip(buckets + 1, UNDERFLOW, OVERFLOW)
    slots[values_ns < LOWEST_NS] = UNDERFLOW
    return slots


def lower_edge(bucket: int) -> int:
    """The smallest value in ns that falls into bucket 0 <= i < BUCKETS."""
    octave, sub_bucket = divmod(bucket, 1 << SUB_BUCKET_BITS)
    return ((1 << SUB_BUCKET_BITS) + sub_bucket) << (LOWEST_OCTAVE + octave - SUB_BUCKET_BITS)


class Histogram:
    """A mergeable latency distribution. 34 kB, whatever the number of values."""

    __slots__ = ("counts", "max", "min", "n", "sum")

    def __init__(self) -> None:
        self.counts: IntArray = np.zeros(SLOTS, dtype=np.int64)
        self.n = 0
        self.sum = 0
        self.min = 0
        self.max = 0

    @classmethod
    def of(cls, values_ns: Iterable[int]) -> Self:
        """A histogram of these values."""
        histogram = cls()
        histogram.add(np.fromiter(values_ns, dtype=np.int64))
        return histogram

    def add(self, values_ns: IntArray) -> None:
        """Count these values."""
        if not len(values_ns):
            return
        self.counts += np.bincount(slot_of(values_ns), minlength=SLOTS)
        self._extend(len(values_ns), int(values_ns.sum()), int(values_ns.min()), int(values_ns.max()))

    def merge(self, other: Histogram) -> None:
        """Add another histogram's values: exact, in any order."""
        self.counts += other.counts
        self._extend(other.n, other.sum, other.min, other.max)

    def merge_slots(self, slots: IntArray, counts: IntArray, n: int, total: int, low: int, high: int) -> None:
        """Add values that are known by their slots, with their exact count, sum, minimum and maximum."""
        self.counts[slots] += counts
        self._extend(n, total, low, high)

    def _extend(self, n: int, total: int, low: int, high: int) -> None:
        if not n:
            return
        self.min = low if not self.n else min(self.min, low)
        self.max = max(self.max, high)
        self.n += n
        self.sum += total

    @property
    def mean(self) -> float:
        """Exact mean in ns; nan without values."""
        return self.sum / self.n if self.n else math.nan

    def quantile(self, share: float, *, beyond: int = 0) -> float:
        """The value in ns that `share` of all values do not exceed; nan without values.

        `beyond` values more are taken as larger than every recorded one: iterations that never
        started, requests that nobody saw the end of. If the quantile falls among them, it is infinite.
        """
        total = self.n + beyond
        if not total:
            return math.nan
        rank = max(1, math.ceil(round(share * total, 9)))  # round: 0.95 * 20 is 19, not 19.000000000000004
        if rank > self.n:
            return math.inf
        slot = int(np.searchsorted(np.cumsum(self.counts), rank))
        return self._value_of(slot)

    def _value_of(self, slot: int) -> float:
        if slot == UNDERFLOW:
            return float(self.min)
        if slot == OVERFLOW:
            return float(self.max)
        low, high = lower_edge(slot - 1), lower_edge(slot)
        return min(max(2 * low * high / (low + high), self.min), self.max)

    def __repr__(self) -> str:
        return f"<Histogram n={self.n} min={self.min} max={self.max}>"
