"""When the iterations of an open model arrive. Pure: it waits for nothing and gives them to nobody.

With L(t) the integral of the rate, in arrivals, constant arrivals are at L(t) = 0, 1, 2, ...; Poisson
arrivals are where L(t) is a sum of unit exponentials (inversion of the integrated rate). These values of
L(t) are called *marks*. They do not depend on the profile: it only says when each of them is reached.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import count

from pytest_loadtest.core.profile import Profile
from pytest_loadtest.core.units import NS_PER_S

# In arrivals: more than the rounding errors of rate x time add up to (2e-16 of some million arrivals),
# far less than one arrival. Without it 31/m for a minute makes a 32nd arrival, at the very end.
_AREA_ERROR = 1e-6


class ArrivalTimes:
    """The arrivals one after the other: `due_ns` is that of the next one until `advance` is called.

    Between two calls the profile may be exchanged for a longer one that was the same until now.
    """

    def __init__(self, marks: Iterator[float]) -> None:
        self._marks = marks
        self._mark = next(marks)
        self._profile: Profile | None = None
        self._segments: Iterator[tuple[int, int, float, float]] = iter(())
        self._begins, self._low, self._high, self._seconds = 0, 0.0, 0.0, 0.0
        self._passed = self._ends_at = 0.0  # L at the segment's beginning and at its end

    def advance(self) -> None:
        """That one has arrived."""
        self._mark = next(self._marks)

    def due_ns(self, profile: Profile) -> int | None:
        """When the next one arrives; None when the profile ends before it does."""
        if profile is not self._profile:
            self._profile, self._segments, self._ends_at = profile, profile.segments(), 0.0
        while self._mark >= self._ends_at - _AREA_ERROR:
            if not self._next_segment():
                return None
        area = self._mark - self._passed
        return self._begins + round(_time_of_area(area, self._low, self._high, self._seconds) * NS_PER_S)

    def _next_segment(self) -> bool:
        segment = next(self._segments, None)
        if segment is None:
            return False
        self._begins, ends, self._low, self._high = segment
        self._seconds = (ends - self._begins) / NS_PER_S
        self._passed = self._ends_at
        self._ends_at += (self._low + self._high) / 2 * self._seconds
        return True


def constant_marks() -> Iterator[float]:
    """One arrival per unit of area."""
    return count(0.0)


def poisson_marks(rng: random.Random) -> Iterator[float]:
    """As many on average, each independent of the others."""
    mark = 0.0
    while True:
        mark += rng.expovariate(1.0)
        yield mark


def _time_of_area(area: float, low: float, high: float, seconds: float) -> float:
    """The t at which the integral of a level going from `low` to `high` in `seconds` is `area`.

    Solves low t + (high - low) / (2 seconds) t^2 = area in the form that does not cancel.
    """
    if area <= 0:  # on the border of two segments, give or take the error of a float
        return 0.0
    slope = (high - low) / seconds
    root = math.sqrt(max(0.0, low * low + 2 * slope * area))
    return 2 * area / (low + root)
