"""How sure the figure of a budget is: the interval around it, and whether the limit lies inside.

Owns which figures have one: percentiles, and shares that are not to be zero. Must not decide a verdict.

A percentile's interval is Woodruff's (1952): that q = P of all requests are not slower than the estimate is a
share like others, with an interval; reading the quantiles at its ends gives that of the percentile. Whether
the limit is decided is asked of the requests that are slower than the limit: "p99 <= L" says that they are at
most 1 %. (Where none is near the limit that is certain, however much the figure itself wanders below it.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.statistics import (
    Batches,
    binomial_bounds,
    effective_number,
    equal_batches,
    fewest_for_percentile,
    share_interval,
    times_longer_to_decide,
)
from pytest_loadtest.core.timeline import LatencyTimeline, SliceCounts, Window, slices_in


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` to `high`, in the budget's unit, holds the true figure with 95 % confidence.

    `is_open`: the limit lies inside, so that the estimate's verdict could be chance. `effective` is how many
    independent events would tell as much about it, `needed` how many a limit on this percentile takes at
    least, `longer` how many times as long the run must be to decide the budget.
    """

    low: float
    high: float
    effective: float
    is_open: bool
    longer: float
    needed: int = 0


def percentile_interval(
    budget: Budget,
    timelines: Sequence[LatencyTimeline],
    merged: Histogram,
    dropped: SliceCounts | None,
    window: Window | None,
) -> Interval:
    """Of a percentile of the values in `timelines`, which are `merged`. `dropped` are slower than all."""
    percentile = budget.percentile
    assert percentile is not None
    beyond = dropped.total(window) if dropped is not None else 0
    estimate = merged.quantile(percentile, beyond=beyond)
    at_estimate = effective_number(_slower(estimate, timelines, dropped, window))
    low, high = binomial_bounds(percentile * at_estimate, at_estimate)
    low_ns, high_ns = merged.bounds(low, high, beyond=beyond)
    needed = fewest_for_percentile(percentile)
    if merged.n + beyond < needed:
        high_ns = math.inf  # not even the largest of so few is sure to be above the percentile
    above_limit = share_interval(_slower(budget.limit, timelines, dropped, window))
    allowed = 1 - percentile
    return Interval(
        low_ns,
        high_ns,
        above_limit.effective,
        is_open=above_limit.low <= allowed < above_limit.high,
        longer=times_longer_to_decide(above_limit, allowed),
        needed=needed,
    )


def interval_of_share(
    budget: Budget, parts: Sequence[SliceCounts], wholes: Sequence[SliceCounts], window: Window | None
) -> Interval | None:
    """Of the events in `parts` among those in `wholes`; None where not one is allowed.

    Zero tolerance is a statement on this run and not on a share: an interval around 0 always contains 0.
    """
    if budget.limit == (0 if budget.rule.upper else 1):
        return None
    slices = slices_in(window, max((each.end for each in wholes), default=0))
    batches = Batches(_batched(parts, slices), _batched(wholes, slices))
    if not batches.total:
        return None
    share, limit = share_interval(batches), budget.limit
    is_open = share.low <= limit < share.high if budget.rule.upper else share.low < limit <= share.high
    return Interval(
        share.low,
        share.high,
        share.effective,
        is_open=is_open,
        longer=times_longer_to_decide(share, limit),
    )


def _batched(
    counts: Sequence[SliceCounts], slices: Sequence[int]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return equal_batches([sum(each[index] for each in counts) for index in slices])


def _slower(
    value_ns: float, timelines: Sequence[LatencyTimeline], dropped: SliceCounts | None, window: Window | None
) -> Batches:
    """How many in each batch are slower than a value; what was dropped is slower than any."""
    ends = [timeline.end for timeline in timelines]
    slices = slices_in(window, max([*ends, dropped.end if dropped is not None else 0]))
    events, totals = [], []
    for index in slices:
        above = [timeline.above(index, value_ns) for timeline in timelines]
        lost = dropped[index] if dropped is not None else 0
        events.append(sum(slower for slower, _ in above) + lost)
        totals.append(sum(n for _, n in above) + lost)
    return Batches(equal_batches(events), equal_batches(totals))
