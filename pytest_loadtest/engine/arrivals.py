"""Open model: arrivals on absolute times, handed to free virtual users. Owns the queue between both.

An arrival whose time has come goes to a free user, else it waits with its clock running. What the
queue cannot hold, and what still waits when the load ends, is dropped and counted as such.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from itertools import count

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.shape import OpenShape
from pytest_loadtest.engine.alarm import Alarm
from pytest_loadtest.engine.horizon import Horizon
from pytest_loadtest.engine.scheduling import LoadClock

# Far more than a target that recovers can catch up with; bounds the memory of a run that does not.
MOST_QUEUED = 100_000
# After so many arrivals without a pause the users get a turn of the event loop.
BURST = 64


class ArrivalQueue:
    """Hands intended starts (ns since the load's start) to users that ask for one with `next`."""

    def __init__(
        self,
        shape: OpenShape,
        rng: random.Random,
        horizon: Horizon,
        clock: LoadClock,
        alarm: Alarm,
        recorder: Recorder,
    ) -> None:
        self._arrivals = shape.arrivals_in_turn(rng)
        self._horizon = horizon
        self._clock = clock
        self._alarm = alarm
        self._recorder = recorder
        self._waiting: deque[int] = deque()
        # Last in, first out: few users and few connections stay busy, as in a real pool.
        self._free: list[asyncio.Future[int | None]] = []
        self._closed = False
        self._stopped = False

    @property
    def queued(self) -> int:
        """Arrivals that wait for a free user."""
        return len(self._waiting)

    async def next(self) -> int | None:
        """The intended start of the caller's next iteration; None when there are no more."""
        if self._closed:
            return None
        if self._waiting:
            return self._waiting.popleft()
        turn: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._free.append(turn)
        try:
            intended_ns = await turn
        except asyncio.CancelledError:
            self._take_back(turn)
            raise
        if intended_ns is not None:  # a user was free, so only we can be why it begins late
            late_ns = max(0, self._clock.elapsed_ns() - intended_ns)
            self._recorder.started_late(self._clock.at(intended_ns), late_ns)
        return intended_ns

    async def feed(self) -> None:
        """Let arrivals happen until the shape ends. A late wake-up catches up, it skips nothing."""
        for n in count():
            intended_ns = await self._next_arrival()
            if self._closed:
                return  # the load was stopped: what would have come is not a dropped iteration
            if intended_ns is None:
                break
            self._arrive(intended_ns)
            self._arrivals.advance()
            if n % BURST == 0:
                await asyncio.sleep(0)
        self.close()

    async def _next_arrival(self) -> int | None:
        """Wait for it; None when the load has ended. The load may become longer meanwhile."""
        while True:
            shape = self._horizon.shape
            due_ns = self._arrivals.due_ns(shape.profile)
            moment_ns = shape.duration_ns if due_ns is None else due_ns
            if moment_ns <= self._clock.elapsed_ns():
                return due_ns
            await self._alarm.sleep_until(self._horizon.sure_until(moment_ns))

    def close(self) -> None:
        """No more arrivals: what waits is dropped, waiting users are sent home. May come twice."""
        for intended_ns in self._waiting:
            self._recorder.dropped(self._clock.at(intended_ns))
        self._send_home()

    def stop(self) -> None:
        """The load is over before its time: what waits might have been served, so it is cut, not dropped."""
        self._stopped = True
        for _ in self._waiting:
            self._recorder.interrupted()
        self._send_home()

    def _send_home(self) -> None:
        self._closed = True
        self._waiting.clear()
        while self._free:
            self._hand_over(None)

    def _arrive(self, intended_ns: int) -> None:
        if self._free and self._hand_over(intended_ns):
            return
        if len(self._waiting) < MOST_QUEUED:
            self._waiting.append(intended_ns)
        else:
            self._recorder.dropped(self._clock.at(intended_ns))

    def _hand_over(self, intended_ns: int | None) -> bool:
        """Give it to the user that became free last; False when none is there any more."""
        while self._free:
            turn = self._free.pop()
            if not turn.done():
                turn.set_result(intended_ns)
                return True
        return False

    def _take_back(self, turn: asyncio.Future[int | None]) -> None:
        """A user was cut after an arrival was given to it and before it could begin: that one still waits,
        or was cut too.
        """
        if turn.cancelled() or (intended_ns := turn.result()) is None:
            return
        if self._stopped:
            self._recorder.interrupted()
        else:
            self._waiting.appendleft(intended_ns)
