"""What a reader must know to read a load's figures rightly: the notes beneath them.

Each is a sentence or two about this run; nothing here changes a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_loadtest.core.budget import Undecided
from pytest_loadtest.core.metrics import MOST_NAMES, OTHER_NAMES, IterationSeries
from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.shape import OpenShape, Shape, slices_of
from pytest_loadtest.core.stalls import STALLED
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate, format_share
from pytest_loadtest.core.validity import HIGH_CPU, LATE_START_NS, MUCH_WAITING, State, advice_for
from pytest_loadtest.core.verdict import Measurement, Verdict
from pytest_loadtest.core.wording import short_duration
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.plugin.job import EndedLoad
from pytest_loadtest.results.rows import GeneratorRow

MOST_CLOSE_CALLS = 2  # that are told each for itself
# A note each: the longest are enough to find the habit.
MOST_BLOCKED_PLACES = 3
# Of the users' time: a second in 20. Below it, single slow requests would be taken for a stall.
MUCH_STALLING = 0.05
UNAUTHORIZED = 401


def remarks_of(
    ended: EndedLoad, verdicts: list[Verdict], generator: GeneratorRow, stall_share: float | None
) -> Iterator[str]:
    """All notes, those on verdicts first."""
    yield from _close_calls(verdicts, ended.run)
    yield from _on_lengthening(ended, verdicts)
    yield from _on_the_load(ended)
    yield from ended.job.tokens.notes
    yield from _on_refused_tokens(ended)
    yield from _on_stalls(stall_share)
    yield from _on_late_starts(ended)
    yield from _on_what_was_cut(ended)
    yield from _on_requests(ended.run)
    yield from _on_the_generator(generator, verdicts, advice_for(ended.run.metrics.generator))


def _close_calls(verdicts: list[Verdict], run: Measurement) -> list[str]:
    """Budgets whose verdict could be chance: each in a sentence, many in one."""
    close = [verdict for verdict in verdicts if verdict.is_close and not verdict.invalid]
    if len(close) > MOST_CLOSE_CALLS:
        labels = ", ".join(verdict.budget.label for verdict in close)
        assert close[0].interval is not None
        sure = close[0].interval.confidence_text
        told = (
            f"{len(close)} of {len(verdicts)} budgets are too close to call ({labels}): a longer run or more "
            f"requests would tell; -v shows their {sure} intervals"
        )
        return [told]
    return [verdict.close_call(run.judged_ns(verdict.budget)) for verdict in close]


def _on_lengthening(ended: EndedLoad, verdicts: list[Verdict]) -> Iterator[str]:
    plan = ended.job.plan
    planned_ns, ran_ns = plan.load.shape.duration_ns, ended.shape.duration_ns
    if ran_ns > planned_ns:
        planned, ran = short_duration(planned_ns), short_duration(ran_ns)
        yield f"lengthened from {planned} to {ran}: budgets were too close to call (--load-undecided=extend)"
    can_be_longer = plan.undecided is not Undecided.EXTEND or ended.shape.hold_ends_ns is not None
    if not can_be_longer and any(verdict.is_close for verdict in verdicts):
        yield "--load-undecided=extend lengthens only loads that hold a level for some time"


def _is_worth_a_word(generator: GeneratorRow, verdicts: list[Verdict]) -> bool:
    """A budget is broken, or the generator was busy. That a few 0.1 ms of late reading are much of a quick
    target's latency puts nothing in doubt that has passed: -v tells.
    """
    if any(not verdict.passed for verdict in verdicts):
        return True
    is_busy = (generator.cpu_highest or 0) >= HIGH_CPU or (generator.run_queue or 0) > MUCH_WAITING
    return is_busy or generator.start_delay.p99 > LATE_START_NS


def _on_the_generator(generator: GeneratorRow, verdicts: list[Verdict], advice: str) -> Iterator[str]:
    """What the generator says of itself, if it is anything to mind."""
    is_worth_it = _is_worth_a_word(generator, verdicts)
    if generator.state == State.LIMITED.label and is_worth_it:
        has_passed = any(verdict.passed and verdict.budget.is_latency for verdict in verdicts)
        in_spite = ", and what passed has passed in spite of it" if has_passed else ""
        yield (
            f"generator-limited: {generator.reason}; the latencies are partly the generator's own{in_spite}; "
            f"what helps: {advice}"
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


def _on_the_load(ended: EndedLoad) -> Iterator[str]:
    if "http" in ended.job.fixtures and not ended.run.metrics.requests:
        yield "the test takes http, but no request was made; is an await missing?"
    if not slices_of(ended.shape.steady_spans(), ended.run.metrics.slice_ns):
        yield "the load never holds one level: budgets are judged on the whole run, ramps included"
    if ended.warm_up is not None:
        yield ended.warm_up.note
    if declared_ns := ended.job.plan.load.warm_up_ns:
        yield f"the first {short_duration(declared_ns)} at the level are its warm-up (warm_up=): not judged"


def _on_refused_tokens(ended: EndedLoad) -> Iterator[str]:
    """Tokens that are kept between runs are not tried before a load: their users may be gone."""
    authentication = ended.job.tokens.authentication
    requests = ended.run.metrics.requests.values()
    refused = sum(series.statuses[UNAUTHORIZED] for series in requests)
    if authentication and authentication.reused and refused * 2 > sum(s.total.total() for s in requests):
        yield (
            f"{refused:,} requests were refused with {UNAUTHORIZED}; {authentication.reused} of the tokens "
            "were kept from an earlier run: if the users were made anew since, pytest --cache-clear forgets "
            "them"
        )


def _on_stalls(stall_share: float | None) -> Iterator[str]:
    if stall_share is not None and stall_share >= MUCH_STALLING:
        yield (
            f"stalls: users spent {format_share(stall_share)} of their time in requests that took more than "
            f"{STALLED} times the median of their name; while they wait they send nothing, so percentiles of "
            "a closed model hardly show it: rate= does"
        )


def _on_late_starts(ended: EndedLoad) -> Iterator[str]:
    iterations = ended.run.metrics.iterations
    delay = iterations.start_delay
    if delay.n and delay.quantile(0.99) > LATE_START_NS:
        p50, p99 = (format_duration(delay.quantile(share)) for share in (0.5, 0.99))
        yield f"iterations started late by p50 {p50}, p99 {p99}; their first request carries that delay"
    if iterations.dropped.total():
        yield _on_too_few_users(ended.shape, iterations)


def _on_too_few_users(shape: Shape, iterations: IterationSeries) -> str:
    """By Little's law a rate of so many iterations a second that last so long takes so many users."""
    mean_ns = iterations.service.histogram().mean
    took, needed = "no iteration ended", ""
    if not math.isnan(mean_ns):
        took = f"iterations took {format_duration(mean_ns)} on average"
        needed = f", which takes about {math.ceil(shape.profile.peak * mean_ns / NS_PER_S)}"
    if not isinstance(shape, OpenShape):
        return f"{took}: too long for the pacing, so users fell behind until the end"
    return (
        f"all {shape.max_vus} users were busy and arrivals had to wait: {took}, at up to "
        f"{format_rate(shape.profile.peak)}{needed}; a larger max_vus= lets more run at once"
    )


def _on_what_was_cut(ended: EndedLoad) -> Iterator[str]:
    shape, run, end = ended.shape, ended.run, ended.end
    cut = run.metrics.iterations.interrupted
    censored = sum(series.outcomes[Outcome.CENSORED] for series in run.metrics.requests.values())
    parts = []
    if cut:
        after = f" after the graceful stop of {format_duration(shape.graceful_stop_ns)}"
        shown = after if end.ending is Ending.COMPLETED else ""
        parts.append(f"{cut:,} iteration{'s were' if cut != 1 else ' was'} cut{shown}")
    if censored:
        parts.append(f"{censored:,} request{'s were' if censored != 1 else ' was'} open (censored)")
    if parts:
        yield "; ".join(parts)


def _on_requests(run: Measurement) -> Iterator[str]:
    if again := sum(series.reconnects for series in run.metrics.requests.values()):
        yield (
            f"{again} request{'s were' if again != 1 else ' was'} sent once more on a new connection: "
            "the server had closed the kept one"
        )
    if OTHER_NAMES in run.metrics.requests:
        yield f"more than {MOST_NAMES} request names: give name= to requests whose path contains ids"
