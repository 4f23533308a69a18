"""The text of a failed load test: what broke and by how much, where the time went, errors with a sample.

Its first line says it all, since pytest's short summary, JUnit and xdist show only that. Its tables fit the
narrowest terminal: the text goes to reports, too, and comes from workers, which have no terminal.
"""

from __future__ import annotations

from pytest_loadtest.core.printable import printable
from pytest_loadtest.core.units import format_duration, format_share
from pytest_loadtest.core.wording import as_broken
from pytest_loadtest.report.tables import (
    NARROWEST,
    budget_table,
    check_table,
    metric_table,
    render,
    request_table,
)
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import AuthenticationRow, BudgetRow, GeneratorRow

MOST_SLOW_REQUESTS = 5
MOST_GROUPS = 8
NOT_MEASURED = "-"
INVALID = " (invalid: generator-limited)"


def failure_text(result: LoadResult) -> str:
    """Everything that a person needs to know about a load test that failed."""
    return "\n\n".join([headline(result), *_reasons(result), details(result)])


def details(result: LoadResult) -> str:
    """What was measured, beneath the verdict."""
    parts = []
    if result.budgets:
        parts.append(render(budget_table(result), NARROWEST))
    if result.requests:
        parts.append(_slowest(result))
    parts += [*_errors(result), *_failures(result)]
    if any(row.yes < row.total for row in result.checks):
        parts.append("Checks that did not hold:\n" + render(check_table(result), NARROWEST))
    if result.has_metrics:
        parts.append("Custom metrics:\n" + render(metric_table(result), NARROWEST))
    parts.append(_run_line(result))
    return "\n\n".join(parts)


def headline(result: LoadResult) -> str:
    """One line: the reason, or the budgets that broke."""
    broken = result.broken
    is_invalid = all(row.invalid for row in broken)
    fate = "invalid: generator-limited" if is_invalid else "broken"
    words = (_in_words(row) + (INVALID if row.invalid and not is_invalid else "") for row in broken)
    budgets = f"{len(broken)} of {len(result.budgets)} budgets {fate}: " + "; ".join(words)
    if result.reason and broken:
        return f"{_first_line(result.reason)}; {budgets}"
    return _first_line(result.reason) or budgets


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def _in_words(row: BudgetRow) -> str:
    if row.invalid:
        return f"{row.label} {row.measured}, limit {row.limit}"
    if row.measured == NOT_MEASURED:
        return f"{row.label} not measured"
    if row.endless:
        return f"{row.label} has no end: {row.endless}, limit {row.limit}"
    if row.reason and row.is_close:
        return f"{row.label} {row.measured} too close to call, limit {row.limit}"
    if row.reason:  # what is known keeps the limit, but not all is known: the reason says what is not
        return f"{row.label} undecided: at least {row.measured}, limit {row.limit}"
    close = " (too close to call)" if row.is_close else ""
    return f"{row.label} {row.measured} {as_broken(row.limit)}{close}"


def _reasons(result: LoadResult) -> list[str]:
    notes = [f"{row.label}: {row.reason}" for row in result.budgets if row.reason]
    return ["\n".join(notes)] if notes else []


def _slowest(result: LoadResult) -> str:
    rows = sorted(result.requests, key=lambda row: -row.latency.p95)
    title = "Requests, the slowest first"
    if len(rows) > MOST_SLOW_REQUESTS:
        title = f"The {MOST_SLOW_REQUESTS} slowest of {len(rows)} requests"
    kind = "response" if result.open_model else "service"
    return f"{title} ({kind} time, whole run):\n" + render(
        request_table(rows[:MOST_SLOW_REQUESTS]), NARROWEST
    )


def _errors(result: LoadResult) -> list[str]:
    if not result.errors:
        return []
    lines = [f"Failed requests ({result.failed_requests:,}):"]
    for row in result.errors[:MOST_GROUPS]:
        sample = f"\n      {row.sample}" if row.sample else ""
        lines.append(f"  {row.count:,} x {printable(row.name)}: {row.reason}{sample}")
    return ["\n".join(lines + _more(len(result.errors)))]


def _failures(result: LoadResult) -> list[str]:
    if not result.failures:
        return []
    lines = [f"Failed iterations ({result.failed_iterations:,} of {result.iterations:,}):"]
    lines += [
        f"  {row.count:,} x {row.type} at {row.place}\n      {_first_line(row.message)}"
        for row in result.failures[:MOST_GROUPS]
    ]
    return ["\n".join(lines + _more(len(result.failures)))]


def _more(groups: int) -> list[str]:
    return [f"  and {_number(groups - MOST_GROUPS, 'more group')}"] if groups > MOST_GROUPS else []


def _run_line(result: LoadResult) -> str:
    lines = [
        f"{result.load}: {_number(result.iterations, 'iteration')}, {_number(result.count, 'request')}"
        + (f", {result.censored:,} censored" if result.censored else "")
        + (f", {_number(result.dropped, 'iteration')} dropped" if result.dropped else "")
    ]
    if result.generator.cpu is not None:
        lines.append(_generator_line(result.generator, result.generator.cpu))
    if result.authentication is not None:
        lines.append(authentication_line(result.authentication))
    return "\n".join([*lines, *(f"note: {remark}" for remark in result.remarks)])


def authentication_line(row: AuthenticationRow) -> str:
    """What was done to have the tokens: none of it is in the load's figures."""
    parts = []
    if row.attempts:
        attempts = f"{_number(row.attempts, 'attempt')} in {format_duration(row.time_ns)}"
        parts.append(f"{attempts}, {row.successes:,} succeeded")
    counts = {
        "throttled (429)": row.throttled,
        "renewed": row.renewals,
        "users created": row.created,
        "reused": row.reused,
    }
    parts += [f"{count:,} {what}" for what, count in counts.items() if count]
    return "authentication: " + (", ".join(parts) or "nobody needed to sign in")


def _generator_line(generator: GeneratorRow, cpu: float) -> str:
    """What it was like, so that its part in the figures can be seen."""
    p50, p99 = (format_duration(value) for value in (generator.read_delay.p50, generator.read_delay.p99))
    return (
        f"generator: {generator.state}, {format_share(cpu)} of a core, "
        f"it read answers late by p50 {p50}, p99 {p99}"
    )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def tracebacks(result: LoadResult) -> str:
    """The first traceback of each group of failed iterations; empty when there is none."""
    shown = result.failures[:MOST_GROUPS]
    return "\n\n".join(
        f"{row.count:,} x {row.type} at {row.place}; the first:\n{row.traceback}" for row in shown
    )
