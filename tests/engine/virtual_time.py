"""An event loop on which time passes only when nothing is left to do: an hour of load takes milliseconds.

It knows nothing of the engine. When nothing can ever happen again it says so instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

# Not 0: a mixture of the loop's time and the load's time must not go unnoticed.
BEGINNING_S = 1000.0


class NothingWillHappenError(Exception):
    """All tasks wait, and there is no timer: outside of a test this would be a hang."""


class _JumpingSelector(selectors.BaseSelector):
    """Instead of sleeping until the next timer it moves the time there."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now_s = BEGINNING_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._real.select(0)
        if not events and timeout is None:
            raise NothingWillHappenError
        if not events and timeout is not None:
            self.now_s += timeout
        return events

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop. `clock` is its time in ns; each look at it costs `look_ns`, as computing does.

    Timers come `early_ns` before they are due: uvloop's do so by up to 0.2 ms.
    """

    def __init__(self, look_ns: int = 0, early_ns: int = 0) -> None:
        self._jumping = _JumpingSelector()
        self._look_s = look_ns / 1e9
        self._early_s = early_ns / 1e9
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def call_at(self, when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        return super().call_at(when - self._early_s, *args, **kwargs)

    def clock(self) -> int:
        self._jumping.now_s += self._look_s
        return round(self._jumping.now_s * 1e9)

    def compute(self, seconds: float) -> None:
        """Let time pass as code does that keeps the CPU busy: nobody else has a turn."""
        self._jumping.now_s += seconds
