"""What may end or lengthen a load while it runs: no target, a budget broken for too long, a close call.

Looks at what was measured so far once in a while; what a look means is decided in the core.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from copy import deepcopy
from functools import partial

from pytest_loadtest.core.abort import AbortWatch
from pytest_loadtest.core.budget import Undecided
from pytest_loadtest.core.looks import CONFIDENCE_OF_LOOKS, MOST_LOOKS, time_to_decide
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.shape import Shape
from pytest_loadtest.core.statistics import load_formulas
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.core.verdict import Measurement, judge
from pytest_loadtest.core.wording import short_duration
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.helpers import Work
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.plugin import exporting
from pytest_loadtest.plugin.job import LoadJob
from pytest_loadtest.plugin.measuring import measurement_of, settled

# When every request until then failed to reach anybody, and so many iterations have ended like that, the
# target is not there. Fewer tell nothing: a test may try something optional first and do its work after.
NO_TARGET_AFTER_NS = 3 * NS_PER_S
NO_TARGET_ITERATIONS = 5
NO_TARGET = frozenset({Outcome.REFUSED, Outcome.DNS, Outcome.UNREACHABLE})
LOOK_EVERY_S = 1.0
# What a look may take, beside users that go on: a tenth of the hold. The longer it is the more is to judge.
LOOK_SHARE = 10
LONGEST_LOOK_NS = 5 * NS_PER_S
SHORTEST_REST_S = 0.02  # the loop's timers may fire early


def watchers_of(job: LoadJob, run: LoadRun) -> Iterator[Work]:
    """What is to run beside the load, until it is cancelled. To be asked for before the load begins."""
    yield partial(_stop_without_target, run)
    yield partial(exporting.beside, job, run)
    if job.tokens:
        yield job.tokens.keep_valid
    watch = AbortWatch(job.plan.budgets)
    if watch.has_budgets:
        yield partial(_stop_when_broken, job, run, watch)
    if job.plan.undecided is Undecided.EXTEND and run.shape.hold_ends_ns is not None:
        load_formulas()  # before the load: it takes longer than a slice
        yield partial(_extend_until_decided, job, run)


async def _stop_without_target(run: LoadRun) -> None:
    """End a load whose test survives that nothing answers: it would only count refused connections."""
    while True:
        await asyncio.sleep(NO_TARGET_AFTER_NS / NS_PER_S / 10)
        if run.elapsed_ns < NO_TARGET_AFTER_NS:
            continue
        run.recorder.flush()
        metrics = run.recorder.metrics
        if not has_no_target(metrics):
            return
        # Without an error nothing was asked for yet: a load need not send requests.
        if metrics.errors and metrics.iterations.finished.total() >= NO_TARGET_ITERATIONS:
            run.stop(Ending.NO_TARGET, next(iter(metrics.errors.values())).sample)
            return


def has_no_target(metrics: Metrics) -> bool:
    """Nobody was reached so far: no connection was made, and every request failed for that reason.

    A request that waits for its answer is no reason: it is not recorded yet, but its connection is.
    """
    outcomes = {outcome for series in metrics.requests.values() for outcome in series.outcomes}
    was_connected = any("connecting" in series.phases for series in metrics.requests.values())
    return outcomes <= NO_TARGET and not was_connected


async def _stop_when_broken(job: LoadJob, run: LoadRun, watch: AbortWatch) -> None:
    """End a load once a budget has been broken for as long as its abort= says."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        elapsed_ns = run.elapsed_ns
        if (broken := watch.look(_so_far(job, run), elapsed_ns)) is not None:
            after = short_duration(round(elapsed_ns, -8))  # to 0.1 s
            run.stop(Ending.BUDGET_BROKEN, f"after {after}, as its abort= says: {watch.reason(broken)}")
            return


async def _extend_until_decided(job: LoadJob, run: LoadRun) -> None:
    """Lengthen a load that would end too close to call. The last look is the verdict's own, at the end.

    To judge a minute of ten names takes 0.15 s per budget on a percentile: another thread does it, on a copy.
    """
    for _ in range(MOST_LOOKS - 1):
        await _until_hold_nearly_ends(run)
        so_far = deepcopy(_so_far(job, run))
        extra_ns = await asyncio.to_thread(_time_to_decide, job, run.shape, so_far)
        if not extra_ns or not run.extend(extra_ns):
            return


def _time_to_decide(job: LoadJob, shape: Shape, so_far: Measurement) -> int:
    measured, _ = settled(job.plan.load, shape, so_far)
    verdicts = judge(job.plan.budgets, measured, job.plan.undecided, CONFIDENCE_OF_LOOKS)
    return time_to_decide(verdicts, measured)


async def _until_hold_nearly_ends(run: LoadRun) -> None:
    """Until only what a look may take is left of the last hold: users must not go home before it is over."""
    while True:
        begins_ns, hold_ends_ns = run.shape.steady_spans()[-1]
        look_ns = min((hold_ends_ns - begins_ns) // LOOK_SHARE, LONGEST_LOOK_NS)
        left_ns = hold_ends_ns - max(look_ns, run.recorder.metrics.slice_ns) - run.elapsed_ns
        if left_ns <= 0:
            return
        await asyncio.sleep(max(left_ns / NS_PER_S, SHORTEST_REST_S))


def _so_far(job: LoadJob, run: LoadRun) -> Measurement:
    run.recorder.flush()
    return measurement_of(job.plan.load, run.shape, run.recorder.metrics, run.elapsed_ns)
