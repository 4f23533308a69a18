"""How sure the figure of a budget is: the interval around it, and whether the limit lies inside.

Owns which figures have one: percentiles, and shares that are not to be zero. Must not decide a verdict. The
worst of many windows has none: it is a fact of this run; in another run another window is the worst.

A percentile's interval is Woodruff's (1952): that q = P of all requests are not slower than the estimate is a
share like others, with an interval; reading the quantiles at its ends gives that of the percentile. Whether
the limit is decided is asked of the requests that are slower than the limit: "p99 <= L" says that they are at
most 1 %. (Where none is near the limit that is certain, however much the figure itself wanders below it.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.histogram import Histogram, IntArray
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.statistics import (
    CONFIDENCE,
    Batches,
    batch_begins,
    binomial_bounds,
    effective_number,
    equal_batches,
    fewest_for_percentile,
    share_interval,
    times_longer_to_decide,
)
from pytest_loadtest.core.subjects import Latencies, Shares, latencies_of, shares_of
from pytest_loadtest.core.timeline import SliceCounts, Window, slices_in, spans_of


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` to `high`, in the budget's unit, holds the true figure with `confidence`.

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
    confidence: float = CONFIDENCE

    @property
    def confidence_text(self) -> str:
        """``95 %``, ``98.3 %``."""
        return confidence_text(self.confidence)


def confidence_text(confidence: float) -> str:
    """0.95 as ``95 %``."""
    return f"{100 * confidence:.3g} %"


def interval_of(budget: Budget, run: Measurement, confidence: float = CONFIDENCE) -> Interval | None:
    """The interval around the figure of a budget; None where it has none."""
    if budget.window_ns:
        return None
    if budget.percentile is not None:
        return _of_percentile(budget, latencies_of(budget, run), run.window(budget), confidence)
    if (shares := shares_of(budget, run)) is not None:
        return _of_share(budget, shares, run.window(budget), confidence)
    return None


def _of_percentile(
    budget: Budget, subject: Latencies, window: Window | None, confidence: float
) -> Interval | None:
    percentile = budget.percentile
    merged, beyond = subject.histogram(window), subject.dropped_in(window)
    if percentile is None or not merged.n:
        return None
    batches = _batches_of(subject, window)
    estimate = merged.quantile(percentile, beyond=beyond)
    effective = effective_number(_slower(estimate, batches), confidence)
    low, high = merged.bounds(*binomial_bounds(percentile * effective, effective, confidence), beyond=beyond)
    needed = fewest_for_percentile(percentile, confidence)
    if effective < needed:
        high = math.inf  # not even the largest of so few is sure to be above the percentile
    above_limit = share_interval(_slower(budget.limit, batches), confidence)
    allowed = 1 - percentile
    is_open = above_limit.low <= allowed < above_limit.high
    if is_open:  # then the limit is one of the values that may be the true one
        low, high = min(low, budget.limit), max(high, budget.limit)
    return Interval(
        low,
        high,
        above_limit.effective,
        is_open=is_open,
        longer=times_longer_to_decide(above_limit, allowed, confidence),
        needed=needed,
        confidence=confidence,
    )


def _of_share(budget: Budget, shares: Shares, window: Window | None, confidence: float) -> Interval | None:
    """Of some events among others; None where not one is allowed.

    Zero tolerance is a statement on this run and not on a share: an interval around 0 always contains 0.
    """
    if budget.limit == (0 if budget.rule.upper else 1):
        return None
    slices = slices_in(window, max((each.end for each in shares.wholes), default=0))
    batches = Batches(_batched(shares.parts, slices), _batched(shares.wholes, slices))
    if not batches.total:
        return None
    share, limit = share_interval(batches, confidence), budget.limit
    return Interval(
        share.low,
        share.high,
        share.effective,
        is_open=share.low <= limit < share.high if budget.rule.upper else share.low < limit <= share.high,
        longer=times_longer_to_decide(share, limit, confidence),
        confidence=confidence,
    )


def _batched(counts: Sequence[SliceCounts], slices: Sequence[int]) -> IntArray:
    return equal_batches([sum(each[index] for each in counts) for index in slices])


@dataclass(frozen=True, slots=True)
class _Batch:
    """The durations of a batch, and how many that never ended."""

    values: Histogram
    endless: int

    def slower(self, value_ns: float) -> int:
        """How many are in buckets above that of a value; what was dropped is slower than any."""
        return self.values.above(value_ns) + self.endless


def _batches_of(subject: Latencies, window: Window | None) -> list[_Batch]:
    ends = [timeline.end for timeline in subject.timelines]
    dropped = subject.dropped
    slices = slices_in(window, max([*ends, dropped.end if dropped is not None else 0]))
    begins = batch_begins(len(slices))
    parts = (spans_of(slices[begin:end]) for begin, end in pairwise([*begins, len(slices)]))
    return [_Batch(subject.histogram(part), subject.dropped_in(part)) for part in parts]


def _slower(value_ns: float, batches: Sequence[_Batch]) -> Batches:
    """How many of each batch are slower than a value."""
    return Batches(
        np.array([batch.slower(value_ns) for batch in batches], dtype=np.int64),
        np.array([batch.values.n + batch.endless for batch in batches], dtype=np.int64),
    )
