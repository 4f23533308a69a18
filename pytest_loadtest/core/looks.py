"""Looking at a run before it is over, to lengthen it or not: how often, and how sure each look must be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.readings import still_open
from pytest_loadtest.core.statistics import CONFIDENCE
from pytest_loadtest.core.verdict import Verdict

# Whoever looks several times is wrong more often: with three looks at a third of the allowed error each, the
# verdict is as sure as one at 95 % (Bonferroni's inequality).
MOST_LOOKS = 3
CONFIDENCE_OF_LOOKS = 1 - (1 - CONFIDENCE) / MOST_LOOKS
# Of the judged time. How much longer it takes is a forecast from the same noise: at most twice as long, since
# the next look knows more; not so little longer that a look is spent for nothing.
MOST_LONGER = 1.0
LEAST_LONGER = 0.25


def time_to_decide(verdicts: Sequence[Verdict], run: Measurement) -> int:
    """By how many ns the judged part should be longer to decide the explicit budgets that are open.

    In whole slices. 0 if none is open, or if it would gain nothing: another budget is broken beyond doubt.
    """
    if any(_is_lost(verdict, run) for verdict in verdicts):
        return 0
    slices = max((_slices_longer(verdict, run) for verdict in verdicts if _is_open(verdict)), default=0)
    return slices * run.metrics.slice_ns


def _is_lost(verdict: Verdict, run: Measurement) -> bool:
    """Broken beyond doubt, whatever still comes: a count may be reached, an open request may be answered."""
    budget = verdict.budget
    if verdict.passed or verdict.is_close or (budget.rule.is_count and not budget.rule.upper):
        return False
    return budget.key != "rps" or not budget.holds(verdict.measured + still_open(budget, run))


def _is_open(verdict: Verdict) -> bool:
    return verdict.is_close and not verdict.invalid and not verdict.budget.implicit


def _slices_longer(verdict: Verdict, run: Measurement) -> int:
    assert verdict.interval is not None
    longer = min(max(verdict.interval.longer - 1, LEAST_LONGER), MOST_LONGER)
    return math.ceil(longer * run.judged_ns(verdict.budget) / run.metrics.slice_ns)
