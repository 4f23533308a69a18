"""`python -m benchmarks.latency_server`: an HTTP server whose latencies are known: it times each itself.

Owns the delays it makes and the truth about them: for each answer the time from the read of the request to
its write, by the server's clock. Prints its port. `GET /truth` tells what it was; any other request is
answered after its delay. No event loop and no HTTP library: what lies between its stamps and the wire would
be taken for the generator's error. Must not know who asks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import select
import socket
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from statistics import NormalDist
from time import perf_counter_ns

from pytest_loadtest.core.histogram import rank_of
from pytest_loadtest.engine.timerfd import TimerFd

# The delays are the quantiles of the distribution in a random order, again and again: each deck has the
# distribution's percentiles exactly, so that a short run is as true to them as a long one.
DECK = 5000
SEED = 20_240_601  # any fixed number: each run has the same delays in the same order
BACKLOG = 4096
LARGEST_REQUEST = 65_536
END_OF_REQUEST = b"\r\n\r\n"
TRUTH_PATH = "/truth"
TRUTH_REQUEST = f"GET {TRUTH_PATH} ".encode()
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency_server", description=__doc__)
    parser.add_argument("--median-ms", type=float, required=True)
    parser.add_argument("--p99-ms", type=float, required=True, help="that of the median: always the same")
    options = parser.parse_args()
    delays = deck(options.median_ms, options.p99_ms)
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener, TimerFd() as timer:
        print(listener.getsockname()[1], flush=True)
        Server(listener, timer, delays).serve()


def deck(median_ms: float, p99_ms: float, size: int = DECK) -> list[int]:
    """A lognormal distribution's quantiles in ns, shuffled."""
    sigma = math.log(p99_ms / median_ms) / NormalDist().inv_cdf(0.99)
    shares = ((number + 0.5) / size for number in range(size))
    delays = [round(median_ms * 1e6 * math.exp(sigma * NormalDist().inv_cdf(share))) for share in shares]
    random.Random(SEED).shuffle(delays)
    return delays


class Connection:
    """A client's connection: one request at a time, without a body."""

    __slots__ = ("received", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.received = b""  # of a request that comes in parts


class Server:
    """One thread: requests in, answers out when they are due, each timed."""

    def __init__(self, listener: socket.socket, timer: TimerFd, delays: Sequence[int]) -> None:
        self._listener = listener
        self._timer = timer
        self._delays: Iterator[int] = itertools.cycle(delays)
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._numbers = itertools.count()
        self._due: list[tuple[int, int, int, Connection]] = []  # when; a number; read when; from whom
        self._took_ns = array("q")
        self._began_ns = self._cpu_then_ns = 0  # with the first request
        self._ended_ns = 0

    def serve(self) -> None:
        """Until the process is ended."""
        self._listener.setblocking(False)
        listener, timer = self._listener.fileno(), self._timer.fileno()
        self._epoll.register(listener, select.EPOLLIN)
        self._epoll.register(timer, select.EPOLLIN)
        while True:
            for number, _ in self._epoll.poll():
                if number == timer:
                    self._timer.acknowledge()
                elif number == listener:
                    self._accept()
                else:
                    self._read(number)
                self._answer_due()
            if self._due:
                self._timer.arm(self._due[0][0])

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[accepted.fileno()] = Connection(accepted)
        self._epoll.register(accepted.fileno(), select.EPOLLIN)

    def _read(self, number: int) -> None:
        now_ns = perf_counter_ns()
        connection = self._connections[number]
        try:
            received = connection.socket.recv(LARGEST_REQUEST)
        except OSError:
            received = b""
        if not received:
            self._connections.pop(number).socket.close()
            return
        request = connection.received + received
        is_whole = request.endswith(END_OF_REQUEST)
        connection.received = b"" if is_whole else request
        if is_whole:
            self._take(connection, now_ns, request)

    def _take(self, connection: Connection, now_ns: int, request: bytes) -> None:
        if request.startswith(TRUTH_REQUEST):
            _send(connection, _json_answer(self._truth()))
            return
        if not self._began_ns:
            self._began_ns, self._cpu_then_ns = now_ns, time.process_time_ns()
        heappush(self._due, (now_ns + next(self._delays), next(self._numbers), now_ns, connection))

    def _answer_due(self) -> None:
        due = self._due
        while due and due[0][0] <= perf_counter_ns():
            _, _, read_ns, connection = heappop(due)
            self._ended_ns = perf_counter_ns()
            self._took_ns.append(self._ended_ns - read_ns)
            _send(connection, ANSWER)

    def _truth(self) -> dict[str, float]:
        """`cpu`: of one core, from the first request to the last answer."""
        wall_ns = self._ended_ns - self._began_ns
        cpu_ns = time.process_time_ns() - self._cpu_then_ns
        return {**truth(self._took_ns), "cpu": cpu_ns / wall_ns if self._took_ns else 0.0}


def _send(connection: Connection, answer: bytes) -> None:
    # A client that has gone, or reads so little that the kernel's buffer is full, waits for no answer.
    with suppress(OSError):
        connection.socket.sendall(answer)


def truth(took_ns: Sequence[int]) -> dict[str, float]:
    """Exact percentiles, by the rule that the measured ones follow."""
    ascending = sorted(took_ns)
    if not ascending:
        return {"answers": 0, "p50_ns": 0, "p99_ns": 0}
    p50, p99 = (ascending[rank_of(share, len(ascending)) - 1] for share in (0.5, 0.99))
    return {"answers": len(ascending), "p50_ns": p50, "p99_ns": p99}


def _json_answer(content: dict[str, float]) -> bytes:
    body = json.dumps(content).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    return head + str(len(body)).encode() + b"\r\n\r\n" + body


if __name__ == "__main__":
    main()
