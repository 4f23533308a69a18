"""One load test's part of the Markdown: what broke and by how much, and the folded details.

It knows the result, not the room there is for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pytest_loadtest.core.units import format_duration, format_rate, format_share
from pytest_loadtest.report.failure import authentication_line
from pytest_loadtest.report.markdown.blocks import Piece, Section, table
from pytest_loadtest.report.markdown.budgets import broken_table, budget_table
from pytest_loadtest.report.markdown.escaping import NOTHING, cell, code, fenced, in_html, one_line, prose
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import Latency, RequestRow

LONGEST_NAME = 160
LONGEST_SAMPLE = 300
MOST_TRACEBACKS = 3
# Words say the same as the signs, which are for who skims.
_SIGNS = {"passed": "\N{WHITE HEAVY CHECK MARK}", "failed": "\N{CROSS MARK}"}
_OTHER_SIGN = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"  # neither kept nor broken: nobody knows


def verdict(state: str) -> str:
    """The state with its sign."""
    return f"{_SIGNS.get(state, _OTHER_SIGN)} {prose(state)}"


def section_of(result: LoadResult) -> Section:
    """All that there is to say of one load test."""
    name = in_html(result.test, LONGEST_NAME)
    if result.has_passed:
        return Section(f"{verdict(result.state)}: {name}", pieces=tuple(_pieces(result)))
    return Section(f"Details of {name}", head=_head(result), pieces=tuple(_pieces(result)))


def _head(result: LoadResult) -> str:
    parts = [f"### {verdict(result.state)}: {code(result.test, LONGEST_NAME)}", prose(result.load)]
    if result.reason:
        parts.append(code(result.reason, 500))
    if result.broken:
        parts.append(broken_table(result))
    return "\n\n".join(parts)


# -- details ------------------------------------------------------------------------------------------


def _pieces(result: LoadResult) -> Iterator[Piece]:
    """The dearest first."""
    found = (
        ("Budgets", budget_table(result)),
        ("Failed requests", _errors(result)),
        ("Failed iterations", _failures(result)),
        ("Checks", _checks(result)),
        ("Requests", _requests(result)),
        ("Notes", _notes(result)),
        ("Custom metrics", _metrics(result)),
        ("Load and generator", _generator(result)),
    )
    return (Piece(title, text) for title, text in found if text)


def _errors(result: LoadResult) -> str:
    if not result.errors:
        return ""
    titles = ("count", "request", "what happened", "one of them")
    shown = table(
        titles,
        result.errors,
        lambda row: (f"{row.count:,}", cell(row.name), cell(row.reason), cell(row.sample, LONGEST_SAMPLE)),
        texts=titles[1:],
        of="kinds of failure",
    )
    return f"{result.failed_requests:,} of {result.count:,} failed.\n\n{shown}"


def _failures(result: LoadResult) -> str:
    if not result.failures:
        return ""
    titles = ("count", "exception", "where", "the first one's message")
    shown = table(
        titles,
        result.failures,
        lambda row: (f"{row.count:,}", cell(row.type), cell(row.place), cell(row.message, LONGEST_SAMPLE)),
        texts=titles[1:],
        of="kinds of failure",
    )
    traced = (row.traceback for row in result.failures if row.traceback.strip())
    blocks = [fenced(traceback) for traceback in islice(traced, MOST_TRACEBACKS)]
    total = f"{result.failed_iterations:,} of {result.iterations:,} failed."
    return "\n\n".join([total, shown, *blocks])


def _checks(result: LoadResult) -> str:
    if not result.checks:
        return ""
    return table(
        ("check", "held", "of", "share"),
        sorted(result.checks, key=lambda row: row.yes / row.total if row.total else 1),
        lambda row: (cell(row.name), f"{row.yes:,}", f"{row.total:,}", _share(row.yes, row.total)),
        texts={"check"},
        of="checks",
    )


def _requests(result: LoadResult) -> str:
    if not result.requests:
        return ""
    shown = table(
        ("request", "count", "rate", "p50", "p95", "p99", "max", "failed", "statuses"),
        sorted(result.requests, key=lambda row: -row.latency.p95),
        _request_cells,
        texts={"request", "statuses"},
        of="requests",
    )
    kind = "Response" if result.open_model else "Service"
    return f"{kind} times of the whole run, the slowest first.\n\n{shown}"


def _request_cells(row: RequestRow) -> tuple[str, ...]:
    return (
        cell(row.name),
        f"{row.count:,}",
        format_rate(row.per_second),
        *times(row.latency),
        _time(row.latency.max, row.latency),
        f"{row.failed:,}",
        _statuses(row),
    )


def _statuses(row: RequestRow) -> str:
    return prose(", ".join(f"{status}: {count:,}" for status, count in row.statuses.items()), 80)


_MetricRow = tuple[str, int, str, Latency]


def _metrics(result: LoadResult) -> str:
    rows: list[_MetricRow] = [(name, count, NOTHING, Latency()) for name, count in result.counters.items()]
    rows += [(row.name, row.total, _share(row.yes, row.total), Latency()) for row in result.rates]
    rows += [(name, trend.n, NOTHING, trend) for name, trend in result.trends.items()]
    if not rows:
        return ""
    return table(
        ("metric", "count", "share", "p50", "p95", "p99"), rows, _metric_cells, texts={"metric"}, of="metrics"
    )


def _metric_cells(row: _MetricRow) -> tuple[str, ...]:
    name, count, share, trend = row
    return (cell(name), f"{count:,}", share, *times(trend))


def _generator(result: LoadResult) -> str:
    generator = result.generator
    facts = {
        "load": result.load,
        "iterations": f"{result.iterations:,}",
        "of them failed": f"{result.failed_iterations:,}",
        "interrupted, dropped": f"{result.interrupted:,}, {result.dropped:,}",
        "requests open at the end": f"{result.censored:,}",
        "began": result.began_at,
        "ran": format_duration(result.ran_ns),
        "generator": f"{generator.state}: {generator.reason}" if generator.reason else generator.state,
        "CPU of one core": _of_a_core(result),
        "answers read late by": _delay(generator.read_delay),
        "iterations begun late by": _delay(generator.start_delay),
        "lines that blocked the event loop": ", ".join(
            f"{row.place} ({row.count:,} times, {format_duration(row.longest_ns)} at most)"
            for row in generator.blocked
        ),
    }
    titles = ("", "what it was like")
    told = [(what, text) for what, text in facts.items() if text]
    return table(titles, told, lambda fact: (fact[0], prose(fact[1], 300)), texts=titles, of="facts")


def _of_a_core(result: LoadResult) -> str:
    cpu, highest = result.generator.cpu, result.generator.cpu_highest
    if cpu is None:
        return ""
    return format_share(cpu) + (f", {format_share(highest)} at most" if highest is not None else "")


def _delay(delay: Latency) -> str:
    return f"p50 {_time(delay.p50, delay)}, p99 {_time(delay.p99, delay)}" if delay.n else ""


def _notes(result: LoadResult) -> str:
    told = [f"overridden: {override}" for override in result.overrides]
    if result.authentication is not None:
        told.append(authentication_line(result.authentication))
    return "\n".join(f"- {prose(note)}" for note in [*told, *result.remarks] if one_line(note, 1))


# -- figures ------------------------------------------------------------------------------------------


def times(latency: Latency) -> tuple[str, str, str]:
    """p50, p95 and p99."""
    return tuple(_time(value, latency) for value in (latency.p50, latency.p95, latency.p99))  # type: ignore[return-value]  # of three


def _time(nanoseconds: float, latency: Latency) -> str:
    return format_duration(nanoseconds) if latency.n else NOTHING


def _share(yes: int, total: int) -> str:
    return format_share(yes / total) if total else NOTHING
