"""Which broken budget ends a load early. Owns how long a budget has been broken; it stops nothing.

Each look is at what was measured so far, by the figure alone: whether it could be chance is answered by how
long it stays broken. Nothing measured yet is not broken. A budget with a window is looked at in the latest
window, since the worst one so far never gets better.

Requests are known when they have ended, and belong to the slice in which they started. So the latest slices
lack those that are still open: a rate is broken only if it would be with one more of each user, and where
nothing that started in the latest window has ended yet, latencies are those of the latest one of which
something is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from pytest_loadtest.core.budget import Budget
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.readings import Reading, read, still_open
from pytest_loadtest.core.subjects import latencies_of
from pytest_loadtest.core.wording import as_broken, short_duration


class AbortWatch:
    """Looks at the budgets with `abort` while a load runs. `look` comes about once a second."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._budgets = [budget for budget in budgets if budget.abort_ns]
        self._since_ns: dict[Budget, int] = {}  # when the broken ones were first seen broken
        self._readings: dict[Budget, Reading] = {}

    @property
    def has_budgets(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._budgets)

    def look(self, run: Measurement, elapsed_ns: int) -> Budget | None:
        """The first budget that was broken at every look for as long as it allows; None if there is none.

        `run` is what was measured until `elapsed_ns`, its parts ending there.
        """
        for budget in self._budgets:
            reading = latest(budget, run)
            if math.isnan(reading.value) or budget.holds(reading.value + still_open(budget, run)):
                self._since_ns.pop(budget, None)
                continue
            self._readings[budget] = reading
            if elapsed_ns - self._since_ns.setdefault(budget, elapsed_ns) >= budget.abort_ns:
                return budget
        return None

    def reason(self, budget: Budget) -> str:
        """Why the load is to end, once `look` has named a budget."""
        measured = budget.text_of(self._readings[budget].value)
        limit, time = as_broken(budget.limit_text), short_duration(budget.abort_ns)
        return f"{budget.label}: {measured} {limit} for {time}"

    def __repr__(self) -> str:
        broken = ", ".join(budget.label for budget in self._since_ns)
        return f"<AbortWatch of {len(self._budgets)} budgets, broken: {broken or 'none'}>"


def latest(budget: Budget, run: Measurement) -> Reading:
    """The figure of the judged part so far, or of its latest window."""
    if not budget.window_ns:
        return read(budget, run)
    spans = run.whole_slices(budget)
    if not spans:
        return Reading(math.nan, 0)
    first, end = spans[-1]
    reading = _in_window(budget, run, first, end)
    if not math.isnan(reading.value) or not budget.is_latency:
        return reading
    known = max((each.end for each in latencies_of(budget, run).timelines), default=0)
    return _in_window(budget, run, first, min(end, known))


def _in_window(budget: Budget, run: Measurement, first: int, end: int) -> Reading:
    """The figure of the window that ends before slice `end`, unless it begins before `first`."""
    begins = end - -(-budget.window_ns // run.metrics.slice_ns)
    if begins < first:
        return Reading(math.nan, 0)
    window = ((begins, end),)
    return read(budget, replace(run, steady=window, latency_window=window))
