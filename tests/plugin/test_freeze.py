"""A real server that stands still for 2 s: what the open model and the closed model make of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.conftest import Project

SERVER = Path(__file__).with_name("known_latency_server.py")


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """Its address and its process; half of its answers take 20 ms, the slowest 150 ms."""
    with subprocess.Popen([sys.executable, SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid
        process.kill()


LOAD = """
import asyncio, os, signal, statistics, time

took = []

def freeze():  # for 2 s
    os.kill({pid}, signal.SIGSTOP)
    asyncio.get_running_loop().call_later(2, os.kill, {pid}, signal.SIGCONT)

async def ask(http, vu):
    if vu.id == 1 and vu.iteration == 0:
        asyncio.get_running_loop().call_later(8, freeze)
    began = time.perf_counter()
    await http.get("{url}/", name="answer")
    took.append(time.perf_counter() - began)
"""
OPEN = """
def test_freeze(load):
    arriving = load(ask, rate="200/s", duration="20s")
    assert arriving.count == 4000
    assert arriving.p99 > 1 > arriving.p50
    assert arriving.stall_share is None
"""
CLOSED = """
def test_freeze(load):
    users = load(ask, vus=10, duration="20s")
    assert users.count > 2000
    assert users.p99 < 1  # 10 of some thousand requests were slow
    assert users.max > 1.5
    stalled = sum(each for each in took if each > 10 * statistics.median(took))
    assert users.stall_share == pytest.approx(stalled / (10 * 20), abs=0.02)
    assert users.stall_share > 0.08  # but all users stood still for 2 of 20 s
    assert any("stall" in remark for remark in users.remarks), users.remarks

    finished = users.requests["answer"].timeline.finished
    assert min(finished[8:12]) < 20 < statistics.median(finished)  # second by second
"""


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(OPEN, id="in the open model's p99"),
        pytest.param(CLOSED, id="in the closed model's stall share"),
    ],
)
def test_a_server_that_is_frozen_shows(project: Project, server: tuple[str, int], test: str) -> None:
    url, pid = server
    project.write(LOAD.format(url=url, pid=pid) + test)
    project.run_subprocess().assert_outcomes(passed=1)
