"""One iteration of one virtual user: run the body, time it, and say what its end means.

Owns the difference between a failed iteration, one that was cut, and an exception that ends the load.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from typing import Any, Protocol

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.cutting import Cutter
from pytest_loadtest.engine.ending import Ending, FirstIterations
from pytest_loadtest.engine.program import Body, Program
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.errors import AbortRun, ConfigurationError


class Stop(Protocol):
    """Ends the load."""

    def __call__(self, ending: Ending, reason: str = "", error: BaseException | None = None) -> None: ...


class _End(enum.Enum):
    """How an iteration ended."""

    WELL = enum.auto()
    FAILED = enum.auto()
    CUT = enum.auto()
    ENDS_LOAD = enum.auto()


# By name: on Python 3.11 each look at a member through its class costs 0.1 us.
_WELL, _FAILED, _CUT, _ENDS_LOAD = _End


class Iterations:
    """Runs iterations, records them, and ends the load when one of them asks for it."""

    def __init__(
        self,
        program: Program,
        recorder: Recorder,
        clock: LoadClock,
        stop: Stop,
        first: FirstIterations,
        cutter: Cutter,
    ) -> None:
        self._program = program
        self._recorder = recorder
        self._clock = clock
        self._now = clock.now
        self._stop = stop
        self._first = first
        self._cutter = cutter
        self._begun = 0

    async def run_one(
        self, user: VirtualUser, body: Body, task: asyncio.Task[Any], delay_ns: int = 0
    ) -> bool:
        """One run of the body, in the user's task. It may fail, be cut, or end the load; it ends the user
        only by a cancellation that is not the engine's. Returns False when it was cut.
        """
        user.start_delay_ns = delay_ns
        is_witness = not self._first.over and self._first.begins(user.iteration)
        self._begun = number = self._begun + 1
        cancellations = task.cancelling()
        started_ns = self._now()
        user.started_ns = started_ns - delay_ns
        try:
            await body()
            finished_ns = self._now()
            end = _CUT if user.was_cut else _WELL
        except BaseException as error:
            finished_ns = self._now()  # before the work of keeping a traceback
            end = self._meaning(user, error, is_for_others=task.cancelling() > cancellations)
            if end is _FAILED:
                self._count_failure(error, is_witness=is_witness)
        finally:
            user.iteration += 1
        self._record(user, end, started_ns, finished_ns, delay_ns)
        # Unless another iteration has begun meanwhile, this one may have waited for nothing; then
        # nobody else had a turn of the event loop: no user, no timer.
        if self._begun == number:
            await asyncio.sleep(0)
        return end is not _CUT

    def _record(self, user: VirtualUser, end: _End, started_ns: int, finished_ns: int, delay_ns: int) -> None:
        if end is not _FAILED:
            self._first.over = True
        if user.was_cut:
            self._cutter.take(user)
        if user.recorder is not self._recorder:
            return  # given up long ago, and counted then
        if end is _CUT:
            self._recorder.interrupted()
        elif end is not _ENDS_LOAD:
            self._recorder.iteration(started_ns, finished_ns, failed=end is _FAILED, delay_ns=delay_ns)

    def _meaning(self, user: VirtualUser, error: BaseException, *, is_for_others: bool) -> _End:
        """What an exception of the body means; raises it again when it is meant for somebody else."""
        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise error
        if user.was_cut:
            return _CUT  # whatever its code made of the cancellation
        if isinstance(error, asyncio.CancelledError):
            if is_for_others:
                raise error  # a task group of a fixture, or the loop's end
            return _FAILED  # the body waited for something that was cancelled
        return self._consequence(error)

    def _consequence(self, error: BaseException) -> _End:
        leaves = list(_leaves(error))
        abort = next((leaf for leaf in leaves if isinstance(leaf, AbortRun)), None)
        if abort is not None:
            self._stop(Ending.ABORTED, str(abort))
            return _ENDS_LOAD
        mistake = next((leaf for leaf in leaves if isinstance(leaf, ConfigurationError)), None)
        if mistake is not None:  # every iteration would find it
            self._stop(Ending.STOPPED, error=mistake)
            return _ENDS_LOAD
        # The whole is shown to the program too, though what it is made of decides.
        is_failure = self._program.is_failure(error)
        for leaf in leaves:
            if isinstance(leaf, asyncio.CancelledError):
                continue  # never reason enough to end a load
            if not (is_failure if leaf is error else self._program.is_failure(leaf)):
                self._stop(Ending.STOPPED, error=leaf)
                return _ENDS_LOAD
        return _FAILED

    def _count_failure(self, error: BaseException, *, is_witness: bool) -> None:
        signature = self._program.signature(error)
        known = self._recorder.metrics.failures.get(signature)
        message, traceback = (known.message, known.traceback) if known else self._program.describe(error)
        self._recorder.metrics.count_failure(*signature, message, traceback)
        if self._first.failed(signature, self._clock.elapsed_ns(), is_witness=is_witness):
            self._stop(Ending.HOPELESS, message)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, however deep: task groups of the body wrap what their tasks raise."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _leaves(member)
    else:
        yield error
