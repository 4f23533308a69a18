"""Progress of loads that run on xdist's workers, shown by the controller, which has the terminal.

Each worker has a channel of its own to the controller, which execnet passes on in its input. Neither end may
fail for the other's sake: a worker that is gone has no load any more. Imported by every session that is
distributed, so it imports nothing heavy before there is something to show.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from pytest_loadtest.plugin.display import Display
    from pytest_loadtest.report.live_area import LiveArea
    from pytest_loadtest.report.progress import Progress

CHANNEL = "load_progress"  # the key in a worker's input
ANNOUNCEMENT = "load tests"
SEND_EVERY_S = 1.0
PLAIN_EVERY_S = 10.0


class Sender:
    """On a worker: tells the controller how far its load is. Once a second: it takes 0.8 ms of its loop."""

    every_s = SEND_EVERY_S

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._due_s = -math.inf

    @classmethod
    def of(cls, config: pytest.Config) -> Self | None:
        """None where there is no controller that shows progress."""
        channel = getattr(config, "workerinput", {}).get(CHANNEL)
        return None if channel is None else cls(channel)

    def show(self, progress: Progress) -> None:
        """Send it, if it is time."""
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + self.every_s
            self.tell({type(progress).__name__: progress.to_plain()})

    def close(self) -> None:
        """The load is over."""
        self.tell({})

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message, if there is still somebody."""
        with suppress(OSError):  # the controller is gone, and so will be this worker
            self._channel.send(message)


def announce(config: pytest.Config) -> None:
    """On a worker: there are load tests, so the controller may prepare its terminal."""
    if (sender := Sender.of(config)) is not None:
        sender.tell({ANNOUNCEMENT: {}})


class Board:
    """On the controller: shows what the workers tell, in the threads that execnet receives it in.

    A session without load tests stays as it is.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lock = threading.RLock()
        self._running: dict[str, Progress] = {}  # by worker, which runs one load at a time
        self._due_s: dict[str, float] = {}  # for the next plain line
        self._is_announced = False
        self._stack = ExitStack()
        self._display: Display | None = None
        self._area: LiveArea | None = None

    # -- hooks, in the main thread ------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker its channel, if somebody looks."""
        has_terminal = self._config.pluginmanager.hasplugin("terminalreporter")
        if not has_terminal or self._config.getoption("verbose") < 0:
            return
        channel = node.gateway.newchannel()
        node.workerinput[CHANNEL] = channel
        worker = node.gateway.id
        channel.setcallback(lambda message: self.receive(worker, message), endmarker={})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Before the first test, if there are load tests: pytest writes in this thread, and not just now."""
        if not self._is_announced or self._display is not None:
            return
        from pytest_loadtest.plugin.display import Display

        with self._lock:
            display = self._display = Display.of(self._config)
            if display is None:
                self._is_announced = False
                return
            self._stack.callback(display.close)
            if display.live:
                self._area = display.area()
                self._stack.enter_context(display.above(self._area))
                self._stack.callback(self._area.clear)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave nothing on the screen, whatever else a worker tells."""
        with self._lock:
            self._running.clear()
            self._is_announced, self._display, self._area = False, None, None
            self._stack.close()

    # -- messages, in execnet's threads -------------------------------------------------------------------

    def receive(self, worker: str, message: dict[str, Any]) -> None:
        """What a worker tells; nothing if it has no load. An error here would end execnet's thread."""
        with self._lock:
            if ANNOUNCEMENT in message:
                self._is_announced = True
            elif self._display is not None:
                self._keep(worker, message)
                with suppress(OSError, ValueError):  # the terminal is gone
                    self._show(worker, self._display)

    def _keep(self, worker: str, message: dict[str, Any]) -> None:
        from pytest_loadtest.report.progress import progress_of

        progress = progress_of(message)
        if progress is None:
            self._running.pop(worker, None)
            self._due_s.pop(worker, None)
        else:
            self._running[worker] = progress

    def _show(self, worker: str, display: Display) -> None:
        if self._area is not None:
            display.draw(self._area, list(self._running.values()))
        elif (progress := self._running.get(worker)) is not None:
            self._write_line(worker, progress, display)

    def _write_line(self, worker: str, progress: Progress, display: Display) -> None:
        from pytest_loadtest.report.progress import plain_line

        now_s = time.monotonic()
        if now_s >= self._due_s.setdefault(worker, now_s + PLAIN_EVERY_S):
            self._due_s[worker] = now_s + PLAIN_EVERY_S
            display.write_line(plain_line(progress))
