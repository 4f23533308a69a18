"""Time that passes only where somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pytest_loadtest.auth.clock import Clock
from tests.engine.virtual_time import VirtualTimeLoop

Result = TypeVar("Result")

NOW_S = 1_800_000_000.0  # a Unix time


class JumpingClock:
    """For real sockets and files: a sleep is over at once, and the time is then that of its end."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.now_s = now_s
        self.waits: list[float] = []
        self.most_waits = 1_000_000  # the next one is never over

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) > self.most_waits:
            await asyncio.Event().wait()
        self.now_s = max(self.now_s, self.now_s + seconds)
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, self.sleep)


class _TickingLoop(VirtualTimeLoop):
    """A look at the time takes a moment: a limiter that is early by a rounding error looks again."""

    def time(self) -> float:
        self._jumping.now_s += 1e-6
        return super().time()


def in_virtual_time(scenario: Callable[[Clock], Awaitable[Result]]) -> Result:
    """On a loop whose timers cost no time, and whose seconds the clock tells. Without sockets and threads."""
    loop = _TickingLoop()
    beginning_s = loop.time()

    async def run() -> Result:
        return await scenario(Clock(lambda: NOW_S + loop.time() - beginning_s))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run())
