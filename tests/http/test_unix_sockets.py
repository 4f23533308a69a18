"""Through a Unix socket: whatever the URL names, with TLS too, and what is said when it cannot be used."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.settings import SECOND_NS
from tests.http.conftest import Run, client_for
from tests.http.servers import answer, answering, serving
from tests.http.tls_contexts import server_context, trusting


def test_all_connections_go_to_the_unix_socket(run: Run, tmp_path: Path) -> None:
    """Whatever host a URL names; nothing is looked up."""

    async def scenario() -> None:
        path = str(tmp_path / "server.sock")
        requests: list[Any] = []
        async with (
            serving(answering(answer(b"here"), requests), unix_socket=path),
            client_for("http://a.invalid", unix_socket=path) as (http, owner),
        ):
            for url in ("/a", "/b", "http://b.invalid:81/c"):
                assert (await http.get(url)).text == "here"
            assert len(owner.recorder.connections) == 2
        assert [request.header("host") for request in requests] == ["a.invalid"] * 2 + ["b.invalid:81"]

    run(scenario())


def test_tls_over_a_unix_socket_is_verified(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = trustme.CA()
        path = str(tmp_path / "server.sock")
        context = server_context(authority.issue_cert("a.example"))
        async with (
            serving(answering(answer(b"here")), unix_socket=path, tls=context),
            client_for(unix_socket=path, verify=trusting(authority)) as (http, owner),
        ):
            assert (await http.get("https://a.example/")).text == "here"
            assert owner.recorder.connections[0][3] > 0
            with pytest.raises(httpx.ConnectError, match=r"^TLS handshake failed: .*b\.example"):
                await http.get("https://b.example/")
            assert owner.recorder.outcomes == [Outcome.OK, Outcome.TLS]

    run(scenario())


@pytest.mark.parametrize(
    ("what", "outcome", "phrase"),
    [
        ("is not there", Outcome.UNREACHABLE, "host unreachable: No such file or directory"),
        ("has no server", Outcome.REFUSED, "connection refused"),
        ("is an ordinary file", Outcome.REFUSED, "connection refused"),
        ("is of another kind", Outcome.OTHER, "other error: Protocol wrong type for socket"),
        ("has too long a name", Outcome.OTHER, "other error: AF_UNIX path too long"),
    ],
)
def test_a_unix_socket_that(what: str, outcome: Outcome, phrase: str, run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / ("x" * 200 if what == "has too long a name" else "s")
        kind = socket.SOCK_DGRAM if what == "is of another kind" else socket.SOCK_STREAM
        with socket.socket(socket.AF_UNIX, kind) as sock:
            if what in ("has no server", "is of another kind"):
                sock.bind(str(path))
            elif what == "is an ordinary file":
                path.write_text("")
            async with client_for("http://a.example", unix_socket=str(path)) as (http, owner):
                with pytest.raises(httpx.ConnectError) as caught:
                    await http.get("/x")
                assert str(caught.value) == f"Unix socket {path}: {phrase}: http://a.example/x"
                assert owner.recorder.outcomes == [outcome]

    run(scenario())


def test_a_full_backlog_is_waited_for(run: Run, tmp_path: Path) -> None:
    """Many users connect at once to a server that is slow to accept: each waits for its turn."""

    async def scenario() -> None:
        path = str(tmp_path / "server.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(0)
            listener.setblocking(False)
            async with client_for("http://a.example", unix_socket=path, max_connections_per_host=8) as (
                http,
                owner,
            ):
                requests = [asyncio.create_task(http.get("/")) for _ in range(8)]
                await asyncio.sleep(0.03)  # several retries long
                assert not any(request.done() for request in requests)
                loop = asyncio.get_running_loop()
                accepted = [(await loop.sock_accept(listener))[0] for _ in requests]
                for sock in accepted:
                    await loop.sock_sendall(sock, answer())
                    sock.close()
                results = await asyncio.gather(*requests, return_exceptions=True)
                assert len(results) == 8
                assert not {Outcome.REFUSED, Outcome.OTHER} & set(owner.recorder.outcomes)

    run(scenario())


def test_a_full_backlog_is_not_waited_for_longer_than_the_timeout(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = str(tmp_path / "server.sock")
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as filler:
            listener.bind(path)
            listener.listen(0)
            filler.connect(path)
            timeout_ns = SECOND_NS // 10
            async with client_for("http://a.example", unix_socket=path, connect_timeout_ns=timeout_ns) as (
                http,
                owner,
            ):
                with pytest.raises(httpx.ConnectTimeout, match=f"^Unix socket {path}: connecting timed out"):
                    await http.get("/")
                assert owner.recorder.outcomes == [Outcome.CONNECT_TIMEOUT]

    run(scenario())
