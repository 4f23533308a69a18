"""What of a run is judged: how fine its slices are, and which of them are the steady part.

Decides from the plan of a load and how long it ran; knows neither budgets nor verdicts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.plan import LoadPlan
from pytest_loadtest.core.shape import OpenShape, Shape, slices_of
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.core.verdict import Measurement
from pytest_loadtest.core.warm_up import WarmUp, find_warm_up

if TYPE_CHECKING:
    from pytest_loadtest.plugin.planning import TestPlan

# Short runs and short holds get finer slices, so that ramps of parts of a second can be left out; so do
# short windows, and those that are not whole seconds.
SHORT_RUN_NS = 60 * NS_PER_S
SHORT_SLICE_NS = NS_PER_S // 10
SLICE_NS = NS_PER_S
SHORT_HOLD_NS = SHORT_WINDOW_NS = 10 * NS_PER_S

Spans = tuple[tuple[int, int], ...]


def slice_length_ns(plan: TestPlan) -> int:
    """How fine the timeline is."""
    shape = plan.load.shape
    holds = [ends - begins for begins, ends in shape.steady_spans()]
    windows = [window_ns for budget in plan.budgets if (window_ns := budget.window_ns)]
    is_short = (
        shape.duration_ns < SHORT_RUN_NS
        or min(holds, default=SHORT_HOLD_NS) < SHORT_HOLD_NS
        or any(window_ns < SHORT_WINDOW_NS or window_ns % SLICE_NS for window_ns in windows)
    )
    return SHORT_SLICE_NS if is_short else SLICE_NS


def iterations_asked(shape: Shape) -> int:
    """How many iterations the load is to have; 0 when it is limited by time."""
    if isinstance(shape, OpenShape):
        return 0
    return shape.iterations or (shape.iterations_per_vu or 0) * shape.vus


def measurement_of(plan: LoadPlan, shape: Shape, metrics: Metrics, ran_ns: int) -> Measurement:
    """What was measured until `ran_ns`, with its steady part. `shape` may have become longer than planned."""
    if iterations_asked(shape):
        return Measurement(metrics, None, ran_ns, ran_ns, open_model=shape.has_schedule)
    until_ns = min(ran_ns, shape.duration_ns)
    whole = ((0, -(-until_ns // metrics.slice_ns)),)
    spans = judged_spans(plan, shape, until_ns)
    steady = slices_of(spans, metrics.slice_ns)  # empty while the load still goes up
    steady_ns = sum(end - first for first, end in steady) * metrics.slice_ns
    never_holds = not slices_of(judged_spans(plan, shape, shape.duration_ns), metrics.slice_ns)
    if never_holds or spans == ((0, until_ns),):
        steady, steady_ns = whole, until_ns
    return Measurement(metrics, steady, steady_ns, until_ns, open_model=shape.has_schedule, whole=whole)


def judged_spans(plan: LoadPlan, shape: Shape, until_ns: int) -> Spans:
    """Where the level held until a moment, without the declared warm-up of the first hold."""
    spans = [(begins, min(ends, until_ns)) for begins, ends in shape.steady_spans() if begins < until_ns]
    if spans and plan.warm_up_ns:
        begins, ends = spans[0]
        spans[0] = begins + plan.warm_up_ns, ends
    return tuple((begins, ends) for begins, ends in spans if begins < ends)


def settled(plan: LoadPlan, shape: Shape, run: Measurement) -> tuple[Measurement, WarmUp | None]:
    """The run with the warm-up that is found in its first hold, if one is to be looked for."""
    if plan.warm_up_ns is not None or not shape.steady_spans():
        return run, None
    timelines = [run.latency_of(series) for series in run.metrics.requests.values()]
    warm_up = find_warm_up(timelines, run.steady, run.metrics.slice_ns)
    return (run if warm_up is None else replace(run, latency_window=warm_up.window)), warm_up
