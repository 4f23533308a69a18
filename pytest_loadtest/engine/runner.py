"""Runs one load: sets up the virtual users, lets iterations start when the shape says, ends them.

Owns the life of a virtual user, one task each: set-up, iterations, tear-down. It knows neither what an
iteration does nor who asked for the load; both come through `Program`.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from time import perf_counter_ns

from pytest_loadtest.core.recorder import NullRecorder, Recorder
from pytest_loadtest.core.shape import ClosedShape, OpenShape, Shape
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.arrivals import ArrivalQueue
from pytest_loadtest.engine.ending import Ending, FirstIterations, LoadEnd
from pytest_loadtest.engine.iterations import Iterations, take_cut
from pytest_loadtest.engine.program import Body, Program
from pytest_loadtest.engine.scheduling import Countdown, LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser

# Users are set up so many at a time: a sign-in in a fixture must not be a load test of its own.
SET_UPS_AT_ONCE = 32
# What a cancelled iteration may take for its own cleaning up, and how often it is cancelled before it
# counts as stuck.
CLEAN_UP_S = 5.0
MOST_CUTS = 3


class LoadRun:
    """One load. ``await run.run()`` once; the properties may be read while it runs."""

    def __init__(
        self,
        shape: Shape,
        program: Program,
        recorder: Recorder,
        *,
        seed: int | str = 0,
        clock: Callable[[], int] = perf_counter_ns,
        deadline_ns: int | None = None,
    ) -> None:
        self.shape = shape
        self.recorder = recorder
        self.active = 0  # users inside their time; in the open model, users with an iteration
        self._program = program
        self._deadline_ns = deadline_ns
        self._clock = LoadClock(clock)
        self._users = [VirtualUser(n + 1, seed=seed, clock=clock) for n in range(shape.vus)]
        self._arrivals: ArrivalQueue | None = None
        self._iterations_left: int | None = None
        if isinstance(shape, OpenShape):
            self._arrivals = ArrivalQueue(shape, random.Random(f"{seed}:arrivals"))
            first = FirstIterations(None)
        else:
            self._iterations_left = shape.iterations
            first = FirstIterations(len(self._users))
        self._iterations = Iterations(program, recorder, self._clock, self.stop, first)
        self._tasks: dict[int, asyncio.Task[None]] = {}  # of users that may still be cut
        self._ready = Countdown(len(self._users))
        self._finished = Countdown(len(self._users))
        self._begin = asyncio.Event()
        self._set_up_slots = asyncio.Semaphore(SET_UPS_AT_ONCE)
        self._stopping = False
        self._end = LoadEnd()

    @property
    def elapsed_ns(self) -> int:
        """Time since the load began; 0 during the set-up."""
        return self._clock.elapsed_ns()

    @property
    def queued(self) -> int:
        """Open model: iterations that wait for a free user."""
        return self._arrivals.queued if self._arrivals else 0

    async def run(self) -> LoadEnd:
        """Set up, load, tear down. Cancelling it ends the load early and keeps what was measured."""
        loop = asyncio.get_running_loop()
        deadline = None
        if self._deadline_ns is not None:
            deadline = loop.call_later(self._deadline_ns / NS_PER_S, self.stop, Ending.TIMED_OUT)
        lives = {user.id: loop.create_task(self._live(user)) for user in self._users}
        self._tasks = dict(lives)
        await self._outlast_cancellation(self._ready.over)
        if not self._stopping:
            await self._load()
        if deadline is not None:
            deadline.cancel()
        if lives := {n: task for n, task in lives.items() if n not in self._end.stuck}:
            await asyncio.wait(lives.values())
        return self._end

    def stop(self, ending: Ending, reason: str = "", error: BaseException | None = None) -> None:
        """End the load now: nothing new starts, what runs is cut. Only the first call counts."""
        if self._stopping:
            return
        self._stopping = True
        self._end.ending, self._end.reason, self._end.error = ending, reason, error
        self._ready.over.set()
        for user in self._users:
            self._cut(user)

    # -- the whole load -----------------------------------------------------------------------------

    async def _load(self) -> None:
        gc.collect()
        gc.freeze()  # a full collection over 300,000 older objects took 75 ms, in the middle of a load
        self.recorder.start(self._clock.start())
        helpers = [asyncio.ensure_future(self._tick())]
        if self._arrivals:
            helpers.append(asyncio.ensure_future(self._arrivals.feed(self._clock, self.recorder)))
        self._begin.set()
        try:
            await self._outlast_cancellation(self._finished.over)
        finally:
            self._end.ran_ns = self.elapsed_ns
            gc.unfreeze()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            if self._arrivals:
                self._arrivals.close(self._clock, self.recorder)
            self.recorder.flush()

    async def _outlast_cancellation(self, event: asyncio.Event) -> None:
        """Wait for the event. Being cancelled (Ctrl-C) stops the load, and the event still comes."""
        while not event.is_set():
            try:
                await event.wait()
            except asyncio.CancelledError:
                if self._stopping:
                    raise  # whoever asks twice does not want to wait
                self.stop(Ending.INTERRUPTED)

    async def _tick(self) -> None:
        slice_ns = self.recorder.metrics.slice_ns
        while True:
            await self._clock.sleep_until((self.elapsed_ns // slice_ns + 1) * slice_ns)
            self.recorder.tick(self._clock.now())

    # -- one user -----------------------------------------------------------------------------------

    async def _live(self, user: VirtualUser) -> None:
        """A user's whole life, in one task: cancel scopes of fixtures must end where they began."""
        is_set_up = False
        try:
            async with AsyncExitStack() as stack:
                async with self._set_up_slots:
                    body = await stack.enter_async_context(self._program.session(user))
                is_set_up = True
                self._ready.one_less()
                with _surviving_cuts(user):
                    await self._take_part(user, body)
                self._leave(user)
        except BaseException as error:
            self._leave(user)
            self._note_end_of_life(user, error, is_set_up)

    def _note_end_of_life(self, user: VirtualUser, error: BaseException, is_set_up: bool) -> None:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        if is_set_up:
            self._end.tear_down_errors.append((user.id, error))
        elif not (self._stopping and isinstance(error, asyncio.CancelledError)):
            self.stop(Ending.SET_UP_FAILED, f"virtual user {user.id}", error)

    def _leave(self, user: VirtualUser) -> None:
        """From here on the user is neither measured nor cut."""
        if self._tasks.pop(user.id, None) is not None:
            user.recorder = NullRecorder()
            self._finished.one_less()

    async def _take_part(self, user: VirtualUser, body: Body) -> None:
        await self._begin.wait()
        user.recorder = self.recorder
        loop = asyncio.get_running_loop()
        for begins, ends in self._spans(user):
            await self._clock.sleep_until(begins)
            until_cut_ns = ends + self.shape.graceful_stop_ns - self.elapsed_ns
            timer = loop.call_later(until_cut_ns / NS_PER_S, self._cut, user)
            try:
                await (self._serve_arrivals(user, body) if self._arrivals else self._repeat(user, body, ends))
            finally:
                timer.cancel()

    def _spans(self, user: VirtualUser) -> tuple[tuple[int, int], ...]:
        if isinstance(self.shape, OpenShape):
            return ((0, self.shape.duration_ns),)
        return self.shape.lifetimes(user.id)

    async def _repeat(self, user: VirtualUser, body: Body, ends_ns: int) -> None:
        """Closed model: one iteration after the other until the user's time is over."""
        self.active += 1
        try:
            while not self._stopping and self.elapsed_ns < ends_ns and self._take_iteration(user):
                await self._iterations.run_one(user, body)
        finally:
            self.active -= 1

    def _take_iteration(self, user: VirtualUser) -> bool:
        """Whether the limits on iterations, if there are any, leave this user one more."""
        if self._iterations_left is not None:
            self._iterations_left -= 1
            return self._iterations_left >= 0
        limit = self.shape.iterations_per_vu if isinstance(self.shape, ClosedShape) else None
        return limit is None or user.iteration < limit

    async def _serve_arrivals(self, user: VirtualUser, body: Body) -> None:
        """Open model: an iteration for each arrival that this user is given."""
        assert self._arrivals is not None
        while not self._stopping and (intended_ns := await self._arrivals.next()) is not None:
            self.active += 1
            try:
                await self._iterations.run_one(user, body, max(0, self.elapsed_ns - intended_ns))
            finally:
                self.active -= 1

    # -- cutting ------------------------------------------------------------------------------------

    def _cut(self, user: VirtualUser, cuts: int = 1) -> None:
        """Cancel what the user is doing. Code that goes on all the same is cancelled again, then given up."""
        task = self._tasks.get(user.id)
        if task is None or task is asyncio.current_task():
            return  # it has left, or it is itself on its way out
        if cuts > MOST_CUTS:
            self._end.stuck.append(user.id)
            self._leave(user)
            return
        user.was_cut = True
        task.cancel()
        asyncio.get_running_loop().call_later(CLEAN_UP_S, self._cut_again, user, user.iteration, cuts + 1)

    def _cut_again(self, user: VirtualUser, iteration: int, cuts: int) -> None:
        if user.iteration == iteration:
            self._cut(user, cuts)


@contextmanager
def _surviving_cuts(user: VirtualUser) -> Iterator[None]:
    """A user that is cut while it waits for its turn goes on to its tear-down."""
    try:
        yield
    except asyncio.CancelledError:
        if not user.was_cut:
            raise
        take_cut(user)
