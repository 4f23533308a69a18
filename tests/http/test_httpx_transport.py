"""httpx's own client on our connections against httpx's own on its own: nothing is to tell them apart.

Deliberate differences are not compared: the User-Agent, `elapsed`, the extension `network_stream`.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from pytest_loadtest.http.client import Client
from pytest_loadtest.http.httpx_client.client import LoadAsyncClient
from pytest_loadtest.http.httpx_client.setup import HttpxSetup
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.transport import SharedTransport
from tests.http.conftest import Run
from tests.http.fakes import FakeOwner
from tests.http.parity_calls import CALLS, Call
from tests.http.parity_server import respond
from tests.http.servers import Seen, Server, answer, answering, serving
from tests.http.test_httpx_parity import REFUSED, normal, observed, url_of


@asynccontextmanager
async def httpx_client_for(
    base_url: str = "", options: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[LoadAsyncClient, FakeOwner]]:
    """An httpx client of a virtual user of its own; on leaving, nothing of it is left."""
    owner = FakeOwner()
    shared = SharedTransport(ClientSettings(base_url=base_url, **settings))
    http = Client(owner, shared)
    client = HttpxSetup(shared).client(owner, http.exchanger, options or {})
    try:
        yield client, owner
    finally:
        await client.aclose()
        await http.aclose()
        assert "watching 0" in repr(shared.sweeper)


async def _no_hook(_: Any) -> None:
    """Has httpx take its long way."""


async def by_request(
    client: httpx.AsyncClient, call: Call, url: Any, kwargs: dict[str, Any]
) -> httpx.Response:
    return await client.request(call.method, url, **kwargs)


async def by_stream(
    client: httpx.AsyncClient, call: Call, url: Any, kwargs: dict[str, Any]
) -> httpx.Response:
    async with client.stream(call.method, url, **kwargs) as response:
        await response.aread()
    return response


async def by_send(client: httpx.AsyncClient, call: Call, url: Any, kwargs: dict[str, Any]) -> httpx.Response:
    how = {name: kwargs.pop(name) for name in ("auth", "follow_redirects") if name in kwargs}
    return await client.send(client.build_request(call.method, url, **kwargs), **how)


async def by_hooks(client: httpx.AsyncClient, call: Call, url: Any, kwargs: dict[str, Any]) -> httpx.Response:
    client.event_hooks = {"request": [_no_hook], "response": [_no_hook]}
    return await by_request(client, call, url, kwargs)


Way = Callable[..., Coroutine[Any, Any, httpx.Response]]
WAYS: list[Way] = [by_request, by_stream, by_send, by_hooks]


def everything(response: httpx.Response) -> dict[str, Any]:
    """All that can be read from a response and its request."""
    request, following = response.request, response.next_request
    timeout = request.extensions["timeout"]
    return observed(response) | {
        "fields sent": [
            field
            for field in request.headers.raw
            if field[0].lower() not in (b"user-agent", b"authorization")
        ],
        "content sent": request.content if hasattr(request, "_content") else None,
        "extensions sent": (sorted(request.extensions), sorted(timeout)),
        "closed": (response.is_closed, response.is_stream_consumed),
        "downloaded": response.num_bytes_downloaded,
        "extensions": {key: value for key, value in response.extensions.items() if key != "network_stream"},
        "in parts": list(response.iter_bytes(3)),
        "in lines": list(response.iter_lines()),
        "following": following
        and (following.headers.raw[0], following.content if hasattr(following, "_content") else None),
        "again": _raised_by(lambda: list(response.iter_raw())),
        "default encoding": response.default_encoding,
    }


def _raised_by(what: Callable[[], Any]) -> Any:
    try:
        return what()
    except Exception as error:
        return type(error)


async def outcome_of(way: Way, client: httpx.AsyncClient, call: Call, url: Any) -> Any:
    client.headers.update(call.headers)
    client.cookies.update(call.cookies)
    kwargs = {
        key: value() if getattr(value, "is_factory", False) else value
        for key, value in (call.kwargs | call.theirs).items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # httpx's, on per-request cookies
        try:
            response = await way(client, call, url, kwargs)
        except Exception as error:
            return type(error), str(error)
    assert response.elapsed.total_seconds() > 0
    jar = sorted((c.name, c.value, c.path, c.domain) for c in client.cookies.jar)
    return everything(response), jar


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.sentence)
def test_is_the_same_as_on_httpx_s_own_connections(call: Call, run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(lambda request: respond("", request), seen)) as other:

            def answers(request: Seen) -> bytes:
                return respond(other.url, request)

            async with serving(answering(answers, seen)) as server:
                for way in WAYS:
                    await compare(way, call, server, seen)

    run(scenario())


async def compare(way: Way, call: Call, server: Server, seen: list[Seen]) -> None:
    base_url, url = server.url + call.base_path, url_of(call, server)
    seen.clear()
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, verify=False) as theirs:
        expected = await outcome_of(way, theirs, call, url)
    expected_requests = [normal(request) for request in seen]
    async with httpx_client_for(base_url) as (ours, owner):
        for _ in range(2):  # the second time with everything that is kept
            seen.clear()
            ours.cookies.clear()
            assert await outcome_of(way, ours, call, url) == expected, way.__name__
            assert [normal(request) for request in seen] == expected_requests, way.__name__
    assert len(owner.recorder.requests) == 2 * len(expected_requests)


@pytest.mark.parametrize("run", ["uvloop"], indirect=True)
@pytest.mark.parametrize(("sentence", "method", "url", "kwargs"), REFUSED, ids=[row[0] for row in REFUSED])
def test_is_refused_as_by_httpx(
    sentence: str, method: str, url: Any, kwargs: dict[str, Any], run: Run
) -> None:
    """Before anything is sent: a mistake of the caller is not a measurement."""

    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            target = url.replace("HOST", server.url.removeprefix("http://")) if isinstance(url, str) else url
            call = Call("", method, target, kwargs)
            for way in WAYS:
                async with httpx.AsyncClient(trust_env=False, verify=False) as theirs:
                    expected = await outcome_of(way, theirs, call, target)
                async with httpx_client_for() as (ours, owner):
                    raised = (await outcome_of(way, ours, call, target))[0]
                    assert raised.__name__ == expected[0].__name__  # httpx lets one of h11's through
                    assert owner.recorder.requests == []

    run(scenario())
