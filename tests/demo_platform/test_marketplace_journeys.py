"""The marketplace load tests' bodies, run once by hand: their requests, checks and counters.

What the plugin makes of them is tested with the plugin.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import pytest

from perf_tests import test_marketplace as marketplace
from perf_tests.demo_platform import Platform
from pytest_loadtest.core.recorder import NullRecorder
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport

Body = Callable[[Client, VirtualUser], Awaitable[None]]

STORE_STEPS = [
    "featured agents", "all agents", "search agents", "agents of a category", "agent details",
    "all creators", "featured creators", "creator details",
]  # fmt: skip
LIBRARY_STEPS = [
    "library agents", "favorite agents", "store agents", "add agent", "update library agent",
    "library agent details", "fork library agent", "search library", "library agent by graph",
]  # fmt: skip
# What is left of them when nothing can be read from the lists.
STORE_STEPS_ALONE = [step for step in STORE_STEPS if "details" not in step]
LIBRARY_STEPS_ALONE = ["library agents", "favorite agents", "store agents", "search library"]


class Notes(NullRecorder):
    """Writes down what a journey did."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        self.checks: list[tuple[object, ...]] = []
        self.counts: Counter[object] = Counter()

    def response(self, *told: object) -> None:
        self.requests.append(told[0])

    def check(self, *told: object) -> None:
        self.checks.append(told[:2])

    def count(self, *told: object) -> None:
        self.counts[told[0]] += 1

    @property
    def failed_checks(self) -> list[object]:
        return [name for name, ok in self.checks if not ok]


async def run_once(body: Body, url: str, headers: dict[str, str] | None = None, seed: int = 0) -> Notes:
    vu = VirtualUser(1, seed=seed)
    vu.recorder = notes = Notes()
    settings = ClientSettings(base_url=url, headers=headers or {})
    async with Client(vu, SharedTransport(settings)) as http:
        await body(http, vu)
    return notes


async def run_against(answer: bytes, body: Body) -> Notes:
    """Run against a server that answers everything with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(httpx.Headers(_fields(head)).get("content-length", "0"))
            await reader.readexactly(length)
            writer.write(answer)

    async def serve_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve_until_closed, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await run_once(body, f"http://127.0.0.1:{port}")


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line]
    return [(name, value) for name, value in lines]


def answer(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize("seed", range(5))
def test_browsing_the_store(platform: Platform, seed: int) -> None:
    notes = asyncio.run(run_once(marketplace.test_marketplace_public_access, platform.api, seed=seed))
    assert notes.requests == STORE_STEPS
    assert notes.failed_checks == []
    assert len(notes.checks) == 3 * len(STORE_STEPS)


@pytest.mark.parametrize("seed", range(5))
def test_working_in_the_library(platform: Platform, user: dict[str, str], seed: int) -> None:
    notes = asyncio.run(run_once(marketplace.test_marketplace_library_access, platform.api, user, seed))
    assert notes.requests == LIBRARY_STEPS * 5
    assert notes.failed_checks == []
    assert notes.counts == {
        "library requests": 45,
        "successful requests": 45,
        "authentication attempts": 5,
        "authentication successes": 5,
    }


def test_without_a_token_the_library_counts_failures(platform: Platform) -> None:
    notes = asyncio.run(run_once(marketplace.library_journey, platform.api))
    assert notes.requests == [*LIBRARY_STEPS[:4], "search library"]
    assert notes.counts == {
        "library requests": 5,
        "successful requests": 1,
        "failed requests": 4,
        "authentication attempts": 1,
    }


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        pytest.param(marketplace.test_marketplace_public_access, STORE_STEPS_ALONE, id="store"),
        pytest.param(marketplace.library_journey, LIBRARY_STEPS_ALONE, id="library"),
    ],
)
@pytest.mark.parametrize(
    ("sent", "failed_per_step"),
    [
        pytest.param(answer("500 Oops", b"<html>sorry</html>"), 2, id="an error page: status and data"),
        pytest.param(answer("200 OK", b"<html>sorry</html>"), 1, id="no JSON: data"),
        pytest.param(answer("200 OK", b"[]"), 1, id="JSON, but no object: data"),
        pytest.param(answer("200 OK", b'{"agents": 1, "creators": null}'), 1, id="no lists: data"),
    ],
)
def test_a_bad_answer_fails_checks_and_the_journey_goes_on(
    sent: bytes, failed_per_step: int, body: Body, steps: list[str]
) -> None:
    notes = asyncio.run(run_against(sent, body))
    assert notes.requests == steps
    assert len(notes.failed_checks) == failed_per_step * len(steps)
