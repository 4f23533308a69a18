"""The worst window of a run: the figure of every piece of a given length, one slice after the other.

Owns how windows slide and which is the worst. A window that has nothing of a budget's kind has no figure; for
a rate that is a rate of 0. Must not judge.

A run of an hour has 3600 windows, so sums are differences of running sums, and histograms are kept up to date
by what enters and leaves. 3600 slices of 10 names with 100 requests each take 1.4 s of CPU for a percentile,
most of it for unpacking them once, whatever the window's length; 0.03 s for a mean, 0.01 s for a share.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.histogram import SLOTS, Histogram, IntArray
from pytest_loadtest.core.subjects import Latencies, Shares
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts, Window, values_of
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.core.wording import short_duration

FloatArray = npt.NDArray[np.float64]
_ANY_LOW = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Worst:
    """A figure, nan if there is none, of `n` events in the slices `at`; None where there are no windows."""

    value: float
    n: int
    at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of `length` slices in `spans`, each of which is at least that long."""

    spans: Window
    length: int

    def begins(self) -> IntArray:
        """The first slice of each window."""
        return np.concatenate([np.arange(first, end - self.length + 1) for first, end in self.spans])

    def sums(self, slices_of: Callable[[int, int], IntArray]) -> IntArray:
        """What the slices of each window add up to."""
        parts = []
        for first, end in self.spans:
            running = np.concatenate([[0], np.cumsum(slices_of(first, end))])
            parts.append(running[self.length :] - running[: -self.length])
        return np.concatenate(parts)

    def counts(self, counted: Iterable[SliceCounts]) -> IntArray:
        """How many events each window saw."""
        series = list(counted)
        return self.sums(
            lambda first, end: sum(
                (each.values(first, end) for each in series), np.zeros(end - first, dtype=np.int64)
            )
        )

    def extremes(self, slices_of: Callable[[int, int], IntArray], pick: np.ufunc) -> IntArray:
        """The largest, or smallest, of the slices of each window."""
        parts = [_extremes(slices_of(first, end), self.length, pick) for first, end in self.spans]
        return np.concatenate(parts)


def _extremes(values: IntArray, length: int, pick: np.ufunc) -> IntArray:
    """Of every `length` neighbours, by doubling: those of 2 k neighbours are those of twice k."""
    size = 1
    while size * 2 <= length:
        values = pick(values[:-size], values[size:])
        size *= 2
    rest = length - size  # two that overlap cover the whole length
    found: IntArray = pick(values[: len(values) - rest], values[rest:])
    return found


def misfit(budget: Budget, spans: Window, slice_ns: int) -> str:
    """Why a budget has no window in these parts of a run (in slices of `slice_ns`); empty if it has."""
    longest = max((end - first for first, end in spans), default=0)
    if longest * slice_ns >= budget.window_ns:
        return ""
    judged = f"holds one level for {short_duration(longest * slice_ns)} at a time" if longest else "is empty"
    return f"the judged part {judged}: no window of {short_duration(budget.window_ns)} fits into it"


def windows_of(budget: Budget, spans: Window, slice_ns: int) -> Windows:
    """A budget's windows, in whole slices. There is at least one: see `misfit`."""
    length = -(-budget.window_ns // slice_ns)
    return Windows(tuple((first, end) for first, end in spans if end - first >= length), length)


# -- the worst --------------------------------------------------------------------------------------


def worst_share(budget: Budget, shares: Shares, windows: Windows) -> Worst:
    """Of a share of events among others."""
    parts, wholes = windows.counts(shares.parts), windows.counts(shares.wholes)
    return _worst(budget, _divided(parts, wholes), wholes, windows)


def worst_rate(budget: Budget, totals: Iterable[SliceCounts], windows: Windows, slice_ns: int) -> Worst:
    """Of events per second."""
    counts = windows.counts(totals)
    return _worst(budget, counts / (windows.length * slice_ns) * NS_PER_S, counts, windows)


def worst_latency(
    budget: Budget, subject: Latencies, windows: Windows, *, are_endless: bool = False
) -> Worst:
    """Of a percentile, a mean or a largest value. `are_endless`: what is a lower bound never ends."""
    beyond = windows.counts([subject.dropped] if subject.dropped is not None else [])
    counts = windows.sums(lambda first, end: _of_slices(subject.timelines, first, end, "n", np.add, 0))
    if budget.percentile is not None:
        values = _percentiles(budget.percentile, subject, windows, beyond, are_endless=are_endless)
        return _worst(budget, values, counts + beyond, windows)
    if budget.key == "mean":
        sums = windows.sums(lambda first, end: _of_slices(subject.timelines, first, end, "sum", np.add, 0))
        values = _divided(sums, counts)
    else:
        values = np.where(counts > 0, _highs(subject, windows), math.nan)
    return _worst(budget, np.where(beyond > 0, math.inf, values), counts + beyond, windows)


def _worst(budget: Budget, values: FloatArray, counts: IntArray, windows: Windows) -> Worst:
    if np.isnan(values).all():
        return Worst(math.nan, 0)
    index = int(np.nanargmax(values) if budget.rule.upper else np.nanargmin(values))
    begin = int(windows.begins()[index])
    return Worst(float(values[index]), int(counts[index]), (begin, begin + windows.length))


def _divided(parts: IntArray, wholes: IntArray) -> FloatArray:
    """Nan where there is nothing of which it would be a part."""
    quotients: FloatArray = np.full(len(parts), math.nan)
    return np.divide(parts, wholes, out=quotients, where=wholes > 0)


# -- percentiles ------------------------------------------------------------------------------------


def _percentiles(
    share: float, subject: Latencies, windows: Windows, beyond: IntArray, *, are_endless: bool
) -> FloatArray:
    """The percentile of each window's values and of `beyond` infinite ones."""
    unsure: Sequence[LatencyTimeline] = ()
    if are_endless:
        unsure = subject.censored
        beyond = (
            beyond
            + subject.cut
            + windows.sums(lambda first, end: _of_slices(unsure, first, end, "n", np.add, 0))
        )
    values = []
    for histogram, low, high, lost in zip(
        _sliding(subject.timelines, unsure, windows),
        _lows(subject, windows).tolist(),
        _highs(subject, windows).tolist(),
        beyond.tolist(),
        strict=True,
    ):
        histogram.min, histogram.max = low, high
        values.append(histogram.quantile(share, beyond=lost))
    return np.array(values)


def _sliding(
    timelines: Sequence[LatencyTimeline], without: Sequence[LatencyTimeline], windows: Windows
) -> Iterator[Histogram]:
    """The counts of each window in turn, in one histogram; its extremes are not kept."""
    for first, end in windows.spans:
        window = Histogram()
        window.counts = np.zeros(SLOTS, dtype=np.int64)
        inside: deque[tuple[IntArray, IntArray]] = deque()
        for index in range(first, end):
            inside.append(_used_slots(timelines, without, index))
            slots, counts = inside[-1]
            window.counts[slots] += counts
            window.n += int(counts.sum())
            if len(inside) > windows.length:
                slots, counts = inside.popleft()
                window.counts[slots] -= counts
                window.n -= int(counts.sum())
            if len(inside) == windows.length:
                yield window


def _used_slots(
    timelines: Iterable[LatencyTimeline], without: Iterable[LatencyTimeline], index: int
) -> tuple[IntArray, IntArray]:
    """Slots, and how many values are in each, of what is in a slice."""
    counts = values_of(timelines, (index,)).without(values_of(without, (index,))).counts
    used = np.flatnonzero(counts)
    return used, counts[used]


# -- the slices of several timelines together ---------------------------------------------------------


def _lows(subject: Latencies, windows: Windows) -> IntArray:
    return windows.extremes(
        lambda first, end: _of_slices(subject.timelines, first, end, "min", np.minimum, _ANY_LOW), np.minimum
    )


def _highs(subject: Latencies, windows: Windows) -> IntArray:
    return windows.extremes(
        lambda first, end: _of_slices(subject.timelines, first, end, "max", np.maximum, 0), np.maximum
    )


def _of_slices(
    timelines: Iterable[LatencyTimeline], first: int, end: int, figure: str, together: np.ufunc, nothing: int
) -> IntArray:
    """A figure of each slice, of all timelines together; `nothing` where there are no values."""
    totals = np.full(end - first, nothing, dtype=np.int64)
    for timeline in timelines:
        slices, exact = timeline.exact(range(first, end))
        together.at(totals, slices - first, exact[figure].astype(np.int64))
    return totals
