"""Runs one load: sets up the virtual users, lets iterations start when the shape says, ends them.

Owns the life of a virtual user, one task each: set-up, iterations, tear-down. It knows neither what an
iteration does nor who asked for the load; both come through `Program`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from time import perf_counter_ns

from pytest_loadtest.core.recorder import NullRecorder, Recorder
from pytest_loadtest.core.shape import OpenShape, Shape
from pytest_loadtest.core.units import NS_PER_S
from pytest_loadtest.engine.alarm import Alarm
from pytest_loadtest.engine.arrivals import ArrivalQueue
from pytest_loadtest.engine.cutting import MOST_CUTS, Cutter
from pytest_loadtest.engine.ending import Ending, FirstIterations, LoadEnd
from pytest_loadtest.engine.helpers import Helpers, Work
from pytest_loadtest.engine.horizon import Horizon
from pytest_loadtest.engine.iterations import Iterations
from pytest_loadtest.engine.measuring import Measuring
from pytest_loadtest.engine.pacing import Pacing
from pytest_loadtest.engine.program import Body, Program
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.engine.scheduling import Countdown, LoadClock
from pytest_loadtest.engine.virtual_user import TASK_NAME, VirtualUser

# Users are set up so many at a time: a sign-in in a fixture must not be a load test of its own.
SET_UPS_AT_ONCE = 32
# What tear-downs may take beyond the test's deadline: it may have passed before they could begin.
TEAR_DOWN_S = 30.0
# What each round of cancelling may take when whoever runs us does not want to wait any longer.
ABANDON_S = 0.5


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
        probe: GeneratorProbe | None = None,
    ) -> None:
        self.recorder = recorder
        self._program = program
        self._deadline_ns = deadline_ns
        self._clock = LoadClock(clock)
        self._alarm = Alarm(self._clock)
        self._horizon = Horizon(shape, self._clock)
        self._measuring = Measuring(recorder, self._clock, probe, self._levels)
        end = partial(self.stop, Ending.STOPPED, "")
        self._users = [VirtualUser(n + 1, seed=seed, clock=clock, end_load=end) for n in range(shape.vus)]
        self._arrivals: ArrivalQueue | None = None
        if isinstance(shape, OpenShape):
            rng = random.Random(f"{seed}:arrivals")
            self._arrivals = ArrivalQueue(shape, rng, self._horizon, self._clock, self._alarm, recorder)
        self._cutter = Cutter(self._give_up)
        first = FirstIterations(None if self._arrivals else len(self._users))
        iterations = Iterations(program, recorder, self._clock, self.stop, first, self._cutter)
        self._pacing = Pacing(
            self._horizon,
            self._clock,
            self._alarm,
            recorder,
            iterations,
            self._arrivals,
            cutter=self._cutter,
            cut=self._cut,
            is_running=self._is_running,
        )
        self._tasks: dict[int, asyncio.Task[None]] = {}  # of each user
        self._helpers = Helpers(partial(self.stop, Ending.STOPPED, "the engine failed"))
        ids = [user.id for user in self._users]
        self._ready = Countdown(ids)  # set up
        self._finished = Countdown(ids)  # with their iterations; until then they are measured and may be cut
        self._gone = Countdown(ids)  # torn down
        self._begin = asyncio.Event()
        self._set_up_slots = asyncio.Semaphore(SET_UPS_AT_ONCE)
        self._stopping = False
        self._is_interrupted = False
        self._end = LoadEnd()

    @property
    def shape(self) -> Shape:
        """As it is now: it may have been extended."""
        return self._horizon.shape

    @property
    def elapsed_ns(self) -> int:
        """Time since the load began; 0 during the set-up."""
        return self._clock.elapsed_ns()

    @property
    def active(self) -> int:
        """Users inside their time; in the open model, users with an iteration."""
        return self._pacing.active

    def _levels(self) -> tuple[int, int]:
        return self._pacing.most_active(), self.queued

    @property
    def queued(self) -> int:
        """Open model: iterations that wait for a free user."""
        return self._arrivals.queued if self._arrivals else 0

    async def run(self, watchers: Iterable[Work] = ()) -> LoadEnd:
        """Set up, load, tear down. Cancelling it once ends the load early and keeps what was measured;
        twice, it raises CancelledError and leaves as fast as the users' code lets it. The watchers run from
        the load's start to its end; one that raises ends it.
        """
        if self._stopping:
            return self._end
        loop = asyncio.get_running_loop()
        deadlines = []
        if self._deadline_ns is not None:
            deadline_s = self._deadline_ns / NS_PER_S
            deadlines.append(loop.call_later(deadline_s, self.stop, Ending.TIMED_OUT))
            deadlines.append(loop.call_later(deadline_s + TEAR_DOWN_S, self._cut_everybody))
        for user in self._users:
            self._tasks[user.id] = task = loop.create_task(self._live(user), name=f"{TASK_NAME} {user.id}")
            task.add_done_callback(partial(self._is_torn_down, user))
        try:
            await self._outlast_cancellation(self._ready.over)
            if not self._stopping:
                await self._load(watchers)
            await self._outlast_cancellation(self._gone.over)
            await self._helpers.gone()
        except (Exception, asyncio.CancelledError):
            await self._abandon()
            raise
        finally:
            for timer in deadlines:
                timer.cancel()
            self._cutter.close()
        return self._end

    def stop(self, ending: Ending, reason: str = "", error: BaseException | None = None) -> None:
        """End the load now: nothing new starts, what runs is cut. Only the first call counts, and none
        after the load. It must come from the loop's own thread.
        """
        if self._stopping:
            return
        self._stopping = True
        self._end.ending, self._end.reason, self._end.error = ending, reason, error
        self._ready.over.set()
        self._measuring.look()  # at the next tick nobody is there any more
        if self._arrivals:
            self._arrivals.stop()
        for user in self._users:
            self._cut(user)

    def extend(self, extra_ns: int) -> bool:
        """Let the last hold be longer; the deadline stays. False when it is over, or when there is none."""
        return self._begin.is_set() and not self._stopping and self._horizon.extend(extra_ns)

    # -- the whole load -----------------------------------------------------------------------------

    async def _load(self, watchers: Iterable[Work]) -> None:
        try:
            self._measuring.begin()
            self._alarm.open()
            self._helpers.start(self._measuring.beat)
            if self._arrivals:
                self._helpers.start(self._arrivals.feed)
            for work in watchers:
                self._helpers.start(work)
            self._begin.set()
            await self._outlast_cancellation(self._finished.over)
        finally:  # without an await: nothing measured is lost, however often we are cancelled
            self._stopping = True
            self._end.ran_ns = self.elapsed_ns
            self._helpers.cancel()
            if self._arrivals:
                self._arrivals.close()
            self._alarm.close()
            self._measuring.end()

    # -- interruption -------------------------------------------------------------------------------

    async def _outlast_cancellation(self, event: asyncio.Event) -> None:
        """Wait for the event. Being cancelled (Ctrl-C) stops the load, and the event still comes."""
        while not event.is_set():
            try:
                await event.wait()
            except asyncio.CancelledError as error:
                self._interrupt(error)
                task = asyncio.current_task()
                assert task is not None
                task.uncancel()

    def _interrupt(self, error: BaseException) -> None:
        if self._is_interrupted:
            raise error  # whoever asks twice does not want to wait
        self._is_interrupted = True
        self.stop(Ending.INTERRUPTED)
        self._end.ending = Ending.INTERRUPTED

    async def _abandon(self) -> None:
        """Cancel whatever is left, tear-downs too, without waiting long for anybody."""
        for _ in range(MOST_CUTS):
            left = [task for task in (*self._tasks.values(), *self._helpers.tasks) if not task.done()]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=ABANDON_S)

    # -- one user -----------------------------------------------------------------------------------

    async def _live(self, user: VirtualUser) -> None:
        """A user's whole life, in one task: cancel scopes of fixtures must end where they began."""
        try:
            async with AsyncExitStack() as stack:
                async with self._set_up_slots:
                    body = await stack.enter_async_context(self._program.session(user))
                self._ready.report(user.id)
                with self._cutter.surviving(user):
                    await self._take_part(user, body)
                self._leave(user)
        except GeneratorExit:
            raise  # the loop is gone: nothing can be decided or awaited any more
        except BaseException as error:
            self._note_end_of_life(user, error)
            self._leave(user)
        finally:
            self._cutter.take(user)

    def _note_end_of_life(self, user: VirtualUser, error: BaseException) -> None:
        """It has raised in its set-up, in its tear-down, or because a fixture gave up in between."""
        if isinstance(error, KeyboardInterrupt):
            self._interrupt(error)
        elif user.id not in self._finished:
            if user.was_cut and isinstance(error, asyncio.CancelledError):
                error = TimeoutError(f"not torn down {TEAR_DOWN_S:g} s after the test's deadline")
            self._end.tear_down_errors.append((user.id, error))
        elif user.id in self._ready:
            self.stop(Ending.SET_UP_FAILED, f"virtual user {user.id}", error)
        else:
            self.stop(Ending.STOPPED, f"virtual user {user.id}", error)

    def _is_torn_down(self, user: VirtualUser, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # of Ctrl-C, which has reached whoever runs the loop: asyncio need not log it
        self._gone.report(user.id)

    def _leave(self, user: VirtualUser) -> None:
        """From here on the user is neither measured nor cut."""
        user.recorder = NullRecorder()
        self._finished.report(user.id)

    async def _take_part(self, user: VirtualUser, body: Body) -> None:
        if self._stopping:
            return
        await self._begin.wait()
        user.recorder = self.recorder
        await self._pacing.take_part(user, body)

    def _is_running(self, user: VirtualUser) -> bool:
        return not self._stopping and user.id in self._finished

    # -- cutting ------------------------------------------------------------------------------------

    def _cut(self, user: VirtualUser) -> None:
        """Cancel what the user is doing, unless it has left the load."""
        task = self._tasks.get(user.id)
        if task is None or user.id not in self._finished:
            return
        if task is asyncio.current_task():  # the body itself stops the load: let it get to its next await
            asyncio.get_running_loop().call_soon(self._cut, user)
        else:
            self._cutter.cut(user, task)

    def _cut_everybody(self) -> None:
        """Tear-downs too."""
        for user in self._users:
            self._cutter.cut(user, self._tasks[user.id])

    def _give_up(self, user: VirtualUser) -> None:
        self._end.stuck.append(user.id)
        if user.recorder is self.recorder:
            self.recorder.interrupted()
        self._leave(user)
        self._gone.report(user.id)
