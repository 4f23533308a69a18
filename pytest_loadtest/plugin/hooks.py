"""Hooks of sessions that have load tests: planning, fixtures, pauses, reports."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterable
from typing import Any

import pytest

from pytest_loadtest.core.redaction import redact, redact_declared
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.plugin import options
from pytest_loadtest.plugin.async_fixtures import finish_foreign_values, on_load_loop
from pytest_loadtest.plugin.collection import problems_key, runs_load
from pytest_loadtest.plugin.display import Display, display_key
from pytest_loadtest.plugin.interruption import ReportsSoFar, report_interruption
from pytest_loadtest.plugin.item import LoadFunction, loop_key, session_plan_key
from pytest_loadtest.plugin.job import new_results_of, results_of, sections_of
from pytest_loadtest.plugin.last_reports import ToController
from pytest_loadtest.plugin.limit import Limit
from pytest_loadtest.plugin.per_vu import PerVU, is_async
from pytest_loadtest.plugin.planning import SessionPlan
from pytest_loadtest.plugin.properties import tell_properties
from pytest_loadtest.plugin.relay import announce
from pytest_loadtest.plugin.secrets import redact_logs, redact_report, redact_warning
from pytest_loadtest.plugin.signals import terminated_as_by_ctrl_c, undisturbed
from pytest_loadtest.plugin.summary import begin_gathering
from pytest_loadtest.plugin.tokens import check_configured_pool
from pytest_loadtest.plugin.tracebacks import redact_representation


def session_plan(config: pytest.Config) -> SessionPlan:
    """What holds for all load tests of the session, read once. Raises ConfigurationError."""
    plan = config.stash.get(session_plan_key, None)
    if plan is None:
        plan = config.stash[session_plan_key] = SessionPlan.of(config)
    return plan


class LoadHooks:
    """One per session with load tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._loop = config.stash[loop_key]
        self._current: pytest.Item | None = None  # that runs load, and whose fixtures are being set up
        self._so_far = ReportsSoFar()  # its reports
        config.stash[display_key] = Display.of(config)
        redact_logs(config)
        announce(config)
        self._to_controller = ToController(config, lambda: self._loop.is_being_interrupted)
        self._gathering = begin_gathering(config)

    # -- before any load ------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Plan the load tests that are left after all deselection; a wrong one is a usage error."""
        selected = [item for item in session.items if runs_load(item)]
        problems = session.config.stash.setdefault(problems_key, [])
        try:
            if options.is_set(session.config, "skip"):
                _skip(selected)
            elif selected:
                plan = session_plan(self._config)
                self._gathering.check_outputs()
                problems += [problem for item in selected if (problem := self._plan(plan, item))]
        except ConfigurationError as error:
            problems.append(str(error))

    def _plan(self, session: SessionPlan, item: pytest.Item) -> str | None:
        try:
            if isinstance(item, LoadFunction):
                item.plan = session.plan(item)
            else:
                session.check(item)
            check_configured_pool(item, session)
        except ConfigurationError as error:
            return f"{item.nodeid}: {error}"
        return None

    # -- fixtures ---------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """An async fixture's value belongs to one event loop."""
        finish_foreign_values(self._loop, item, is_load=runs_load(item))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Know whose fixtures are being set up; a test that ends the session is reported, too."""
        if not runs_load(item):
            return (yield)
        with terminated_as_by_ctrl_c():  # between the loads of a test, and while they are kept, too
            return (yield from self._watched(item))

    def _watched(self, item: pytest.Item) -> Generator[None, object, object]:
        self._current, self._so_far = item, ReportsSoFar()
        self._to_controller.begins()
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception):
            with undisturbed():  # Ctrl-C may come twice: from the terminal, and from the controller of xdist
                report_interruption(item, self._so_far)
            raise
        finally:
            self._current = self._loop.limit = None
            self._to_controller.ends()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, object, object]:
        """A fixture that depends on a per-VU one is per-VU; async fixtures of load tests run on our loop."""
        if self._current is None:
            return (yield)
        function = fixturedef.func
        dependencies = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
        per_vu = [name for name, value in dependencies.items() if isinstance(value, PerVU)]
        if per_vu and "load" in dependencies and not isinstance(self._current, LoadFunction):
            pytest.fail(
                f"the fixture {fixturedef.argname!r} runs loads, so it cannot take {per_vu[0]!r}, which has "
                "one value per virtual user: take that as an argument of the scenario",
                pytrace=False,
            )
        if per_vu:
            fixturedef.func = lambda **given: PerVU(fixturedef.argname, function, given)
        elif is_async(function):
            fixturedef.func = on_load_loop(self._loop, fixturedef, request, function)
        try:
            return (yield)
        finally:
            fixturedef.func = function

    # -- running ----------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> None:
        """pytest-timeout limits this test: our loop must keep the limit, too."""
        if self._loop.limit is None and runs_load(item):
            self._loop.limit = Limit(item, settings)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """--load-pause: let the target recover between two load tests."""
        if nextitem is not None and runs_load(item) and runs_load(nextitem) and results_of(item):
            time.sleep(session_plan(self._config).pause_ns / NS_PER_S)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result, as plain values that travel between processes."""
        report = yield
        redact_report(report)
        if not runs_load(item):  # what only looks like a secret is its own affair
            redact_representation(report.longrepr, redact_declared, redact_declared)
            return report
        if isinstance(report.longrepr, tuple):  # a skip
            path, line, reason = report.longrepr
            report.longrepr = path, line, redact(reason)
        elif not isinstance(item, LoadFunction):  # that of a load test has been through the item's hands
            redact_representation(report.longrepr)
        # A load may also have been run by a fixture, whose test is then skipped, or in its tear-down.
        is_over = call.when != "setup" or not report.passed
        if is_over and (results := new_results_of(item)):
            report.load_results = [result.to_plain() for result in results]  # type: ignore[attr-defined]  # extras
            tell_properties(item, report, results)
            if report.failed:
                report.sections += sections_of(item)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Know how far the reports of the current test have come."""
        if self._current is not None and report.nodeid == self._current.nodeid:
            self._so_far.add(self._current, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """A warning of a test is shown at the end, and sent to the controller."""
        redact_warning(warning_message)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Close the loop and the display."""
        self._loop.close()
        if (display := config.stash.get(display_key, None)) is not None:
            display.close()


def _skip(items: Iterable[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.skip(reason="--load-skip"))
