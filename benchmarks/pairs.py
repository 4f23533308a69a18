"""Two things measured in turn, in pairs: the median ratio, and how sure it is. Pure.

Must not know what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

ONE_IN = 40  # chances that the true median lies below the interval, and as many above: 95 % are inside
FEWEST_PAIRS = 6  # the fewest whose smallest and largest enclose the median with 95 %
LEFT_OUT = 2  # pairs at the beginning: users connect, caches fill up


@dataclass(frozen=True)
class Piece:
    """A span of a load, with what is judged (`measured`) or without."""

    measured: bool
    requests: int
    wall_ns: int
    cpu_ns: int

    @property
    def rate(self) -> float:
        return self.requests / self.wall_ns

    @property
    def cpu_per_request(self) -> float:
        return self.cpu_ns / self.requests


@dataclass(frozen=True)
class Ratio:
    """The median over the pairs, and an interval that contains it with 95 %."""

    middle: float
    low: float
    high: float
    pairs: int


def pieces_of(lines: Sequence[Mapping[str, int]]) -> list[Piece]:
    return [
        Piece(bool(each["measured"]), each["requests"], each["wall_ns"], each["cpu_ns"]) for each in lines
    ]


def pairs_of(pieces: Sequence[Piece]) -> list[tuple[Piece, Piece]]:
    """Neighbours, the one with first; without the load's beginning. A ValueError if they are too few."""
    pairs = list(_neighbours(pieces))[LEFT_OUT:]
    if len(pairs) < FEWEST_PAIRS:
        raise ValueError(f"{len(pairs)} pairs are too few for an interval")
    return pairs


def _neighbours(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, Piece]]:
    for first, second in zip(pieces[::2], pieces[1::2], strict=False):
        if first.measured == second.measured or not first.requests or not second.requests:
            raise ValueError(f"not a pair with and without, both with requests: {first}, {second}")
        yield (first, second) if first.measured else (second, first)


def ratio_of(values: Sequence[float]) -> Ratio:
    """The median and, from the order alone, its interval: no distribution is supposed."""
    ascending = sorted(values)
    rank = interval_rank(len(ascending))
    return Ratio(median(ascending), ascending[rank - 1], ascending[-rank], len(ascending))


def interval_rank(n: int) -> int:
    """The rank k, from 1, so that the k-th smallest and the k-th largest of n enclose the median with 95 %.

    k values or fewer lie below the median with the binomial probability sum(C(n, i), i < k) / 2^n.
    """
    below, rank = 1, 1
    while (below := below + math.comb(n, rank)) * ONE_IN <= 2**n:
        rank += 1
    return rank
