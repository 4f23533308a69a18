"""What a person sees while a load runs: a live block on a terminal, a plain line every 10 s elsewhere.

Owns when it is shown; workers of xdist tell their controller instead. How it looks is the report's affair.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.plugin.display import Display, captures, display_key
from pytest_loadtest.plugin.meter import Meter
from pytest_loadtest.plugin.relay import Sender
from pytest_loadtest.report.live_area import LiveArea
from pytest_loadtest.report.progress import Progress, SignIn, plain_line

if TYPE_CHECKING:
    from pytest_loadtest.plugin.job import LoadJob

PLAIN_EVERY_S = 10.0
# Figures are new each second; a frame takes 0.5 ms of the load's event loop.
LIVE_EVERY_S = 0.5


class View(Protocol):
    """Shows the progress of one load, every `every_s`."""

    every_s: float

    def show(self, progress: Progress) -> None:
        """How far it is now."""

    def close(self) -> None:
        """It is over: give pytest its line back."""


class LiveView:
    """A block on a terminal, beneath pytest's line, which goes on where it was."""

    def __init__(self, item: pytest.Item, display: Display) -> None:
        self.every_s = LIVE_EVERY_S
        self._item = item
        self._display = display
        self._stack = ExitStack()
        self._area: LiveArea | None = None

    def show(self, progress: Progress) -> None:
        """Draw it anew."""
        if self._area is None:
            self._area = self._begin()
        self._display.draw(self._area, [progress])

    def _begin(self) -> LiveArea:
        if not captures(self._item.config):  # the test prints: nobody knows where in the line the cursor is
            self._display.leave_pytests_line()
            self._stack.callback(self._display.resume_pytests_line, self._item)
        area = self._display.area()
        self._stack.enter_context(self._display.above(area))
        self._stack.callback(area.clear)
        return area

    def close(self) -> None:
        """Leave nothing on the screen."""
        self._stack.close()


class PlainView:
    """Lines in a log."""

    def __init__(self, item: pytest.Item, display: Display) -> None:
        self.every_s = PLAIN_EVERY_S
        self._item = item
        self._display = display
        self._has_begun = False
        self._due_s = time.monotonic() + self.every_s

    def show(self, progress: Progress) -> None:
        """A line, if it is time for one."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + self.every_s
        if not self._has_begun:
            self._has_begun = True
            self._display.leave_pytests_line()
        self._display.stream.write(plain_line(progress) + "\n")
        self._display.stream.flush()

    def close(self) -> None:
        """Begin pytest's line again."""
        if self._has_begun:
            self._display.resume_pytests_line(self._item)


def _view_of(job: LoadJob) -> View | None:
    """None when nobody looks."""
    if (sender := Sender.of(job.item.config)) is not None:
        return sender
    display = job.item.config.stash.get(display_key, None)
    if display is None:
        return None
    return (LiveView if display.live and not job.plan.once else PlainView)(job.item, display)


class SignInProgress:
    """How many tokens there are of those that a load needs. Nothing is shown of what takes no time."""

    def __init__(self, name: str, view: View) -> None:
        self._name = name
        self._view = view
        self._due_s = time.monotonic() + min(view.every_s, LIVE_EVERY_S)

    @classmethod
    @contextmanager
    def of(cls, job: LoadJob) -> Iterator[Callable[[int, int], None]]:
        """Call what this gives with the number of tokens there are and of those needed."""
        view = _view_of(job)
        if view is None:
            yield lambda _done, _total: None
            return
        try:
            yield cls(job.name, view).show
        finally:
            view.close()

    def show(self, done: int, total: int) -> None:
        """Now and then."""
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + min(self._view.every_s, LIVE_EVERY_S)
            self._view.show(SignIn(self._name, done, total))


async def watch(job: LoadJob, run: LoadRun) -> None:
    """Show the load's progress until cancelled."""
    view = _view_of(job)
    if view is None:
        await asyncio.Event().wait()
        return
    meter = Meter(job, run)
    try:
        while True:
            view.show(await meter.look())
            await asyncio.sleep(min(view.every_s, LIVE_EVERY_S))
    finally:
        view.close()
