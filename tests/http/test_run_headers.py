"""Who sends a request, for the logs of the target: the run and the virtual user, on all ways out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trustme
from websockets.asyncio.server import ServerConnection

from pytest_loadtest.http.client import Client
from pytest_loadtest.http.httpx_client.client import LoadAsyncClient
from pytest_loadtest.http.httpx_client.setup import HttpxSetup
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from tests.http.conftest import Run
from tests.http.fakes import FakeOwner
from tests.http.proxy_server import proxying
from tests.http.servers import Seen, answer, answering, serving
from tests.http.tls_contexts import tls_target, trusting
from tests.http.websocket_servers import websocket_server

RUN, USER = "X-Load-Test-Session", "X-Load-Test-VU"


@asynccontextmanager
async def clients(
    base_url: str = "", user_id: int = 7, options: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Client, LoadAsyncClient]]:
    """Both clients of a virtual user, in a run with an id."""
    owner = FakeOwner(user_id)
    shared = SharedTransport(ClientSettings(base_url, **{"run_id": "run-1", **settings}))
    http = Client(owner, shared)
    client = HttpxSetup(shared).client(owner, http.exchanger, options or {})
    try:
        yield http, client
    finally:
        await client.aclose()
        await http.aclose()


def told(seen: Seen) -> tuple[str | None, str | None]:
    return seen.header(RUN.lower()), seen.header(USER.lower())


def test_every_request_says_which_run_and_which_user(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(), seen)) as server:
            for user_id in (1, 23):
                async with clients(server.url, user_id) as (http, client):
                    await http.get("/ordinary")
                    await http.get("/params", params={"a": 1}, headers={"X-A": "b"})
                    await http.post("/json", json={"a": 1})
                    await http.post("/form", data={"a": "1"})
                    await http.get("/auth", auth=("ann", "word"))
                    await http.send(http.build_request("GET", "/built"))
                    async with http.stream("GET", "/streamed") as response:
                        await response.aread()
                    await client.get("/httpx")
                    await client.post("/httpx", json={"a": 1}, headers={"X-A": "b"})
                    await client.send(client.build_request("PUT", "/httpx", content=b"x"))
        assert [told(each) for each in seen] == [("run-1", "1")] * 10 + [("run-1", "23")] * 10
        assert all(len([name for name, _ in each.headers if "Load-Test" in name]) == 2 for each in seen)

    run(scenario())


def test_without_a_run_id_nothing_is_said(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(), seen)) as server, clients(server.url, run_id="") as both:
            for each in both:
                await each.get("/")
        assert [told(each) for each in seen] == [(None, None)] * 2

    run(scenario())


def test_a_websocket_says_it_in_its_handshake(run: Run) -> None:
    async def scenario() -> None:
        seen: list[tuple[str, str]] = []

        async def note(peer: ServerConnection) -> None:
            assert peer.request is not None
            seen.append((peer.request.headers[RUN], peer.request.headers[USER]))

        async with websocket_server(note) as url, clients(url) as (http, _), http.websocket("/"):
            pass
        assert seen == [("run-1", "7")]

    run(scenario())


@pytest.mark.parametrize(
    ("settings", "of_client", "of_request", "expected"),
    [
        pytest.param({RUN: "mine"}, {}, {}, ("mine", "7"), id="of the environment"),
        pytest.param({}, {RUN: "mine"}, {}, ("mine", "7"), id="of the client"),
        pytest.param({}, {}, {USER: "ann"}, ("run-1", "ann"), id="of the request"),
        pytest.param({}, {}, {USER.lower(): "ann"}, ("run-1", "ann"), id="in another spelling"),
        pytest.param({RUN: "a"}, {RUN: "b", USER: "b"}, {RUN: "c"}, ("c", "b"), id="the closest wins"),
    ],
)
def test_a_field_of_the_users_own_wins(
    run: Run,
    settings: dict[str, str],
    of_client: dict[str, str],
    of_request: dict[str, str],
    expected: tuple[str, str],
) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with (
            serving(answering(answer(), seen)) as server,
            clients(server.url, headers=settings) as both,
        ):
            for each in both:
                each.headers.update(of_client)
                await each.get("/", headers=of_request)
            for each in both:
                each.headers = httpx.Headers(of_client)  # as a whole
                await each.get("/", headers=of_request)
        assert [told(each) for each in seen] == [expected] * 4

    run(scenario())


def test_it_can_be_taken_away(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(), seen)) as server, clients(server.url) as both:
            for each in both:
                await each.get("/")
                del each.headers[USER]
                await each.get("/")
        assert [told(each) for each in seen] == [("run-1", "7"), ("run-1", None)] * 2

    run(scenario())


@pytest.mark.parametrize("which", [0, 1], ids=["http", "httpx_client"])
def test_it_stays_on_a_redirect_to_another_host(run: Run, which: int) -> None:
    """It is no secret, and the other host's logs tell as much about the run."""

    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(), seen)) as other:
            redirect = answer(b"", "302 Found", f"Location: {other.url}/there")
            async with serving(answering(redirect)) as server, clients(server.url) as both:
                await both[which].get("/", follow_redirects=True)
        assert [told(each) for each in seen] == [("run-1", "7")]

    run(scenario())


@pytest.mark.parametrize("options", [{}, {"http2": True}], ids=["HTTP/1.1", "HTTP/2"])
def test_a_proxy_is_not_told_what_is_for_the_target_of_a_tunnel(run: Run, options: dict[str, Any]) -> None:
    async def scenario() -> None:
        authority = trustme.CA()
        seen: list[Seen] = []
        async with (
            tls_target(authority, seen) as target,
            proxying() as proxy,
            clients(target.url, options=options, proxy=proxy.url, verify=trusting(authority)) as both,
        ):
            for each in both:
                await each.get("/")
            assert {seen.method for seen in proxy.requests} == {"CONNECT"}
            assert [told(each) for each in proxy.requests] == [(None, None)] * len(proxy.requests)
        assert [told(each) for each in seen] == [("run-1", "7")] * 2

    run(scenario())


def test_an_id_that_cannot_be_sent_is_an_error_of_the_request(run: Run) -> None:
    async def scenario() -> None:
        async with clients("http://127.0.0.1:1", run_id="a\r\nX-Smuggled: b") as (http, _):
            with pytest.raises(httpx.LocalProtocolError):
                await http.get("/")

    run(scenario())
