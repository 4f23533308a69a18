"""From what a load measured and how it ended to its result: verdicts, state, and the reason for it.

It runs nothing and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_loadtest.core.budget import Undecided
from pytest_loadtest.core.looks import CONFIDENCE_OF_LOOKS
from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.standing import standing
from pytest_loadtest.core.statistics import CONFIDENCE
from pytest_loadtest.core.units import format_duration
from pytest_loadtest.core.verdict import Measurement, Verdict, judge
from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.errors import ConfigurationError, TokenError
from pytest_loadtest.plugin.job import EndedLoad, LoadJob
from pytest_loadtest.plugin.measuring import iterations_asked
from pytest_loadtest.plugin.planning import TestPlan
from pytest_loadtest.plugin.remarks import remarks_of
from pytest_loadtest.plugin.tracebacks import short_traceback
from pytest_loadtest.report.failure import tracebacks
from pytest_loadtest.results.configuration import configuration_of
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.tables import tables_of

_JUDGED = (Ending.COMPLETED, Ending.TIMED_OUT, Ending.BUDGET_BROKEN)
# They say by themselves why the test failed; all others are a state of their own.
_PLAIN_ENDINGS = (Ending.COMPLETED, Ending.HOPELESS, Ending.NO_TARGET, Ending.BUDGET_BROKEN)
# What a test raises to end more than an iteration, and says itself why.
_STOPPED_BY = (ConfigurationError, TokenError, pytest.exit.Exception)


def build_result(ended: EndedLoad) -> LoadResult:
    """The result of a load that ended, judged if it was run to be judged."""
    job, shape, run, end = ended.job, ended.shape, ended.run, ended.end
    verdicts = _verdicts(job.plan, run, end)
    reason = redact(_reason(job, run.metrics, end))
    tables = tables_of(run, verdicts)
    return LoadResult(
        test=job.title,
        state=_state(end, verdicts, reason),
        reason=reason,
        load=shape_in_words(shape),
        open_model=run.open_model,
        vus=shape.vus,
        ran_ns=end.ran_ns,
        steady_ns=run.steady_ns,
        overrides=job.plan.load.overrides,
        confidence=_confidence(job.plan),
        remarks=tuple(remarks_of(ended, verdicts, tables["generator"], tables["stall_share"])),
        run_id=job.session.run_id,
        authentication=job.tokens.authentication,
        nodeid=job.item.nodeid,
        began_at=ended.began_at,
        configuration=configuration_of(job.plan.load, shape),
        **tables,
    )


def _verdicts(plan: TestPlan, run: Measurement, end: LoadEnd) -> list[Verdict]:
    if end.ending not in _JUDGED:
        return []
    budgets = plan.budgets
    if end.ending is Ending.BUDGET_BROKEN:  # what was stopped early has not had the time to count so far
        budgets = tuple(each for each in budgets if each.rule.upper or not each.rule.is_count)
    return standing(judge(budgets, run, plan.undecided, _confidence(plan)), run)


def _confidence(plan: TestPlan) -> float:
    """Of each interval, such that the verdict is as sure as ever although there may be several looks."""
    return CONFIDENCE_OF_LOOKS if plan.undecided is Undecided.EXTEND else CONFIDENCE


def _reason(job: LoadJob, metrics: Metrics, end: LoadEnd) -> str:
    """What failed beside the budgets; empty when nothing did."""
    if end.ending is Ending.ABORTED:
        return f"the test aborted the load: {end.reason}"
    if end.ending is Ending.BUDGET_BROKEN:
        return f"stopped {end.reason}"
    if end.ending is Ending.TIMED_OUT:
        assert job.loop.limit is not None
        return f"{job.loop.limit.message}: the load was stopped"
    if end.ending is Ending.NO_TARGET:
        return f"no request got an answer, the load was stopped: {end.reason}"
    if end.ending is Ending.HOPELESS:
        failure = next(iter(metrics.failures.values()))
        what = f"{failure.type} at {failure.place}: {failure.message}"
        return f"every first iteration failed alike, the load was stopped: {what}"
    if isinstance(end.error, _STOPPED_BY):
        return f"the load was stopped: {end.error}"
    if end.ending is Ending.SET_UP_FAILED:
        return f"the set-up of {end.reason} failed: {type(end.error).__name__}: {end.error}"
    return _missing(job.plan, metrics, end) or _left_behind(end) or _interrupted(end)


def _missing(plan: TestPlan, metrics: Metrics, end: LoadEnd) -> str:
    """What a completed load should have measured and has not."""
    if end.ending is not Ending.COMPLETED or plan.once:
        return ""
    shape, done = plan.load.shape, metrics.iterations.finished.total()
    if not done:
        return "no iteration finished: nothing was measured"
    if done < iterations_asked(shape):
        limit = format_duration(shape.duration_ns)
        return (
            f"only {done:,} of {iterations_asked(shape):,} iterations were finished within {limit}; "
            "duration= gives them more time"
        )
    return ""


def _left_behind(end: LoadEnd) -> str:
    if end.stuck:
        return f"{len(end.stuck)} virtual users did not stop when they were cancelled"
    if end.tear_down_errors:
        user, error = end.tear_down_errors[0]
        return (
            f"tear-down failed for {len(end.tear_down_errors)} virtual users; "
            f"the first, of virtual user {user}: {type(error).__name__}: {error}"
        )
    return ""


def _interrupted(end: LoadEnd) -> str:
    return f"interrupted after {format_duration(end.ran_ns)}" if end.ending is Ending.INTERRUPTED else ""


def failure_sections(result: LoadResult, end: LoadEnd) -> Iterator[tuple[str, str]]:
    """What pytest shows below the failure text: where the user's code raised."""
    if text := tracebacks(result):
        yield "first failures", text
    if end.tear_down_errors:
        user, error = end.tear_down_errors[0]
        yield f"tear-down of virtual user {user}", short_traceback(error)


def _state(end: LoadEnd, verdicts: list[Verdict], reason: str) -> str:
    if end.ending not in _PLAIN_ENDINGS:
        return str(end.ending)
    broken = [verdict for verdict in verdicts if not verdict.passed]
    if not reason and broken and all(verdict.invalid for verdict in broken):
        return "invalid"
    return "failed" if reason or broken else "passed"
