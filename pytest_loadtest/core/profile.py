"""The level of a load over time: linear pieces, where they hold, and where they pass a height.

A *level* is a number of virtual users or a rate of arrivals per second; which of them it is, and what
follows from it, is the shape's. Time is ns since the load's start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self


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

    def spans_above(self, threshold: float) -> tuple[tuple[int, int], ...]:
        """When the level is above the threshold: half-open spans, none of them empty."""
        spans: list[tuple[int, int]] = []
        for begins, ends, low, high in self.segments():
            above = _span_above(threshold, begins, ends, low, high)
            if above is None:
                continue
            if spans and spans[-1][1] == above[0]:
                above = (spans.pop()[0], above[1])
            spans.append(above)
        return tuple((begins, ends) for begins, ends in spans if begins < ends)

    @property
    def hold_ends_ns(self) -> int | None:
        """The end of the last steady span; None if the level never holds."""
        spans = self.steady_spans()
        return spans[-1][1] if spans else None

    def extended(self, extra_ns: int) -> Self:
        """The same profile with the last hold longer, and all that comes after it later.

        Raises ValueError if the level never holds.
        """
        hold_ends_ns = self.hold_ends_ns
        if hold_ends_ns is None:
            raise ValueError("a load whose level never holds has nothing that can last longer")
        stages = list(self.stages)
        for n, (begins, ends, _, level) in enumerate(self.segments()):
            if begins < ends == hold_ends_ns:
                stages[n] = Stage(ends - begins + extra_ns, level)
        return replace(self, stages=tuple(stages))

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


def _span_above(threshold: float, begins: int, ends: int, low: float, high: float) -> tuple[int, int] | None:
    """The part of a linear segment in which the level is above the threshold."""
    if begins == ends or (low <= threshold and high <= threshold):
        return None
    if low > threshold and high > threshold:
        return begins, ends
    crossing = begins + round((threshold - low) / (high - low) * (ends - begins))
    return (crossing, ends) if high > low else (begins, crossing)
