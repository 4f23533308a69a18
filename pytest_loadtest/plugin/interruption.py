"""The reports of a load test in whose midst the session ends: pytest makes none, and JUnit files and pages
are written from reports.

Owns when such reports are due, and what they say.
"""

from __future__ import annotations

import time
from typing import Literal

import pytest

from pytest_loadtest.plugin.item import LoadFailed, LoadFunction
from pytest_loadtest.plugin.job import has_untold_results, note_told, report_untold_again, results_of
from pytest_loadtest.report.failure import failure_text
from pytest_loadtest.results.result import LoadResult


class ReportsSoFar:
    """How far the reports of a test have come that is being run."""

    def __init__(self) -> None:
        self.phases: set[str] = set()  # of this run of it: pytest-rerunfailures may make several
        self.until_s = time.time()  # on the clock of the wall

    def add(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Everybody is told this."""
        self.until_s = report.stop
        if report.when == "teardown" or str(report.outcome) == "rerun":
            self.phases.clear()
        else:
            self.phases.add(str(report.when))
        note_told(item, len(getattr(report, "load_results", ())))


def report_interruption(item: pytest.Item, so_far: ReportsSoFar) -> None:
    """Report the test as failed, with what its loads have measured until now; not if none was begun.

    If everything has been told, only a tear-down without failure, which ends the test: pytest-html shows no
    others.

    The session's fixtures are torn down later, where pytest has no reports either.
    """
    if not has_untold_results(item):
        if so_far.phases and results_of(item):
            _report(item, so_far, "teardown")
        return
    report_untold_again(item)
    texts = [_text(item, result) for result in results_of(item) if not result.has_passed]
    failure = LoadFailed("\n\n".join(texts) or "interrupted")
    if "call" in so_far.phases:  # loads may also be run by a fixture that is torn down
        _report(item, so_far, "teardown", failure)
    else:
        _report(item, so_far, "call", failure)
        _report(item, so_far, "teardown")


def _text(item: pytest.Item, result: LoadResult) -> str:
    """A test that runs loads of its own may have several."""
    which = "" if isinstance(item, LoadFunction) else f"{result.test}: "
    return which + failure_text(result)


def _report(
    item: pytest.Item,
    so_far: ReportsSoFar,
    when: Literal["call", "teardown"],
    failure: LoadFailed | None = None,
) -> None:
    """Of this phase, since the end of the one before."""

    def fail() -> None:
        if failure is not None:
            raise failure from None  # Ctrl-C is not what it came of

    call = pytest.CallInfo.from_call(fail, when)
    call.start, call.duration = so_far.until_s, call.stop - so_far.until_s
    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    item.ihook.pytest_runtest_logreport(report=report)
