"""Does memory grow, with the number of requests or with time? Pure: points in, slopes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

CHECKPOINTS = 10
WARM_UP = 0.2  # of the requests: caches and buffers fill up at first, and that is not growth


@dataclass(frozen=True)
class Point:
    """Memory at one moment of a run."""

    at_seconds: float
    requests: int
    resident_bytes: int


def checkpoints(points: Sequence[Point], requests: int) -> list[Point]:
    """The first point at or after each tenth of the requests, and the last of all."""
    marks = [requests * number / CHECKPOINTS for number in range(1, CHECKPOINTS)]
    chosen = [next((point for point in points if point.requests >= mark), points[-1]) for mark in marks]
    return list(dict.fromkeys([*chosen, points[-1]]))


def growth_per_request(points: Sequence[Point]) -> float:
    """Slope of the least-squares line through the points after the warm-up, in bytes per request.

    Points at the last request are left out: there the run is over, and its report is being made.
    """
    total = points[-1].requests
    warm = [point for point in points if WARM_UP * total <= point.requests < total]
    if len(warm) < 2:
        raise ValueError("too few points to see growth")
    line = linear_regression([point.requests for point in warm], [point.resident_bytes for point in warm])
    return line.slope


@dataclass(frozen=True)
class Flatness:
    """Memory over a span of time."""

    seconds: float
    slope: float  # bytes per second, of the least-squares line
    lowest: int
    highest: int

    @property
    def rise(self) -> float:
        """What the line rises by over the whole span."""
        return self.slope * self.seconds

    @property
    def spread(self) -> int:
        return self.highest - self.lowest


def flatness(points: Sequence[Point]) -> Flatness:
    """Of all these points: the caller has left out what is not to be judged."""
    if len(points) < 2:
        raise ValueError("too few points to see growth")
    resident = [point.resident_bytes for point in points]
    line = linear_regression([point.at_seconds for point in points], resident)
    seconds = points[-1].at_seconds - points[0].at_seconds
    return Flatness(seconds, line.slope, min(resident), max(resident))
