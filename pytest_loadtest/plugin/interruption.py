"""The reports of a load test in whose midst the session ends: pytest makes none, and JUnit files and pages
are written from reports.

Owns when such reports are due, and what they say.
"""

from __future__ import annotations

import time

import pytest

from pytest_loadtest.plugin.item import LoadFailed, LoadFunction
from pytest_loadtest.plugin.job import has_unreported_results, results_of
from pytest_loadtest.plugin.signals import undisturbed
from pytest_loadtest.report.failure import failure_text
from pytest_loadtest.results.result import LoadResult


def report_interruption(item: pytest.Item, began_s: float) -> list[pytest.TestReport]:
    """Report the test as failed, with what its loads have measured until now; `began_s` is on the clock of
    the wall. Returns the reports: none if no load of it was begun, or earlier ones have had all results.

    The session's fixtures are torn down later, where pytest has no reports either.
    """
    if not has_unreported_results(item):
        return []
    texts = [_text(item, result) for result in results_of(item) if not result.has_passed]
    failure = LoadFailed("\n\n".join(texts) or "interrupted")
    with undisturbed():
        return [_reported(item, began_s, failure), _reported(item, time.time(), None)]


def _text(item: pytest.Item, result: LoadResult) -> str:
    """A test that runs loads of its own may have several."""
    which = "" if isinstance(item, LoadFunction) else f"{result.test}: "
    return which + failure_text(result)


def _reported(item: pytest.Item, began_s: float, failure: LoadFailed | None) -> pytest.TestReport:
    """That of the test's body if there is a failure, else of a tear-down without one, which ends the test."""

    def fail() -> None:
        if failure is not None:
            raise failure from None  # Ctrl-C is not what it came of

    call = pytest.CallInfo.from_call(fail, "teardown" if failure is None else "call")
    call.start, call.duration = began_s, call.stop - began_s
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    item.ihook.pytest_runtest_logreport(report=report)
    return report
