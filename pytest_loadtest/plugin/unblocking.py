"""Code that blocks the event loop, so that no timer of the loop can end it: it is interrupted where it is.

Knows nothing of loads, nor who wants them to end.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from pytest_loadtest.plugin.limit import Limit

# A loop that has not moved for so long is blocked; a busy one moves many times a second.
BLOCKED_S = 2.0
BEAT_S = 0.5  # how often the loop tells that it moves
# After a limit: how often is looked. What has been interrupted may be followed by more that blocks.
LOOK_EVERY_S = 0.5


class Heart:
    """Of a loop: whether it moves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._beats = 0
        self._beaten_s = time.monotonic()
        self._next: asyncio.TimerHandle | None = None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Around a run of the loop."""
        self._beat()
        try:
            yield
        finally:
            if self._next is not None:
                self._next.cancel()

    def _beat(self) -> None:
        self._beats += 1
        self._beaten_s = time.monotonic()
        self._next = self._loop.call_later(BEAT_S, self._beat)

    @property
    def beats(self) -> int:
        """How many there have been."""
        return self._beats

    def unblock(self, reason: str) -> None:
        """In a handler of signals: fail the code of a virtual user that blocks the loop; do nothing if none
        does. Whatever else runs has no way to fail by itself.
        """
        if time.monotonic() - self._beaten_s > BLOCKED_S and self._is_at_a_user():
            pytest.fail(f"{reason}: this line blocked the event loop", pytrace=False)

    def _is_at_a_user(self) -> bool:
        from pytest_loadtest.engine.virtual_user import TASK_NAME

        task = asyncio.current_task(self._loop) if self._loop.is_running() else None
        return task is not None and task.get_name().startswith(TASK_NAME)


def _has_alarm() -> bool:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return False
    return signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@contextmanager
def unblocked_after(limit: Limit, heart: Heart) -> Iterator[None]:
    """Around a run of the loop. When the limit is over, code that blocks it fails: again and again, until it
    moves. Without effect in threads, on Windows, beside somebody else's SIGALRM, and on code that Python
    cannot interrupt.
    """
    if not _has_alarm():
        yield
        return
    seen_beats = -1

    def look(_signal: int, _frame: FrameType | None) -> None:
        nonlocal seen_beats
        # The first look may come after this process, or the machine, has stood still.
        if heart.beats == seen_beats and not limit.is_suspended:
            heart.unblock(limit.message)
        seen_beats = heart.beats

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, limit.remaining_s + BLOCKED_S, LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
