"""pytest in a process of its own, to be interrupted in the midst of a load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Self

from tests.plugin.conftest import Project

# How long to wait for what must happen: far more than it takes on a busy machine.
PATIENCE_S = 120


class Session:
    """pytest in a process of its own, to be interrupted."""

    def __init__(self, project: Project, *args: str) -> None:
        self._notes = project.pytester.path / "notes"
        command = [sys.executable, "-m", "pytest", "-p", "pytest_loadtest.plugin", *args]
        self._output = project.pytester.path / "output"
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=project.pytester.path,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # what is sent to its group is not sent to us
            )

    def interrupt(self) -> None:
        """Ctrl-C, for this process only."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """As CI systems do."""
        self._process.send_signal(signal.SIGTERM)

    def terminate_all(self) -> None:
        """SIGTERM to its child processes, too, as GitLab's Docker executor sends it."""
        os.killpg(self._process.pid, signal.SIGTERM)

    def interrupt_all(self) -> None:
        """Ctrl-C as on a terminal, where its child processes get it, too."""
        os.killpg(self._process.pid, signal.SIGINT)

    def notes(self) -> list[str]:
        """What its fixtures and tests have noted so far."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def wait_for(self, words: str) -> None:
        """Until they are in its output."""
        wait_until(lambda: words in self._output.read_text())

    def end(self) -> tuple[int, str]:
        """Its exit status and output."""
        return self._process.wait(PATIENCE_S), self._output.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """If a test has failed, nothing is left behind."""
        self._process.kill()
        self._process.wait()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
