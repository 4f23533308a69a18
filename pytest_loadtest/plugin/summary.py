"""The header and the closing table of load tests, in pytest's terminal output."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.core.wording import shape_in_words
from pytest_loadtest.plugin.collection import runs_load
from pytest_loadtest.plugin.gathering import Gathering
from pytest_loadtest.plugin.item import LoadFunction, session_plan_key
from pytest_loadtest.plugin.signals import undisturbed
from pytest_loadtest.report.failure import authentication_line
from pytest_loadtest.report.names import wrapped
from pytest_loadtest.report.tables import (
    budget_table,
    by_verdict,
    generator_table,
    metric_table,
    phase_table,
    render,
    request_table,
    short_name,
    summary_table,
    totals,
)
from pytest_loadtest.results.result import LoadResult

if TYPE_CHECKING:
    from rich.table import Table


class Summary:
    """Shows what was gathered."""

    def __init__(self, config: pytest.Config, gathering: Gathering) -> None:
        self._config = config
        self._gathering = gathering
        self._is_shown = False
        self._is_interrupted = False

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
        lines += [f"  {item.name}: {_announced(item)}" for item in selected]
        writer = self._config.pluginmanager.getplugin("terminalreporter")
        return [_as_wide_as(writer, line) for line in lines] if writer is not None else lines

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table of all load tests; with -v the requests and custom metrics of each, too."""
        try:
            self._show(terminalreporter)
        except KeyboardInterrupt:  # pytest's own summary is still to come, and there is nothing else to end
            self._is_interrupted = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Ctrl-C once more, while fixtures are torn down: pytest shows no summary then, but we do."""
        try:
            return (yield)
        except KeyboardInterrupt:
            self._show(self._config.pluginmanager.getplugin("terminalreporter"))
            raise
        finally:
            if self._is_interrupted:
                session.exitstatus = pytest.ExitCode.INTERRUPTED

    def _show(self, writer: Any) -> None:
        """Once. Ctrl-C waits until everything that was measured is on the screen."""
        results = self._gathering.results
        if not results or self._is_shown or writer is None:
            return
        self._is_shown = True
        with undisturbed():
            self._write(writer, results)

    def _write(self, writer: Any, results: list[LoadResult]) -> None:
        color = bool(writer.hasmarkup)
        width = writer._tw.fullwidth
        writer.write_sep("=", "load tests")
        writer.write_line(render(summary_table(results, width), width, color=color))
        writer.write_line(totals(results, width))
        for result in by_verdict(results):
            self._write_details(writer, result, width)
        for note in self._gathering.notes():
            writer.write_line(note)  # paths, to be copied
        writer.flush()

    def _write_details(self, writer: Any, result: LoadResult, width: int) -> None:
        if self._config.get_verbosity() > 0:
            writer.write_line(f"\n{result.test}: {result.load}")
            for table in _details(result):
                writer.write_line(render(table, width) + "\n")
            if result.authentication is not None:
                writer.write_line(authentication_line(result.authentication))
        if result.state == "passed":
            for remark in result.remarks:
                writer.write_line(_as_wide_as(writer, f"note: {short_name(result.test)}: {remark}"))


def begin_gathering(config: pytest.Config) -> Gathering:
    """Gather the session's results from now on, and show them at its end."""
    gathering = Gathering(config)
    config.pluginmanager.register(gathering, "loadtest-gathering")
    config.pluginmanager.register(Summary(config, gathering), "loadtest-summary")
    return gathering


def _as_wide_as(writer: Any, words: str) -> str:
    """A line in a log, where it is searched for; on a terminal as many as it takes."""
    return wrapped(words, writer._tw.fullwidth) if writer.isatty else words


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
