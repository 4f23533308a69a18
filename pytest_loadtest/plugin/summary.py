"""The header and the closing table of load tests, in pytest's terminal output."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.plugin.collection import runs_load
from pytest_loadtest.plugin.item import LoadFunction, session_plan_key
from pytest_loadtest.report.failure import authentication_line, details
from pytest_loadtest.report.tables import (
    budget_table,
    generator_table,
    metric_table,
    phase_table,
    render,
    request_table,
    summary_table,
)
from pytest_loadtest.results.result import LoadResult

if TYPE_CHECKING:
    from rich.table import Table


class Summary:
    """Collects the results that reports bring, from this process or from workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: dict[str, list[LoadResult]] = {}  # by test

    def add(self, nodeid: str, results: list[LoadResult]) -> None:
        """Show these at the end; a rerun replaces the earlier results of the same test."""
        if results:
            self._results[nodeid] = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the results out of a report."""
        plain: list[dict[str, Any]] = getattr(report, "load_results", [])
        self.add(report.nodeid, [LoadResult.from_plain(each) for each in plain])

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """What will be sent where, and what was overridden."""
        selected = [item for item in items if runs_load(item)]
        session = self._config.stash.get(session_plan_key, None)
        if not selected or session is None or self._config.get_verbosity() < 0:
            return []
        environment = session.environment.name or "none"
        api = redact(str(session.environment.get("api", "")))
        profile = session.profile.source if session.profile else "no profile"
        lines = [
            f"load tests: {len(selected)}, environment {environment}{f' ({api})' if api else ''}, {profile}"
        ]
        return [*lines, *(f"  {item.name}: {_announced(item)}" for item in selected)]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table of all load tests; with -v the requests and custom metrics of each, too."""
        if not self._results:
            return
        writer = terminalreporter
        color = bool(terminalreporter.hasmarkup)
        width = terminalreporter._tw.fullwidth
        writer.write_sep("=", "load tests")
        results = list(chain.from_iterable(self._results.values()))
        writer.write_line(render(summary_table(results, width), width, color=color))
        for result in results:
            self._write_details(writer, result, width)

    def _write_details(self, writer: Any, result: LoadResult, width: int) -> None:
        if result.state == "interrupted":  # there is no report that could show it
            writer.write_line(f"\n{result.test}: {result.load}\n\n{details(result)}")
        elif self._config.get_verbosity() > 0:
            writer.write_line(f"\n{result.test}: {result.load}")
            for table in _details(result):
                writer.write_line(render(table, width) + "\n")
            if result.authentication is not None:
                writer.write_line(authentication_line(result.authentication))
        if result.state == "passed":
            for remark in result.remarks:
                writer.write_line(f"note: {result.test}: {remark}")


def _announced(item: pytest.Item) -> str:
    """What a test is going to do."""
    if not isinstance(item, LoadFunction):
        return "loads of its own"
    changed = "; ".join(item.plan.load.overrides)
    return f"{shape_in_words(item.plan.load.shape)}{f' [{changed}]' if changed else ''}"


def _details(result: LoadResult) -> Iterator[Table]:
    if result.budgets:
        yield budget_table(result)
    if result.requests:
        yield request_table(result.requests)
        yield phase_table(result.requests)
    if result.has_metrics:
        yield metric_table(result)
    yield generator_table(result.generator)
