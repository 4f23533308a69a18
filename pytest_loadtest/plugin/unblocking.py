"""Code that blocks the event loop beyond the time limit of its test, so that no timer of the loop can end it.

Owns the signal that interrupts such code, where it is. Knows nothing of loads, nor who has set the limit.
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

# A loop that has not moved for so long beyond the limit is blocked; a busy one moves many times a second.
BLOCKED_S = 2.0
BEAT_S = 0.5  # how often the loop tells that it moves
# After the limit: how often is looked. What has been interrupted may be followed by more that blocks.
LOOK_EVERY_S = 0.5


@contextmanager
def unblocked(loop: asyncio.AbstractEventLoop, limit_s: float, message: str) -> Iterator[None]:
    """Around a run of the loop. When the limit is over, `pytest.fail` with the message is raised in code
    that blocks it: again and again, until the loop moves. Without effect in threads, on Windows, and on
    code that Python cannot interrupt.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    heart = _Heart(loop)

    def look(_signal: int, _frame: FrameType | None) -> None:
        if heart.is_still:
            pytest.fail(f"{message}: this line blocked the event loop", pytrace=False)

    then = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, limit_s + BLOCKED_S, LOOK_EVERY_S)
    try:
        with heart.beating():
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, then)


class _Heart:
    """Whether a loop moves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._beaten_s = time.monotonic()
        self._next: asyncio.TimerHandle | None = None

    @property
    def is_still(self) -> bool:
        """It has not moved for so long that it must be blocked, by a task."""
        is_late = time.monotonic() - self._beaten_s > BLOCKED_S
        return is_late and self._loop.is_running() and asyncio.current_task(self._loop) is not None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Within this."""
        self._beat()
        try:
            yield
        finally:
            if self._next is not None:
                self._next.cancel()

    def _beat(self) -> None:
        self._beaten_s = time.monotonic()
        self._next = self._loop.call_later(BEAT_S, self._beat)
