"""A host that may not be sent to gets nothing: no look-up, no connection, by none of the ways to it.

The servers listen on loopback and are asked for as 0.0.0.0, which leads to them but is no loopback address:
without the rules the same requests do arrive.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.core.targets import Targets
from pytest_loadtest.errors import ConfigurationError, MisuseError
from pytest_loadtest.http.client import Client
from tests.http.conftest import Run, client_for
from tests.http.fakes import FakeOwner
from tests.http.servers import Server, answer, answering, serving
from tests.http.test_httpx_transport import httpx_client_for
from tests.http.websocket_servers import websocket_server

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "DEV": {"api": "http://dev.shop.example"},
    "PROD": {"api": "https://www.shop.example", "protected": True},
}
TARGETS = Targets.of("DEV", ENVIRONMENTS)
FOREIGN = "0.0.0.0"
UNKNOWN = f"{FOREIGN!r} is in no configured environment; "
PROTECTED = "nothing is sent to https://www.shop.example: 'www.shop.example' belongs to environment 'PROD'"

Way = Callable[[Client, str], Awaitable[object]]


def foreign(url: str) -> str:
    """The same server by a name that is not allowed."""
    return url.replace("127.0.0.1", FOREIGN)


async def _get(http: Client, url: str) -> object:
    return await http.get(url)


async def _post(http: Client, url: str) -> object:
    return await http.post(url, data={"a": "1"})


async def _with_auth(http: Client, url: str) -> object:
    return await http.get(url, auth=("ann", "secret"))


async def _send(http: Client, url: str) -> object:
    return await http.send(http.build_request("GET", url))


async def _stream(http: Client, url: str) -> object:
    async with http.stream("GET", url) as response:
        return await response.aread()


async def _with_base_url(http: Client, url: str) -> object:
    http.base_url = httpx.URL(url)
    return await http.get("/path")


async def _with_host_field(http: Client, url: str) -> object:
    return await http.get(url, headers={"Host": "dev.shop.example"})


async def _websocket(http: Client, url: str) -> object:
    async with http.websocket(url.replace("http", "ws")) as websocket:
        return websocket


WAYS: list[Way] = [_get, _post, _with_auth, _send, _stream, _with_base_url, _with_host_field, _websocket]


@pytest.fixture(autouse=True)
def no_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, *_: object, **__: object) -> None:
        raise AssertionError(f"{host} was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("way", WAYS)
def test_a_foreign_host_gets_nothing(run: Run, way: Way) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            url = foreign(server.url)
            async with client_for(server.url, targets=TARGETS) as (http, owner):
                with pytest.raises(ConfigurationError) as caught:
                    await way(http, url)
                assert str(caught.value).startswith(f"nothing is sent to {url}: {UNKNOWN}")
                assert owner.ended_by is caught.value, "the load ends, whatever the test does"
                assert (owner.recorder.requests, owner.recorder.samples) == ([], []), "no failed request"
                assert (await http.get(server.url)).status_code == 200, "others go on"
            assert server.connections == 1

    run(scenario())


@pytest.mark.parametrize("way", [way for way in WAYS if way is not _websocket])
def test_without_rules_the_same_request_arrives(run: Run, way: Way) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as server, client_for(server.url) as (http, owner):
            await way(http, foreign(server.url))
            assert server.connections == 1
            assert owner.ended_by is None

    run(scenario())


def test_without_rules_the_same_websocket_opens(run: Run) -> None:
    async def scenario() -> None:
        async with (
            websocket_server() as url,
            client_for() as (http, _),
            http.websocket(foreign(url)) as websocket,
        ):
            await websocket.send("a")
            assert await websocket.recv() == "a"

    run(scenario())


@pytest.mark.parametrize("way", WAYS)
def test_a_protected_host_gets_nothing_and_the_option_is_named(run: Run, way: Way) -> None:
    async def scenario() -> None:
        async with client_for("https://www.shop.example/", targets=TARGETS) as (http, owner):
            with pytest.raises(ConfigurationError, match="load on it needs --load-allow PROD") as caught:
                await way(http, "https://ann:secret@www.shop.example/?key=secret")
            assert str(caught.value).startswith(PROTECTED)
            assert "secret" not in str(caught.value)
            assert owner.ended_by is caught.value

    run(scenario())


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_to_a_foreign_host_is_not_followed(run: Run, status: int, follow: bool) -> None:
    """Its answer is recorded: it did come."""

    async def scenario() -> None:
        async with serving(answering(answer())) as other:
            redirect = answer(b"", f"{status} Elsewhere", f"Location: {foreign(other.url)}/x")
            async with (
                serving(answering(redirect)) as server,
                client_for(server.url, targets=TARGETS) as (http, owner),
            ):
                if follow:
                    with pytest.raises(ConfigurationError, match=UNKNOWN):
                        await http.get("/", follow_redirects=True)
                else:
                    assert (await http.get("/")).status_code == status
                assert owner.recorder.outcomes == [Outcome.OK]
                assert (owner.ended_by is not None) is follow
            assert other.connections == 0

    run(scenario())


@pytest.mark.parametrize("scheme", ["http", "https", "ws"])
def test_a_foreign_proxy_gets_nothing(run: Run, scheme: str) -> None:
    """Also when the target is allowed: the proxy would get all that is meant for it."""

    async def scenario() -> None:
        async with (
            serving(answering(answer())) as proxy,
            client_for(proxy=foreign(proxy.url), targets=TARGETS) as (http, owner),
        ):
            way = _websocket if scheme == "ws" else _get
            with pytest.raises(ConfigurationError) as caught:
                await way(http, f"{scheme}://dev.shop.example/")
            sent_to = f"{scheme.replace('ws', 'http')}://dev.shop.example"
            reason = f"nothing is sent to {sent_to}: through the proxy {foreign(proxy.url)}: {UNKNOWN}"
            assert str(caught.value).startswith(reason)
            assert owner.ended_by is caught.value
            assert proxy.connections == 0

    run(scenario())


@pytest.mark.parametrize("scheme", ["http", "https", "ws"])
def test_an_allowed_proxy_is_not_asked_for_a_foreign_target(run: Run, scheme: str) -> None:
    targets = Targets.of("DEV", {**ENVIRONMENTS, "DEV": {**ENVIRONMENTS["DEV"], "allowed_hosts": [FOREIGN]}})

    async def scenario() -> None:
        async with (
            serving(answering(answer())) as proxy,
            client_for(proxy=foreign(proxy.url), targets=targets) as (http, _),
        ):
            way = _websocket if scheme == "ws" else _get
            with pytest.raises(ConfigurationError, match="--load-allow PROD"):
                await way(http, f"{scheme}://www.shop.example/")
            assert proxy.connections == 0
            assert (await http.get("http://dev.shop.example/")).status_code == 200, "asked for at the proxy"
            assert proxy.connections == 1

    run(scenario())


def test_a_unix_socket_is_this_machine_whatever_the_urls_say(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = str(tmp_path / "s")
        async with (
            serving(answering(answer()), unix_socket=path),
            client_for(unix_socket=path, targets=TARGETS) as (http, owner),
        ):
            assert (await http.get("http://www.shop.example/")).status_code == 200
            assert owner.ended_by is None

    run(scenario())


def test_rules_are_asked_once_for_an_origin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        asked: list[str] = []
        refusal = Targets.refusal

        def counted(self: Targets, host: str) -> str | None:
            asked.append(host)
            return refusal(self, host)

        monkeypatch.setattr(Targets, "refusal", counted)
        async with (
            serving(answering(answer())) as server,
            client_for(server.url, targets=TARGETS) as (http, owner),
        ):
            for n in range(5):
                await http.get(f"/items/{n}")
                await http.get(server.url + "/absolute", params={"n": n})
                with pytest.raises(ConfigurationError):
                    await http.get(foreign(server.url))
            assert asked == ["127.0.0.1", FOREIGN]
            assert len(owner.recorder.requests) == 10

    run(scenario())


# -- httpx_client -------------------------------------------------------------------------------------


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("hooks", [False, True], ids=["short way", "httpx's way"])
def test_httpx_client(run: Run, http2: bool, hooks: bool) -> None:
    async def no_hook(_: object) -> None:
        """Has httpx take its long way."""

    options: dict[str, Any] = {"event_hooks": {"request": [no_hook]}} if hooks else {}

    async def scenario() -> None:
        async with serving(answering(answer())) as server:
            url = foreign(server.url)
            async with httpx_client_for(server.url, {"http2": http2, **options}, targets=TARGETS) as both:
                client, owner = both
                owner.start_delay_ns = 7
                await check_that_it_is_refused(client.get(url), owner, url)
                await check_that_it_is_refused(client.post(url, json={}), owner, url)
                await check_that_it_is_refused(streamed(client, url), owner, url)
                request = client.build_request("GET", url)  # building alone sends nothing
                await check_that_it_is_refused(client.send(request), owner, url)
                client.base_url = httpx.URL(url)
                await check_that_it_is_refused(client.get("/path"), owner, url)
                assert (owner.recorder.requests, owner.recorder.samples) == ([], [])
                assert (await client.get(server.url)).status_code == 200
            assert server.connections == 1

    run(scenario())


async def streamed(client: httpx.AsyncClient, url: str) -> None:
    async with client.stream("GET", url) as response:
        await response.aread()


async def check_that_it_is_refused(sent: Awaitable[object], owner: FakeOwner, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await sent
    assert str(caught.value).startswith(f"nothing is sent to {url}: {UNKNOWN}")
    assert owner.ended_by is caught.value


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("follow", [True, False])
def test_a_redirect_of_httpx_client(run: Run, http2: bool, follow: bool) -> None:
    async def scenario() -> None:
        async with serving(answering(answer())) as other:
            redirect = answer(b"", "302 Elsewhere", f"Location: {foreign(other.url)}/x")
            async with (
                serving(answering(redirect)) as server,
                httpx_client_for(server.url, {"http2": http2}, targets=TARGETS) as (client, owner),
            ):
                if follow:
                    with pytest.raises(ConfigurationError, match=UNKNOWN):
                        await client.get("/", follow_redirects=True)
                else:
                    response = await client.get("/")
                    assert response.next_request is not None, "it is known, though it may not be sent"
                assert owner.recorder.outcomes == [Outcome.OK]
                assert (owner.ended_by is not None) is follow
            assert other.connections == 0

    run(scenario())


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_a_foreign_proxy_of_httpx_client_gets_nothing(run: Run, http2: bool) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer())) as proxy,
            httpx_client_for(options={"http2": http2}, proxy=foreign(proxy.url), targets=TARGETS) as (
                client,
                _,
            ),
        ):
            for scheme in ("http", "https"):
                with pytest.raises(ConfigurationError, match=f"through the proxy http://{FOREIGN}"):
                    await client.get(f"{scheme}://dev.shop.example/")
            assert proxy.connections == 0

    run(scenario())


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_the_proxy_of_httpx_client(run: Run, http2: bool) -> None:
    async def scenario() -> None:
        async with (
            serving(answering(answer())) as proxy,
            httpx_client_for(options={"http2": http2}, proxy=proxy.url, targets=TARGETS) as (client, owner),
        ):
            for scheme in ("http", "https"):
                with pytest.raises(ConfigurationError, match="--load-allow PROD"):
                    await client.get(f"{scheme}://www.shop.example/")
            assert owner.recorder.requests == []
            assert proxy.connections == 0

    run(scenario())


# -- what comes first ---------------------------------------------------------------------------------


def test_mistakes_of_the_request_itself_are_told_first(run: Run) -> None:
    async def scenario() -> None:
        async with client_for(targets=TARGETS) as (http, owner):
            with pytest.raises(httpx.UnsupportedProtocol):
                await http.get("ftp://www.shop.example/")
            with pytest.raises(httpx.InvalidURL):
                await http.get("http://www.shop.example:99999/")
            with pytest.raises(MisuseError):
                await _with_websocket_field(http)
            assert owner.ended_by is None

    run(scenario())


async def _with_websocket_field(http: Client) -> None:
    headers = {"Sec-WebSocket-Key": "x"}
    async with http.websocket("ws://127.0.0.1:1/", headers=headers):
        pass


def test_many_at_once_are_all_refused(run: Run) -> None:
    async def scenario() -> None:
        async with client_for(targets=TARGETS) as (http, owner):
            calls = (http.get(f"https://www.shop.example/{n}") for n in range(20))
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert [str(error).startswith(PROTECTED) for error in errors] == [True] * 20
            assert owner.recorder.requests == []

    run(scenario())


def test_an_international_name_is_compared_as_it_is_requested(run: Run) -> None:
    async def scenario(server: Server) -> None:
        targets = Targets.of("DEV", {"DEV": {"allowed_hosts": ["bücher.example"]}})
        async with client_for(proxy=server.url, targets=targets) as (http, _):
            for url in ("http://bücher.example", "http://BÜCHER.example", "http://xn--bcher-kva.example."):
                assert (await http.get(url)).status_code == 200
            with pytest.raises(ConfigurationError, match=r"'xn--bche-0ra\.example' is in no configured"):
                await http.get("http://büche.example")

    async def main() -> None:
        async with serving(answering(answer())) as server:
            await scenario(server)

    run(main())
