"""A run as budgets see it: its metrics, and which part each budget speaks of.

Must not read figures from it: that is done in `readings`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.metrics import IterationSeries, Metrics, RequestSeries
from pytest_loadtest.core.timeline import LatencyTimeline, Window

# An empty window would be nothing to judge: it stands for "the same as the steady part".
AS_STEADY: Window = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """The metrics of a run, the part that explicit budgets judge, and how long that part and all took.

    `whole` is the time in which the load was to send, without the graceful stop after it: rates are
    those of that time. `latency_window` is the steady part without a warm-up that was found in it; only
    latencies are judged there. A window of None is everything. `open_model`: iterations have intended
    starts.
    """

    metrics: Metrics
    steady: Window | None
    steady_ns: int
    whole_ns: int
    open_model: bool = False
    whole: Window | None = None
    latency_window: Window | None = AS_STEADY

    def __post_init__(self) -> None:
        if self.latency_window == AS_STEADY:
            object.__setattr__(self, "latency_window", self.steady)

    def window(self, budget: Budget) -> Window | None:
        """The part of the run that a budget speaks of; None is the whole run."""
        if budget.implicit:
            return None
        return self.latency_window if budget.is_latency else self.steady

    def judged_ns(self, budget: Budget) -> int:
        """How long the part is that a budget speaks of."""
        if budget.implicit or budget.rule.is_count:
            return self.whole_ns
        window = self.window(budget)
        if window is None or window == self.steady:
            return self.steady_ns
        return sum(end - first for first, end in window) * self.metrics.slice_ns

    def whole_slices(self, budget: Budget) -> Window:
        """The slices of a budget's part that are over: the last of a run may be only begun."""
        end = self.whole_ns // self.metrics.slice_ns
        window = self.window(budget)
        spans = ((0, end),) if window is None else window
        return tuple((first, min(last, end)) for first, last in spans if first < min(last, end))

    def latency_of(self, series: RequestSeries | IterationSeries) -> LatencyTimeline:
        """Response time where an intended start exists, else service time."""
        return series.response if self.open_model else series.service
