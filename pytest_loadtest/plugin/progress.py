"""What a person sees while a load runs: one live line on a terminal, a plain line every 10 s elsewhere.

It writes past pytest's capture, to a copy of the standard output that was made before tests run.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import IO, TYPE_CHECKING

import pytest

from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.report.progress import LiveLine, Snapshot, plain_line

if TYPE_CHECKING:
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
    from rich.console import Console
    from rich.live import Live

    console = Console(file=display.stream, force_terminal=True)
    live = Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    _leave_pytests_line(job.item.config)
    try:
        with live:
            while True:
                live.update(LiveLine(_snapshot(job, run)), refresh=True)
                await asyncio.sleep(LIVE_EVERY_S)
    finally:
        _resume_pytests_line(job.item)


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
