"""Runs coroutines on both event loops, and holds that nothing is left and no callback raised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from pytest_loadtest.http.client import Client
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from tests.http.fakes import FakeOwner

Run = Callable[[Coroutine[Any, Any, None]], None]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=list(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine to its end: within 60 s, no task left, no exception in a callback."""

    def run_it(coroutine: Coroutine[Any, Any, None]) -> None:
        complaints: list[dict[str, Any]] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: complaints.append(context))
            async with asyncio.timeout(60):
                await coroutine
                await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(main())
        assert complaints == []

    return run_it


async def until(condition: Callable[[], bool]) -> None:
    """Lets the event loop run until something has happened; the test's own time-out bounds it."""
    while not condition():  # noqa: ASYNC110 - what is waited for is in the code under test
        await asyncio.sleep(0)


@asynccontextmanager
async def client_for(base_url: str = "", **settings: Any) -> AsyncIterator[tuple[Client, FakeOwner]]:
    """A client of a virtual user of its own; on leaving, nothing of it is left."""
    owner = FakeOwner()
    shared = SharedTransport(ClientSettings(base_url=base_url, **settings))
    client = Client(owner, shared)
    try:
        yield client, owner
    finally:
        await client.aclose()
        assert "watching 0" in repr(shared.sweeper)
