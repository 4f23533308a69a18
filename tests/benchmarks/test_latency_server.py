"""The server of known latencies keeps its distribution, answers when it should and tells the truth of it."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import time
from statistics import median
from urllib.parse import urlsplit

import pytest

from benchmarks.latency_server import DECK, deck, truth
from benchmarks.latency_target import LatencyTarget, running_latency_target
from benchmarks.target import TargetError
from pytest_loadtest.engine.timerfd import is_supported

CORE = min(os.sched_getaffinity(0))
REQUEST = b"GET /known HTTP/1.1\r\nHost: localhost\r\n\r\n"
needs_linux = pytest.mark.skipif(
    not is_supported() or shutil.which("taskset") is None, reason="needs Linux's timers and taskset"
)


def address(target: LatencyTarget) -> tuple[str, int]:
    parts = urlsplit(target.origin)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def test_the_delays_are_the_distributions_quantiles() -> None:
    delays = sorted(deck(20, 80))
    assert len(delays) == DECK
    assert median(delays) == pytest.approx(20e6, rel=0.001)
    assert delays[round(0.99 * DECK)] == pytest.approx(80e6, rel=0.01)


def test_they_come_in_no_order_and_in_the_same_each_time() -> None:
    delays = deck(20, 80)
    assert delays == deck(20, 80)
    assert median(delays[:500]) == pytest.approx(20e6, rel=0.2)


def test_a_p99_equal_to_the_median_is_one_delay() -> None:
    assert set(deck(1, 1)) == {1_000_000}


def test_the_truth_is_of_ranks_and_of_nothing_when_there_were_no_answers() -> None:
    assert truth(range(100, 0, -1)) == {"answers": 100, "p50_ns": 50, "p99_ns": 99}
    assert truth([])["answers"] == 0


@needs_linux
def test_it_answers_after_its_delay_and_knows_how_long_it_took() -> None:
    with running_latency_target(CORE, 5, 5) as target:
        connection = http.client.HTTPConnection(*address(target), timeout=30)
        took_ns = []
        for _ in range(5):
            started_ns = time.perf_counter_ns()
            connection.request("GET", "/known")
            assert connection.getresponse().read() == b'{"ok":true}'
            took_ns.append(time.perf_counter_ns() - started_ns)
        connection.close()
        known = target.truth()
    assert known.answers == 5
    assert 5_000_000 <= known.p50_ns < median(took_ns)  # what the client saw has the way there and back
    assert 0 < known.cpu < 1


@needs_linux
def test_a_request_in_parts_is_timed_from_its_last_and_a_client_that_has_gone_stops_nothing() -> None:
    with running_latency_target(CORE, 1, 1) as target:
        with socket.create_connection(address(target), timeout=30) as gone:
            gone.sendall(REQUEST)
        with socket.create_connection(address(target), timeout=30) as client:
            client.sendall(REQUEST[:10])
            assert target.truth().answers <= 1  # it goes on with others meanwhile
            client.sendall(REQUEST[10:])
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        assert target.truth().answers == 2


@needs_linux
def test_a_server_that_does_not_start_is_an_error() -> None:
    with pytest.raises(TargetError, match="did not start"), running_latency_target(CORE, 1, -1):
        pass
