"""Did the steady part begin before the target was steady? Owns the search for a warm-up, and its words.

Must not judge: it says what to leave out. Only latencies are judged without a warm-up; a request that failed
while the target was warming up has failed.

Where to cut is found by MSER (White 1997): of the log of the median latency of each second, leave out the
first d values for which the mean of the rest is known best,

    d = argmin over d <= n/2 of  sum((x_i - mean)^2 for i >= d) / (n - d)^2

On noise alone it cuts, too, in 30 to 60 % of runs, and too much of a level that hardly changes. So only
a *material* warm-up counts: the median of the first three seconds differs from that of what is kept by 10 %,
and by more than k = 3.5 + 25/n standard deviations of what is kept (n seconds; of few seconds it is
underestimated). It ends with the last second that differs by 10 %. In simulation (noise 10 %, correlated over
tau; 2000 runs each) this is found where there is none, or where the latency begins at 3 times its level and
that decays within 5 s:

    n      10     15     20     30     60    180     tau
    none   0.01   0.00   0.00   0.00   0.00   0.00    1 s
           0.02   0.01   0.03   0.02   0.01   0.00    5 s
    5 s    0.23   0.59   0.93   1.00   1.00   1.00    1 s
           0.30   0.74   0.96   1.00   1.00   1.00    5 s
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pytest_loadtest.core.timeline import LatencyTimeline, Window, values_of
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.core.wording import short_duration

FEWEST_SECONDS = 10  # half of them must be left to tell what is steady
MATERIAL = 0.1  # of the latency: what is less changes no verdict that is not close
# Times as slow, or as quick, as what follows: whatever warms up more than that, it was an outage.
MOST_WARMING = 10
HEAD = 3  # seconds: with more of them a short warm-up drowns, one alone may be an outlier
SIGMAS = 3.5
SIGMAS_OF_FEW = 25.0

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What the beginning of a steady part was like.

    `window` is what remains to judge latencies on. If the level never settled, or was too different at first
    to be a warm-up, nothing is left out:
    `length_ns` is 0. `early_ns` is the median latency of the first seconds, `later_ns` that of the rest.
    """

    window: Window | None
    length_ns: int
    early_ns: float
    later_ns: float

    @property
    def is_outage(self) -> bool:
        """Too far from the rest to be a warm-up."""
        return max(self.early_ns / self.later_ns, self.later_ns / self.early_ns) > MOST_WARMING

    @property
    def note(self) -> str:
        """What is to be said of it."""
        early, later = format_duration(self.early_ns), format_duration(self.later_ns)
        if self.is_outage:
            return (
                f"the beginning was not like the rest (median {early} at first, {later} afterwards): what "
                f"differs by more than {MOST_WARMING} times is no warm-up, but judged; warm_up= leaves it out"
            )
        if not self.length_ns:
            return (
                f"no steady part was found: the latency changed until half-way (median {early} at first, "
                f"{later} in the second half); budgets are judged on all of it, a longer run would tell more"
            )
        length = short_duration(self.length_ns)
        return (
            f"the first {length} at the level were a warm-up (median {early} at first, {later} afterwards): "
            f"budgets on latencies are judged without them; warm_up={length!r} says so for every run, "
            "warm_up=0 judges them too"
        )


def find_warm_up(timelines: Iterable[LatencyTimeline], window: Window | None, slice_ns: int) -> WarmUp | None:
    """The warm-up in the first range of a steady part, by the latencies of all requests; None without one.

    Later ranges are other levels: that they differ is what they are for. A load that was stopped on its way
    up has no steady part, hence no warm-up in it.
    """
    if window == ():
        return None
    series = list(timelines)
    spans = window or ((0, max((each.end for each in series), default=0)),)
    (first, end), *others = spans
    per_point = max(1, round(NS_PER_S / slice_ns))
    points = list(_medians(series, first, end, per_point))
    if len(points) < FEWEST_SECONDS:
        return None
    levels = np.log([median_ns for _, median_ns in points])
    cut = mser_cut(levels)
    if not is_material(levels, cut):
        return None
    cut = material_part(levels, cut)
    early_ns, later_ns = math.exp(_head(levels, cut)), math.exp(float(np.median(levels[cut:])))
    begins = points[cut][0]
    found = WarmUp(((begins, end), *others), (begins - first) * slice_ns, early_ns, later_ns)
    if found.is_outage or cut == len(points) // 2:
        return replace(found, window=window, length_ns=0)
    return found


def _medians(
    series: list[LatencyTimeline], first: int, end: int, per_point: int
) -> Iterator[tuple[int, float]]:
    """(first slice, median latency) of each whole second that has any."""
    for begin in range(first, end - per_point + 1, per_point):
        latency = values_of(series, range(begin, begin + per_point))
        if latency.n:
            yield begin, latency.quantile(0.5)


def mser_cut(values: FloatArray) -> int:
    """How many values at the beginning to leave out, at most half of them."""
    n = len(values)
    centred = values - values.mean()  # else the difference of two large sums is all rounding
    kept = n - np.arange(n // 2 + 1)
    sums = np.cumsum(centred[::-1])[kept - 1]
    squares = np.cumsum(centred[::-1] ** 2)[kept - 1]
    return int(np.argmin((squares - sums**2 / kept) / kept**2))


def is_material(levels: FloatArray, cut: int) -> bool:
    """Whether what is cut differs from the rest by more than noise does; levels are logs."""
    if not cut:
        return False
    rest = levels[cut:]
    difference = abs(_head(levels, cut) - float(np.median(rest)))
    sigmas = SIGMAS + SIGMAS_OF_FEW / len(levels)
    return difference >= math.log(1 + MATERIAL) and difference > sigmas * float(rest.std(ddof=1))


def material_part(levels: FloatArray, cut: int) -> int:
    """How much of the cut differs from the rest by 10 %: of a nearly constant level MSER cuts too much."""
    off = np.abs(levels[:cut] - float(np.median(levels[cut:]))) >= math.log(1 + MATERIAL)
    return int(np.flatnonzero(off)[-1]) + 1 if off.any() else cut


def _head(levels: FloatArray, cut: int) -> float:
    return float(np.median(levels[: min(cut, HEAD)]))
