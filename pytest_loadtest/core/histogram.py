"""Latencies in buckets: record, merge, read quantiles. Owns the bucket layout and its error bound.

Fixed log-linear buckets on integer nanoseconds: 128 per octave, 33 octaves from 2^9 ns (512 ns to
4398 s). A value stands for its bucket as the harmonic mean of the bucket's edges, 2ab/(a+b), which
is off by at most 1/257 = 0.389 % relative. Values below and above are counted apart. Beside the
buckets stand the exact count, sum, smallest and largest value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pytest_loadtest.core.sparse import SparseHistogram

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
    return slots


def lower_edge(bucket: int) -> int:
    """The smallest value in ns that falls into bucket 0 <= i < BUCKETS; for i = BUCKETS, HIGHEST_NS."""
    octave, sub_bucket = divmod(bucket, 1 << SUB_BUCKET_BITS)
    return ((1 << SUB_BUCKET_BITS) + sub_bucket) << (LOWEST_OCTAVE + octave - SUB_BUCKET_BITS)


def value_in(slot: int, smallest: int, largest: int) -> float:
    """What a value of this slot reads as, in ns: its bucket's middle, within its histogram's extremes."""
    if slot == UNDERFLOW:
        return float(smallest)
    if slot == OVERFLOW:
        return float(largest)
    low, high = lower_edge(slot - 1), lower_edge(slot)
    return float(min(max(2 * low * high / (low + high), smallest), largest))


def rank_of(share: float, n: int) -> int:
    """Which of `n` ascending values, counted from 1, is the first that `share` of them do not exceed.

    Exact on the decimal that was written: 0.95 of 20 is 19, not the 20 that ceil(0.95 * 20) may give.
    """
    return max(1, math.ceil(Fraction(repr(float(share))) * n))


class Histogram:
    """A mergeable latency distribution. 34 kB, whatever the number of values; next to nothing when empty."""

    __slots__ = ("counts", "max", "min", "n", "sum")

    def __init__(self) -> None:
        self.counts: IntArray = _NO_COUNTS
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
        self._own_counts()
        self.counts += np.bincount(slot_of(values_ns), minlength=SLOTS)
        self._extend(len(values_ns), int(values_ns.sum()), int(values_ns.min()), int(values_ns.max()))

    def merge(self, other: Histogram) -> None:
        """Add another histogram's values: exact, in any order."""
        if not other.n:
            return
        self._own_counts()
        self.counts += other.counts
        self._extend(other.n, other.sum, other.min, other.max)

    def merge_sparse(self, other: SparseHistogram) -> None:
        """Add the values of a sparse histogram."""
        self._own_counts()
        self.counts[other.slots] += other.counts
        self._extend(other.n, other.sum, other.min, other.max)

    def __deepcopy__(self, _memo: object) -> Histogram:
        """Empty ones go on sharing what they share."""
        twin = Histogram()
        twin.merge(self)
        return twin

    def without(self, part: Histogram) -> Histogram:
        """The values that are not of `part`, which was merged into this one. `min` and `max` stay: bounds."""
        rest = Histogram()
        rest.counts = self.counts - part.counts
        rest.n, rest.sum = self.n - part.n, self.sum - part.sum
        rest.min, rest.max = self.min, self.max
        return rest

    def _own_counts(self) -> None:
        if self.counts is _NO_COUNTS:
            self.counts = np.zeros(SLOTS, dtype=np.int64)

    def _extend(self, n: int, total: int, low: int, high: int) -> None:
        self.min = low if not self.n else min(self.min, low)
        self.max = high if not self.n else max(self.max, high)
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
        What is below the buckets reads as the smallest value, what is above them as the largest.
        """
        total = self.n + beyond
        if not total:
            return math.nan
        rank = rank_of(share, total)
        if rank > self.n:
            return math.inf
        slot = int(np.searchsorted(np.cumsum(self.counts), rank))
        return value_in(slot, self.min, self.max)

    def above(self, value_ns: float) -> int:
        """How many values are in buckets above that of `value_ns`."""
        return int(self.counts[int(slot_of(np.array([value_ns]))[0]) + 1 :].sum())

    def bounds(self, low_share: float, high_share: float, *, beyond: int = 0) -> tuple[float, float]:
        """From the lower edge of the bucket of one quantile to the upper edge of the other's, in ns.

        The upper one is infinite if it falls among the `beyond`, or beyond all values.
        """
        total = self.n + beyond
        ranks = (max(1, math.ceil(low_share * total)), math.ceil(high_share * total))
        cumulated = np.cumsum(self.counts)
        low_slot, high_slot = (int(np.searchsorted(cumulated, rank)) for rank in ranks)
        low = math.inf if ranks[0] > self.n else self._edge(low_slot, upper=False)
        high = math.inf if ranks[1] > self.n or high_share >= 1 else self._edge(high_slot, upper=True)
        return low, high

    def _edge(self, slot: int, *, upper: bool) -> float:
        if slot == UNDERFLOW and not upper:
            return float(self.min)
        if slot == OVERFLOW and upper:
            return float(self.max)
        edge = lower_edge(slot - 1 + upper)
        return float(min(edge, self.max) if upper else max(edge, self.min))

    def __repr__(self) -> str:
        return f"<Histogram n={self.n} min={self.min} max={self.max}>"


# What every empty histogram shares until its first value: a series has several that stay empty.
_NO_COUNTS: IntArray = np.zeros(SLOTS, dtype=np.int64)
_NO_COUNTS.flags.writeable = False
