"""When a virtual user's next iteration starts: the closed and the open loop, seen from one user.

It decides neither when the load ends nor what an iteration means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pytest_loadtest.core.shape import ClosedShape, OpenShape, Shape
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.arrivals import ArrivalQueue
from pytest_loadtest.engine.cutting import Cutter
from pytest_loadtest.engine.iterations import Iterations
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser


class Pacing:
    """Paces all users of a load; `arrivals` makes it an open one."""

    def __init__(
        self,
        shape: Shape,
        clock: LoadClock,
        iterations: Iterations,
        arrivals: ArrivalQueue | None,
        *,
        cutter: Cutter,
        cut: Callable[[VirtualUser], None],
        is_running: Callable[[VirtualUser], bool],
    ) -> None:
        self.active = 0  # users inside their time; in the open model, users with an iteration
        self._shape = shape
        self._clock = clock
        self._iterations = iterations
        self._arrivals = arrivals
        self._cutter = cutter
        self._cut = cut
        self._is_running = is_running
        self._iterations_left = shape.iterations if isinstance(shape, ClosedShape) else None
        self._iterations_per_vu = shape.iterations_per_vu if isinstance(shape, ClosedShape) else None
        self._waiting: set[VirtualUser] = set()  # for a span of their time to begin

    async def take_part(self, user: VirtualUser, body: Body) -> None:
        """The user's iterations, from the load's start until the user has none left."""
        for begins, ends in self._spans(user):
            if not self._may_go_on(user):
                return
            with self._cutter.surviving(user):
                await self._wait_until(begins, user)
                await self._spend_span(user, body, ends)

    def _spans(self, user: VirtualUser) -> tuple[tuple[int, int], ...]:
        if isinstance(self._shape, OpenShape):
            return ((0, self._shape.duration_ns),)
        return self._shape.lifetimes(user.id)

    async def _wait_until(self, begins_ns: int, user: VirtualUser) -> None:
        self._waiting.add(user)
        try:
            await self._clock.sleep_until(begins_ns)
        finally:
            self._waiting.discard(user)

    async def _spend_span(self, user: VirtualUser, body: Body, ends_ns: int) -> None:
        """Iterations until the end of the span; what then still runs is cut after the graceful stop."""
        until_cut_ns = ends_ns + self._shape.graceful_stop_ns - self._clock.elapsed_ns()
        timer = asyncio.get_running_loop().call_later(until_cut_ns / NS_PER_S, self._cut, user)
        try:
            if self._arrivals is not None:
                await self._serve(user, body, self._arrivals)
            else:
                await self._repeat(user, body, ends_ns)
        finally:
            timer.cancel()

    async def _repeat(self, user: VirtualUser, body: Body, ends_ns: int) -> None:
        """Closed model: one iteration after the other until the span is over."""
        self.active += 1
        task, now, ends_at_ns = _current_task(), self._clock.now, self._clock.at(ends_ns)
        try:
            while now() < ends_at_ns and self._may_go_on(user):
                if self._iterations_left is not None:
                    self._count_down(self._iterations_left)
                if not await self._iterations.run_one(user, body, task):
                    return  # a timer may fire a little before its time: whatever the clock says, it is over
        finally:
            self.active -= 1

    async def _serve(self, user: VirtualUser, body: Body, arrivals: ArrivalQueue) -> None:
        """Open model: an iteration for each arrival that this user is given."""
        task = _current_task()
        while self._may_go_on(user) and (intended_ns := await arrivals.next()) is not None:
            self.active += 1
            try:
                delay_ns = max(0, self._clock.elapsed_ns() - intended_ns)
                if not await self._iterations.run_one(user, body, task, delay_ns):
                    return
            finally:
                self.active -= 1

    def _may_go_on(self, user: VirtualUser) -> bool:
        """Whether the load still runs and the limits on iterations leave this user one more."""
        if not self._is_running(user) or self._iterations_left == 0:
            return False
        return self._iterations_per_vu is None or user.iteration < self._iterations_per_vu

    def _count_down(self, left: int) -> None:
        self._iterations_left = left - 1
        if not self._iterations_left:  # the load must not last until users come who find nothing to do
            for user in self._waiting:
                self._cut(user)


def _current_task() -> asyncio.Task[Any]:
    """The task of the user whose code runs: known once for all of its iterations."""
    task = asyncio.current_task()
    assert task is not None
    return task
