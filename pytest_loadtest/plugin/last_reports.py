"""Ctrl-C and SIGTERM in a distributed session: xdist's controller leaves at once, and reads no more reports.

So the loads of its workers are ended, and the reports that have come until then are read. Owns a channel that
tells of loads and ends them, both ends. Imported by every session, so it imports nothing heavy.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from pytest_loadtest.plugin.signals import terminated_as_by_ctrl_c, undisturbed

CHANNEL = "load_last_reports"  # the key in a worker's input
PATIENCE_S = 30.0  # with users that are torn down
LAST_PATIENCE_S = 2.0  # with those that are not any more; GitHub kills 2.5 s after its last signal
# What a worker says: that a load test begins, or is over and its reports have been sent. What the controller
# says to it: end your load.
BEGINS, ENDS, END = "begins", "ends", "end"


class LastReports:
    """On the controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._messages: SimpleQueue[tuple[Any, str]] = SimpleQueue()  # with their worker
        self._loading: set[Any] = set()  # workers
        self._has_loads = False  # else the session is as it is without us
        self._signals = ExitStack()  # what they mean to us, until the session's end

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker its channel. One that is gone has ended its load."""
        channel = node.gateway.newchannel()
        node.workerinput[CHANNEL] = channel
        channel.setcallback(partial(self._put, node), endmarker=ENDS)

    def pytest_runtest_logstart(self) -> None:
        """A worker begins a test. From the first load test on SIGTERM means what Ctrl-C does."""
        if not self._has_loads and self._read_messages():
            self._signals.enter_context(terminated_as_by_ctrl_c())

    def pytest_unconfigure(self) -> None:
        """To this process SIGTERM means again what it did."""
        self._signals.close()

    def _put(self, node: Any, message: str) -> None:
        self._messages.put((node, message))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """End the loads and wait for their reports; asked again, only for those of who leaves at once."""
        try:
            self._read_messages()
            if self._loading:
                self._end_loads()
            self._wait(PATIENCE_S)
        except KeyboardInterrupt:  # which on a terminal has come to the workers, too
            with suppress(KeyboardInterrupt):
                self._wait(LAST_PATIENCE_S)
        with suppress(KeyboardInterrupt):
            self._read_reports()

    def _wait(self, patience_s: float) -> None:
        deadline_s = time.monotonic() + patience_s
        while self._loading and self._take(deadline_s - time.monotonic()):
            pass
        if self._loading:
            self._write_line(f"no report of the load tests of {self._workers} within {patience_s:g} s")

    def _end_loads(self) -> None:
        for node in self._loading:
            with suppress(OSError):  # it is gone
                node.workerinput[CHANNEL].send(END)
        self._write_line(f"waiting for the load tests of {self._workers}; Ctrl-C again hardly waits")

    @property
    def _workers(self) -> str:
        return ", ".join(sorted(node.gateway.id for node in self._loading))

    def _write_line(self, line: str) -> None:
        if (terminal := self._config.pluginmanager.getplugin("terminalreporter")) is not None:
            terminal.ensure_newline()
            terminal.write_line(line)

    def _read_messages(self) -> bool:
        """Those that have come. Whether any has told of a load test yet."""
        while self._take(0):
            pass
        return self._has_loads

    def _take(self, patience_s: float) -> bool:
        """The next message, if there is one in time."""
        try:
            node, message = self._messages.get(timeout=max(patience_s, 0))
        except Empty:
            return False
        if message == BEGINS:
            self._has_loads = True
            self._loading.add(node)
        else:
            self._loading.discard(node)
        return True

    def _read_reports(self) -> None:
        """What has come: xdist has put it into its queue, and looks there no more."""
        session: Any = self._config.pluginmanager.getplugin("dsession")
        while self._has_loads and session is not None and not session.queue.empty():
            event, values = session.queue.get()
            if event == "testreport":
                with undisturbed():
                    session.worker_testreport(**values)


class ToController:
    """On a worker: its end of the channel. Where there is no controller, nobody is told anything."""

    def __init__(self, config: pytest.Config, is_being_interrupted: Callable[[], bool]) -> None:
        self._channel = getattr(config, "workerinput", {}).get(CHANNEL)
        self._is_being_interrupted = is_being_interrupted
        self._has_load = False
        if self._channel is not None:
            self._channel.setcallback(self._told)

    def begins(self) -> None:
        """A load test."""
        self._has_load = True
        self._send(BEGINS)

    def ends(self) -> None:
        """It is over, and its reports have been sent."""
        self._has_load = False
        self._send(ENDS)

    def _send(self, message: str) -> None:
        if self._channel is not None:
            with suppress(OSError):  # the controller is gone, and so will be this worker
                self._channel.send(message)

    def _told(self, _end: str) -> None:
        """In a thread of execnet. On a terminal, Ctrl-C has come to the workers by itself, and first."""
        if self._has_load and not self._is_being_interrupted():
            os.kill(os.getpid(), signal.SIGINT)
