"""One iteration of one virtual user: run the body, time it, and say what its end means.

Owns the difference between a failed iteration, one that was cut, and an exception that ends the load.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.ending import Ending, FirstIterations
from pytest_loadtest.engine.program import Body, Program
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.errors import AbortRun

# An iteration this short has waited for nothing, so the other users had no turn of the event loop.
NO_WAIT_NS = 20_000


class Stop(Protocol):
    """Ends the load."""

    def __call__(self, ending: Ending, reason: str = "", error: BaseException | None = None) -> None: ...


class Iterations:
    """Runs iterations, records them, and ends the load when one of them asks for it."""

    def __init__(
        self, program: Program, recorder: Recorder, clock: LoadClock, stop: Stop, first: FirstIterations
    ) -> None:
        self._program = program
        self._recorder = recorder
        self._clock = clock
        self._stop = stop
        self._first = first

    async def run_one(self, user: VirtualUser, body: Body, delay_ns: int = 0) -> None:
        """One run of the body. It may fail, be cut, or end the load; it never ends the user."""
        user.start_delay_ns = delay_ns
        failed = False
        self._first.begins(user.iteration)
        started_ns = self._clock.now()
        try:
            await body()
        except BaseException as error:
            failed = self._is_failed_iteration(user, error)
            if not failed:
                return
        else:
            self._first.over = True
        finally:
            user.iteration += 1
        finished_ns = self._clock.now()
        self._recorder.iteration(started_ns, finished_ns, failed=failed, delay_ns=delay_ns)
        if finished_ns - started_ns < NO_WAIT_NS:
            await asyncio.sleep(0)

    def _is_failed_iteration(self, user: VirtualUser, error: BaseException) -> bool:
        if isinstance(error, asyncio.CancelledError) and user.was_cut:
            take_cut(user)
            self._recorder.interrupted()
            return False
        if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
            raise error
        if isinstance(error, AbortRun):
            self._stop(Ending.ABORTED, str(error))
            return False
        if not self._program.is_failure(error):
            self._stop(Ending.STOPPED, error=error)
            return False
        self._count_failure(user, error)
        return True

    def _count_failure(self, user: VirtualUser, error: BaseException) -> None:
        signature = self._program.signature(error)
        known = self._recorder.metrics.failures.get(signature)
        message, traceback = (known.message, known.traceback) if known else self._program.describe(error)
        self._recorder.metrics.count_failure(*signature, message, traceback)
        if self._first.failed(user.iteration, signature):
            self._stop(Ending.HOPELESS, message)


def take_cut(user: VirtualUser) -> None:
    """The cancellation by which the engine cut this user has arrived: its task goes on."""
    user.was_cut = False
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
