"""The tables of a load test's part, as texts: what stands in which column, and how a cell is meant.

It knows no HTML: templates draw tables, and escape every text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_loadtest.core.confidence import confidence_text
from pytest_loadtest.core.metrics import PHASES
from pytest_loadtest.core.units import format_duration, format_rate, format_share
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.rows import BudgetRow, GeneratorRow, Latency, RequestRow

GOOD, BAD, PLAIN = "good", "bad", ""
UNKNOWN = "-"
# A page of more is not read, but heavy: a row takes up to 1 kB. The worst rows come first.
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """A text; `tone` is GOOD, BAD or PLAIN, and never says more than the text."""

    text: str
    tone: str = PLAIN


@dataclass(frozen=True, slots=True)
class Column:
    """A column; figures are aligned to the right."""

    title: str
    is_figure: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first column names the row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def tables_of(result: LoadResult) -> list[Table]:
    """All that have a row, beneath the verdict."""
    kind = "response" if result.open_model else "service"
    tables = [
        _requests(result, kind),
        _phases(result.requests),
        _checks(result),
        _metrics(result),
        generator_table(result.generator),
        _blocked(result.generator),
    ]
    return [table for table in tables if table.rows]


def verdict_table(result: LoadResult) -> Table:
    """Every budget, the broken ones first."""
    rows = (
        (
            Cell(row.label + (" (default)" if row.implicit else "")),
            _verdict(row),
            Cell(row.limit),
            Cell(row.measured),
            Cell(row.interval or UNKNOWN),
        )
        for row in sorted(result.budgets, key=lambda row: row.passed)
    )
    interval = f"{confidence_text(result.confidence)} interval"
    notes = (f"{row.label}: {row.reason}." for row in result.budgets if row.reason)
    return _table(
        "Budgets",
        ["budget", "verdict", "limit", "measured", interval],
        rows,
        texts={"verdict"},
        note=" ".join(notes),
    )


def _verdict(row: BudgetRow) -> Cell:
    if row.invalid:
        return Cell("invalid", BAD)
    word = "ok" if row.passed else "broken"
    return Cell(f"{word}, too close to call" if row.is_close else word, GOOD if row.passed else BAD)


def _requests(result: LoadResult, kind: str) -> Table:
    columns = ["request", "count", "rate", "p50", "p95", "p99", "max", "failed", "answers"]
    rows = (
        (Cell(row.name), *_request(row)) for row in sorted(result.requests, key=lambda row: -row.latency.p95)
    )
    note = f"{kind.capitalize()} times of the whole run, the slowest first."
    return _table("Requests", columns, rows, texts={"answers"}, note=note)


def _request(row: RequestRow) -> list[Cell]:
    latency = row.latency
    figures = (latency.p50, latency.p95, latency.p99, latency.max)
    return [
        Cell(f"{row.count:,}"),
        Cell(format_rate(row.per_second)),
        *(Cell(_time(figure, latency)) for figure in figures),
        _failed(row),
        Cell(", ".join(f"{status}: {count:,}" for status, count in _by_count(row.statuses)) or UNKNOWN),
    ]


def _failed(row: RequestRow) -> Cell:
    if not row.failed:
        return Cell("0")
    return Cell(f"{row.failed:,} ({format_share(row.failed / row.count)})", BAD)


def _by_count(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


def _phases(requests: Iterable[RequestRow]) -> Table:
    listed = [row for row in requests if row.phases]
    phases = [phase for phase in PHASES if any(phase in row.phases for row in listed)]
    rows = ((Cell(row.name), *(Cell(_p95(row, phase)) for phase in phases)) for row in listed)
    return _table("Where the time went", ["p95 of", *phases], rows)


def _p95(row: RequestRow, phase: str) -> str:
    latency = row.phases.get(phase, Latency())
    return _time(latency.p95, latency)


def _checks(result: LoadResult) -> Table:
    rows = (
        (
            Cell(row.name),
            Cell(f"{row.yes:,}"),
            Cell(f"{row.total:,}"),
            Cell(format_share(row.yes / row.total), PLAIN if row.yes == row.total else BAD),
        )
        for row in sorted((row for row in result.checks if row.total), key=lambda row: row.yes / row.total)
    )
    return _table("Checks", ["check", "held", "of", "share"], rows)


def _metrics(result: LoadResult) -> Table:
    counters = ((name, f"{count:,}", *[UNKNOWN] * 5) for name, count in result.counters.items())
    rates = (
        (row.name, f"{row.total:,}", format_share(row.yes / row.total), *[UNKNOWN] * 4)
        for row in result.rates
        if row.total
    )
    trends = ((name, f"{trend.n:,}", UNKNOWN, *_figures(trend)) for name, trend in result.trends.items())
    rows = (tuple(map(Cell, row)) for group in (counters, rates, trends) for row in group)
    return _table("Custom metrics", ["metric", "count", "share", "p50", "p95", "p99", "max"], rows)


def _figures(latency: Latency) -> list[str]:
    return [_time(value, latency) for value in (latency.p50, latency.p95, latency.p99, latency.max)]


def generator_table(generator: GeneratorRow) -> Table:
    """The load generator itself; without rows where nothing was measured."""
    columns = ["state", "CPU", "highest", "waiting for CPU", "read delay p50", "p99", "start delay p99"]
    shares = (generator.cpu, generator.cpu_highest, generator.run_queue)
    read, start = generator.read_delay, generator.start_delay
    row = (
        Cell(generator.state),
        *(Cell(UNKNOWN if share is None else format_share(share)) for share in shares),
        *(Cell(_time(value, of)) for value, of in ((read.p50, read), (read.p99, read), (start.p99, start))),
    )
    rows = [row] if generator.cpu is not None else []
    return _table("Load generator", columns, rows, note=generator.reason)


def _blocked(generator: GeneratorRow) -> Table:
    rows = (
        (Cell(row.place), Cell(f"{row.count:,}"), Cell(format_duration(row.longest_ns)))
        for row in generator.blocked
    )
    return _table("Lines that blocked the event loop", ["line", "times", "longest"], rows)


def _time(value: float, of: Latency) -> str:
    return format_duration(value) if of.n else UNKNOWN


def _table(
    caption: str,
    titles: Iterable[str],
    rows: Iterable[Iterable[Cell]],
    *,
    texts: Iterable[str] = (),
    note: str = "",
) -> Table:
    first, *others = titles
    columns = (Column(first, is_figure=False), *(Column(title, title not in set(texts)) for title in others))
    listed = tuple(tuple(row) for row in rows)
    more = f"{len(listed) - MOST_ROWS} more are not shown." if len(listed) > MOST_ROWS else ""
    return Table(caption, columns, listed[:MOST_ROWS], f"{note} {more}".strip())
