"""An HTTP server in a process of its own whose latencies are known, because it times each answer itself.

Prints its port. Answers after delays of a fixed pattern; the body of an answer is the time in ns, by the
server's clock, from the first byte of the request that it read to the write of the answer.
"""

from __future__ import annotations

import asyncio
import itertools
from time import perf_counter_ns

# Of 50 answers 45 take 20 ms, 4 take 60 ms, 1 takes 150 ms: p50, p95 and p99 lie well inside of a level.
PATTERN_S = (0.02,) * 45 + (0.06,) * 4 + (0.15,)
delays = itertools.cycle(PATTERN_S)


class Answering(asyncio.Protocol):
    """One connection: one request at a time, without a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""
        self._first_byte_ns = 0

    def data_received(self, data: bytes) -> None:
        if not self._received:
            self._first_byte_ns = perf_counter_ns()
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            self._received = b""
            asyncio.get_running_loop().call_later(next(delays), self._answer)

    def _answer(self) -> None:
        took = str(perf_counter_ns() - self._first_byte_ns).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
        self._transport.write(head + str(len(took)).encode() + b"\r\n\r\n" + took)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
