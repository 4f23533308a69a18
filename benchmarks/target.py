"""The server under load: one nginx worker of our own on one core, and its own count of what it served.

Owns nginx's configuration, its start, stop and counters. Must not know who sends the load.
"""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

TARGET_PATH = "/api/store/agents"
TARGET_QUERY = "page=1&page_size=20"
BODY = (
    '{"agents":[{"slug":"mail-sorter","creator_username":"ada","rating":4.5},'
    '{"slug":"invoice-reader","creator_username":"grace","rating":4.8}],"pagination":{"page":1,"total":2}}'
)

# Connections nginx accepts: 2000 idle virtual users, with room for the counters and reconnects.
WORKER_CONNECTIONS = 4096
START_TIMEOUT_SECONDS = 10
STOP_TIMEOUT_SECONDS = 5
START_ATTEMPTS = 3  # a free port can be taken by another process between our asking for it and nginx's bind

CONFIGURATION = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {nofile};
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections {connections}; multi_accept on; }}
http {{
    access_log off;
    default_type application/json;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /stub_status {{ stub_status; }}
        location = {path} {{ return 200 '{body}'; }}
    }}
}}
"""


class TargetError(Exception):
    """nginx is not installed, does not start or does not answer."""


@dataclass(frozen=True)
class Counters:
    """nginx's own counters; our readings of them are taken out of `requests`."""

    requests: int
    active_connections: int


@dataclass(frozen=True)
class Target:
    """A running nginx."""

    port: int
    pid: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{TARGET_PATH}?{TARGET_QUERY}"


class CounterReader:
    """Reads the counters over one kept-alive connection, which it subtracts from what it reports."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        self._first_count: int | None = None
        self._readings = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def read(self) -> Counters:
        """Requests served to others since this reader's first reading, and connections others hold open."""
        self._connection.request("GET", "/stub_status")
        active, requests = parse_stub_status(self._connection.getresponse().read().decode())
        if self._first_count is None:
            self._first_count = requests
        else:
            self._readings += 1
        return Counters(requests - self._first_count - self._readings, active - 1)


def parse_stub_status(text: str) -> tuple[int, int]:
    """(active connections, requests) of a stub_status page."""
    active = re.search(r"Active connections:\s*(\d+)", text)
    counts = re.search(r"^\s*(\d+)\s+(\d+)\s+(\d+)\s*$", text, re.MULTILINE)
    if active is None or counts is None:
        raise TargetError(f"not a stub_status page: {text[:200]!r}")
    return int(active[1]), int(counts[3])


@contextmanager
def running_target(core: int) -> Iterator[Target]:
    """nginx on `core`, answering until the block ends."""
    if shutil.which("nginx") is None:
        raise TargetError("nginx is not installed: apt-get install nginx")
    with tempfile.TemporaryDirectory(prefix="loadtest-nginx-") as folder:
        process, port = _start(Path(folder), core)
        try:
            yield Target(port, process.pid)
        finally:
            _stop(process)


def _start(folder: Path, core: int) -> tuple[subprocess.Popen[bytes], int]:
    for attempt in range(1, START_ATTEMPTS + 1):
        port = _free_port()
        process = _launch(folder, core, port)
        if _answers(process, port):
            return process, port
        _stop(process)
        if attempt == START_ATTEMPTS:
            log = folder / "error.log"
            reason = log.read_text()[-500:] if log.exists() else "it wrote no error log"
            raise TargetError(f"nginx did not start: {reason}")
    raise AssertionError("unreachable: the last attempt returns or raises")


def _launch(folder: Path, core: int, port: int) -> subprocess.Popen[bytes]:
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            connections=WORKER_CONNECTIONS,
            nofile=WORKER_CONNECTIONS + 100,
            port=port,
            path=TARGET_PATH,
            body=BODY,
        )
    )
    pinned = ["taskset", "-c", str(core)]
    nginx = ["nginx", "-e", "error.log", "-p", f"{folder}/", "-c", str(configuration)]
    return subprocess.Popen([*pinned, *nginx], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with CounterReader(port) as counters:
                counters.read()
            return True
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)  # nginx binds within milliseconds; it has no way to tell us
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the master, which ends its worker."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
