"""A proxy that makes no tunnel, or a bad one: whose fault it is, its kind, and how long it may take."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest
import trustme

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.settings import SECOND_NS
from tests.http.conftest import Run, client_for
from tests.http.proxy_server import ESTABLISHED, proxying
from tests.http.servers import Behaviour, Peer, answer, answering, serving
from tests.http.tls_contexts import tls_target, trusting
from tests.ports import free_port

USERINFO = "tester:pa%20ss-w0rd-of-proxy"
TOKEN = base64.b64encode(b"tester:pa ss-w0rd-of-proxy").decode()


USERINFO = "tester:pa%20ss-w0rd-of-proxy"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def refusing(data: bytes, *, closes: bool = True) -> Behaviour:
    """A proxy that answers so to everything."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        if not closes:
            await peer.reader.read()

    return behave


async def resetting(peer: Peer) -> None:
    await peer.request()
    peer.reset()


BIG = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000
REFUSALS: list[tuple[str, Behaviour, Outcome, type[Exception], str]] = [
    ("asks who is there", refusing(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
     Outcome.REFUSED, httpx.ProxyError, "connection refused: it answered CONNECT with 407 Proxy"),
    ("forbids it", refusing(answer(b"<html>no</html>", "403 Forbidden")),
     Outcome.REFUSED, httpx.ProxyError, "it answered CONNECT with 403 Forbidden"),
    ("cannot reach the target", refusing(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
     Outcome.UNREACHABLE, httpx.ProxyError, "host unreachable: it answered CONNECT with 502 Bad Gateway"),
    ("waits in vain for the target", refusing(b"HTTP/1.0 504\r\n\r\n"),
     Outcome.UNREACHABLE, httpx.ProxyError, "it answered CONNECT with 504"),
    ("redirects", refusing(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"),
     Outcome.REFUSED, httpx.ProxyError, "302 Found"),
    ("says more than that it is connected", refusing(ESTABLISHED + b"hello"),
     Outcome.PROTOCOL, httpx.RemoteProtocolError, "bytes after its answer to CONNECT"),
    ("has a body", refusing(answer(b"x", "200 OK")),
     Outcome.PROTOCOL, httpx.RemoteProtocolError, "bytes after its answer to CONNECT"),
    ("has a chunked body", refusing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     Outcome.PROTOCOL, httpx.RemoteProtocolError, "bytes after its answer to CONNECT"),
    ("answers twice", refusing(b"HTTP/1.1 204 None\r\n\r\n" + ESTABLISHED),
     Outcome.PROTOCOL, httpx.RemoteProtocolError, "bytes after its answer to CONNECT"),
    ("switches protocols", refusing(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
     Outcome.PROTOCOL, httpx.RemoteProtocolError, "not valid HTTP"),
    ("speaks no HTTP", refusing(b"SSH-2.0-OpenSSH_9.6\r\n", closes=False),
     Outcome.PROTOCOL, httpx.RemoteProtocolError, "not valid HTTP"),
    ("has an endless header", refusing(BIG, closes=False),
     Outcome.TOO_LARGE, httpx.RemoteProtocolError, "over 65536 bytes"),
    ("has a large header", refusing(BIG + b"\r\n\r\n", closes=False),
     Outcome.TOO_LARGE, httpx.RemoteProtocolError, "over 65536 bytes"),
    ("closes in its answer", refusing(b"HTTP/1.1 200 O"),
     Outcome.CLOSED, httpx.RemoteProtocolError, "closed before the whole answer to CONNECT"),
    ("closes without an answer", refusing(b""),
     Outcome.CLOSED, httpx.RemoteProtocolError, "closed before the whole answer to CONNECT"),
    ("resets", resetting, Outcome.RESET, httpx.ReadError, "connection reset"),
    ("connects to what speaks no TLS", refusing(ESTABLISHED),
     Outcome.TLS, httpx.ConnectError, "TLS handshake failed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("behaviour", "outcome", "error", "phrase"),
    [pytest.param(*row[1:], id=row[0]) for row in REFUSALS],
)
def test_a_proxy_that(
    behaviour: Behaviour, outcome: Outcome, error: type[Exception], phrase: str, run: Run
) -> None:
    """Counted under its kind; said to be the proxy, unless it is what is behind; the next request goes on."""

    async def scenario() -> None:
        async with serving(behaviour) as proxy, serving(answering(answer())) as sane:
            settings: dict[str, Any] = {"proxy": proxy.url, "no_proxy": ("127.0.0.1",)}
            async with client_for(**settings) as (http, owner):
                with pytest.raises(error) as caught:
                    await http.get("https://target.example/x")
                assert phrase in str(caught.value)
                assert str(caught.value).endswith(": https://target.example/x")
                assert (f"proxy {proxy.url}: " in str(caught.value)) is (outcome is not Outcome.TLS)
                assert owner.recorder.outcomes == [outcome]
                assert (await http.get(sane.url)).status_code == 200

    run(scenario())


def test_an_interim_answer_of_the_proxy_is_passed_over(authority: trustme.CA, run: Run) -> None:
    async def scenario() -> None:
        interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        async with (
            tls_target(authority, []) as server,
            proxying(connect_answer=interim + ESTABLISHED) as proxy,
            client_for(proxy=proxy.url, verify=trusting(authority)) as (http, _),
        ):
            assert (await http.get(server.url)).text == "ok"

    run(scenario())


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.reader.read()


async def dripping(peer: Peer) -> None:
    await peer.request()
    while True:
        await peer.send(b"HTTP/1.1 200 OK\r\nX: "[:1])
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("behaviour", [silent, dripping])
def test_the_tunnel_is_bounded_by_the_connect_timeout(behaviour: Behaviour, run: Run) -> None:
    async def scenario() -> None:
        async with serving(behaviour) as proxy:
            settings: dict[str, Any] = {"proxy": proxy.url, "connect_timeout_ns": SECOND_NS // 5}
            async with client_for(**settings) as (http, owner):
                with pytest.raises((httpx.ConnectTimeout, httpx.RemoteProtocolError)) as caught:
                    await http.get("https://target.example/")
                assert f"proxy {proxy.url}: " in str(caught.value)
                if behaviour is silent:
                    assert owner.recorder.outcomes == [Outcome.CONNECT_TIMEOUT]

    run(scenario())


def test_a_cancelled_tunnel_leaves_no_socket(run: Run) -> None:
    async def scenario() -> None:
        closed = asyncio.Event()
        asked = asyncio.Event()

        async def behave(peer: Peer) -> None:
            await peer.request()
            asked.set()
            await peer.reader.read()
            closed.set()

        async with serving(behave) as proxy, client_for(proxy=proxy.url) as (http, owner):
            request = asyncio.create_task(http.get("https://target.example/"))
            await asked.wait()
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            await closed.wait()
            assert owner.recorder.outcomes == [Outcome.CANCELLED]

    run(scenario())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named(scheme: str, run: Run) -> None:
    async def scenario() -> None:
        port = free_port()
        url = f"http://{USERINFO}@127.0.0.1:{port}"
        async with client_for(proxy=url) as (http, owner):
            with pytest.raises(httpx.ConnectError) as caught:
                await http.get(f"{scheme}://target.example/x")
            assert str(caught.value) == (
                f"proxy http://127.0.0.1:{port}: connection refused: {scheme}://target.example/x"
            )
            assert owner.recorder.outcomes == [Outcome.REFUSED]

    run(scenario())
