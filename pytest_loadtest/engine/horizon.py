"""How long a load goes on: its shape as it is now, and where the moments of its plan have moved to.

A load may become longer while it runs, as long as its last hold has not ended. Then that hold ends later,
and so does all that comes after it; what comes before stays where it is. Everybody keeps the moments that
were planned and asks here where they are now. It does not know why a load becomes longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pytest_loadtest.core.shape import Shape
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.scheduling import LoadClock


class Horizon:
    """Owns the current shape. Moments are ns since the load's start."""

    def __init__(self, shape: Shape, clock: LoadClock) -> None:
        self.shape = shape
        self._clock = clock
        self._planned_ns = shape.hold_ends_ns  # when the last hold was to end
        self._extra_ns = 0

    def moment(self, planned_ns: int) -> int:
        """Where a moment of the planned shape is now: the end of the hold, too, moves with it."""
        if self._planned_ns is None or planned_ns < self._planned_ns:
            return planned_ns
        return planned_ns + self._extra_ns

    def sure_until(self, moment_ns: int) -> int:
        """How long one may sleep who waits for a moment of the current shape: until it has come, or until
        the hold has ended and nothing can move any more.
        """
        hold_ends_ns = self.shape.hold_ends_ns
        if hold_ends_ns is None or self._clock.elapsed_ns() >= hold_ends_ns:
            return moment_ns
        return min(moment_ns, hold_ends_ns)

    def extend(self, extra_ns: int) -> bool:
        """Let the hold last longer. False when it has ended, or when there is none; then nothing changes."""
        if extra_ns <= 0:
            raise ValueError(f"a load becomes longer by more than nothing, not by {extra_ns} ns")
        hold_ends_ns = self.shape.hold_ends_ns
        if hold_ends_ns is None or self._clock.elapsed_ns() >= hold_ends_ns:
            return False
        self._extra_ns += extra_ns
        self.shape = self.shape.extended(extra_ns)
        return True

    async def sleep_until(self, planned_ns: int) -> None:
        """Return when the planned moment has come, wherever it has moved to meanwhile."""
        while (moment_ns := self.moment(planned_ns)) > self._clock.elapsed_ns():
            await self._clock.sleep_until(moment_ns)


class GraceTimer:
    """Calls back when a time has passed after a planned moment, wherever it has moved to; never earlier."""

    def __init__(
        self, horizon: Horizon, clock: LoadClock, planned_ns: int, grace_ns: int, call: Callable[[], None]
    ) -> None:
        self._horizon = horizon
        self._clock = clock
        self._planned_ns = planned_ns
        self._grace_ns = grace_ns
        self._call = call
        self._arm(self._left_ns())

    def cancel(self) -> None:
        """It is not needed any more."""
        self._handle.cancel()

    def _left_ns(self) -> int:
        return self._horizon.moment(self._planned_ns) + self._grace_ns - self._clock.elapsed_ns()

    def _arm(self, left_ns: int) -> None:
        self._handle = asyncio.get_running_loop().call_later(max(0, left_ns) / NS_PER_S, self._ring)

    def _ring(self) -> None:
        left_ns = self._left_ns()
        if left_ns > 0:  # the moment has moved, or the loop's timer came a little early
            self._arm(left_ns)
        else:
            self._call()
