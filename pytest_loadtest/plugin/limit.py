"""pytest-timeout's limit on a load test, kept by the event loop while that runs.

pytest-timeout interrupts a test with a signal, which uvloop swallows, or ends the whole process. So its
timer is stopped while our loop runs, and set again for what pytest itself does around it. Knows
of pytest-timeout its two hooks, and when it lets a test go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

# The loop's timers may fire a ms early. What is left then must not become a timer that fires in pytest.
EARLY_S = 0.01


class Limit:
    """The limit on one test. Its time runs from the moment it is made."""

    def __init__(self, item: pytest.Item, settings: Any) -> None:
        self._item = item
        self._settings = settings  # pytest-timeout's, a named tuple
        self._ends_s = time.monotonic() + float(settings.timeout)

    @property
    def remaining_s(self) -> float:
        """What is left of it."""
        return max(0.0, self._ends_s - time.monotonic())

    @property
    def message(self) -> str:
        """In pytest-timeout's own words."""
        return f"Timeout (>{self._settings.timeout:g}s) from pytest-timeout"

    @property
    def is_suspended(self) -> bool:
        """Whether pytest-timeout lets a test go on that is beyond its limit: somebody debugs it."""
        from pytest_timeout import is_debugging  # type: ignore[import-untyped]

        return bool(is_debugging()) and not self._settings.disable_debugger_detection

    @contextmanager
    def kept_by_loop(self) -> Iterator[None]:
        """Around a run of the loop, which must end by itself when nothing remains."""
        hook = self._item.config.hook
        hook.pytest_timeout_cancel_timer(item=self._item)
        try:
            yield
        finally:
            if self.remaining_s < EARLY_S:  # it has done its work; tear-down gets as much time again
                self._ends_s = time.monotonic() + float(self._settings.timeout)
            settings = self._settings._replace(timeout=self.remaining_s)
            hook.pytest_timeout_set_timer(item=self._item, settings=settings)
