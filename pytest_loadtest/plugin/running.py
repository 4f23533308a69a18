"""Runs one load item: engine, progress, result, verdict. Owns the order in which they come to be.

Whatever ends the load, its result is kept on the item before anything is raised.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.shape import OpenShape
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.plugin.item import LoadFailed, LoadFunction
from pytest_loadtest.plugin.judging import build_result, failure_sections, slice_length_ns
from pytest_loadtest.plugin.program import PytestProgram
from pytest_loadtest.plugin.progress import watch
from pytest_loadtest.report.failure import failure_text

# When every request until then failed to reach anybody, and so many iterations have ended like that, the
# target is not there. Fewer tell nothing: a test may try something optional first and do its work after.
NO_TARGET_AFTER_NS = 3 * NS_PER_S
NO_TARGET_ITERATIONS = 5
NO_TARGET = frozenset({Outcome.REFUSED, Outcome.DNS, Outcome.UNREACHABLE})
# The test decided not to be run: there is no result to show.
NO_RESULT = (pytest.skip.Exception, pytest.xfail.Exception)


def run_load_test(item: LoadFunction) -> None:
    """Run, keep the result, then raise what pytest shall report."""
    item.result = None  # of an earlier run, when it is run again
    limit = item.load_loop.limit
    shape = item.plan.load.shape
    recorder = Recorder(slice_length_ns(shape), open_model=isinstance(shape, OpenShape))
    program = PytestProgram(item, keep_error=item.plan.once)
    deadline_ns = round(limit.remaining_s * NS_PER_S) if limit else None
    probe = None if item.plan.once else GeneratorProbe()  # who debugs is not a generator
    seed = item.plan.load.seed
    run = LoadRun(shape, program, recorder, seed=seed, deadline_ns=deadline_ns, probe=probe)
    try:
        with limit.kept_by_loop() if limit else nullcontext():
            end = item.load_loop.run(_watched(item, run))
    except KeyboardInterrupt:  # the second Ctrl-C: little is torn down, but what was measured is shown
        recorder.flush()
        item.result = build_result(item, recorder, LoadEnd(Ending.INTERRUPTED, ran_ns=run.elapsed_ns))
        raise
    recorder.flush()  # requests of forgotten tasks ended only when their clients were closed
    if not isinstance(end.error, NO_RESULT):
        item.result = build_result(item, recorder, end)
        item.failure_sections = list(failure_sections(item.result, end))
    _raise_verdict(item, end, program)


async def _watched(item: LoadFunction, run: LoadRun) -> LoadEnd:
    beside = [asyncio.ensure_future(watch(item, run)), asyncio.ensure_future(_stop_without_target(run))]
    try:
        return await run.run()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


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
        if metrics.iterations.finished.total() >= NO_TARGET_ITERATIONS:
            run.stop(Ending.NO_TARGET, next(iter(metrics.errors.values())).sample)
            return


def has_no_target(metrics: Metrics) -> bool:
    """Nobody was reached so far: no connection was made, and every request failed for that reason.

    A request that waits for its answer is no reason: it is not recorded yet, but its connection is.
    """
    outcomes = {outcome for series in metrics.requests.values() for outcome in series.outcomes}
    was_connected = any("connecting" in series.phases for series in metrics.requests.values())
    return outcomes <= NO_TARGET and not was_connected


def _raise_verdict(item: LoadFunction, end: LoadEnd, program: PytestProgram) -> None:
    if end.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    if end.error is not None:
        if end.ending is Ending.SET_UP_FAILED:
            end.error.add_note(f"raised in the set-up of {end.reason}, before any load was sent")
        raise end.error
    if program.first_error is not None and item.plan.once:
        raise program.first_error
    if item.result is not None and item.result.state != "passed":
        raise LoadFailed(failure_text(item.result))
