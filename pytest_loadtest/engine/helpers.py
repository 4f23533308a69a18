"""Work beside the users of a load: what measures it, feeds it, watches it. Knows none of it.

A load that is measured wrongly, gets no arrivals, or is without what should stop it must not go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

Work = Callable[[], Coroutine[object, object, None]]


class Helpers:
    """Tasks from the load's start to its end. `failed` is called with the error of one that raises."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, work: Work) -> None:
        """On the running loop."""
        self.tasks.append(asyncio.get_running_loop().create_task(self._do(work)))

    def cancel(self) -> None:
        """The load is over."""
        for task in self.tasks:
            task.cancel()

    async def gone(self) -> None:
        """Wait until all of them have left."""
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _do(self, work: Work) -> None:
        try:
            await work()
        except Exception as error:
            self._failed(error)
