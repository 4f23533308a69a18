"""Where progress is shown: a terminal, a log, or nowhere. Owns how it gets along with what pytest writes.

It writes past pytest's capture, to a copy of the standard output that was made before tests run. While a
block is on a terminal, all else that is written there goes through it: pytest's lines, and without capture
what tests print.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, Any, Self

import pytest

from pytest_loadtest.report.live_area import Beneath, LiveArea

if TYPE_CHECKING:
    from pytest_loadtest.report.progress import Progress

# Terminals that cannot move their cursor say so.
DUMB_TERMINALS = ("", "dumb", "unknown")


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """Outside pytest's capture, if there is any (``-p no:capture``)."""
    capture = config.pluginmanager.getplugin("capturemanager")
    return nullcontext() if capture is None else capture.global_and_fixture_disabled()


def captures(config: pytest.Config) -> bool:
    """Whether what tests print is kept off the terminal while they run."""
    return config.pluginmanager.hasplugin("capturemanager") and config.getoption("capture") != "no"


class Display:
    """One per session. `live`: a terminal that can redraw; else a file that gets lines."""

    def __init__(self, config: pytest.Config, stream: IO[str], *, live: bool) -> None:
        self.config = config
        self.stream = stream
        self.live = live
        self.writer: Any = config.get_terminal_writer()

    @classmethod
    def of(cls, config: pytest.Config) -> Self | None:
        """The session's display. None when nobody looks: -q, and workers of xdist."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or config.getoption("verbose") < 0 or hasattr(config, "workerinput"):
            return None
        with uncaptured(config):  # else the copy would be one of pytest's own file
            try:
                descriptor = os.dup(sys.__stdout__.fileno())  # type: ignore[union-attr]  # None is caught, too
            except (AttributeError, OSError, ValueError):
                return None
        stream = os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="replace", newline="")
        return cls(config, stream, live=stream.isatty() and _may_redraw(config))

    def close(self) -> None:
        """Give the copy of the standard output back."""
        self.stream.close()

    @property
    def _reporter(self) -> Any:
        return self.config.pluginmanager.getplugin("terminalreporter")

    # -- a terminal -----------------------------------------------------------------------------------

    def area(self) -> LiveArea:
        """A block beneath where pytest's line ends now."""
        with uncaptured(self.config):
            self._reporter.flush()
        return LiveArea(self.stream, self._size, column=self.writer.width_of_current_line)

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            size = shutil.get_terminal_size()
        return size if all(size) else shutil.get_terminal_size()

    def draw(self, area: LiveArea, running: Sequence[Progress]) -> None:
        """The block of all loads that run."""
        from pytest_loadtest.report.live_block import as_ansi, blocks

        columns, lines = self._size()
        shown = blocks(running, columns - 1, lines - 2)
        area.show(as_ansi(shown, color=bool(self.writer.hasmarkup)))

    @contextmanager
    def above(self, area: LiveArea) -> Iterator[None]:
        """What pytest writes goes above the block, and what tests print where that is not captured."""
        with ExitStack() as stack:
            stack.enter_context(_replaced(self.writer, "_file", area))
            if not captures(self.config):
                stack.enter_context(_replaced(sys, "stdout", area))
                stack.enter_context(_replaced(sys, "stderr", area))
            yield

    # -- lines ----------------------------------------------------------------------------------------

    def write_line(self, line: str) -> None:
        """A line of its own, in one write: other threads write, too."""
        begin = "\n" if self.writer.width_of_current_line else ""
        with uncaptured(self.config):
            self.writer.write(f"{begin}{line}\n", flush=True)

    def leave_pytests_line(self) -> None:
        """End the line on which pytest writes its dots, so that ours begins at the left."""
        with uncaptured(self.config):
            self._reporter.ensure_newline()
            self._reporter.flush()

    def resume_pytests_line(self, item: pytest.Item) -> None:
        """Begin pytest's line of this test again, which then gets its dot or word."""
        with uncaptured(self.config):
            self._reporter.pytest_runtest_logstart(item.nodeid, item.location)


def _may_redraw(config: pytest.Config) -> bool:
    is_plain = bool(os.environ.get("CI")) or os.environ.get("TERM", "") in DUMB_TERMINALS
    return not is_plain and config.getoption("capture") != "tee-sys"  # which prints past whoever replaces it


@contextmanager
def _replaced(owner: Any, name: str, area: LiveArea) -> Iterator[None]:
    """Send what goes to a stream above the block."""
    replaced = getattr(owner, name)
    beneath = Beneath(replaced, area)
    setattr(owner, name, beneath)
    try:
        yield
    finally:
        if getattr(owner, name) is beneath:  # else the test has replaced it by its own
            setattr(owner, name, replaced)


display_key = pytest.StashKey[Display | None]()
