"""What `httpx_client` sends is recorded as what `http` sends, whatever way httpx takes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.httpx_client.requests import RequestBuilder
from pytest_loadtest.http.httpx_client.sending import TermsTable
from pytest_loadtest.http.httpx_client.setup import HttpxSetup
from pytest_loadtest.http.httpx_client.targets import RememberedTargets
from pytest_loadtest.http.httpx_client.transport import LoadTransport
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from tests.http.conftest import Run, until
from tests.http.fakes import FakeOwner
from tests.http.parity_calls import LAZY_DIGEST
from tests.http.parity_server import respond
from tests.http.servers import Behaviour, Peer, Seen, answer, answering, serving
from tests.http.test_httpx_transport import httpx_client_for

SOON = httpx.Timeout(10, read=0.15)  # a connection is made within that even on a busy machine
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"


async def silent(peer: Peer) -> None:
    await peer.request()
    await asyncio.Event().wait()


async def resetting(peer: Peer) -> None:
    await peer.request()
    peer.reset()


def saying(data: bytes, *, goes_on: bool = False) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        if goes_on:
            await asyncio.Event().wait()

    return behave


FAILURES: list[tuple[str, Behaviour, type[httpx.RequestError], Outcome]] = [
    ("no answer in time", silent, httpx.ReadTimeout, Outcome.TIMEOUT),
    ("half an answer in time", saying(HALF, goes_on=True), httpx.ReadTimeout, Outcome.TIMEOUT),
    ("a reset", resetting, httpx.ReadError, Outcome.RESET),
    ("closed without an answer", saying(b""), httpx.RemoteProtocolError, Outcome.CLOSED),
    ("closed after half of it", saying(HALF), httpx.RemoteProtocolError, Outcome.CLOSED),
    ("not HTTP", saying(b"SSH-2.0\r\n\r\n"), httpx.RemoteProtocolError, Outcome.PROTOCOL),
    (
        "a body that does not decode",
        saying(answer(b"not gzip at all, but long enough", "200 OK", "Content-Encoding: gzip")),
        httpx.DecodingError,
        Outcome.DECODING,
    ),
]


async def whole(client: httpx.AsyncClient, url: str) -> None:
    await client.post(url, json={})


async def streamed(client: httpx.AsyncClient, url: str) -> None:
    async with client.stream("POST", url, json={}) as response:
        async for _ in response.aiter_bytes():
            pass


async def hooked(client: httpx.AsyncClient, url: str) -> None:
    async def hook(_: Any) -> None:
        """Has httpx take its long way."""

    client.event_hooks = {"request": [hook]}
    await whole(client, url)


@pytest.mark.parametrize("way", [whole, streamed, hooked], ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    ("sentence", "behaviour", "error", "outcome"), FAILURES, ids=[row[0] for row in FAILURES]
)
def test_a_failure_has_its_kind_and_its_request(
    sentence: str,
    behaviour: Behaviour,
    error: type[httpx.RequestError],
    outcome: Outcome,
    way: Callable[..., Any],
    run: Run,
) -> None:
    async def scenario() -> None:
        async with serving(behaviour) as server, httpx_client_for(server.url) as (client, owner):
            client.timeout = SOON if outcome is Outcome.TIMEOUT else httpx.Timeout(10)
            with pytest.raises(error) as raised:
                await way(client, "/items/1")
            assert (raised.value.request.method, raised.value.request.url) == (
                "POST",
                f"{server.url}/items/1",
            )
            assert raised.value.request.content == b"{}"
            assert owner.recorder.outcomes == [outcome]
            assert [sample[:2] for sample in owner.recorder.samples] == [("POST /items/{id}", outcome)]

    run(scenario())


@pytest.mark.parametrize(
    ("was_cut", "outcome"), [(False, Outcome.CANCELLED), (True, Outcome.CENSORED)], ids=["test", "engine"]
)
@pytest.mark.parametrize("way", [whole, streamed, hooked], ids=lambda way: way.__name__)
@pytest.mark.parametrize("behaviour", [silent, saying(HALF, goes_on=True)], ids=["no answer", "half of it"])
def test_a_cancelled_request_is_at_least_as_slow(
    behaviour: Behaviour, way: Callable[..., Any], was_cut: bool, outcome: Outcome, run: Run
) -> None:
    async def scenario() -> None:
        async with serving(behaviour) as server, httpx_client_for(server.url) as (client, owner):
            client.timeout = httpx.Timeout(None)
            task = asyncio.ensure_future(way(client, "/"))
            await until(lambda: server.connections == 1)
            for _ in range(20):  # some way into the exchange; whichever, it is recorded the same
                await asyncio.sleep(0)
            owner.was_cut = was_cut
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert owner.recorder.outcomes == [outcome]

    run(scenario())


def test_a_reader_of_a_stream_that_is_cancelled_has_not_seen_enough(run: Run) -> None:
    """Even if it is not the answer that it waits for."""

    async def scenario() -> None:
        async with (
            serving(saying(HALF, goes_on=True)) as server,
            httpx_client_for(server.url) as (client, owner),
        ):
            is_reading = asyncio.Event()

            async def read() -> None:
                async with client.stream("GET", "/") as response:
                    await anext(response.aiter_raw())
                    is_reading.set()
                    await asyncio.Event().wait()

            task = asyncio.ensure_future(read())
            await is_reading.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert owner.recorder.outcomes == [Outcome.CANCELLED]

    run(scenario())


def test_lines_come_before_the_stream_has_ended_and_it_may_be_left(run: Run) -> None:
    async def scenario() -> None:
        async def endless(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                await peer.send(b"5\r\nline\n\r\n")
                await asyncio.sleep(0)  # sending does not yield before the buffers are full

        async with serving(endless) as server, httpx_client_for(server.url) as (client, owner):
            async with client.stream("GET", "/", extensions={"name": "feed"}) as response:
                lines = response.aiter_lines()
                assert [await anext(lines) for _ in range(3)] == ["line"] * 3
                assert owner.recorder.requests == []
            assert response.elapsed.total_seconds() > 0
            assert (owner.recorder.names, owner.recorder.outcomes) == (["feed"], [Outcome.OK])

    run(scenario())


NAMES: list[tuple[str, str, dict[str, Any], list[tuple[str, Outcome]]]] = [
    ("its own", "/a/7", {"extensions": {"name": "one"}}, [("one", Outcome.OK)]),
    ("by its path", "/a/7?x=1", {}, [("GET /a/{id}", Outcome.OK)]),
    ("None is no name", "/a/7", {"extensions": {"name": None}}, [("GET /a/{id}", Outcome.OK)]),
    ("an unexpected status", "/status/404", {}, [("GET /status/{id}", Outcome.STATUS)]),
    ("an expected one", "/status/404", {"extensions": {"expect": 404}}, [("GET /status/{id}", Outcome.OK)]),
    ("200 where it is not expected", "/a", {"extensions": {"expect": {201}}}, [("GET /a", Outcome.STATUS)]),
    (
        "hops by their paths",
        "/redirect/302",
        {"extensions": {"name": "first", "expect": 200}, "follow_redirects": True},
        [("first", Outcome.OK), ("GET /echo", Outcome.OK)],
    ),
    (
        "a redirect that is not followed where 200 is expected",
        "/redirect/302",
        {"extensions": {"expect": 200}},
        [("GET /redirect/{id}", Outcome.STATUS)],
    ),
    (
        "a challenge that is answered",
        "/digest",
        {"auth": LAZY_DIGEST, "extensions": {"name": "secret"}},
        [("secret", Outcome.OK)] * 2,
    ),
    ("one that is not", "/digest", {}, [("GET /digest", Outcome.STATUS)]),
]


def fresh(value: Any) -> Any:
    return value() if getattr(value, "is_factory", False) else value


@pytest.mark.parametrize(("sentence", "path", "how", "recorded"), NAMES, ids=[row[0] for row in NAMES])
def test_requests_are_named_and_judged(
    sentence: str, path: str, how: dict[str, Any], recorded: list[tuple[str, Outcome]], run: Run
) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(lambda request: respond("", request))) as server,
            httpx_client_for(server.url) as (client, owner),
        ):
            await client.get(path, **{key: fresh(value) for key, value in how.items()})
            assert list(zip(owner.recorder.names, owner.recorder.outcomes, strict=True)) == recorded

    run(scenario())


def test_too_many_redirects_are_one_more_failed_request(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(lambda request: respond("", request))) as server,
            httpx_client_for(server.url, {"max_redirects": 3, "follow_redirects": True}) as (client, owner),
        ):
            with pytest.raises(httpx.TooManyRedirects):
                await client.get("/chain/9")
            assert owner.recorder.outcomes == [Outcome.OK] * 4 + [Outcome.TOO_MANY_REDIRECTS]
            assert owner.recorder.names[-1] == "GET /chain/{id}"

    run(scenario())


def test_http_and_httpx_client_share_connections_and_not_cookies(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(lambda request: respond("", request), seen)) as server:
            owner, shared = (
                FakeOwner(),
                SharedTransport(ClientSettings(server.url, max_connections_per_host=2)),
            )
            http = Client(owner, shared)
            client = HttpxSetup(shared).client(owner, http.exchanger, {})
            await client.get("/set-cookies")
            await asyncio.gather(*(user.get("/echo") for user in (http, client) for _ in range(5)))  # type: ignore[attr-defined]
            assert server.connections == 2
            assert [request.header("cookie") for request in seen].count("a=1; b=2") == 5
            assert len(http.cookies) == 0
            await client.aclose()
            assert (await http.get("/echo")).status_code == 200
            with pytest.raises(RuntimeError, match="closed"):
                await client.get("/echo")
            await http.aclose()

    run(scenario())


def test_a_plain_client_of_httpx_works_on_the_transport(run: Run) -> None:
    """It always streams."""

    async def scenario() -> None:
        async with serving(answering(lambda request: respond("", request))) as server:
            owner, shared = FakeOwner(), SharedTransport(ClientSettings(server.url))
            http = Client(owner, shared)
            builder = RequestBuilder(RememberedTargets(shared), server.url, owner.id)
            transport = LoadTransport(http.exchanger, builder, TermsTable(shared.settings))
            async with httpx.AsyncClient(transport=transport, base_url=server.url) as client:
                answers = [
                    await client.get(path, follow_redirects=True) for path in ("/encoded/gzip", "/chain/2")
                ]
                assert [response.status_code for response in answers] == [200, 200]
                assert answers[0].text.startswith("blåbær")
            assert owner.recorder.outcomes == [Outcome.OK] * 4
            await http.aclose()

    run(scenario())


def test_what_httpx_logs_is_logged(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(lambda request: respond("", request))) as server,
            httpx_client_for(server.url) as (client, _),
        ):
            with caplog.at_level(logging.INFO, "httpx"):
                await client.get("/status/404")
            assert caplog.messages == [f'HTTP Request: GET {server.url}/status/404 "HTTP/1.1 404 Not Found"']

    run(scenario())


def test_a_function_that_tells_the_encoding_is_asked(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer("blå".encode("latin-1")))) as server,
            httpx_client_for(server.url, {"default_encoding": lambda content: "latin-1"}) as (client, _),
        ):
            assert (await client.get("/")).text == "blå"

    run(scenario())


def test_defaults_that_change_are_used_by_the_next_request(run: Run) -> None:
    """What is remembered of earlier requests must not outlive them."""

    async def scenario() -> None:
        seen: list[Seen] = []
        async with (
            serving(answering(answer(), seen)) as server,
            serving(answering(answer(), seen)) as other,
            httpx_client_for(server.url) as (client, _),
        ):
            await client.get("/a")
            client.headers["X-A"] = "1"
            client.cookies.set("c", "2")
            client.params = httpx.QueryParams(k="v")
            await client.get("/a")
            client.headers = httpx.Headers({"X-B": "3"})
            client.cookies.delete("c")
            client.params = httpx.QueryParams()
            client.base_url = httpx.URL(other.url + "/base")
            await client.get("/a")
            request = client.build_request("GET", "/a")
            request.headers["X-C"] = "4"
            request.url = httpx.URL(server.url + "/changed")
            await client.send(request)
            told = [
                (request.target, *(request.header(name) for name in ("x-a", "x-b", "x-c", "cookie")))
                for request in seen
            ]
            assert told == [
                ("/a", None, None, None, None),
                ("/a?k=v", "1", None, None, "c=2"),
                ("/base/a", None, "3", None, None),
                ("/changed", None, "3", "4", None),
            ]
            assert seen[2].header("host") == other.url.removeprefix("http://")

    run(scenario())
