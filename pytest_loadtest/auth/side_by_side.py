"""Work on many things, a few at a time, until all are done or one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


async def side_by_side(items: Iterable[Item], work: Callable[[Item], Awaitable[None]], at_once: int) -> None:
    """In their order, at most `at_once` under way. The first error stops what is under way, and is raised."""
    left = list(reversed(list(items)))

    async def worker() -> None:
        while left:
            await work(left.pop())

    workers = [asyncio.ensure_future(worker()) for _ in range(min(at_once, len(left)))]
    try:
        await asyncio.gather(*workers)
    finally:
        left.clear()
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
