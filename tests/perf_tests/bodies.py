"""The suite's tests and steps run by hand, without pytest and without think time: what each of them did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from perf_tests.options import SuiteOptions
from pytest_loadtest.core.recorder import NullRecorder
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from tests.ports import refusing_port

Body = Callable[[Client, VirtualUser], Awaitable[Any]]


class Notes(NullRecorder):
    """Writes down what a body did."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.checks: list[tuple[str, bool]] = []
        self.counts: Counter[str] = Counter()
        self.trends: Counter[str] = Counter()
        self.rates: list[tuple[str, bool]] = []
        self.failed_requests: list[str] = []

    def response(self, name: str, outcome: Any, *told: object) -> None:
        self.requests.append(name)
        if outcome.is_error:
            self.failed_requests.append(name)

    def check(self, name: str, ok: bool, *told: object) -> None:
        self.checks.append((name, ok))

    def count(self, name: str, n: int) -> None:
        self.counts[name] += n

    def trend(self, name: str, *told: object) -> None:
        self.trends[name] += 1

    def rate(self, name: str, ok: bool, *told: object) -> None:
        self.rates.append((name, ok))

    @property
    def failed_checks(self) -> list[str]:
        return [name for name, ok in self.checks if not ok]


class HastyUser(VirtualUser):
    """Does not think, but says how long it would have."""

    __slots__ = ("thoughts",)

    def __init__(self, seed: int = 0) -> None:
        super().__init__(1, seed=seed)
        self.thoughts: list[tuple[object, object]] = []

    def think(self, low: object, high: object = None) -> Awaitable[None]:
        self.thoughts.append((low, high))
        return super().think(0)


def suite_options(**values: Any) -> SuiteOptions:
    """What holds without any option, but for these."""
    return SuiteOptions(
        **{
            "requests_per_vu": None,
            "endpoint": (),
            "concurrent_requests": 1,
            "heartbeats_per_visit": 3,
            "demo_latency": 0.0,
            "demo_error_rate": 0.0,
            "demo_freeze": 0.0,
            "demo_freeze_every": 20.0,
            **values,
        }
    )


async def run(
    body: Body,
    url: str,
    headers: dict[str, str] | None = None,
    *,
    user: VirtualUser | None = None,
    iterations: int = 1,
) -> Notes:
    """Iterations of one user."""
    vu = user or HastyUser()
    vu.recorder = notes = Notes()
    async with Client(vu, SharedTransport(ClientSettings(base_url=url, headers=headers or {}))) as http:
        for vu.iteration in range(iterations):
            await body(http, vu)
    return notes


async def run_against(answers: bytes | dict[str, bytes], body: Body) -> Notes:
    """Run against a server that answers with these bytes, everything alike or by "METHOD /path"."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(_length(head))
            request = head.split(b" HTTP/", 1)[0].decode()
            writer.write(answers if isinstance(answers, bytes) else answers[request])

    async def serve_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve_until_closed, "127.0.0.1", 0)
    async with server:
        return await run(body, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")


async def run_against_nobody(body: Body) -> Notes:
    """Run against a port where nobody listens, and nobody else can."""
    with refusing_port() as port:
        return await run(body, f"http://127.0.0.1:{port}")


def _length(head: bytes) -> int:
    lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line]
    return int(httpx.Headers([(name, value) for name, value in lines]).get("content-length", "0"))


def answer(status: str, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)
