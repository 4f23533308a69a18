"""Names are resolved once for all, off the loop's thread, and their addresses used in turn."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from pytest_loadtest.http.wire.resolver import Resolver
from tests.http.conftest import Run, client_for
from tests.http.servers import answer, answering, serving

ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The thread of each look-up that was made."""
    made: list[threading.Thread] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        made.append(threading.current_thread())
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ADDRESSES]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return made


def test_one_lookup_for_many_callers_off_the_loops_thread(run: Run, lookups: list[threading.Thread]) -> None:
    async def scenario() -> None:
        resolver = Resolver()
        found = await asyncio.gather(*[resolver.resolve("a.example") for _ in range(6)])
        assert [addresses[0] for addresses in found] == ADDRESSES * 2, "in turn"
        assert all(sorted(addresses) == ADDRESSES for addresses in found)
        assert len(lookups) == 1
        assert lookups[0] is not threading.current_thread()

    run(scenario())


def test_it_is_looked_up_again_after_its_time(run: Run, lookups: list[threading.Thread]) -> None:
    async def scenario() -> None:
        resolver = Resolver(ttl_ns=0)
        await resolver.resolve("a.example")
        await resolver.resolve("a.example")
        assert len(lookups) == 2

    run(scenario())


def test_an_address_is_not_looked_up(run: Run, lookups: list[threading.Thread]) -> None:
    async def scenario() -> None:
        for address in ("127.0.0.1", "::1"):
            assert await Resolver().resolve(address) == [address]
        assert lookups == []

    run(scenario())


def test_a_failure_is_told_to_all_and_not_kept(run: Run, lookups: list[threading.Thread]) -> None:
    async def scenario() -> None:
        resolver = Resolver()
        for expected in (1, 2):
            calls = [resolver.resolve("nowhere.invalid") for _ in range(3)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(result) for result in results] == [socket.gaierror] * 3
            assert len(lookups) == expected

    run(scenario())


def test_a_caller_that_gives_up_does_not_take_the_lookup_with_it(
    run: Run, lookups: list[threading.Thread]
) -> None:
    async def scenario() -> None:
        resolver = Resolver()
        first = asyncio.create_task(resolver.resolve("a.example"))
        second = asyncio.create_task(resolver.resolve("a.example"))
        await asyncio.sleep(0)
        first.cancel()
        assert sorted(await second) == ADDRESSES
        assert first.cancelled()

    run(scenario())


def test_an_address_that_fails_leaves_the_rotation_but_never_the_last(
    run: Run, lookups: list[threading.Thread]
) -> None:
    async def scenario() -> None:
        resolver = Resolver()
        await resolver.resolve("a.example")
        for address in ADDRESSES:
            resolver.demote("a.example", address)
        assert await resolver.resolve("a.example") == [ADDRESSES[-1]]

    run(scenario())


def test_a_client_goes_on_to_the_address_that_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        addresses = ["127.0.0.2", "127.0.0.1"]  # nobody listens on the first
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            async with client_for(f"http://two.example:{server.port}") as (http, owner):
                await asyncio.gather(*[http.get("/") for _ in range(4)])
                assert [request.status for request in owner.recorder.requests] == [200] * 4
                assert owner.recorder.connections[0][1] > 0, "the look-up is timed"

    run(scenario())
