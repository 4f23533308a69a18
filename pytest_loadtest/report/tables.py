"""The tables that reports share, drawn by rich: the summary of all load tests, budgets, requests, their
phases, checks, custom metrics.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from pytest_loadtest.core.confidence import confidence_text
from pytest_loadtest.core.metrics import PHASES
from pytest_loadtest.core.printable import printable
from pytest_loadtest.core.units import NS_PER_S, format_duration, format_rate, format_share
from pytest_loadtest.core.wording import short_duration
from pytest_loadtest.report.names import broken_into_lines, widest_word
from pytest_loadtest.report.ranking import rank_of
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow, GeneratorRow, Latency, RequestRow
from pytest_loadtest.results.run import Run

# The narrowest terminal that people use.
NARROWEST = 80
# What the first column of a table keeps of it, and what it may make other columns give way for.
NARROWEST_NAME = 16
NARROW_NAME = 24


def render(table: Table, width: int, *, color: bool = False) -> str:
    """The table as text."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=max(width, NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()).strip("\n")


class _Name:
    """A cell of the first column: a name that is broken between its words."""

    def __init__(self, name: str) -> None:
        self._name = printable(name)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in broken_into_lines(self._name, options.max_width):
            yield Text(line, no_wrap=True)

    def __rich_measure__(self, _console: Console, _options: ConsoleOptions) -> Measurement:
        return Measurement(min(widest_word(self._name), NARROWEST_NAME), cell_len(self._name))


def _table(first: str, *columns: str, texts: frozenset[str] = frozenset()) -> Table:
    """A table whose first column gives way when the width does not suffice; all others hold figures."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, min_width=NARROWEST_NAME)
    for title in columns:
        table.add_column(title, justify="left" if title in texts else "right", no_wrap=True)
    return table


def _ms(nanoseconds: float, n: int) -> str:
    return format_duration(nanoseconds) if n else "-"


_SUMMARY: Mapping[str, Callable[[LoadResult], str | Text]] = {
    "verdict": lambda result: Text(result.state, style="green" if result.state == "passed" else "bold red"),
    "VUs": lambda result: f"{result.most_vus:,}",
    "ran": lambda result: _ran(result),
    "requests": lambda result: f"{result.count:,}",
    "rate": lambda result: format_rate(result.per_second),
    "p50": lambda result: _ms(result.latency.p50, result.latency.n),
    "p95": lambda result: _ms(result.latency.p95, result.latency.n),
    "p99": lambda result: _ms(result.latency.p99, result.latency.n),
    "errors": lambda result: format_share(result.failed_requests / result.count) if result.count else "-",
    "checks": lambda result: "-" if math.isnan(result.check_share) else format_share(result.check_share),
    "generator": lambda result: result.generator.state,
}


# What a narrow terminal does without, the first to go first.
_DISPENSABLE = ({"generator"}, {"VUs", "ran", "p50"}, {"rate"}, {"p99"})


def by_verdict(results: Iterable[LoadResult]) -> list[LoadResult]:
    """What passed first, what failed last, in between what did neither; else as they were run.

    A terminal is read from its end, where the prompt is: what must be looked at first stands there.
    """
    return sorted(results, key=lambda result: -rank_of(result.state))


def summary_table(results: Iterable[LoadResult], width: int) -> Table:
    """One row per load test, with as many columns as the width allows; what failed is at the bottom."""
    rows = [
        (short_name(result.test), {title: cell(result) for title, cell in _SUMMARY.items()})
        for result in by_verdict(results)
    ]
    name_width = min(NARROW_NAME, max((cell_len(name) for name, _ in rows), default=0))
    shown = list(_SUMMARY)
    for titles in _DISPENSABLE:
        if max(name_width, NARROWEST_NAME) + _width(shown, [cells for _, cells in rows]) <= width:
            break
        shown = [title for title in shown if title not in titles]
    table = _table("load test", *shown, texts=frozenset({"verdict", "generator"}))
    for name, cells in rows:
        table.add_row(_Name(name), *(cells[title] for title in shown))
    return table


def _width(titles: list[str], rows: list[dict[str, str | Text]]) -> int:
    """What these columns need; two spaces are between columns."""
    widest = (max(len(title), *(len(row[title]) for row in rows)) for title in titles)
    return sum(width + 2 for width in widest)


def totals(results: Iterable[LoadResult], width: int) -> str:
    """All load tests in a line: ``3 load tests: 2 passed, 1 failed; 12.5 VU-minutes, peak 160 VUs``."""
    ordered = by_verdict(results)
    states = Counter(result.state for result in ordered)
    verdicts = ", ".join(f"{count} {state}" for state, count in states.items())
    summary = Run(run_id="", began_at="", results=tuple(ordered)).summary
    minutes = f"{summary.vu_minutes:,.{1 if summary.vu_minutes >= 1 else 3}f}"
    noun = "load test" if len(ordered) == 1 else "load tests"
    words = f"{len(ordered)} {noun}: {verdicts}; {minutes} VU-minutes, peak {summary.peak_vus:,} VUs"
    return textwrap.fill(words, max(width, NARROWEST), subsequent_indent="  ")


def _ran(result: LoadResult) -> str:
    if result.ran_ns < NS_PER_S:
        return format_duration(result.ran_ns)
    return short_duration(round(result.ran_ns / NS_PER_S) * NS_PER_S)


def short_name(test: str) -> str:
    """``test_x.py::test_browse[a]`` -> ``test_browse[a]``; a class stays."""
    path, separator, rest = test.partition("::")
    return rest if separator else path


def budget_table(result: LoadResult) -> Table:
    """Every judged budget: limit, measured, verdict; broken ones first."""
    interval = f"{confidence_text(result.confidence)} interval"
    table = _table("budget", "limit", "measured", interval, "", texts=frozenset({""}))
    for row in sorted(result.budgets, key=lambda row: row.passed):
        table.add_row(
            _Name(row.label + (" (default)" if row.implicit else "")),
            row.limit,
            row.measured,
            row.interval or "-",
            Text(_state(row), style="" if row.passed else "bold red"),
        )
    return table


def _state(row: BudgetRow) -> str:
    if row.invalid:
        return "INVALID"
    return ("ok" if row.passed else "BROKEN") + (", close" if row.is_close else "")


def generator_table(generator: GeneratorRow) -> Table:
    """The load generator itself."""
    table = _table("generator", "CPU", "highest", "waiting", "read p50", "read p99", "start p99")
    read, start = generator.read_delay, generator.start_delay
    shares = (generator.cpu, generator.cpu_highest, generator.run_queue)
    table.add_row(
        Text(generator.state),
        *("-" if share is None else format_share(share) for share in shares),
        _ms(read.p50, read.n),
        _ms(read.p99, read.n),
        _ms(start.p99, start.n),
    )
    return table


def request_table(rows: Iterable[RequestRow]) -> Table:
    """Requests by name."""
    table = _table("request", "count", "rate", "p50", "p95", "p99", "max", "errors")
    for row in rows:
        latency = row.latency
        table.add_row(
            _Name(row.name),
            f"{row.count:,}",
            format_rate(row.per_second),
            *(_ms(value, latency.n) for value in (latency.p50, latency.p95, latency.p99, latency.max)),
            f"{row.failed:,}",
        )
    return table


def check_table(result: LoadResult) -> Table:
    """Checks that did not always hold."""
    table = _table("check", "held", "of", "share")
    for row in result.checks:
        if row.yes < row.total:
            share = format_share(row.yes / row.total)
            table.add_row(_Name(row.name), f"{row.yes:,}", f"{row.total:,}", share)
    return table


def phase_table(rows: Iterable[RequestRow]) -> Table:
    """Where the time of requests went: the p95 of each phase that occurred."""
    rows = list(rows)
    phases = [phase for phase in PHASES if any(phase in row.phases for row in rows)]
    table = _table("p95 of", *phases)
    for row in rows:
        spent = (row.phases.get(phase, Latency()) for phase in phases)
        table.add_row(_Name(row.name), *(_ms(latency.p95, latency.n) for latency in spent))
    return table


def metric_table(result: LoadResult) -> Table:
    """The test's own counters, rates and trends."""
    table = _table("metric", "count", "share", "p50", "p95", "p99", "max")
    for name, count in result.counters.items():
        table.add_row(_Name(name), f"{count:,}", *["-"] * 5)
    for row in result.rates:
        table.add_row(_Name(row.name), f"{row.total:,}", format_share(row.yes / row.total), *["-"] * 4)
    for name, trend in result.trends.items():
        figures = (trend.p50, trend.p95, trend.p99, trend.max)
        table.add_row(_Name(name), f"{trend.n:,}", "-", *(_ms(figure, trend.n) for figure in figures))
    return table
