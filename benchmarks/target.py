"""The server under load: one nginx worker of our own on one core, and its own count of what it served.

Owns nginx's start, stop and counters. What it serves stands in served.py. Must not know who sends the load.
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.served import CertificateError, write_files
from benchmarks.workloads import PLAIN, TARGET_PATH, TARGET_QUERY, WORKLOADS, WORKLOADS_BY_NAME

START_TIMEOUT_SECONDS = 10
STOP_TIMEOUT_SECONDS = 5
START_ATTEMPTS = 3  # a free port can be taken by another process between our asking for it and nginx's bind


class TargetError(Exception):
    """nginx is not installed, does not start or does not answer."""


@dataclass(frozen=True)
class Counters:
    """nginx's own counters; our readings of them are taken out of `requests`."""

    requests: int
    active_connections: int


@dataclass(frozen=True)
class Target:
    """A running nginx: the workloads it serves, each on its own port."""

    ports: Mapping[str, int]
    pid: int

    @property
    def port(self) -> int:
        """Where its counters are, of all workloads together."""
        return self.ports[PLAIN]

    def origin(self, workload: str = PLAIN) -> str:
        return f"{WORKLOADS_BY_NAME[workload].scheme}://127.0.0.1:{self.ports[workload]}"

    def url(self, workload: str) -> str:
        return f"{self.origin(workload)}{TARGET_PATH}?{TARGET_QUERY}"


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


def check_answer(url: str) -> None:
    """Raises TargetError unless the server gives agents there: without this, every generator would fail."""
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE  # the certificate is its own issuer
    try:
        with urllib.request.urlopen(url, timeout=START_TIMEOUT_SECONDS, context=anyone) as answer:
            body = answer.read()
            is_compressed = answer.headers["Content-Encoding"] == "gzip"
        agents = json.loads(gzip.decompress(body) if is_compressed else body)["agents"]
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer too, with its connection
        raise TargetError(f"nginx gives no agents at {url}: {error}") from error
    if not agents:
        raise TargetError(f"nginx gives an empty list at {url}")


@contextmanager
def running_target(core: int, workloads: Collection[str] = (PLAIN,)) -> Iterator[Target]:
    """nginx on `core`, answering until the block ends. PLAIN is always served: the counters are there."""
    if shutil.which("nginx") is None:
        raise TargetError("nginx is not installed: apt-get install nginx")
    served = [workload.name for workload in WORKLOADS if workload.name in {PLAIN, *workloads}]
    with tempfile.TemporaryDirectory(prefix="loadtest-nginx-") as folder:
        process, ports = _start(Path(folder), core, served)
        try:
            target = Target(ports, process.pid)
            for name in served:
                check_answer(target.url(name))
            yield target
        finally:
            _stop(process)


def _start(
    folder: Path, core: int, served: Sequence[str]
) -> tuple[subprocess.Popen[bytes], Mapping[str, int]]:
    for attempt in range(1, START_ATTEMPTS + 1):
        ports = dict(zip(served, _free_ports(len(served)), strict=True))
        process = _launch(folder, core, ports)
        if _answers(process, ports[PLAIN]):
            return process, ports
        _stop(process)
        if attempt == START_ATTEMPTS:
            log = folder / "error.log"
            reason = log.read_text()[-500:] if log.exists() else "it wrote no error log"
            raise TargetError(f"nginx did not start: {reason}")
    raise AssertionError("unreachable: the last attempt returns or raises")


def _launch(folder: Path, core: int, ports: Mapping[str, int]) -> subprocess.Popen[bytes]:
    try:
        configuration = write_files(folder, ports)
    except CertificateError as error:
        raise TargetError(str(error)) from error
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


def _free_ports(count: int) -> list[int]:
    """All bound at once, so that they differ."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
