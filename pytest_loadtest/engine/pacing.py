"""When a virtual user's next iteration starts: the closed and the open loop, seen from one user.

It decides neither when the load ends nor what an iteration means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.shape import ClosedShape, OpenShape
from pytest_loadtest.engine.alarm import Alarm
from pytest_loadtest.engine.arrivals import ArrivalQueue
from pytest_loadtest.engine.cutting import Cutter
from pytest_loadtest.engine.horizon import GraceTimer, Horizon
from pytest_loadtest.engine.iterations import Iterations
from pytest_loadtest.engine.paced import PacedStarts
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser

_T = TypeVar("_T")


class Pacing:
    """Paces all users of a load; `arrivals` makes it an open one."""

    def __init__(
        self,
        horizon: Horizon,
        clock: LoadClock,
        alarm: Alarm,
        recorder: Recorder,
        iterations: Iterations,
        arrivals: ArrivalQueue | None,
        *,
        cutter: Cutter,
        cut: Callable[[VirtualUser], None],
        is_running: Callable[[VirtualUser], bool],
    ) -> None:
        self.active = 0  # users inside their time; in the open model, users with an iteration
        self._most_active = 0  # since the last look
        self._horizon = horizon
        self._shape = shape = horizon.shape  # as it was planned
        self._clock = clock
        self._alarm = alarm
        self._recorder = recorder
        self._iterations = iterations
        self._arrivals = arrivals
        self._cutter = cutter
        self._cut = cut
        self._is_running = is_running
        self._iterations_left = shape.iterations if isinstance(shape, ClosedShape) else None
        self._iterations_per_vu = shape.iterations_per_vu if isinstance(shape, ClosedShape) else None
        self._waiting: set[VirtualUser] = set()  # for a span of their time to begin, for an intended start

    def most_active(self) -> int:
        """The most users that were active at one time since the last look."""
        most, self._most_active = max(self._most_active, self.active), self.active
        return most

    async def take_part(self, user: VirtualUser, body: Body) -> None:
        """The user's iterations, from the load's start until the user has none left."""
        for begins_ns, ends_ns in self._spans(user):
            if not self._may_go_on(user):
                return
            with self._cutter.surviving(user):
                await self._wait(user, self._horizon.sleep_until(begins_ns))
                await self._spend_span(user, body, begins_ns, ends_ns)

    def _spans(self, user: VirtualUser) -> tuple[tuple[int, int], ...]:
        """As they were planned: where they have moved to, the horizon knows."""
        if isinstance(self._shape, OpenShape):
            return ((0, self._shape.duration_ns),)
        return self._shape.lifetimes(user.id)

    async def _wait(self, user: VirtualUser, moment: Awaitable[_T]) -> _T:
        self._waiting.add(user)
        try:
            return await moment
        finally:
            self._waiting.discard(user)

    async def _spend_span(self, user: VirtualUser, body: Body, begins_ns: int, ends_ns: int) -> None:
        """Iterations until the end of the span; what then still runs is cut after the graceful stop."""
        grace_ns = self._shape.graceful_stop_ns
        timer = GraceTimer(self._horizon, self._clock, ends_ns, grace_ns, partial(self._cut, user))
        try:
            if self._arrivals is not None:
                await self._serve(user, body, self._arrivals)
            elif (starts := self._starts_of(user, begins_ns, ends_ns)) is not None:
                await self._keep_pace(user, body, starts)
            else:
                await self._repeat(user, body, ends_ns)
        finally:
            timer.cancel()

    async def _repeat(self, user: VirtualUser, body: Body, ends_ns: int) -> None:
        """Closed model: one iteration after the other until the span is over."""
        task, now = _current_task(), self._clock.now
        with self._taking_part():
            # The hot loop: where the end has moved to is asked when it is reached.
            while now() < (ends_at_ns := self._ends_at(ends_ns)) and self._may_go_on(user):
                while now() < ends_at_ns and self._may_go_on(user):
                    if self._iterations_left is not None:
                        self._count_down(self._iterations_left)
                    if not await self._iterations.run_one(user, body, task):
                        return

    def _ends_at(self, ends_ns: int) -> int:
        """The end of a span on the underlying clock."""
        return self._clock.at(self._horizon.moment(ends_ns))

    async def _serve(self, user: VirtualUser, body: Body, arrivals: ArrivalQueue) -> None:
        """Open model: an iteration for each arrival that this user is given."""
        task = _current_task()
        while self._may_go_on(user) and (intended_ns := await arrivals.next()) is not None:
            self.active += 1
            if self.active > self._most_active:  # iterations shorter than a slice are over when it is
                self._most_active = self.active
            try:
                delay_ns = max(0, self._clock.elapsed_ns() - intended_ns)
                if not await self._iterations.run_one(user, body, task, delay_ns):
                    return
            finally:
                self.active -= 1

    async def _keep_pace(self, user: VirtualUser, body: Body, starts: PacedStarts) -> None:
        """Closed model: an iteration for each intended start. Who is late catches up."""
        task = _current_task()
        with self._taking_part():
            try:
                while self._may_go_on(user) and await self._wait(user, starts.is_due()):
                    if self._iterations_left is not None:
                        self._count_down(self._iterations_left)
                    if not await self._iterations.run_one(user, body, task, starts.take()):
                        self._drop(user, starts)
                        return
            except asyncio.CancelledError:
                if user.was_cut:  # between two iterations, or after the loop stood still until now
                    self._drop(user, starts)
                raise

    def _drop(self, user: VirtualUser, starts: PacedStarts) -> None:
        """The user was cut. If that was the graceful stop, it has left no time for further starts; where
        iterations are counted, their number says what is missing.
        """
        is_counted = self._iterations_left is not None or self._iterations_per_vu is not None
        if self._is_running(user) and not is_counted:
            starts.drop()

    def _starts_of(self, user: VirtualUser, begins_ns: int, ends_ns: int) -> PacedStarts | None:
        """In a span of its time, if it is paced."""
        if isinstance(self._shape, OpenShape) or self._shape.pacing_ns is None:
            return None
        first_ns = self._shape.first_start_ns(user.id, self._horizon.moment(begins_ns))
        return PacedStarts(
            first_ns,
            self._shape.pacing_ns,
            ends_ns,
            horizon=self._horizon,
            clock=self._clock,
            alarm=self._alarm,
            recorder=self._recorder,
        )

    # -- limits -------------------------------------------------------------------------------------

    @contextmanager
    def _taking_part(self) -> Iterator[None]:
        """Closed model: a user is inside its time."""
        self.active += 1
        try:
            yield
        finally:
            self._recorder.gauge(self.active, 0)  # at the next tick it is no longer there
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
