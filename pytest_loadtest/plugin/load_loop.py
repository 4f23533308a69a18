"""The session's event loop for load, and what Ctrl-C means while it runs.

Runs coroutines to their end; it does not know what they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import pytest

from pytest_loadtest.plugin.limit import Limit
from pytest_loadtest.plugin.signals import told_to_end
from pytest_loadtest.plugin.unblocking import Heart, unblocked_after

T = TypeVar("T")

# What cancelled code may take to leave when nobody wants to wait any longer.
LEAVE_S = 1.0


class LoadLoop:
    """uvloop where it exists. Made on first use."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._heart: Heart | None = None  # of the runner's loop
        self.owned: set[Any] = set()  # FixtureDefs whose current value lives on this loop
        self.limit: Limit | None = None  # pytest-timeout's, on the current test
        self._interrupts: Interrupts | None = None  # of what runs, or has run last

    @property
    def is_running(self) -> bool:
        """Whether some thread is in `run`."""
        return self._runner is not None and self._runner.get_loop().is_running()

    @property
    def is_being_interrupted(self) -> bool:
        """Whether what runs has been asked to end."""
        return self._interrupts is not None and self._interrupts.count > 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end. Ctrl-C cancels the work, a second one cancels it again. Raises KeyboardInterrupt
        when the work did not outlast that.
        """
        runner, heart = self._begun()
        loop = runner.get_loop()
        older = asyncio.all_tasks(loop)
        task = loop.create_task(work)
        self._interrupts = Interrupts(loop, task, heart)
        with told_to_end(self._interrupts.again), heart.beating():
            try:
                return runner.run(_result_of(task))
            except asyncio.CancelledError:
                if not self.is_being_interrupted:
                    raise
            except KeyboardInterrupt:  # the loop has stopped in the midst of anything
                self._leave_behind(asyncio.all_tasks(loop) - older)
            except SystemExit:  # the same, by somebody else's handler of a signal
                self._leave_behind(asyncio.all_tasks(loop) - older)
                raise
        raise KeyboardInterrupt

    def run_within_limit(self, work: Coroutine[Any, Any, T]) -> T:
        """The same for a fixture: no longer than the limit of the test it is run for."""
        if self.limit is None:
            return self.run(work)
        with self.limit.kept_by_loop():
            return self.run(_limited(work, self.limit))

    @contextmanager
    def keeping_limit(self) -> Iterator[None]:
        """Around a load, which ends by itself at the limit of its test: users' code that blocks the loop so
        that it cannot fails.
        """
        if (limit := self.limit) is None:
            yield
            return
        _, heart = self._begun()
        with limit.kept_by_loop(), unblocked_after(limit, heart):
            yield

    def _begun(self) -> tuple[asyncio.Runner, Heart]:
        if self._runner is None or self._heart is None:
            self._runner = asyncio.Runner(loop_factory=_loop_factory())
            self._heart = Heart(self._runner.get_loop())
        return self._runner, self._heart

    def close(self) -> None:
        """Cancel what is left and close the loop, whatever the code that is left does about it."""
        if self._runner is None:
            return
        loop = self._runner.get_loop()
        self._leave_behind(asyncio.all_tasks(loop))
        stuck = asyncio.all_tasks(loop)
        for task in stuck:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio's own gather does
        if stuck:
            loop.close()  # the runner would wait for them forever
        else:
            self._runner.close()
        self._runner = None

    def _leave_behind(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Cancel tasks; those that take too long stay as they are."""
        for task in tasks:
            task.cancel()
        if tasks and self._runner is not None:
            self._runner.run(_end_of(tasks))


class Interrupts:
    """Ctrl-C while the loop runs `task`: cancels it instead of raising in the midst of any code, which may
    be the code that keeps what was measured. User's code that has blocked the loop for long fails, else the
    loop would not come to it. Only if it does not for all that, or when asked a third time, it raises
    KeyboardInterrupt.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], heart: Heart) -> None:
        self._loop = loop
        self._task = task
        self._heart = heart
        self._cancelled = 0
        self.count = 0

    def again(self, _signal: int, _frame: FrameType | None) -> None:
        """A handler of signals."""
        self.count += 1
        if self.count > min(2, self._cancelled + 1):
            raise KeyboardInterrupt
        self._loop.call_soon_threadsafe(self._cancel)
        self._heart.unblock("interrupted")

    def _cancel(self) -> None:
        self._cancelled += 1
        self._task.cancel()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _result_of(task: asyncio.Task[T]) -> T:
    return await task


async def _end_of(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait for cancelled tasks, but not for ever. What they raise has nobody left to care for it."""
    done, _ = await asyncio.wait(tasks, timeout=LEAVE_S)
    for task in done:
        task.cancelled() or task.exception()


async def _limited(work: Coroutine[Any, Any, T], limit: Limit) -> T:
    try:
        async with asyncio.timeout(limit.remaining_s) as scope:
            return await work
    except TimeoutError:
        if not scope.expired():
            raise
    pytest.fail(limit.message, pytrace=False)
