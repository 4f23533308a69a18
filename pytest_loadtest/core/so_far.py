"""Budgets while a load runs: the figure of each so far. Owns what is cheap enough to be read each second.

It is read on the load's event loop, so nothing here may take long. To read a percentile behind a ramp of 30 s
of ten names anew takes 7 ms: all slices of the ramp are unpacked. So latencies are those that came since the
judged part began, which is what there is now less what there was then: 0.5 ms for ten names. What was sent in
the ramp and answered after it counts here, and not in the verdict. Of a budget with a window it is the latest
window. Must not judge, and knows no intervals.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_loadtest.core.abort import latest
from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.readings import latency_figure, still_open
from pytest_loadtest.core.subjects import latencies_of
from pytest_loadtest.core.wording import as_broken

Spans = tuple[tuple[int, int], ...]


class Standing(enum.StrEnum):
    """How a budget stands while its load runs."""

    OPEN = "open"  # nothing to say yet: nothing was measured, or a count has still time to be reached
    KEPT = "kept"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class BudgetSoFar:
    """A budget in words, with its figure so far; `measured` is empty where there is none."""

    label: str
    measured: str
    limit: str
    standing: Standing
    implicit: bool

    @classmethod
    def of(cls, budget: Budget, value: float, *, allowance: float = 0) -> BudgetSoFar:
        """`allowance`: what requests that are still open may add."""
        is_broken = not math.isnan(value) and not budget.holds(value + allowance)
        standing = Standing.BROKEN if is_broken else Standing.KEPT
        if math.isnan(value) or (is_broken and budget.rule.is_count and not budget.rule.upper):
            standing = Standing.OPEN
        limit = as_broken(budget.limit_text) if standing is Standing.BROKEN else budget.limit_text
        measured = "" if math.isnan(value) else budget.text_of(value)
        return cls(budget.label, measured, limit, standing, budget.implicit)


@dataclass(slots=True)
class _Since:
    """A budget's latencies inside the judged spans: of those that are over, and what was before this one."""

    over: Histogram = field(default_factory=Histogram)
    before: Histogram | None = None

    def look(self, now: Histogram, *, is_inside: bool) -> Histogram:
        """Those so far, given all until now and whether the load is inside a judged span."""
        if is_inside and self.before is None:
            self.before = now
        if self.before is None:
            return self.over
        so_far = _sum(self.over, _less(now, self.before))
        if not is_inside:
            self.over, self.before = so_far, None
        return so_far


class SoFar:
    """Reads the budgets of one load, looked at from its start about once a second, and as often as one likes.

    `spans` is the judged part as planned, in ns.
    """

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self.budgets = tuple(budgets)
        self._since: dict[Budget, _Since] = {}

    def read(self, budget: Budget, run: Measurement, elapsed_ns: int, spans: Spans) -> BudgetSoFar:
        """How one budget stands, in what was measured until `elapsed_ns`."""
        if budget.is_latency and not budget.window_ns:
            return BudgetSoFar.of(budget, self._latency(budget, run, elapsed_ns, spans))
        allowance = still_open(budget, run)
        return BudgetSoFar.of(budget, latest(budget, run).value, allowance=allowance)

    def _latency(self, budget: Budget, run: Measurement, elapsed_ns: int, spans: Spans) -> float:
        subject = latencies_of(budget, run)
        is_inside = any(begins <= elapsed_ns < ends for begins, ends in spans)
        if budget not in self._since:
            begins_at_zero = any(begins <= 0 for begins, _ in spans)
            self._since[budget] = _Since(before=Histogram() if begins_at_zero else None)
        so_far = self._since[budget].look(subject.histogram(None), is_inside=is_inside)
        return latency_figure(budget, so_far, subject.dropped_in(run.window(budget)))


def _less(now: Histogram, before: Histogram) -> Histogram:
    if not before.n:
        return now
    rest = now.without(before)
    if rest.n:  # the largest may be of before; its bucket tells the rest's
        rest.max = round(rest.quantile(1))
    return rest


def _sum(over: Histogram, now: Histogram) -> Histogram:
    if not over.n:
        return now
    merged = Histogram()
    merged.merge(over)
    merged.merge(now)
    return merged
