"""The results of a session's load tests, gathered from the reports of this process or of xdist's workers.

Owns which outputs there are and when they are told. What an output does with a run is its own affair; one
that fails spoils neither the run nor the others.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from importlib import import_module
from itertools import chain
from typing import Any, ClassVar, Protocol

import pytest

from pytest_loadtest.core.redaction import redact
from pytest_loadtest.plugin.signals import undisturbed
from pytest_loadtest.results.result import LoadResult
from pytest_loadtest.results.run import Run

# Modules of this package. Each has `outputs_of(config)`, which raises ConfigurationError for wrong options.
_OUTPUT_MODULES = ("keeping", "html", "pull_request", "exporting")


class Output(Protocol):
    """Something that keeps or shows a run."""

    option: ClassVar[str]  # that asks for it: failures are told by this name

    def update(self, run: Run) -> None:
        """Another load test is over; the next may never be."""

    def finish(self, run: Run) -> None:
        """The session is over, with its exit status."""

    def note(self, run: Run) -> str | None:
        """A line for the end of the terminal's summary: where it is to be found."""


def outputs_of(config: pytest.Config) -> list[Output]:
    """What the options ask for. Raises ConfigurationError."""
    modules = (import_module(f"pytest_loadtest.plugin.{name}") for name in _OUTPUT_MODULES)
    return list(chain.from_iterable(module.outputs_of(config) for module in modules))


class Gathering:
    """One per session that has load tests; with xdist, the controller's is the one with outputs."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: dict[str, list[LoadResult]] = {}  # by test
        self._outputs: list[Output] | None = None
        self._failed: dict[Output, str] = {}  # outputs that could not do their work, and why
        self._exit_status: int | None = None

    @property
    def results(self) -> list[LoadResult]:
        """All results so far, in the order in which their tests were run."""
        return list(chain.from_iterable(self._results.values()))

    def check_outputs(self) -> None:
        """Find out what is asked for, before any load. Raises ConfigurationError."""
        outputs = outputs_of(self._config)
        self._outputs = [] if hasattr(self._config, "workerinput") else outputs

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        """Results are kept at once; those of a rerun replace the earlier ones of its test. Outputs take their
        time, and Ctrl-C is raised behind them: everybody else has seen the report by then.
        """
        plain: list[dict[str, Any]] = getattr(report, "load_results", [])
        if plain:
            self._results[report.nodeid] = [LoadResult.from_plain(each) for each in plain]
        try:
            return (yield)
        finally:
            if plain:
                self._tell("update")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Also after Ctrl-C and after an error of pytest's own."""
        self._exit_status = int(exitstatus)
        try:
            if self._results:
                self._tell("finish")
        except KeyboardInterrupt:  # others still write files, and tear the session's fixtures down
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        if self._failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # what was asked for is not there

    def notes(self) -> Iterator[str]:
        """What the outputs have to say at the end."""
        run = self._run() if self._outputs else None
        for output in self._outputs or ():
            assert run is not None
            if output not in self._failed and (note := output.note(run)):
                yield note
        for output, why in self._failed.items():
            yield f"{output.option} failed: {why}"

    def _tell(self, what: str) -> None:
        if self._outputs is None:  # the controller of xdist, whose workers have found the options right
            self._outputs = outputs_of(self._config)
        if not self._outputs:
            return
        run = self._run()
        with undisturbed():
            for output in self._outputs:
                self._tell_one(output, what, run)

    def _tell_one(self, output: Output, what: str, run: Run) -> None:
        try:
            getattr(output, what)(run)
        except Exception as error:
            self._failed[output] = redact(f"{type(error).__name__}: {error}")
        else:
            self._failed.pop(output, None)  # what holds is the latest

    def _run(self) -> Run:
        from pytest_loadtest.plugin.keeping import run_of

        return run_of(self._config, tuple(self.results), self._exit_status)
