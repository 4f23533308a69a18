"""Receivers on loopback: they keep what comes, and fail when they are told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

PATIENCE_S = 30  # of tests, with what should come at once


class Posted(NamedTuple):
    """A request that came."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class Receiver:
    """An HTTP server that keeps what is posted. `status` is what it answers, `hangs` that it never does."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.status = 200
        self.answer = b""
        self.hangs = False
        self.released = threading.Event()
        self.came = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.posted.append(Posted(self.path, headers, body))
                receiver.came.set()
                if receiver.hangs:
                    receiver.released.wait(PATIENCE_S)
                    self.close_connection = True
                    return
                self.send_response(receiver.status)
                self.send_header("content-length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: object) -> None:
                """Nothing to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}"

    @contextmanager
    def serving(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(PATIENCE_S)


class Datagrams:
    """A UDP socket; `lines` are those of all datagrams that have come."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.port = int(self._socket.getsockname()[1])
        self.datagrams: list[bytes] = []

    @property
    def lines(self) -> list[str]:
        self._read()
        return [line for datagram in self.datagrams for line in datagram.decode().split("\n") if line]

    def _read(self) -> None:
        if not self.datagrams:
            self.datagrams.append(self._socket.recv(65_536))
        self._socket.setblocking(False)
        while True:
            try:
                self.datagrams.append(self._socket.recv(65_536))
            except BlockingIOError:
                break
        self._socket.settimeout(PATIENCE_S)

    def close(self) -> None:
        self._socket.close()
