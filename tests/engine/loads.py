"""Loads on virtual time: what a test says about one, and what it may ask afterwards."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pytest_loadtest.core.metrics import Metrics
from pytest_loadtest.core.profile import Profile, Stage
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.shape import Arrivals, ClosedShape, OpenShape, Shape
from pytest_loadtest.engine.ending import LoadEnd
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.engine.sync_bridge import SyncBody
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.virtual_time import BEGINNING_S, VirtualTimeLoop

S = 1_000_000_000
Hook = Callable[[VirtualUser], Awaitable[object]]


class Skipped(BaseException):
    """An exception that is no failure of an iteration."""


def closed(
    vus: float, duration_s: float, *, up_s: float = 0, down_s: float = 0, **limits: Any
) -> ClosedShape:
    """A plateau of users."""
    return ClosedShape(Profile.plateau(vus, _ns(duration_s), _ns(up_s), _ns(down_s)), **_in_ns(limits))


def staged(*stages: tuple[float, float], start: float = 0, **limits: Any) -> ClosedShape:
    """Stages of (seconds, users)."""
    return ClosedShape(_profile(stages, start), **_in_ns(limits))


def opened(rate: float, duration_s: float, max_vus: int, **options: Any) -> OpenShape:
    """A constant rate of arrivals."""
    return OpenShape(Profile.plateau(rate, _ns(duration_s)), max_vus, **_in_ns(options))


def staged_rate(*stages: tuple[float, float], start: float = 0, max_vus: int = 10) -> OpenShape:
    """Stages of (seconds, rate)."""
    return OpenShape(_profile(stages, start), max_vus, Arrivals.CONSTANT)


def _profile(stages: tuple[tuple[float, float], ...], start: float) -> Profile:
    return Profile(tuple(Stage(_ns(seconds), level) for seconds, level in stages), start)


def _ns(seconds: float) -> int:
    return round(seconds * S)


def _in_ns(options: dict[str, Any]) -> dict[str, Any]:
    graceful_stop_s = options.pop("graceful_stop_s", None)
    return options if graceful_stop_s is None else {**options, "graceful_stop_ns": _ns(graceful_stop_s)}


class Load:
    """One load. `go` runs it; the program's hooks and body get the virtual user."""

    def __init__(
        self,
        shape: Shape,
        body: Callable[[VirtualUser], Any],
        *,
        set_up: Hook | None = None,
        tear_down: Hook | None = None,
        seed: int | str = 0,
        deadline_s: float | None = None,
        look_ns: int = 0,
        early_ns: int = 0,
    ) -> None:
        self.loop = VirtualTimeLoop(look_ns, early_ns)
        self.recorder = Recorder(S, open_model=shape.has_schedule)
        deadline_ns = None if deadline_s is None else _ns(deadline_s)
        self.run = LoadRun(
            shape, self, self.recorder, seed=seed, clock=self.loop.clock, deadline_ns=deadline_ns
        )
        self.starts: list[tuple[int, float]] = []  # user, seconds of the load
        self.torn_down: list[int] = []
        self.left_tasks: set[asyncio.Task[Any]] = set()
        self.unhandled: list[dict[str, Any]] = []
        self._body, self._set_up, self._tear_down = body, set_up, tear_down
        self._actions: list[tuple[float, Callable[[], object]]] = []
        self.when_over: Callable[[], object] = lambda: None
        self.main_task: asyncio.Task[LoadEnd] | None = None

    # -- what the load does -------------------------------------------------------------------------

    @asynccontextmanager
    async def session(self, user: VirtualUser) -> AsyncIterator[Body]:
        if self._set_up:
            await self._set_up(user)
        sync_body = SyncBody()
        try:
            yield lambda: self._iterate(user, sync_body)
        finally:
            sync_body.close()
            self.torn_down.append(user.id)
            if self._tear_down:
                await self._tear_down(user)

    async def _iterate(self, user: VirtualUser, sync_body: SyncBody) -> None:
        self.starts.append((user.id, self.now))
        if inspect.iscoroutinefunction(self._body):
            await self._body(user)
        else:
            await sync_body(self._body, user)

    def is_failure(self, error: BaseException) -> bool:
        return isinstance(error, Exception)

    def signature(self, error: BaseException) -> tuple[str, str]:
        return type(error).__name__, "somewhere"

    def describe(self, error: BaseException) -> tuple[str, str]:
        return str(error), f"traceback of {error!r}"

    # -- driving it ---------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the load began."""
        return round(self.run.elapsed_ns / S, 6)

    @property
    def since_beginning(self) -> float:
        """Seconds since the set-up began."""
        return round(self.loop.time() - BEGINNING_S, 6)

    def at(self, seconds: float, action: Callable[[], object]) -> Load:
        """Do something so many seconds after the set-up began."""
        self._actions.append((seconds, action))
        return self

    def interrupt(self) -> None:
        """What Ctrl-C does to a load."""
        assert self.main_task is not None
        self.main_task.cancel()

    def go(self) -> LoadEnd:
        """Run the load to its end."""
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            return runner.run(self._go())

    async def _go(self) -> LoadEnd:
        self.loop.set_exception_handler(lambda _, context: self.unhandled.append(context))
        for seconds, action in self._actions:
            self.loop.call_at(BEGINNING_S + seconds, action)
        self.main_task = asyncio.ensure_future(self.run.run())
        try:
            return await self.main_task
        finally:
            self.when_over()
            self.left_tasks = asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[assignment]

    # -- what it measured ---------------------------------------------------------------------------

    @property
    def metrics(self) -> Metrics:
        return self.recorder.metrics

    @property
    def finished(self) -> int:
        """Iterations that ended by themselves."""
        return self.metrics.iterations.finished.total()

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """(finished, failed of them, interrupted, dropped) iterations."""
        its = self.metrics.iterations
        return its.finished.total(), its.failed.total(), its.interrupted, its.dropped.total()

    def starts_of(self, user_id: int) -> list[float]:
        """When a user's iterations began."""
        return [moment for user, moment in self.starts if user == user_id]
