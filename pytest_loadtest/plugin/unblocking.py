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

# A loop that has not moved for so long is blocked; a busy one moves many times a second.
BLOCKED_S = 2.0
BEAT_S = 0.5  # how often the loop tells that it moves
# After a limit: how often is looked. What has been interrupted may be followed by more that blocks.
LOOK_EVERY_S = 0.5


class Heart:
    """Of a loop: whether it moves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
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
        self._beaten_s = time.monotonic()
        self._next = self._loop.call_later(BEAT_S, self._beat)

    def unblock(self, reason: str) -> None:
        """In a handler of signals: fail the code that blocks the loop; do nothing if none does."""
        is_still = time.monotonic() - self._beaten_s > BLOCKED_S
        if is_still and self._loop.is_running() and asyncio.current_task(self._loop) is not None:
            pytest.fail(f"{reason}: this line blocked the event loop", pytrace=False)


@contextmanager
def unblocked_after(limit_s: float, heart: Heart, reason: str) -> Iterator[None]:
    """Around a run of the loop. When the limit is over, code that blocks it fails: again and again, until it
    moves. Without effect in threads, on Windows, and on code that Python cannot interrupt.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def look(_signal: int, _frame: FrameType | None) -> None:
        heart.unblock(reason)

    then = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, limit_s + BLOCKED_S, LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, then)
