"""Budgets against what was measured: a verdict for each, with its reason. Owns what passes.

Must not read figures from metrics: `readings` does; nor draw intervals: `confidence` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_loadtest.core.budget import Budget, Undecided
from pytest_loadtest.core.confidence import Interval, interval_of
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.readings import Reading, read
from pytest_loadtest.core.statistics import CONFIDENCE
from pytest_loadtest.core.units import format_duration
from pytest_loadtest.core.unmeasured import nothing_measured
from pytest_loadtest.core.wording import short_duration

__all__ = ["Measurement", "Reading", "Verdict", "judge", "judge_one", "read"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one budget held, on which figure, and why.

    `at_ns`: from when to when the worst window was, for a budget with one. `endless`: why the figure is
    infinite ("12% of iterations were dropped"), else empty.
    """

    budget: Budget
    measured: float
    n: int
    passed: bool
    reason: str = ""
    interval: Interval | None = None
    invalid: bool = False  # nobody knows whether the budget held: it may be the generator's doing
    at_ns: tuple[int, int] | None = None
    endless: str = ""

    @property
    def is_close(self) -> bool:
        """Too close to call: the limit lies inside the interval."""
        return self.interval is not None and self.interval.is_open

    def close_call(self, judged_ns: int) -> str:
        """What is to be said of a budget too close to call, of which `judged_ns` were judged."""
        assert self.interval is not None
        interval, label = self.interval, self.budget.label
        figures = (
            f"its {interval.confidence_text} interval is {self.interval_text}, "
            f"the limit {self.budget.limit_text}"
        )
        if interval.effective < interval.needed:
            words = (
                f"{label} {self.measured_text} is of too few values to be sure: they tell as much as "
                f"{interval.effective:,.0f} independent ones, to confirm {label} takes {interval.needed:,}; "
                f"{figures}"
            )
        elif math.isinf(interval.longer):
            words = (
                f"{label} {self.measured_text} is the limit itself: no length of run decides it; {figures}"
            )
        else:
            longer = format_duration(_rounded_up(interval.longer * judged_ns))
            words = (
                f"{label} {self.measured_text} is too close to call: {figures}; "
                f"to decide it, judge about {longer}"
            )
        return f"{words}; {self.reason}" if self.reason else words

    @property
    def interval_text(self) -> str:
        """``480 ms - 530 ms``; a bound that is not known is a question mark; empty without an interval."""
        if self.interval is None:
            return ""
        bounds = (self.interval.low, self.interval.high)
        # To a hundredth of a percent, where it is one: the ends of an interval are not exact.
        return " - ".join(
            "?" if math.isinf(bound) else self.budget.rule.format(round(bound, 4)) for bound in bounds
        )

    @property
    def measured_text(self) -> str:
        """The measured figure in the budget's unit; of the worst window, with when that was."""
        text = self.budget.text_of(self.measured)
        if self.at_ns is None:
            return text
        begins, ends = (short_duration(time_ns) for time_ns in self.at_ns)
        return f"{text} (from {begins} to {ends})"


def _rounded_up(value: float) -> float:
    """To two digits: more would be a promise, and less than what was judged already would be none."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step


def judge(
    budgets: Iterable[Budget],
    run: Measurement,
    undecided: Undecided = Undecided.ESTIMATE,
    confidence: float = CONFIDENCE,
) -> list[Verdict]:
    """The verdict on each budget that there is something to say about."""
    verdicts = (judge_one(budget, run, undecided, confidence) for budget in budgets)
    return [verdict for verdict in verdicts if verdict is not None]


def judge_one(
    budget: Budget,
    run: Measurement,
    undecided: Undecided = Undecided.ESTIMATE,
    confidence: float = CONFIDENCE,
) -> Verdict | None:
    """The verdict on one budget; None for an implicit one whose subject did not occur."""
    reading = read(budget, run)
    if math.isnan(reading.value):
        if budget.implicit:
            return None
        return Verdict(budget, math.nan, 0, False, reading.note or nothing_measured(budget, run.metrics))
    interval = interval_of(budget, run, confidence)
    passed, reason = budget.holds(reading.value), reading.note
    if interval is not None and interval.is_open:
        if passed and undecided is Undecided.FAIL:
            passed, reason = False, _MUST_BE_DECIDED
        elif not passed and undecided is Undecided.PASS:
            passed, reason = True, _MAY_PASS
    return Verdict(
        budget,
        reading.value,
        reading.n,
        passed and not reading.undecided,
        reason,
        interval,
        at_ns=_times(reading, run),
        endless=reading.endless,
    )


_MUST_BE_DECIDED = "kept, but too close to call, which is to fail (--load-undecided=fail)"
_MAY_PASS = "broken, but too close to call, which is to pass (--load-undecided=pass)"


def _times(reading: Reading, run: Measurement) -> tuple[int, int] | None:
    if reading.at is None:
        return None
    first, end = reading.at
    return first * run.metrics.slice_ns, end * run.metrics.slice_ns
