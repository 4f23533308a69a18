"""Reference: the least Python that does the iteration's work on httptools and uvloop: the machine's speed.

A time-out per request, a parsed response, JSON, two checks and a recorded latency; no redirects, cookies,
decoding, pools or error handling: what a load test tool adds to this is its cost.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast
from urllib.parse import urlencode, urlsplit

import httptools
import uvloop

from benchmarks.load_scripts.tally import NAME, PATH, QUERY, URL, VUS, Tally

TIMEOUT_SECONDS = 60


class Connection(asyncio.Protocol):
    """One connection: a request out, one response in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._response: asyncio.Future[None] | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.finished_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.WriteTransport", transport).write

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.finished_ns = time.perf_counter_ns()
        if self._response is not None and not self._response.done():
            self._response.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self._response is not None and not self._response.done():
            self._response.set_exception(error or ConnectionError("closed by the server"))

    async def exchange(self, request: bytes) -> int:
        """Sends the request, waits for the whole response, returns its status."""
        self.headers = []
        self.body = bytearray()
        response = self._response = self._loop.create_future()
        self._write(request)
        timeout = self._loop.call_later(TIMEOUT_SECONDS, response.cancel)
        await response
        timeout.cancel()
        status: int = self._parser.get_status_code()
        return status


async def virtual_user(tally: Tally) -> None:
    host = urlsplit(URL)
    assert host.hostname is not None
    assert host.port is not None
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, host.hostname, host.port)
    accepts = "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
    headers = f"Host: {host.netloc}\r\nUser-Agent: bare\r\n{accepts}\r\n"

    async def iteration() -> None:
        request = f"GET {PATH}?{urlencode(QUERY)} HTTP/1.1\r\n{headers}".encode()
        started_ns = time.perf_counter_ns()
        status = await connection.exchange(request)
        tally.record(NAME, connection.finished_ns - started_ns)
        tally.judge(status, bytes(connection.body))

    await tally.run(iteration)


async def main() -> None:
    tally = Tally()
    await asyncio.gather(*(virtual_user(tally) for _ in range(VUS)))
    tally.report()


if __name__ == "__main__":
    uvloop.run(main())
