"""The facade for plain functions: each method is the client's own, waited for by whatever was handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import greenlet
import pytest

from pytest_loadtest.http.sync_client import SyncClient
from tests.http.conftest import Run, client_for
from tests.http.servers import Seen, answer, answering, serving

T = TypeVar("T")


def await_only(awaitable: Awaitable[T]) -> T:
    """Hands the awaitable to the greenlet that runs the event loop."""
    result: T = greenlet.getcurrent().parent.switch(awaitable)
    return result


async def drive(body: greenlet.greenlet) -> None:
    awaitable = body.switch()
    while not body.dead:
        try:
            result = await awaitable
        except Exception as error:
            awaitable = body.throw(error)
        else:
            awaitable = body.switch(result)


def test_every_method_works_without_await(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(b"[1]"), seen)) as server, client_for() as (http, owner):
            sync = SyncClient(http, await_only)

            def body() -> None:
                sync.base_url = server.url
                sync.headers["X-A"] = "1"
                sync.cookies.set("c", "2")
                assert sync.get("/", params={"a": 1}).json() == [1]
                for method in ("post", "put", "patch"):
                    assert getattr(sync, method)("/", json={"a": 1}, name="body").status_code == 200
                for method in ("delete", "options", "get"):
                    assert getattr(sync, method)("/").is_success
                assert sync.request("PURGE", "/", headers={"X-A": "3"}).url.path == "/"
                with pytest.raises(Exception, match="unsupported protocol"):
                    sync.get("ftp://h/")

            await drive(greenlet.greenlet(body))
            methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET", "PURGE"]
            assert [request.method for request in seen] == methods
            assert [request.header("x-a") for request in seen] == ["1"] * 7 + ["3"]
            assert {request.header("cookie") for request in seen} == {"c=2"}
            assert owner.recorder.names[1:4] == ["body"] * 3

    run(scenario())


def test_leaving_its_block_closes_the_client(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, _):

            def body() -> None:
                with SyncClient(http, await_only) as sync:
                    sync.get("/")

            await drive(greenlet.greenlet(body))
            assert "closed" in repr(http)
            with pytest.raises(RuntimeError):
                await asyncio.ensure_future(http.get("/"))

    run(scenario())
