"""Runs one load item: engine, progress, verdict. Owns the order in which a result comes to be.

Whatever ends the load, its result is kept on the item before anything is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from pytest_loadtest.core.recorder import MOST_NAMES, OTHER_NAMES, Recorder
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.shape import OpenShape, Shape, slices_of
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.core.verdict import Measurement, Verdict, judge
from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.plugin.item import LoadFailed, LoadFunction
from pytest_loadtest.plugin.program import PytestProgram
from pytest_loadtest.plugin.progress import watch
from pytest_loadtest.plugin.tracebacks import short_traceback
from pytest_loadtest.report.failure import failure_text, tracebacks
from pytest_loadtest.results.result import LoadResult, tables_of

# Runs shorter than a minute get finer slices, so that ramps of parts of a second can be left out.
SHORT_RUN_NS = 60 * NS_PER_S
SHORT_SLICE_NS = NS_PER_S // 10
SLICE_NS = NS_PER_S
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
    run = LoadRun(shape, program, recorder, seed=item.plan.load.seed, deadline_ns=deadline_ns)
    try:
        with limit.kept_by_loop() if limit else nullcontext():
            end = item.load_loop.run(_watched(item, run))
    except KeyboardInterrupt:  # the second Ctrl-C: little is torn down, but what was measured is shown
        recorder.flush()
        item.result = build_result(item, recorder, LoadEnd(Ending.INTERRUPTED, ran_ns=run.elapsed_ns))
        raise
    if not isinstance(end.error, NO_RESULT):
        item.result = build_result(item, recorder, end)
        item.failure_sections = list(_failure_sections(item.result, end))
    _raise_verdict(item, end, program)


async def _watched(item: LoadFunction, run: LoadRun) -> LoadEnd:
    watching = asyncio.ensure_future(watch(item, run))
    try:
        return await run.run()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def slice_length_ns(shape: Shape) -> int:
    """How fine the timeline is."""
    return SHORT_SLICE_NS if shape.duration_ns < SHORT_RUN_NS else SLICE_NS


def build_result(item: LoadFunction, recorder: Recorder, end: LoadEnd) -> LoadResult:
    """The result of a load that ended, judged if it was run to be judged."""
    shape = item.plan.load.shape
    measurement = _measurement(shape, recorder, end)
    verdicts = judge(item.plan.budgets, measurement) if _is_judged(end) else []
    reason = redact(_reason(item, recorder, end))
    return LoadResult(
        test=item.plan.load.name or item.nodeid,
        state=_state(end, verdicts, reason),
        reason=reason,
        load=shape_in_words(shape),
        open_model=measurement.open_model,
        vus=shape.vus,
        ran_ns=end.ran_ns,
        steady_ns=measurement.steady_ns,
        overrides=item.plan.load.overrides,
        remarks=tuple(_remarks(shape, end, measurement)),
        **tables_of(measurement, verdicts),
    )


def _measurement(shape: Shape, recorder: Recorder, end: LoadEnd) -> Measurement:
    slice_ns = recorder.metrics.slice_ns
    is_limited_by_iterations = getattr(shape, "iterations", None) or getattr(shape, "iterations_per_vu", None)
    steady = None if is_limited_by_iterations else slices_of(shape.steady_spans(), slice_ns) or None
    # A ramp-free shape is steady as a whole; its requests of the very last moment belong to it too.
    if steady is not None and shape.steady_spans() == ((0, shape.duration_ns),):
        steady = None
    steady_ns = sum(last - first for first, last in steady) * slice_ns if steady else 0
    ran_ns = min(end.ran_ns, shape.duration_ns) if not is_limited_by_iterations else end.ran_ns
    return Measurement(
        recorder.metrics, steady, steady_ns or ran_ns, ran_ns, open_model=isinstance(shape, OpenShape)
    )


def _is_judged(end: LoadEnd) -> bool:
    return end.ending in (Ending.COMPLETED, Ending.TIMED_OUT)


def _reason(item: LoadFunction, recorder: Recorder, end: LoadEnd) -> str:
    """What failed beside the budgets; empty when nothing did."""
    if end.ending is Ending.ABORTED:
        return f"the test aborted the load: {end.reason}"
    if end.ending is Ending.TIMED_OUT:
        assert item.load_loop.limit is not None
        return f"{item.load_loop.limit.message}: the load was stopped"
    if end.ending is Ending.HOPELESS:
        failure = next(iter(recorder.metrics.failures.values()))
        what = f"{failure.type} at {failure.place}: {failure.message}"
        return f"every first iteration failed alike, the load was stopped: {what}"
    if (
        end.ending is Ending.COMPLETED
        and not recorder.metrics.iterations.finished.total()
        and not item.plan.once
    ):
        return "no iteration finished: nothing was measured"
    if end.stuck:
        return f"{len(end.stuck)} virtual users did not stop when they were cancelled"
    if end.tear_down_errors:
        user, error = end.tear_down_errors[0]
        return (
            f"tear-down failed for {len(end.tear_down_errors)} virtual users; "
            f"the first, of virtual user {user}: {type(error).__name__}: {error}"
        )
    return ""


def _failure_sections(result: LoadResult, end: LoadEnd) -> Iterator[tuple[str, str]]:
    """What pytest shows below the failure text: where the user's code raised."""
    if text := tracebacks(result):
        yield "first failures", text
    if end.tear_down_errors:
        user, error = end.tear_down_errors[0]
        yield f"tear-down of virtual user {user}", short_traceback(error)


def _state(end: LoadEnd, verdicts: list[Verdict], reason: str) -> str:
    if end.ending not in (Ending.COMPLETED, Ending.HOPELESS):
        return str(end.ending)
    return "failed" if reason or not all(verdict.passed for verdict in verdicts) else "passed"


def _remarks(shape: Shape, end: LoadEnd, run: Measurement) -> list[str]:
    """What a reader must know to read the numbers rightly."""
    remarks = []
    if not shape.steady_spans():
        remarks.append("the load never holds one level: budgets are judged on the whole run, ramps included")
    if run.metrics.iterations.interrupted:
        censored = sum(series.censored.total() for series in run.metrics.requests.values())
        after = f" after the graceful stop of {format_duration(shape.graceful_stop_ns)}"
        cut = run.metrics.iterations.interrupted
        remarks.append(
            f"{cut} iteration{'s were' if cut > 1 else ' was'} cut"
            f"{after if end.ending is Ending.COMPLETED else ''}; "
            f"{censored} request{'s were' if censored != 1 else ' was'} open (censored)"
        )
    if OTHER_NAMES in run.metrics.requests:
        remarks.append(
            f"more than {MOST_NAMES} request names: give name= to requests whose path contains ids"
        )
    return remarks


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
