"""From what a load measured and how it ended to its result: steady part, verdicts, reasons, remarks.

Decides everything that is said about a load test; it runs nothing and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_loadtest.core.metrics import MOST_NAMES, OTHER_NAMES
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.shape import OpenShape, Shape, slices_of
from pytest_loadtest.core.standing import standing
from pytest_loadtest.core.timeline import Window
from pytest_loadtest.core.units import NS_PER_S, format_duration
from pytest_loadtest.core.validity import ADVICE, HIGH_CPU, LATE_START_NS, MUCH_WAITING, State
from pytest_loadtest.core.verdict import Measurement, Verdict, judge
from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.plugin.item import LoadFunction
from pytest_loadtest.plugin.tracebacks import short_traceback
from pytest_loadtest.report.failure import tracebacks
from pytest_loadtest.results.result import GeneratorRow, LoadResult, tables_of

# Short runs and short holds get finer slices, so that ramps of parts of a second can be left out.
SHORT_RUN_NS = 60 * NS_PER_S
SHORT_SLICE_NS = NS_PER_S // 10
SLICE_NS = NS_PER_S
SHORT_HOLD_NS = 10 * NS_PER_S
MOST_CLOSE_CALLS = 2  # that are told each for itself
# A note each: the longest are enough to find the habit.
MOST_BLOCKED_PLACES = 3


def slice_length_ns(shape: Shape) -> int:
    """How fine the timeline is."""
    holds = [ends - begins for begins, ends in shape.steady_spans()]
    is_short = shape.duration_ns < SHORT_RUN_NS or min(holds, default=SHORT_HOLD_NS) < SHORT_HOLD_NS
    return SHORT_SLICE_NS if is_short else SLICE_NS


def build_result(item: LoadFunction, recorder: Recorder, end: LoadEnd) -> LoadResult:
    """The result of a load that ended, judged if it was run to be judged."""
    shape = item.plan.load.shape
    measurement = _measurement(shape, recorder, end)
    verdicts = _verdicts(item, measurement) if _is_judged(end) else []
    reason = redact(_reason(item, recorder, end))
    tables = tables_of(measurement, verdicts)
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
        remarks=(
            *_close_calls(verdicts, measurement),
            *_remarks(item, end, measurement),
            *_generator_remarks(tables["generator"], verdicts),
        ),
        **tables,
    )


def _verdicts(item: LoadFunction, run: Measurement) -> list[Verdict]:
    return standing(judge(item.plan.budgets, run, item.plan.undecided), run)


def _measurement(shape: Shape, recorder: Recorder, end: LoadEnd) -> Measurement:
    metrics, is_open = recorder.metrics, isinstance(shape, OpenShape)
    if iterations_asked(shape):
        return Measurement(metrics, None, end.ran_ns, end.ran_ns, open_model=is_open)
    ran_ns = min(end.ran_ns, shape.duration_ns)
    whole = ((0, -(-ran_ns // metrics.slice_ns)),)
    steady, steady_ns = _steady(shape, metrics.slice_ns) or (whole, ran_ns)
    return Measurement(metrics, steady, steady_ns, ran_ns, open_model=is_open, whole=whole)


def _steady(shape: Shape, slice_ns: int) -> tuple[Window, int] | None:
    """The whole slices in which the level holds; None when it always holds, or never for a slice."""
    spans = shape.steady_spans()
    steady = slices_of(spans, slice_ns)
    if not steady or spans == ((0, shape.duration_ns),):
        return None
    return steady, sum(last - first for first, last in steady) * slice_ns


def iterations_asked(shape: Shape) -> int:
    """How many iterations the load is to have; 0 when it is limited by time."""
    if isinstance(shape, OpenShape):
        return 0
    return shape.iterations or (shape.iterations_per_vu or 0) * shape.vus


def _is_judged(end: LoadEnd) -> bool:
    return end.ending in (Ending.COMPLETED, Ending.TIMED_OUT)


def _reason(item: LoadFunction, recorder: Recorder, end: LoadEnd) -> str:
    """What failed beside the budgets; empty when nothing did."""
    if end.ending is Ending.ABORTED:
        return f"the test aborted the load: {end.reason}"
    if end.ending is Ending.TIMED_OUT:
        assert item.load_loop.limit is not None
        return f"{item.load_loop.limit.message}: the load was stopped"
    if end.ending is Ending.NO_TARGET:
        return f"no request got an answer, the load was stopped: {end.reason}"
    if end.ending is Ending.HOPELESS:
        failure = next(iter(recorder.metrics.failures.values()))
        what = f"{failure.type} at {failure.place}: {failure.message}"
        return f"every first iteration failed alike, the load was stopped: {what}"
    if (missing := _missing(item, recorder, end)) is not None:
        return missing
    if end.stuck:
        return f"{len(end.stuck)} virtual users did not stop when they were cancelled"
    if end.tear_down_errors:
        user, error = end.tear_down_errors[0]
        return (
            f"tear-down failed for {len(end.tear_down_errors)} virtual users; "
            f"the first, of virtual user {user}: {type(error).__name__}: {error}"
        )
    return ""


def _missing(item: LoadFunction, recorder: Recorder, end: LoadEnd) -> str | None:
    """What a completed load should have measured and has not."""
    if end.ending is not Ending.COMPLETED or item.plan.once:
        return None
    shape, done = item.plan.load.shape, recorder.metrics.iterations.finished.total()
    if not done:
        return "no iteration finished: nothing was measured"
    if done < iterations_asked(shape):
        limit = format_duration(shape.duration_ns)
        return (
            f"only {done:,} of {iterations_asked(shape):,} iterations were finished within {limit}; "
            "duration= gives them more time"
        )
    return None


def failure_sections(result: LoadResult, end: LoadEnd) -> Iterator[tuple[str, str]]:
    """What pytest shows below the failure text: where the user's code raised."""
    if text := tracebacks(result):
        yield "first failures", text
    if end.tear_down_errors:
        user, error = end.tear_down_errors[0]
        yield f"tear-down of virtual user {user}", short_traceback(error)


def _state(end: LoadEnd, verdicts: list[Verdict], reason: str) -> str:
    if end.ending not in (Ending.COMPLETED, Ending.HOPELESS, Ending.NO_TARGET):
        return str(end.ending)
    broken = [verdict for verdict in verdicts if not verdict.passed]
    if not reason and broken and all(verdict.invalid for verdict in broken):
        return "invalid"
    return "failed" if reason or broken else "passed"


def _close_calls(verdicts: list[Verdict], run: Measurement) -> list[str]:
    """Budgets whose verdict could be chance: each in a sentence, many in one."""
    close = [verdict for verdict in verdicts if verdict.is_close and not verdict.invalid]
    if len(close) > MOST_CLOSE_CALLS:
        labels = ", ".join(verdict.budget.label for verdict in close)
        told = (
            f"{len(close)} of {len(verdicts)} budgets are too close to call ({labels}): a longer run or more "
            "requests would tell; -v shows their 95 % intervals"
        )
        return [told]
    return [
        verdict.close_call(run.whole_ns if verdict.budget.implicit else run.steady_ns) for verdict in close
    ]


def _is_worth_a_word(generator: GeneratorRow, verdicts: list[Verdict]) -> bool:
    """A budget is broken, or the generator was busy. That a few 0.1 ms of late reading are much of a quick
    target's latency puts nothing in doubt that has passed: -v tells.
    """
    if any(not verdict.passed for verdict in verdicts):
        return True
    is_busy = (generator.cpu_highest or 0) >= HIGH_CPU or (generator.run_queue or 0) > MUCH_WAITING
    return is_busy or generator.start_delay.p99 > LATE_START_NS


def _generator_remarks(generator: GeneratorRow, verdicts: list[Verdict]) -> Iterator[str]:
    """What the generator says of itself, if it is anything to mind."""
    is_worth_it = _is_worth_a_word(generator, verdicts)
    if generator.state == State.LIMITED.label and is_worth_it:
        yield (
            f"generator-limited: {generator.reason}; the latencies are partly the generator's own, and what "
            f"passed has passed in spite of it; what helps: {ADVICE}"
        )
    elif generator.state == State.DEGRADED.label and is_worth_it:
        yield f"generator degraded: {generator.reason}; part of the latencies may be the generator's own"
    for row in generator.blocked[:MOST_BLOCKED_PLACES]:
        times = f"{row.count:,} times, up to" if row.count > 1 else "once, for"
        yield (
            f"the event loop was blocked {times} {format_duration(row.longest_ns)}, at {row.place}: "
            "meanwhile no other user was served"
        )
    if (more := len(generator.blocked) - MOST_BLOCKED_PLACES) > 0:
        yield f"the event loop was blocked at {more} more place{'s' if more > 1 else ''}"


def _remarks(item: LoadFunction, end: LoadEnd, run: Measurement) -> list[str]:
    """What a reader must know to read the numbers rightly."""
    shape = item.plan.load.shape
    remarks = []
    if "http" in item.fixturenames and not run.metrics.requests:
        remarks.append("the test takes http, but no request was made; is an await missing?")
    if not slices_of(shape.steady_spans(), run.metrics.slice_ns):
        remarks.append("the load never holds one level: budgets are judged on the whole run, ramps included")
    if (delay := run.metrics.iterations.start_delay).n:
        p50, p99 = (format_duration(delay.quantile(share)) for share in (0.5, 0.99))
        remarks.append(
            f"iterations started late by p50 {p50}, p99 {p99}; their first request carries that delay"
        )
    cut = run.metrics.iterations.interrupted
    censored = sum(series.censored.total() for series in run.metrics.requests.values())
    if cut or censored:
        after = f" after the graceful stop of {format_duration(shape.graceful_stop_ns)}"
        remarks.append(
            f"{cut} iteration{'s were' if cut != 1 else ' was'} cut"
            f"{after if cut and end.ending is Ending.COMPLETED else ''}; "
            f"{censored} request{'s were' if censored != 1 else ' was'} open (censored)"
        )
    again = sum(series.reconnects for series in run.metrics.requests.values())
    if again:
        remarks.append(
            f"{again} request{'s were' if again != 1 else ' was'} sent once more on a new connection: "
            "the server had closed the kept one"
        )
    if OTHER_NAMES in run.metrics.requests:
        remarks.append(
            f"more than {MOST_NAMES} request names: give name= to requests whose path contains ids"
        )
    return remarks
