"""The header and the closing table of load tests, in pytest's terminal output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.plugin.item import LoadFunction, session_plan_key
from pytest_loadtest.report.failure import details
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
        self._results: dict[str, LoadResult] = {}

    def add(self, nodeid: str, result: LoadResult) -> None:
        """Show this result at the end; a rerun replaces the earlier result of the same test."""
        self._results[nodeid] = result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result out of a report."""
        plain: dict[str, Any] | None = getattr(report, "load_result", None)
        if plain is not None:
            self.add(report.nodeid, LoadResult.from_plain(plain))

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """What will be sent where, and what was overridden."""
        selected = [item for item in items if isinstance(item, LoadFunction)]
        session = self._config.stash.get(session_plan_key, None)
        if not selected or session is None or self._config.get_verbosity() < 0:
            return []
        environment = session.environment.name or "none"
        api = redact(str(session.environment.get("api", "")))
        profile = session.profile.source if session.profile else "no profile"
        lines = [
            f"load tests: {len(selected)}, environment {environment}{f' ({api})' if api else ''}, {profile}"
        ]
        for item in selected:
            changed = "; ".join(item.plan.load.overrides)
            lines.append(
                f"  {item.name}: {shape_in_words(item.plan.load.shape)}{f' [{changed}]' if changed else ''}"
            )
        return lines

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table of all load tests; with -v the requests and custom metrics of each, too."""
        if not self._results:
            return
        writer = terminalreporter
        color = bool(terminalreporter.hasmarkup)
        width = terminalreporter._tw.fullwidth
        writer.write_sep("=", "load tests")
        writer.write_line(render(summary_table(self._results.values(), width), width, color=color))
        for result in self._results.values():
            self._write_details(writer, result, width)

    def _write_details(self, writer: Any, result: LoadResult, width: int) -> None:
        if result.state == "interrupted":  # there is no report that could show it
            writer.write_line(f"\n{result.test}: {result.load}\n\n{details(result)}")
        elif self._config.get_verbosity() > 0:
            writer.write_line(f"\n{result.test}: {result.load}")
            for table in _details(result):
                writer.write_line(render(table, width) + "\n")
        if result.state == "passed":
            for remark in result.remarks:
                writer.write_line(f"note: {result.test}: {remark}")


def _details(result: LoadResult) -> Iterator[Table]:
    if result.budgets:
        yield budget_table(result)
    if result.requests:
        yield request_table(result.requests)
        yield phase_table(result.requests)
    if result.has_metrics:
        yield metric_table(result)
    yield generator_table(result.generator)
