"""What a person sees while a load runs: one live line on a terminal, a plain line every 10 s elsewhere.

It writes past pytest's capture, to a copy of the standard output that was made before tests run.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, TYPE_CHECKING

import pytest

from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.report.progress import LiveLine, SignInLine, Snapshot, plain_line

if TYPE_CHECKING:
    from rich.live import Live

    from pytest_loadtest.plugin.job import LoadJob

PLAIN_EVERY_S = 10.0
LIVE_EVERY_S = 0.25


def _uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """Outside pytest's capture, if there is any (``-p no:capture``)."""
    capture = config.pluginmanager.getplugin("capturemanager")
    return nullcontext() if capture is None else capture.global_and_fixture_disabled()


class Display:
    """Where progress goes: a terminal that can redraw a line, or a file that gets lines."""

    def __init__(self, stream: IO[str], *, live: bool) -> None:
        self.stream = stream
        self.live = live

    @classmethod
    def of(cls, config: pytest.Config) -> Display | None:
        """The session's display. None when nobody looks: -q, and workers of xdist."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or config.getoption("verbose") < 0 or hasattr(config, "workerinput"):
            return None
        with _uncaptured(config):  # else the copy would be one of pytest's own file
            try:
                descriptor = os.dup(sys.__stdout__.fileno())  # type: ignore[union-attr]  # None is caught, too
            except (AttributeError, OSError, ValueError):
                return None
        stream = os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="replace")
        return cls(stream, live=stream.isatty() and not os.environ.get("CI"))

    def close(self) -> None:
        """Give the copy of the standard output back."""
        self.stream.close()


class SignInProgress:
    """How many tokens there are of those that a load needs. Nothing is shown of what takes no time."""

    def __init__(self, item: pytest.Item, name: str, display: Display) -> None:
        self._item = item
        self._name = name
        self._display = display
        self._live: Live | None = None
        self._is_begun = False
        self._every_s = LIVE_EVERY_S if display.live else PLAIN_EVERY_S
        self._due_s = time.monotonic() + self._every_s

    @classmethod
    @contextmanager
    def of(cls, job: LoadJob) -> Iterator[Callable[[int, int], None]]:
        """Call what this gives with the number of tokens there are and of those needed."""
        display = job.item.config.stash.get(display_key, None)
        if display is None:
            yield lambda _done, _total: None
            return
        progress = cls(job.item, job.name, display)
        try:
            yield progress.show
        finally:
            progress.close()

    def show(self, done: int, total: int) -> None:
        """Live, or a line now and then."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + self._every_s
        if not self._is_begun:
            self._begin()
        if self._live is not None:
            self._live.update(SignInLine(self._name, done, total), refresh=True)
        else:
            self._display.stream.write(f"{self._name}  signing in {done}/{total}\n")
            self._display.stream.flush()

    def _begin(self) -> None:
        self._is_begun = True
        _leave_pytests_line(self._item.config)
        if self._display.live:
            self._live = _live(self._display)
            self._live.start()

    def close(self) -> None:
        """Give pytest its line back."""
        if self._live is not None:
            self._live.stop()
        if self._is_begun:
            _resume_pytests_line(self._item)


display_key = pytest.StashKey[Display | None]()


async def watch(job: LoadJob, run: LoadRun) -> None:
    """Show the load's progress until cancelled."""
    display = job.item.config.stash.get(display_key, None)
    if display is None:
        await asyncio.Event().wait()
    elif display.live:
        await _watch_live(job, run, display)
    else:
        await _watch_plain(job, run, display)


def _leave_pytests_line(config: pytest.Config) -> None:
    """End the line on which pytest writes its dots, so that ours begins at the left."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    with _uncaptured(config):
        reporter.ensure_newline()
        reporter.flush()


def _resume_pytests_line(item: pytest.Item) -> None:
    """Begin pytest's line of this test again, which then gets its dot or word."""
    reporter = item.config.pluginmanager.getplugin("terminalreporter")
    with _uncaptured(item.config):
        reporter.pytest_runtest_logstart(item.nodeid, item.location)


async def _watch_plain(job: LoadJob, run: LoadRun, display: Display) -> None:
    await asyncio.sleep(PLAIN_EVERY_S)
    _leave_pytests_line(job.item.config)
    try:
        while True:
            display.stream.write(plain_line(_snapshot(job, run)) + "\n")
            display.stream.flush()
            await asyncio.sleep(PLAIN_EVERY_S)
    finally:
        _resume_pytests_line(job.item)


async def _watch_live(job: LoadJob, run: LoadRun, display: Display) -> None:
    _leave_pytests_line(job.item.config)
    try:
        with _live(display) as live:
            while True:
                live.update(LiveLine(_snapshot(job, run)), refresh=True)
                await asyncio.sleep(LIVE_EVERY_S)
    finally:
        _resume_pytests_line(job.item)


def _live(display: Display) -> Live:
    """A line that is drawn again and again, and gone in the end."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=display.stream, force_terminal=True)
    return Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )


def _snapshot(job: LoadJob, run: LoadRun) -> Snapshot:
    return Snapshot.of(
        job.name,
        run.recorder.metrics,  # as of the last second: counting more often would disturb what is measured
        elapsed_ns=run.elapsed_ns,
        counted_ns=run.recorder.counted_ns,
        total_ns=run.shape.duration_ns,
        vus=run.active,
        queued=run.queued,
    )
