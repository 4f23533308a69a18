"""Load tests in the report of pytest-html: three columns of figures, and each one's part beneath its row.

Owns what is put into that report, and how it lines up there: pytest-html writes its headings before anything
is collected and sorts cells as texts. Registered where that report is written, so imported by sessions
without load tests, too: it imports nothing heavy before the first result.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_loadtest.results.result import LoadResult

_COLUMNS = {"load_p95": "p95", "load_rps": "Requests/s", "load_errors": "Errors"}
# Sorting compares cells as texts, and begins with the smallest: a comment before the figure makes that the
# largest figure, and the cells of ordinary tests, which have none, the last.
_LARGEST = 10**18
_LAST = "~"
_SCALE = 10**6  # of what a key keeps of a figure: microseconds beneath nanoseconds are of no interest


class HtmlRows:
    """One per session with ``--html``, where its report is written."""

    def __init__(self) -> None:
        self._report: Any = None  # pytest-html's, as its hooks know it
        self._results: dict[str, list[LoadResult]] = {}  # by test

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """The first hook that brings the report."""
        self._report = report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Put the part of a load test into its report, before pytest-html comes to read it."""
        plain: list[dict[str, Any]] = getattr(report, "load_results", [])
        if not plain or self._report is None:
            return
        from pytest_loadtest.results.result import LoadResult

        if not self._results:
            self._add_columns()
        results = self._results[report.nodeid] = [LoadResult.from_plain(each) for each in plain]
        extra = {"name": None, "format_type": "html", "content": _parts(results)}
        extras = [*getattr(report, "extras", []), {**extra, "mime_type": None, "extension": None}]
        report.extras = extras  # type: ignore[attr-defined]  # pytest-html's

    def _add_columns(self) -> None:
        """Headings, and empty cells for the tests that were run before the first load test."""
        self._report.table_header += [
            f'<th class="sortable" data-column-type="{key}">{title}</th>' for key, title in _COLUMNS.items()
        ]
        for row in (row for rows in self._report.data["tests"].values() for row in rows):
            row["resultsTableRow"] += [_cell(key, _empty()) for key in _COLUMNS]
            row.update(dict.fromkeys(_COLUMNS, _empty()))

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """The figures of a load test; empty cells for any other, but only if there are load tests."""
        if not self._results or not cells:  # a row without cells is left out
            return
        results = self._results.get(report.nodeid, [])
        if results:
            _escape_test_id(report.nodeid, cells)
        figures = {"load_p95": _p95, "load_rps": _rate, "load_errors": _errors}
        cells += [_cell(key, _lines(results, figure)) for key, figure in figures.items()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """The style of parts: once."""
        if self._results:
            from pytest_loadtest.report.html.style import part_style

            prefix.append(f"<style>{part_style()}</style>")


def _parts(results: list[LoadResult]) -> str:
    from pytest_loadtest.report.html.engine import rendered
    from pytest_loadtest.report.html.part import part_of

    parts = [(result.test, part_of(result).html) for result in results]
    return rendered("parts.html.jinja", parts=parts)


def _escape_test_id(nodeid: str, cells: list[str]) -> None:
    """pytest-html takes a test's id for HTML."""
    before, after = '<td class="col-testId">', "</td>"
    for n, cell in enumerate(cells):
        shown = cell.removeprefix(before).removesuffix(after)
        if cell.startswith(before) and shown.startswith(nodeid):  # it may be followed by ::setup
            cells[n] = f"{before}{html.escape(shown)}{after}"


# -- cells ------------------------------------------------------------------------------------------

Figure = Callable[["LoadResult"], tuple[float | None, str]]


def _cell(key: str, content: str) -> str:
    return f'<td class="col-{key}">{content}</td>'


def _empty() -> str:
    return f"<!--{_LAST}-->"


def _lines(results: list[LoadResult], figure: Figure) -> str:
    """The figure of each load that the test ran; it sorts by the largest."""
    told = [figure(result) for result in results]
    known = [value for value, _ in told if value is not None]
    key = f"{_LARGEST - round(max(known) * _SCALE):019}" if known else _LAST
    return f"<!--{key}-->" + "<br>".join(html.escape(text) for _, text in told)


def _p95(result: LoadResult) -> tuple[float | None, str]:
    from pytest_loadtest.core.units import NS_PER_S, format_duration

    if not result.latency.n:
        return None, "-"
    return result.latency.p95 / NS_PER_S, format_duration(result.latency.p95)


def _rate(result: LoadResult) -> tuple[float | None, str]:
    return (
        result.per_second,
        f"{result.per_second:,.3g}" if result.per_second < 1000 else f"{result.per_second:,.0f}",
    )


def _errors(result: LoadResult) -> tuple[float | None, str]:
    from pytest_loadtest.core.units import format_share

    if not result.count:
        return None, "-"
    share = result.failed_requests / result.count
    return share, f"{result.failed_requests:,} ({format_share(share)})" if share else "0"
