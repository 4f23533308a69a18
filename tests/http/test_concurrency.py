"""Several requests of one virtual user at a time: order, the limit of connections, one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for
from tests.http.servers import Peer, Seen, answer, answering, serving

PATHS = [f"/{number}" for number in range(30)]


class Crowd:
    """A server that answers when nobody else comes, with the path, and knows how many were there at most."""

    def __init__(self) -> None:
        self.present = 0
        self.most = 0

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            self.present += 1
            self.most = max(self.most, self.present)
            for _ in range(20):  # turns of the event loop, in which others may come
                await asyncio.sleep(0)
            self.present -= 1
            await peer.send(answer(request.path.encode()))


async def with_asyncio(http: Client) -> list[bytes]:
    answers = await asyncio.gather(*(http.get(path) for path in PATHS))
    return [response.content for response in answers]


async def with_anyio(http: Client) -> list[bytes]:
    contents = [b""] * len(PATHS)

    async def get(index: int) -> None:
        contents[index] = (await http.get(PATHS[index])).content

    async with anyio.create_task_group() as group:
        for index in range(len(PATHS)):
            group.start_soon(get, index)
    return contents


async def with_a_task_group(http: Client) -> list[bytes]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(http.get(path)) for path in PATHS]
    return [task.result().content for task in tasks]


@pytest.mark.parametrize("ask", [with_asyncio, with_anyio, with_a_task_group], ids=lambda ask: ask.__name__)
def test_many_at_once(ask: Callable[[Client], Awaitable[list[bytes]]], run: Run) -> None:
    """Each gets its own answer; the limit of connections holds, and who waited for one is known."""

    async def scenario() -> None:
        crowd = Crowd()
        async with serving(crowd) as server, client_for(server.url) as (http, owner):
            assert await ask(http) == [path.encode() for path in PATHS]
            assert crowd.most == server.connections == 6
            assert len(owner.recorder.waits) == len(PATHS) - 6
            assert owner.recorder.outcomes == [Outcome.OK] * len(PATHS)

    run(scenario())


def test_one_that_fails_does_not_lose_the_others(run: Run) -> None:
    async def scenario() -> None:
        def respond(request: Seen) -> bytes:
            return b"junk\r\n\r\n" if request.path == "/7" else answer(request.path.encode())

        async with serving(answering(respond)) as server, client_for(server.url) as (http, owner):
            results: list[Any] = await asyncio.gather(
                *(http.get(path) for path in PATHS), return_exceptions=True
            )
            assert isinstance(results.pop(7), httpx.RemoteProtocolError)
            assert [response.content for response in results] == [
                path.encode() for path in PATHS if path != "/7"
            ]
            assert sorted(owner.recorder.outcomes) == [Outcome.OK] * 29 + [Outcome.PROTOCOL]

    run(scenario())


def test_those_that_a_task_group_gives_up_are_counted_as_cancelled(run: Run) -> None:
    """A task group cancels the siblings of the one that fails: so their requests end in the results."""

    async def scenario() -> None:
        all_there = asyncio.Event()
        arrived: list[str] = []

        async def fail_one(peer: Peer) -> None:
            request = await peer.request()
            arrived.append(request.path)
            if len(arrived) == 3:
                all_there.set()
            await all_there.wait()
            if request.path == "/1":
                await peer.send(b"junk\r\n\r\n")
            await peer.reader.read()

        async with serving(fail_one) as server, client_for(server.url) as (http, owner):

            async def ask() -> None:
                async with anyio.create_task_group() as group:
                    for path in PATHS[:3]:
                        group.start_soon(http.get, path)

            with pytest.raises(ExceptionGroup) as caught:
                await ask()
            assert [type(error) for error in caught.value.exceptions] == [httpx.RemoteProtocolError]
            assert sorted(owner.recorder.outcomes) == [
                Outcome.CANCELLED,
                Outcome.CANCELLED,
                Outcome.PROTOCOL,
            ]

    run(scenario())
