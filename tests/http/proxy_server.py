"""A real HTTP proxy on loopback, for our client and for httpx: it tunnels, forwards, keeps what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.http.servers import Peer, Seen, answer, serving

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ProxyServer:
    """`requests` are those made to the proxy: a tunnel is one, whatever went through it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Seen] = []
        self.connections = 0

    @property
    def netloc(self) -> str:
        return self.url.removeprefix("http://")

    def with_password(self, userinfo: str) -> str:
        return f"http://{userinfo}@{self.netloc}"


@asynccontextmanager
async def proxying(
    *, connect_answer: bytes = ESTABLISHED, token: str | None = None
) -> AsyncIterator[ProxyServer]:
    """CONNECT gets `connect_answer`, and a tunnel if that ends so; without `token`, if any, a 407."""
    proxy = ProxyServer("")

    async def behave(peer: Peer) -> None:
        proxy.connections += 1
        async with AsyncExitStack() as stack:
            upstreams: dict[str, asyncio.StreamWriter] = {}
            while True:
                seen = await peer.request()
                proxy.requests.append(seen)
                if token is not None and seen.header("proxy-authorization") != f"Basic {token}":
                    fields = 'Proxy-Authenticate: Basic realm="proxy"'
                    await peer.send(answer(b"no", "407 Proxy Authentication Required", fields))
                elif seen.method == "CONNECT":
                    await peer.send(connect_answer)
                    if connect_answer.endswith(ESTABLISHED):
                        await _tunnel(peer, *await asyncio.open_connection(*_host_and_port(seen.target)))
                    return
                else:
                    netloc = urlsplit(seen.target).netloc
                    if netloc not in upstreams:
                        upstreams[netloc] = await stack.enter_async_context(_upstream(netloc, peer))
                    upstreams[netloc].write(_as_origin_form(seen))

    async with serving(behave) as server:
        proxy.url = server.url
        yield proxy


def _host_and_port(authority: str) -> tuple[str, int]:
    host, _, port = authority.rpartition(":")
    return host.strip("[]"), int(port or 80)


async def _tunnel(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one of both sides has closed."""
    pumps = [
        asyncio.create_task(_pump(peer.reader, writer)),
        asyncio.create_task(_pump(reader, peer.writer)),
    ]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(writer, *pumps)


async def _end(writer: asyncio.StreamWriter, *pumps: asyncio.Task[None]) -> None:
    """Closes first: the waiting may be cancelled."""
    writer.close()
    for pump in pumps:
        pump.cancel()
    await asyncio.gather(*pumps, return_exceptions=True)
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()


@asynccontextmanager
async def _upstream(netloc: str, peer: Peer) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection to the target; what it answers is passed on as it comes."""
    split = urlsplit(f"//{netloc}")
    reader, writer = await asyncio.open_connection(split.hostname, split.port or 80)
    pump = asyncio.create_task(_pump(reader, peer.writer))
    try:
        yield writer
    finally:
        await _end(writer, pump)


def _as_origin_form(seen: Seen) -> bytes:
    """The request as the target is to see it: without what was for the proxy."""
    target = seen.target.removeprefix("http://" + urlsplit(seen.target).netloc) or "/"
    lines = [f"{seen.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in seen.headers if not name.lower().startswith("proxy-")]
    body = seen.body
    if seen.header("transfer-encoding") == "chunked":
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
