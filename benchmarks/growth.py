"""Does memory grow with the number of requests? Pure: points in, bytes per request out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    mean_requests = sum(point.requests for point in warm) / len(warm)
    mean_bytes = sum(point.resident_bytes for point in warm) / len(warm)
    covariance = sum((p.requests - mean_requests) * (p.resident_bytes - mean_bytes) for p in warm)
    variance = sum((p.requests - mean_requests) ** 2 for p in warm)
    return covariance / variance
