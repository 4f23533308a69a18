"""A load whose test asks for a host that may not be sent to: over at once, nothing sent, the rest kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from pytest_loadtest.core.shape import Shape
from pytest_loadtest.core.targets import Targets
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.errors import ConfigurationError
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from tests.engine.loads import closed, opened
from tests.engine.test_real_loop import RealLoad
from tests.http.servers import Seen, answer, answering, serving

TARGETS = Targets.of("DEV", {"DEV": {}, "PROD": {"api": "http://0.0.0.0", "protected": True}})
OUGHT_TO_LAST_S = 20
SHAPES = {"closed": closed(3, OUGHT_TO_LAST_S), "open": opened(30, OUGHT_TO_LAST_S, 10)}

Body = Callable[[Client, str], Awaitable[object]]


async def plainly(http: Client, url: str) -> None:
    await http.get(url)


async def caught(http: Client, url: str) -> None:
    with suppress(Exception):
        await http.get(url)
    await asyncio.sleep(OUGHT_TO_LAST_S)


async def among_others(http: Client, url: str) -> None:
    own = str(http.base_url)
    await asyncio.gather(http.get(url), http.get(own), http.get(own), return_exceptions=True)


async def websocket(http: Client, url: str) -> None:
    async with http.websocket(url):
        pass


class ClientLoad(RealLoad):
    """Each user gets 5 answers, then turns elsewhere."""

    def __init__(self, shape: Shape, elsewhere: Body) -> None:
        super().__init__(shape, self._visit)
        self._elsewhere = elsewhere
        self._clients: dict[int, Client] = {}

    async def _visit(self, vu: VirtualUser) -> None:
        http = self._clients.get(vu.id) or self._clients.setdefault(vu.id, Client(vu, self._shared))
        if vu.iteration == 5:
            await self._elsewhere(http, str(http.base_url).replace("127.0.0.1", "0.0.0.0"))
        await http.get("/")

    async def go_against(self, url: str) -> LoadEnd:
        self._shared = SharedTransport(ClientSettings(url, targets=TARGETS))
        try:
            return await self.run.run()
        finally:
            for client in self._clients.values():
                await client.aclose()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("elsewhere", [plainly, caught, among_others, websocket])
def test_the_load_is_over_with_the_reason(elsewhere: Body, shape: Shape) -> None:
    load = ClientLoad(shape, elsewhere)
    seen: list[Seen] = []

    async def main() -> LoadEnd:
        async with serving(answering(answer(), seen)) as server:
            return await load.go_against(server.url)

    end = asyncio.run(main())
    assert end.ending is Ending.STOPPED
    assert isinstance(end.error, ConfigurationError)
    assert str(end.error).startswith("nothing is sent to http://0.0.0.0:")
    assert str(end.error).endswith("which is protected: load on it needs --load-allow PROD")
    assert end.ran_ns < OUGHT_TO_LAST_S * 1e9 / 2
    finished, failed, _, dropped = load.counts
    assert finished >= 5
    assert (failed, dropped) == (0, 0)
    hosts = [(request.header("host") or "").partition(":")[0] for request in seen]
    assert set(hosts) == {"127.0.0.1"}, "what came before did arrive, and nothing else"
    assert (load.metrics.errors, load.metrics.failures) == ({}, {})
