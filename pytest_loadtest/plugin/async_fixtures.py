"""Async fixtures of load tests, on the event loop of the load.

Owns the rule that such a fixture's value belongs to one loop: a wider fixture that another plugin set up
on its own loop is finished and set up again when a load test needs it, and the other way round.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from pytest_loadtest.plugin.load_loop import LoadLoop
from pytest_loadtest.plugin.per_vu import PerVU, bound_to, is_async, yields_no_value, yields_twice


def on_load_loop(
    loop: LoadLoop, fixturedef: Any, request: Any, function: Callable[..., Any]
) -> Callable[..., Any]:
    """A sync function that sets up an async fixture on the load loop, and registers its tear-down.

    Set-up and tear-down run in one task, since cancel scopes must end in the task they began in.
    """

    def set_up(**arguments: Any) -> Any:
        hosted = _Hosted(fixturedef.argname, bound_to(request.instance, function), arguments)
        value = loop.run_within_limit(hosted.set_up())
        loop.owned.add(fixturedef)

        def tear_down() -> None:
            loop.owned.discard(fixturedef)
            loop.run_within_limit(hosted.tear_down())

        request.addfinalizer(tear_down)
        return value

    return set_up


class _Hosted:
    """One async fixture in a task of its own, from set-up to tear-down."""

    def __init__(self, name: str, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._name = name
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
        value = await anext(generator, self)
        if value is self:
            raise yields_no_value(self._name)
        self._value.set_result(value)
        try:
            await self._end.wait()
        finally:  # a task group of the fixture may have cancelled the waiting
            if await anext(generator, self) is not self:
                raise yields_twice(self._name)

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
