"""pytest on a pseudo-terminal, rendered as a person sees it, and the load that tests of it run."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

import pyte
from pyte.modes import DECAWM

from tests.plugin.conftest import Project

PATIENCE_S = 120
FIGURES = re.compile(r"\d VUs  ")  # of a block; a wide table has a column "VUs"
FRAME_END = re.compile(rb"(?<=\x1b\[\?7h)")  # lines are broken again
LOAD = """
@pytest.mark.load(vus=3, duration=0.4)
async def test_browse(http):
    await http.get("/delay/0.01")
"""


class Terminal:
    """pytest on a pseudo-terminal, and what its screen shows. `resized` is its width once a load runs."""

    def __init__(
        self,
        project: Project,
        *args: str,
        width: int = 100,
        height: int = 40,
        resized: int = 0,
        **environ: str,
    ) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.shown: list[list[str]] = []  # every screen there was
        self.sent = b""
        self._resized = resized
        self._pid, self._descriptor = pty.fork()
        if not self._pid:
            os.chdir(project.pytester.path)
            for name in ("CI", "COLUMNS", "LINES", "NO_COLOR", "PY_COLORS"):
                os.environ.pop(name, None)
            os.environ.update({"TERM": "xterm-256color"} | environ)
            self._set_size(1, width, height)  # here: it looks as soon as it has begun
            command = [sys.executable, "-m", "pytest", "-p", "pytest_loadtest.plugin", *args]
            os.execv(sys.executable, command)

    @staticmethod
    def _set_size(descriptor: int, width: int, height: int) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def lines(self) -> list[str]:
        """The lines of the screen that are not empty."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def run(self) -> int:
        """Show everything until pytest has ended; its exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if select.select([self._descriptor], [], [], 1)[0]:
                try:
                    data = os.read(self._descriptor, 65536)
                except OSError:  # the other end is closed
                    break
                self.sent += data
                for piece in FRAME_END.split(data):  # several frames may have come by now
                    self._show(piece)
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _show(self, data: bytes) -> None:
        self._stream.feed(data)
        if DECAWM not in self._screen.mode:
            return  # in the midst of a frame
        self.shown.append(self.lines())
        if self._resized and any(FIGURES.search(line) for line in self.shown[-1]):
            self._screen.resize(columns=self._resized)
            self._set_size(self._descriptor, self._resized, self._screen.lines)
            self._resized = 0

    def live(self) -> list[list[str]]:
        """The screens with a block."""
        return [screen for screen in self.shown if any(FIGURES.search(line) for line in screen)]


def assert_gone(terminal: Terminal) -> None:
    """Nothing of a block is left on the screen."""
    assert [
        line for line in terminal.lines() if "━" in line or FIGURES.search(line) or "requests/s, last" in line
    ] == []


def write_with_plain_lines(project: Project, after: str) -> None:
    """For runs in a process of their own: a load between two ordinary tests."""
    project.write(
        """
        import pytest_loadtest.plugin.progress

        pytest_loadtest.plugin.progress.PLAIN_EVERY_S = 0.02
        """,
        "conftest.py",
    )
    project.write(f"def test_before():\n    pass\n\n{LOAD}\ndef test_after():\n    {after}\n")
