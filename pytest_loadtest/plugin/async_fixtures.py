"""Async fixtures of load tests, on the event loop of the load.

Owns that loop for the session, and the rule that an async fixture's value belongs to one loop: a wider
fixture that another plugin set up on its own loop is finished and set up again when a load test needs it,
and the other way round.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from pytest_loadtest.plugin.per_vu import PerVU, bound_to, is_async

T = TypeVar("T")


class LoadLoop:
    """The session's event loop for load: uvloop where it exists. Made on first use."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self.owned: set[Any] = set()  # FixtureDefs whose current value lives on this loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end. Ctrl-C cancels the work, a second one raises KeyboardInterrupt."""
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=_loop_factory())
        return self._runner.run(work)

    def close(self) -> None:
        """Cancel what is left and close the loop."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def on_load_loop(
    loop: LoadLoop, fixturedef: Any, request: Any, function: Callable[..., Any]
) -> Callable[..., Any]:
    """A sync function that sets up an async fixture on the load loop, and registers its tear-down.

    Set-up and tear-down run in one task, since cancel scopes must end in the task they began in.
    """

    def set_up(**arguments: Any) -> Any:
        hosted = _Hosted(bound_to(request.instance, function), arguments)
        value = loop.run(hosted.set_up())
        loop.owned.add(fixturedef)

        def tear_down() -> None:
            loop.owned.discard(fixturedef)
            loop.run(hosted.tear_down())

        request.addfinalizer(tear_down)
        return value

    return set_up


class _Hosted:
    """One async fixture in a task of its own, from set-up to tear-down."""

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._function = function
        self._arguments = arguments

    async def set_up(self) -> Any:
        loop = asyncio.get_running_loop()
        self._value: asyncio.Future[Any] = loop.create_future()
        self._end = asyncio.Event()
        self._task = loop.create_task(self._live())
        await asyncio.wait({self._task, self._value}, return_when=asyncio.FIRST_COMPLETED)
        if not self._value.done():
            self._value.cancel()
            self._task.result()  # raises what the fixture raised
        return self._value.result()

    async def _live(self) -> None:
        if inspect.iscoroutinefunction(self._function):
            self._value.set_result(await self._function(**self._arguments))
            return
        generator = self._function(**self._arguments)
        self._value.set_result(await anext(generator))
        await self._end.wait()
        if await anext(generator, self) is not self:
            raise pytest.UsageError(f"fixture {self._function.__name__!r} yields more than once")

    async def tear_down(self) -> None:
        self._end.set()
        await self._task


def finish_foreign_values(loop: LoadLoop, item: pytest.Item, *, is_load: bool) -> None:
    """Finish cached async fixtures of the item whose value lives on the other side's loop."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return
    for definitions in info.name2fixturedefs.values():
        for definition in definitions:
            cached = definition.cached_result
            if cached is None or not is_async(definition.func) or isinstance(cached[0], PerVU):
                continue
            if (definition in loop.owned) != is_load:
                definition.finish(item._request)  # type: ignore[attr-defined]  # pytest's own: there is no public way
