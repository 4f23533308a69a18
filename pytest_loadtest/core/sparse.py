"""A latency distribution as its non-empty slots only: what one slice of a run keeps, and how it travels.

Owns the packed form: exact number, sum, smallest and largest value, then gaps between slots and counts as
varints, deflated. 5000 log-normal latencies (sigma 0.6) take 0.43 kB so, and 3.6 kB as arrays; packing and
unpacking take some 20 us each.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.histogram import SLOTS, Histogram
from pytest_loadtest.core.varints import from_varints, to_varints

# n, lowest slot, sum, min, max: not deflated, so that they can be read without the slots.
_HEADER = struct.Struct("<IHqqq")
EXACT = np.dtype([("n", "<u4"), ("lowest", "<u2"), ("sum", "<i8"), ("min", "<i8"), ("max", "<i8")])
_CHECKSUM = struct.Struct("<I")
_LONGEST_BODY = SLOTS * (2 + 5)  # bytes: a gap is below 2^14, a count below 2^32


@dataclass(slots=True)
class SparseHistogram:
    """Non-empty slots, ascending, with their counts: 6 bytes a slot."""

    slots: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.uint32]
    n: int
    sum: int
    min: int
    max: int

    @classmethod
    def of(cls, dense: Histogram) -> Self:
        """The same values."""
        used = np.flatnonzero(dense.counts)
        counts = dense.counts[used].astype(np.uint32)
        return cls(used.astype(np.uint16), counts, dense.n, dense.sum, dense.min, dense.max)

    def merge(self, other: SparseHistogram) -> None:
        """Add another one's values. Arrays are replaced, never written to: they may be shared."""
        if not other.n:
            return
        if not self.n:
            self.slots, self.counts, self.min, self.max = other.slots, other.counts, other.min, other.max
        else:
            self._merge_slots(other)
            self.min, self.max = min(self.min, other.min), max(self.max, other.max)
        self.n += other.n
        self.sum += other.sum

    def _merge_slots(self, other: SparseHistogram) -> None:
        """By a table of the slots between the outermost: sorting takes three times as long."""
        lowest = min(self.slots[0], other.slots[0])
        highest = max(self.slots[-1], other.slots[-1])
        table = np.zeros(int(highest - lowest) + 1, dtype=np.uint32)
        table[self.slots - lowest] = self.counts
        table[other.slots - lowest] += other.counts
        used = np.flatnonzero(table)
        self.slots, self.counts = used.astype(np.uint16) + lowest, table[used]

    # -- packed -----------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """As bytes, for `unpack`."""
        lowest = int(self.slots[0]) if len(self.slots) else 0
        numbers = np.concatenate((self.slots, self.counts), dtype=np.int64)
        numbers[: len(self.slots)] -= np.concatenate(([lowest], self.slots[:-1]))
        body = to_varints(numbers)
        return _HEADER.pack(self.n, lowest, self.sum, self.min, self.max) + _deflate(body)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """The histogram that `pack` was called on."""
        n, lowest, total, low, high = _HEADER.unpack_from(packed)
        numbers = from_varints(_inflate(packed[_HEADER.size :]))
        gaps, counts = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
        slots = (np.cumsum(gaps) + lowest).astype(np.uint16)
        return cls(slots, counts.astype(np.uint32), n, total, low, high)

    def encode(self) -> str:
        """As text, for `decode`."""
        return as_text(self.pack())

    @classmethod
    def decode(cls, text: str) -> Self:
        """The histogram that `encode` was called on. Raises ValueError for any other text."""
        try:
            data = base64.b64decode(text, validate=True)
            (checksum,) = _CHECKSUM.unpack_from(data)
            packed = data[_CHECKSUM.size :]
            if zlib.crc32(packed) != checksum or base64.b64encode(data).decode("ascii") != text:
                raise ValueError("its checksum is another")
            histogram = cls.unpack(packed)
            histogram._check()
        except (binascii.Error, struct.error, zlib.error, ValueError) as error:
            raise ValueError(f"damaged histogram: {error}") from error
        return histogram

    def _check(self) -> None:
        """Raises ValueError for what no values make."""
        slots = self.slots.astype(np.int64)
        if len(slots) != len(self.counts) or slots.max(initial=0) >= SLOTS or (np.diff(slots) <= 0).any():
            raise ValueError("its slots are not ascending")
        if not self.counts.all() or int(self.counts.sum(dtype=np.int64)) != self.n:
            raise ValueError("its counts do not add up")


def as_text(packed: bytes) -> str:
    """What `SparseHistogram.encode` makes, of what is packed already."""
    return base64.b64encode(_CHECKSUM.pack(zlib.crc32(packed)) + packed).decode("ascii")


def exact_of(packed: Iterable[bytes]) -> npt.NDArray[np.void]:
    """An `EXACT` for each: what stands undeflated in what `SparseHistogram.pack` has made."""
    return np.frombuffer(b"".join(each[: _HEADER.size] for each in packed), dtype=EXACT)


def _deflate(body: bytes) -> bytes:
    """Runs of equal gaps and few different counts are all there is to find: RLE is smaller and no slower."""
    deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return deflater.compress(body) + deflater.flush()


def _inflate(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    body = inflater.decompress(deflated, _LONGEST_BODY)
    if not inflater.eof or inflater.unused_data:
        raise ValueError("more or less than a histogram")
    return body
