"""Calls of sync code on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pytest_loadtest.engine.sync_bridge import SyncBody
from tests.engine.virtual_time import VirtualTimeLoop


def drive(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A sync function's result, from a loop of its own."""

    async def main() -> Any:
        body = SyncBody()
        try:
            return await body(function, *args, **kwargs)
        finally:
            body.close()

    return drive(main)


async def later(value: object) -> object:
    await asyncio.sleep(1)
    return value


async def as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
