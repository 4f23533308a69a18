"""Whole numbers as few bytes: 7 bits a byte, the lowest first, the high bit says that more follow (LEB128).

Small numbers, which most counts and gaps are, take one byte each. Owns the form, not the meaning.
"""

from __future__ import annotations

import numpy as np

from pytest_loadtest.core.histogram import IntArray

_MOST_BYTES = 9  # 63 bits: an int64 that is not negative


def to_varints(numbers: IntArray) -> bytes:
    """Numbers, none of them negative, one after the other."""
    largest = int(numbers.max(initial=0))
    if largest < 128:
        return numbers.astype(np.uint8).tobytes()
    width = -(-largest.bit_length() // 7)
    rests = numbers[:, np.newaxis] >> (7 * np.arange(width))
    is_used = rests > 0
    is_used[:, 0] = True
    septets = rests & 127
    septets[:, :-1] |= is_used[:, 1:].astype(np.int64) << 7
    return septets[is_used].astype(np.uint8).tobytes()


def from_varints(data: bytes) -> IntArray:
    """The numbers that `to_varints` was given. Raises ValueError for bytes that it never made."""
    septets = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(septets < 128)
    if len(ends) == len(septets):
        return septets.astype(np.int64)
    if not len(ends) or ends[-1] != len(septets) - 1:
        raise ValueError("the last number is cut off")
    starts = np.concatenate(([0], ends[:-1] + 1))
    places = np.arange(len(septets)) - np.repeat(starts, ends - starts + 1)
    if places.max() >= _MOST_BYTES:
        raise ValueError("a number has more than 63 bits")
    numbers: IntArray = np.add.reduceat((septets & 127).astype(np.int64) << (7 * places), starts)
    return numbers
