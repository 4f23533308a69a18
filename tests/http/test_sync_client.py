"""The facade for plain functions: each method is the client's own, waited for by whatever was handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.engine.sync_bridge import SyncBody, await_only
from pytest_loadtest.errors import AbortRun
from pytest_loadtest.http.client import Client
from pytest_loadtest.http.sync_client import SyncClient
from tests.http.conftest import Run, client_for
from tests.http.servers import Peer, Seen, answer, answering, serving


async def in_body(function: Callable[[SyncClient], None], http: Client) -> None:
    """Runs plain code of a virtual user with the facade of its client."""
    body = SyncBody()
    try:
        await body(function, SyncClient(http, await_only, SyncBody))
    finally:
        body.close()


def test_every_method_works_without_await(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(b"[1]"), seen)) as server, client_for() as (http, owner):

            def body(sync: SyncClient) -> None:
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

            await in_body(body, http)
            methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET", "PURGE"]
            assert [request.method for request in seen] == methods
            assert [request.header("x-a") for request in seen] == ["1"] * 7 + ["3"]
            assert {request.header("cookie") for request in seen} == {"c=2"}
            assert owner.recorder.names[1:4] == ["body"] * 3

    run(scenario())


def test_leaving_its_block_closes_the_client(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, _):

            def body(sync: SyncClient) -> None:
                with sync:
                    sync.get("/")

            await in_body(body, http)
            assert "closed" in repr(http)
            with pytest.raises(RuntimeError):
                await asyncio.ensure_future(http.get("/"))

    run(scenario())


def test_defaults_of_the_client_are_set_through_it(run: Run) -> None:
    async def scenario() -> None:
        seen: list[Seen] = []
        async with serving(answering(answer(), seen)) as server, client_for(server.url) as (http, _):

            def body(sync: SyncClient) -> None:
                sync.params = {"key": "1"}
                sync.auth = ("ada", "secret")
                sync.timeout = 7
                sync.follow_redirects = True
                assert (sync.timeout.read, sync.follow_redirects, sync.is_closed) == (7, True, False)
                assert isinstance(sync.auth, httpx.BasicAuth)
                assert dict(sync.params) == {"key": "1"}
                sync.get("/a")
                sync.send(sync.build_request("PUT", "/b", content=b"x"))

            await in_body(body, http)
            assert [request.target for request in seen] == ["/a?key=1", "/b?key=1"]
            assert {request.header("authorization") for request in seen} == {"Basic YWRhOnNlY3JldA=="}

    run(scenario())


def test_a_streamed_answer_is_read_in_plain_code(run: Run) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer(b"one\ntwo\n"))) as server,
            client_for(server.url) as (http, owner),
        ):

            def body(sync: SyncClient) -> None:
                with sync.stream("GET", "/events") as response:
                    assert response.status_code == 200
                    assert list(response.iter_lines()) == ["one", "two"]
                with sync.stream("GET", "/events") as response:
                    assert response.read() == b"one\ntwo\n"
                    assert response.text == "one\ntwo\n"
                response = sync.send(sync.build_request("GET", "/events"), stream=True)
                assert list(response.iter_bytes(chunk_size=4)) == [b"one\n", b"two\n"]

            await in_body(body, http)
            assert owner.recorder.outcomes == [Outcome.OK] * 3
            assert server.connections == 1

    run(scenario())


def test_gather_runs_functions_at_the_same_time_and_keeps_their_order(run: Run) -> None:
    async def scenario() -> None:
        waiting: list[asyncio.Future[None]] = []

        async def answer_when_all_are_there(peer: Peer) -> None:
            request = await peer.request()
            waiting.append(asyncio.get_running_loop().create_future())
            if len(waiting) == 3:
                for future in waiting:
                    future.set_result(None)
            await waiting[-1]
            await peer.send(answer(request.path.encode()))

        async with serving(answer_when_all_are_there) as server, client_for(server.url) as (http, _):

            def body(sync: SyncClient) -> None:
                answers = sync.gather(*(partial(sync.get, path) for path in ("/a", "/b", "/c")))
                assert [each.content for each in answers] == [b"/a", b"/b", b"/c"]
                assert sync.gather() == []

            await in_body(body, http)

    run(scenario())


def test_the_limit_of_connections_holds_in_gather(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, owner):

            def body(sync: SyncClient) -> None:
                assert len(sync.gather(*[partial(sync.get, "/")] * 20)) == 20

            await in_body(body, http)
            assert server.connections == 6
            assert len(owner.recorder.waits) >= 1

    run(scenario())


def test_one_that_fails_does_not_lose_the_others(run: Run) -> None:
    async def scenario() -> None:
        async with serving(answering(answer(b"fine"))) as server, client_for(server.url) as (http, owner):

            def fail(message: str) -> None:
                raise ValueError(message)

            def body(sync: SyncClient) -> None:
                calls = [partial(fail, "first"), partial(sync.get, "/"), partial(fail, "second")]
                with pytest.raises(ValueError, match="first") as caught:
                    sync.gather(*calls)
                assert caught.value.__notes__ == ["besides: ValueError: second"]
                assert owner.recorder.outcomes == [Outcome.OK], "the others ran to their end"
                one, two, three = sync.gather(*calls, return_exceptions=True)
                assert (type(one), two.content, type(three)) == (ValueError, b"fine", ValueError)

            await in_body(body, http)

    run(scenario())


def test_an_abort_in_gather_is_an_abort(run: Run) -> None:
    async def scenario() -> None:
        async with client_for() as (http, _):

            def abort() -> None:
                raise AbortRun("enough")

            def body(sync: SyncClient) -> None:
                with pytest.raises(AbortRun, match="enough"):
                    sync.gather(abort, partial(int, "3"))
                with pytest.raises(TypeError, match="takes functions to call"):
                    sync.gather(3)  # type: ignore[arg-type]

            await in_body(body, http)

    run(scenario())


def test_a_cancelled_gather_cancels_its_requests(run: Run) -> None:
    async def scenario() -> None:
        arrived = asyncio.Event()

        async def never_answer(peer: Peer) -> None:
            await peer.request()
            arrived.set()
            await peer.reader.read()

        async with serving(never_answer) as server, client_for(server.url) as (http, owner):

            def body(sync: SyncClient) -> None:
                sync.gather(partial(sync.get, "/"), partial(sync.get, "/"))

            owner.was_cut = True
            task = asyncio.create_task(in_body(body, http))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert set(owner.recorder.outcomes) == {Outcome.CENSORED}

    run(scenario())
