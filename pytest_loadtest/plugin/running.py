"""Runs one load: engine, progress, result, verdict. Owns the order in which they come to be.

Whatever ends the load, its result is kept with the test before anything is raised.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.plugin import exporting
from pytest_loadtest.plugin.item import LoadFailed, LoadFunction, loop_key
from pytest_loadtest.plugin.job import EndedLoad, LoadJob, forget_loads, sections_of
from pytest_loadtest.plugin.judging import build_result, failure_sections
from pytest_loadtest.plugin.measuring import iterations_asked, measurement_of, settled, slice_length_ns
from pytest_loadtest.plugin.planning import TestPlan
from pytest_loadtest.plugin.program import PytestProgram, Scenario
from pytest_loadtest.plugin.progress import SignInProgress, watch
from pytest_loadtest.plugin.sampling import sink_of
from pytest_loadtest.plugin.signals import undisturbed
from pytest_loadtest.plugin.tokens import TokenSupply, cache_directory
from pytest_loadtest.plugin.watching import watchers_of
from pytest_loadtest.report.failure import failure_text
from pytest_loadtest.results.moments import utc_text
from pytest_loadtest.results.result import LoadResult

# The test decided not to be run: there is no result to show.
NO_RESULT = (pytest.skip.Exception, pytest.xfail.Exception)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A load that has ended, and its result; without one the test decided not to be run."""

    ended: EndedLoad
    result: LoadResult | None


def run_load_test(item: LoadFunction) -> None:
    """Run a marked test, keep the result, then raise what pytest shall report."""
    forget_loads(item)
    plan, scenario = item.plan, Scenario.of_item(item)
    job = LoadJob(
        item=item,
        name=plan.load.name or item.name,
        title=plan.load.name or item.nodeid,
        plan=plan,
        program=PytestProgram(scenario, item.config.rootpath, keep_error=plan.once),
        fixtures=item.fixturenames,
        loop=item.config.stash[loop_key],
        tokens=TokenSupply.among(item.funcargs.values()),
    )
    loaded = run_load(job)
    raise_error(loaded.ended)
    raise_verdict(loaded)


def run_load(job: LoadJob) -> Loaded:
    """Run it to its end, judge it, and keep the result. Raises KeyboardInterrupt if asked for it twice,
    SystemExit if a handler of signals does, TokenError and ConfigurationError when there are no tokens for
    its users.
    """
    if job.tokens:
        job.loop.run_within_limit(_with_tokens(job))
    limit, shape = job.loop.limit, job.plan.load.shape
    sink = sink_of(job.item.config, job.title)
    recorder = Recorder(slice_length_ns(job.plan), open_model=shape.has_schedule, sink=sink)
    run = LoadRun(
        shape,
        job.program,
        recorder,
        seed=job.plan.load.seed,
        deadline_ns=round(limit.remaining_s * NS_PER_S) if limit else None,
        probe=None if job.plan.once else GeneratorProbe(),  # who debugs is not a generator
    )
    kept: Loaded | None = None
    try:
        with job.loop.keeping_limit():
            end = job.loop.run(_watched(job, run))
        with undisturbed():
            kept = _keep(job, run, end)
    except (KeyboardInterrupt, SystemExit):  # little is torn down, but what was measured is shown
        if kept is None:
            with undisturbed():
                _keep(job, run, LoadEnd(Ending.INTERRUPTED, ran_ns=run.elapsed_ns))
        raise
    return kept


def _needed_for_s(plan: TestPlan) -> float:
    """How long tokens must last. The duration of a load of so many iterations is only a limit."""
    shape = plan.load.shape
    return 0.0 if plan.once or iterations_asked(shape) else shape.duration_ns / NS_PER_S


async def _with_tokens(job: LoadJob) -> None:
    """Every user has its token before the first is set up: signing in is no part of the load."""
    shape = job.plan.load.shape
    with SignInProgress.of(job) as on_progress:
        await job.tokens.prepare(
            shape.vus,
            _needed_for_s(job.plan),
            directory=cache_directory(job.item.config),
            targets=job.session.targets(),
            on_progress=on_progress,
        )


def _keep(job: LoadJob, run: LoadRun, end: LoadEnd) -> Loaded:
    run.recorder.flush()  # requests of forgotten tasks ended only when their clients were closed
    load = job.plan.load
    measured = measurement_of(load, run.shape, run.recorder.metrics, end.ran_ns)
    ended = EndedLoad(job, run.shape, *settled(load, run.shape, measured), end, _began_at(run))
    if isinstance(end.error, NO_RESULT):
        exporting.end(job, run, None)
        return Loaded(ended, None)
    result = build_result(ended)
    job.keep(result)
    sections_of(job.item).extend(failure_sections(result, end))
    exporting.end(job, run, result)
    return Loaded(ended, result)


def _began_at(run: LoadRun) -> str:
    """When the load began, on the clock of the wall; empty if it never did."""
    return utc_text(time.time_ns() - run.elapsed_ns) if run.elapsed_ns else ""


async def _watched(job: LoadJob, run: LoadRun) -> LoadEnd:
    watchers = list(watchers_of(job, run))  # before the load's time begins: some import what they need
    progress = asyncio.ensure_future(watch(job, run))  # also while users are being set up
    try:
        return await run.run(watchers)
    finally:
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)


def raise_error(ended: EndedLoad) -> None:
    """Raise what ended the load, if it is an error, or Ctrl-C."""
    job, end = ended.job, ended.end
    if end.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    if end.error is not None:
        if end.ending is Ending.SET_UP_FAILED:
            end.error.add_note(f"raised in the set-up of {end.reason}, before any load was sent")
        raise end.error
    if job.program.first_error is not None and job.plan.once:
        raise job.program.first_error


def raise_verdict(loaded: Loaded, which: str = "") -> None:
    """Raise LoadFailed with the whole report, if the load has not passed. `which` it was, of several."""
    __tracebackhide__ = True
    if loaded.result is not None and loaded.result.state != "passed":
        raise LoadFailed(which + failure_text(loaded.result))
