"""The handshake of a WebSocket: what it carries, how it gets there, what a refusal becomes."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.http11 import Request, Response

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.errors import MisuseError
from tests.http.conftest import Run, client_for
from tests.http.proxy_server import proxying
from tests.http.tls_contexts import server_context, trusting
from tests.http.websocket_servers import echo, websocket_server


def test_the_handshake_carries_what_requests_carry(run: Run) -> None:
    seen: list[Request] = []

    def look(peer: ServerConnection, request: Request) -> None:
        seen.append(request)

    def set_cookie(peer: ServerConnection, request: Request, response: Response) -> None:
        response.headers["Set-Cookie"] = "seat=12; Path=/"

    async def scenario() -> None:
        async with (
            websocket_server(process_request=look, process_response=set_cookie) as url,
            client_for(f"{url}/v1") as (http, owner),
        ):
            http.headers["Authorization"] = "Bearer abc"
            http.cookies.set("session", "1")
            http.params = {"lang": "de"}
            options: dict[str, Any] = {"params": {"since": "a b"}, "headers": {"X-Trace": "7"}}
            async with http.websocket("/rooms/42", origin="https://example.com", **options) as ws:
                assert ws.name == "WS /v1/rooms/{id}"
                assert ws.response.cookies["seat"] == "12"
            (request,) = seen
            assert request.path == "/v1/rooms/42?lang=de&since=a+b"
            headers = request.headers
            assert headers["Host"] == url.removeprefix("http://")
            assert headers["Authorization"] == "Bearer abc"
            assert (headers["X-Trace"], headers["Origin"]) == ("7", "https://example.com")
            assert headers["Cookie"] == "session=1"
            assert headers["User-Agent"].startswith("pytest-loadtest")
            assert headers.get_all("Connection") == ["Upgrade"]
            assert "Accept-Encoding" not in headers
            assert "permessage-deflate" in headers["Sec-WebSocket-Extensions"]
            assert http.cookies["seat"] == "12"
            assert owner.recorder.names == ["WS /v1/rooms/{id}"]
            async with http.websocket("/rooms/42", auth=("u", "p"), compression=False, cookies={"a": "b"}):
                pass
            assert seen[1].headers["Authorization"] == "Basic dTpw"
            assert "a=b" in seen[1].headers["Cookie"]
            assert "seat=12" in seen[1].headers["Cookie"]
            assert "Sec-WebSocket-Extensions" not in seen[1].headers

    run(scenario())


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_whole_urls_are_accepted(scheme: str, run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for() as (http, owner):
            address = url.removeprefix("http://")
            async with http.websocket(f"{scheme}://user:secret@{address}/a?token=x") as ws:
                await ws.send("a")
                assert await ws.recv() == "a"
            assert owner.recorder.names == [f"WS ws://{address}/a"]
            assert str(ws.response.request.headers["authorization"]) == "Basic dXNlcjpzZWNyZXQ="

    run(scenario())


def test_the_server_chooses_a_subprotocol(run: Run) -> None:
    async def scenario() -> None:
        async with (
            websocket_server(subprotocols=["v2", "v1"]) as url,  # type: ignore[list-item]
            client_for(url) as (http, _),
            http.websocket("/", subprotocols=["v1", "v2"]) as ws,
        ):
            assert ws.subprotocol in ("v1", "v2")

    run(scenario())


def test_tls_is_that_of_the_client(run: Run) -> None:
    authority = trustme.CA()
    certificate = server_context(authority.issue_cert("localhost"))

    async def scenario() -> None:
        async with websocket_server(ssl=certificate) as url:
            address = url.replace("http://127.0.0.1", "wss://localhost")
            async with client_for(verify=trusting(authority)) as (http, owner):
                async with http.websocket(f"{address}/") as ws:
                    await ws.send("x" * 300_000)
                    assert await ws.recv() == "x" * 300_000
                (times,) = owner.recorder.connections
                assert times[0] == f"WS {address}/"
                assert times[3] > 0, "the TLS handshake is timed"
            async with client_for() as (http, owner):
                with pytest.raises(httpx.ConnectError, match="TLS handshake failed"):
                    await http.websocket(f"{address}/").__aenter__()
                assert owner.recorder.outcomes == [Outcome.TLS]

    run(scenario())


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_through_a_proxy_it_is_tunnelled(scheme: str, run: Run) -> None:
    """Without TLS too: few proxies forward an upgrade."""
    authority = trustme.CA()
    certificate = server_context(authority.issue_cert("localhost")) if scheme == "wss" else None

    async def scenario() -> None:
        async with proxying() as proxy, websocket_server(ssl=certificate) as url:
            address = url.replace("http://127.0.0.1", "localhost")
            verify = trusting(authority)
            async with client_for(
                f"{scheme}://{address}".replace("ws", "http"), verify=verify, proxy=proxy.url
            ) as (
                http,
                owner,
            ):
                async with http.websocket("/") as ws:
                    await ws.send("a")
                    assert await ws.recv() == "a"
                assert owner.recorder.outcomes == [Outcome.OK]
            (request,) = proxy.requests
            assert (request.method, request.target) == ("CONNECT", address)

    run(scenario())


def test_all_connections_go_to_the_unix_socket(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = str(tmp_path / "s")
        async with unix_serve(echo, path), client_for("http://a.invalid", unix_socket=path) as (http, owner):
            async with http.websocket("/") as ws:
                await ws.send("a")
                assert await ws.recv() == "a"
                assert ws.response.request.headers["host"] == "a.invalid"
            assert owner.recorder.outcomes == [Outcome.OK]

    run(scenario())


@pytest.mark.parametrize(
    ("expect", "outcome"),
    [(None, Outcome.STATUS), (403, Outcome.OK), ({101, 403}, Outcome.OK), (range(200, 300), Outcome.STATUS)],
)
def test_a_refusal_raises_and_counts_as_its_status_says(expect: Any, outcome: Outcome, run: Run) -> None:
    def refuse(peer: ServerConnection, request: Request) -> Response:
        response = peer.respond(403, '{"detail": "no"}')
        response.headers["Set-Cookie"] = "seen=1"
        return response

    async def scenario() -> None:
        async with websocket_server(process_request=refuse) as url, client_for(url) as (http, owner):
            http.headers["Authorization"] = "Bearer secret-token"
            location = f"{url.replace('http', 'ws')}/private"
            with pytest.raises(httpx.HTTPStatusError) as caught:
                await http.websocket("/private?key=secret", expect=expect).__aenter__()
            assert str(caught.value) == f"the WebSocket was refused with 403 Forbidden: {location}"
            assert (caught.value.response.status_code, caught.value.response.json()) == (
                403,
                {"detail": "no"},
            )
            assert http.cookies["seen"] == "1"
            (recorded,) = owner.recorder.requests
            assert (recorded.name, recorded.outcome, recorded.status) == ("WS /private", outcome, 403)
            if outcome is Outcome.STATUS:
                (sample,) = owner.recorder.samples
                assert sample == ("WS /private", Outcome.STATUS, 403, f"403 Forbidden: {location}")

    run(scenario())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"headers": {"Sec-WebSocket-Protocol": "v1"}}, MisuseError, "sec-websocket-protocol"),
        ({"headers": {"X-Secret": "a\r\nb"}}, httpx.LocalProtocolError, "^Illegal header value of X-Secret$"),
        ({"colour": "red"}, TypeError, "colour"),
    ],
)
def test_what_cannot_be_asked_for(
    options: dict[str, Any], error: type[Exception], words: str, run: Run
) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, owner):
            with pytest.raises(error, match=words):
                async with http.websocket("/", **options):
                    pass
            assert owner.recorder.requests == []

    run(scenario())


def test_a_session_is_entered_once_and_not_after_the_client_was_closed(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url, client_for(url) as (http, _):
            session = http.websocket("/")
            async with session:
                pass
            with pytest.raises(MisuseError, match="opened once"):
                await session.__aenter__()
            await http.aclose()
            with pytest.raises(RuntimeError, match="the client has been closed"):
                await http.websocket("/").__aenter__()

    run(scenario())


def test_nobody_listens(run: Run) -> None:
    async def scenario() -> None:
        async with websocket_server() as url:
            pass
        async with client_for(url) as (http, owner):
            with pytest.raises(httpx.ConnectError, match="connection refused"):
                await http.websocket("/").__aenter__()
            assert owner.recorder.outcomes == [Outcome.REFUSED]
            assert owner.recorder.trends == []

    run(scenario())


def test_headers_are_in_no_log_and_no_repr(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with client_for() as (http, _):
            http.headers["Authorization"] = "Bearer secret-token"
            async with websocket_server(logger=logging.Logger("mute")) as url:
                session = http.websocket(f"{url}/?key=secret-token")
                async with session as ws:
                    await ws.send("secret-token")
                    assert "secret-token" not in f"{session!r} {ws!r} {http!r}"
        assert "secret-token" not in caplog.text

    run(scenario())


def test_without_websockets_the_library_is_not_loaded() -> None:
    code = "import sys, pytest_loadtest.http.sync_client; sys.exit('websockets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
