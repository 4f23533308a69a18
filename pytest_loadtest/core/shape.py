"""How much load at which time. Owns the closed and the open model's shapes as pure functions of time.

Time is ns since the load's start. A *level* is a number of virtual users (closed model) or a rate of
arrivals per second (open model); between two points it changes linearly.
"""

from __future__ import annotations

import enum
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Self

from pytest_loadtest.core.units import NS_PER_S

DEFAULT_GRACEFUL_STOP_NS = 30 * NS_PER_S
# As long as k6 gives a test that is limited by iterations before it is stopped.
DEFAULT_ITERATIONS_TIME_NS = 600 * NS_PER_S
# Enough users for a mean response time of 2 s (Little's law: users = rate x time), and not fewer than 10.
DEFAULT_RESPONSE_TIME_S = 2
FEWEST_OPEN_VUS = 10
MOST_DEFAULT_OPEN_VUS = 1000
# In arrivals: more than the rounding errors of rate x time add up to (2e-16 of some million arrivals),
# far less than one arrival. Without it 31/m for a minute makes a 32nd arrival, at the very end.
_AREA_ERROR = 1e-6


class Arrivals(enum.StrEnum):
    """How an open model spaces its arrivals."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of the shape: within `duration_ns` the level goes linearly to `target`."""

    duration_ns: int
    target: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A level over time: where it starts, and its stages."""

    stages: tuple[Stage, ...]
    start: float = 0

    @classmethod
    def plateau(cls, level: float, duration_ns: int, ramp_up_ns: int = 0, ramp_down_ns: int = 0) -> Self:
        """A ramp up, `duration_ns` at the level, a ramp down: the ramps come on top of the duration."""
        stages = [Stage(duration_ns, level)]
        if ramp_up_ns:
            stages.insert(0, Stage(ramp_up_ns, level))
        if ramp_down_ns:
            stages.append(Stage(ramp_down_ns, 0))
        return cls(tuple(stages), start=0 if ramp_up_ns else level)

    @property
    def duration_ns(self) -> int:
        """How long all stages take."""
        return sum(stage.duration_ns for stage in self.stages)

    @property
    def peak(self) -> float:
        """The highest level."""
        return max([self.start, *(stage.target for stage in self.stages)])

    def segments(self) -> Iterator[tuple[int, int, float, float]]:
        """Each stage as (begins, ends, level at the beginning, level at the end)."""
        begins, level = 0, self.start
        for stage in self.stages:
            ends = begins + stage.duration_ns
            yield begins, ends, level, stage.target
            begins, level = ends, stage.target

    def level_at(self, time_ns: int) -> float:
        """The level at a time; 0 after the end."""
        for begins, ends, low, high in self.segments():
            if begins <= time_ns < ends:
                return low + (high - low) * (time_ns - begins) / (ends - begins)
        return 0

    def steady_spans(self) -> tuple[tuple[int, int], ...]:
        """Where the level holds: ramps excluded. Adjoining holds of one level are one span."""
        spans: list[tuple[int, int, float]] = []
        for begins, ends, low, high in self.segments():
            if low != high or not high or begins == ends:
                continue
            if spans and spans[-1][1] == begins and spans[-1][2] == high:
                spans[-1] = (spans[-1][0], ends, high)
            else:
                spans.append((begins, ends, high))
        return tuple((begins, ends) for begins, ends, _ in spans)

    def scaled(self, *, peak: float | None = None, duration_ns: int | None = None) -> Self:
        """The same shape with another peak or another total duration, both exact.

        Multiplied before divided: 5 / 314 * 314 may come out above 5, and that would be a sixth user.
        """
        peak = self.peak if peak is None else peak
        duration_ns = self.duration_ns if duration_ns is None else duration_ns
        ends = [ends * duration_ns // self.duration_ns for _, ends, _, _ in self.segments()]
        return replace(
            self,
            start=self.start * peak / self.peak,
            stages=tuple(
                Stage(end - begin, stage.target * peak / self.peak)
                for begin, end, stage in zip([0, *ends], ends, self.stages, strict=False)
            ),
        )


@dataclass(frozen=True, slots=True)
class ClosedShape:
    """Closed model: so many virtual users, each starting its next iteration when the last has ended.

    With `iterations` (shared by all users) or `iterations_per_vu`, the load ends when they are done,
    at the latest when the profile ends.
    """

    profile: Profile
    iterations: int | None = None
    iterations_per_vu: int | None = None
    graceful_stop_ns: int = DEFAULT_GRACEFUL_STOP_NS

    @property
    def vus(self) -> int:
        """The most virtual users at one time."""
        return math.ceil(self.profile.peak)

    def lifetimes(self, vu: int) -> tuple[tuple[int, int], ...]:
        """When virtual user `vu` (1-based) is active: half-open spans of ns.

        User k is active while the level is above k - 1, so the first starts at once and the last
        stops last; a profile that falls and rises again gives a user several spans.
        """
        threshold = vu - 1
        spans: list[tuple[int, int]] = []
        for begins, ends, low, high in self.profile.segments():
            active = _span_above(threshold, begins, ends, low, high)
            if active is None:
                continue
            if spans and spans[-1][1] == active[0]:
                active = (spans.pop()[0], active[1])
            spans.append(active)
        return tuple((begins, ends) for begins, ends in spans if begins < ends)

    @property
    def duration_ns(self) -> int:
        """How long it lasts at most, without the graceful stop."""
        return self.profile.duration_ns

    def steady_spans(self) -> tuple[tuple[int, int], ...]:
        """What budgets judge; empty when the whole shape ramps."""
        return self.profile.steady_spans()


@dataclass(frozen=True, slots=True)
class OpenShape:
    """Open model: iterations arrive at a rate, whether or not the earlier ones have ended."""

    profile: Profile
    max_vus: int
    arrivals: Arrivals = Arrivals.CONSTANT
    graceful_stop_ns: int = DEFAULT_GRACEFUL_STOP_NS

    @property
    def vus(self) -> int:
        """The most virtual users at one time."""
        return self.max_vus

    @property
    def duration_ns(self) -> int:
        """How long iterations arrive."""
        return self.profile.duration_ns

    def steady_spans(self) -> tuple[tuple[int, int], ...]:
        """What budgets judge; empty when the whole shape ramps."""
        return self.profile.steady_spans()

    def arrival_times(self, rng: random.Random) -> Iterator[int]:
        """The intended start of each iteration, in ns, ascending.

        With L(t) the integral of the rate, constant arrivals are at L(t) = 0, 1, 2, ...; Poisson
        arrivals are where L(t) is a sum of unit exponentials (inversion of the integrated rate).
        """
        marks = _poisson_marks(rng) if self.arrivals is Arrivals.POISSON else count(0.0)
        mark = next(marks)
        passed = 0.0  # L at the segment's beginning
        for begins, ends, low, high in self.profile.segments():
            seconds = (ends - begins) / NS_PER_S
            area = (low + high) / 2 * seconds
            while mark < passed + area - _AREA_ERROR:
                yield begins + round(_time_of_area(mark - passed, low, high, seconds) * NS_PER_S)
                mark = next(marks)
            passed += area


Shape = ClosedShape | OpenShape


def default_max_vus(peak_rate: float) -> int:
    """How many users an open model may use when nobody says."""
    wanted = math.ceil(peak_rate * DEFAULT_RESPONSE_TIME_S)
    return min(max(wanted, FEWEST_OPEN_VUS), MOST_DEFAULT_OPEN_VUS)


def _span_above(threshold: float, begins: int, ends: int, low: float, high: float) -> tuple[int, int] | None:
    """The part of a linear segment in which the level is above the threshold."""
    if begins == ends or (low <= threshold and high <= threshold):
        return None
    if low > threshold and high > threshold:
        return begins, ends
    crossing = begins + round((threshold - low) / (high - low) * (ends - begins))
    return (crossing, ends) if high > low else (begins, crossing)


def _time_of_area(area: float, low: float, high: float, seconds: float) -> float:
    """The t at which the integral of a level going from `low` to `high` in `seconds` is `area`.

    Solves low t + (high - low) / (2 seconds) t^2 = area in the form that does not cancel.
    """
    if area <= 0:  # on the border of two segments, give or take the error of a float
        return 0.0
    slope = (high - low) / seconds
    root = math.sqrt(max(0.0, low * low + 2 * slope * area))
    return 2 * area / (low + root)


def _poisson_marks(rng: random.Random) -> Iterator[float]:
    mark = 0.0
    while True:
        mark += rng.expovariate(1.0)
        yield mark


def slices_of(spans: tuple[tuple[int, int], ...], slice_ns: int) -> tuple[tuple[int, int], ...]:
    """The whole slices inside the spans, as half-open ranges: cut slices are left out."""
    ranges = ((-(-begins // slice_ns), ends // slice_ns) for begins, ends in spans)
    return tuple((first, end) for first, end in ranges if first < end)
