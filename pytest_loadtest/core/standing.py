"""Which verdicts stand when the generator was busy. Owns the rule; what a state is, is in `validity`.

A busy generator reads answers late, and that only adds to latencies. So what passes has passed, if the load
was sent at all; what fails stands only if it also fails without what the generator may have added.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from pytest_loadtest.core.budget import Budget, Scope
from pytest_loadtest.core.histogram import Histogram
from pytest_loadtest.core.measurement import Measurement
from pytest_loadtest.core.metrics import merged_latency
from pytest_loadtest.core.readings import latency_figure
from pytest_loadtest.core.subjects import latencies_of
from pytest_loadtest.core.timeline import Window
from pytest_loadtest.core.units import format_duration
from pytest_loadtest.core.validity import Figures, Finding, State, advice_for, assess, figures_of
from pytest_loadtest.core.verdict import Verdict

# e = 0.2 (1-p) of the requests may be those that the generator delayed most: the target has surely broken a
# limit L on the percentile p only if Q(p-e) - G(1-e) > L. Each of the delays that add up gets an e.
SPARED = 0.2
# The latency a generator is measured by where no budget names one.
COMMON_PERCENTILE = 0.95


def generator_figures(run: Measurement, window: Window | None) -> Figures:
    """What the generator was like in a part of the run."""
    iterations, metrics = run.metrics.iterations, run.metrics
    dropped = iterations.dropped.total(window) if run.open_model else 0
    due = dropped + iterations.finished.total(window)
    return figures_of(metrics.generator, window, metrics.slice_ns, missing=dropped / due if due else 0.0)


def standing(verdicts: Iterable[Verdict], run: Measurement) -> list[Verdict]:
    """The verdicts, those on latencies marked as invalid where they may be the generator's doing."""
    return [_standing(verdict, run) if _is_of_requests(verdict.budget) else verdict for verdict in verdicts]


def generator_finding(run: Measurement, verdicts: Iterable[Verdict]) -> Finding:
    """The generator's state: the worst for the latencies that were judged."""
    figures = generator_figures(run, run.steady)
    judged = [each.measured for each in verdicts if _is_of_requests(each.budget) and each.n]
    if not judged:
        every = merged_latency((run.latency_of(each) for each in run.metrics.requests.values()), run.steady)
        judged = [every.quantile(COMMON_PERCENTILE) if every.n else math.inf]
    return max((assess(figures, value) for value in judged), key=lambda finding: finding.state)


def _is_of_requests(budget: Budget) -> bool:
    """Whether it limits the latency of requests. A test's own trends are of anything."""
    return budget.is_latency and budget.scope in (Scope.ALL, Scope.REQUEST)


def _standing(verdict: Verdict, run: Measurement) -> Verdict:
    if not verdict.n:
        return verdict
    budget, window = verdict.budget, _failed_in(verdict, run)
    figures = generator_figures(run, window)
    finding = assess(figures, verdict.measured)
    if finding.state <= State.OK:
        return verdict
    if verdict.passed:
        return verdict if figures.was_delivered else _invalid(verdict, "the load was not sent", finding, run)
    if budget.holds(verdict.measured):
        return verdict  # it failed for another reason than its figure
    least_ns = _least(budget, run, window, figures)
    if math.isnan(least_ns):
        return _invalid(verdict, "nothing was measured but what the generator did not start", finding, run)
    if not budget.holds(least_ns):
        return verdict
    if least_ns > 0:
        without = f"without what the generator may have added it is {format_duration(least_ns)}"
    else:
        without = "the generator may have added all of it"
    return _invalid(verdict, without, finding, run)


def _failed_in(verdict: Verdict, run: Measurement) -> Window | None:
    """The worst window of a budget that has windows and broke; else all that was judged."""
    if verdict.passed or verdict.at_ns is None:
        return run.window(verdict.budget)
    begins_ns, ends_ns = verdict.at_ns
    return ((begins_ns // run.metrics.slice_ns, ends_ns // run.metrics.slice_ns),)


def _least(budget: Budget, run: Measurement, window: Window | None, figures: Figures) -> float:
    """The figure that the target has surely had: the measured one, less what may be the generator's."""
    if figures.is_full:
        # Its users may have been busy because it was: no wait for one is held against the target.
        latency, beyond = latencies_of(budget, replace(run, open_model=False)).histogram(window), 0
        figures = replace(figures, start_delay=Histogram())
    else:
        subject = latencies_of(budget, run)
        latency, beyond = subject.histogram(window), subject.dropped_in(window)
    if budget.percentile is None:
        added = figures.mean_added if budget.key == "mean" else figures.may_have_added(1)
        return latency_figure(budget, latency, beyond) - added
    spared = SPARED * (1 - budget.percentile)
    delays = 2 if figures.start_delay.n else 1
    share = round(max(0.0, budget.percentile - delays * spared), 9)
    return latency.quantile(share, beyond=beyond) - figures.may_have_added(round(1 - spared, 9))


def _invalid(verdict: Verdict, why: str, finding: Finding, run: Measurement) -> Verdict:
    advice = advice_for(run.metrics.generator)
    reason = f"invalid: generator-limited: {why}; {finding.reason}; what helps: {advice}"
    return replace(verdict, passed=False, invalid=True, reason=reason)
