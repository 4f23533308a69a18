"""The line that blocks the event loop is found: real loops, real blocks."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from pytest_loadtest.core.generator import BlockedPlace
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.engine.blocking import BLOCKED_NS, BlockWatch
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, closed

S = 1_000_000_000
MS = 1_000_000
# Four times the shortest that tells: the thread that watches may get its turn late on a busy machine.
BLOCK_S = 0.4
HERE = Path(__file__)

Blocks = dict[str, BlockedPlace]


def blocks_of(body: Callable[[VirtualUser], Any], counts: list[int], iterations: int = 2) -> Blocks:
    """Where a load of one user was blocked, with these numbers of blocks. A machine that stands still blocks
    any line, or keeps the thread that watches from seeing a block: then the load is run once more.
    """
    for _ in range(3):
        blocked = blocked_by(body, iterations)
        if [block.count for block in blocked.values()] == counts:
            break
    return blocked


def blocked_by(body: Callable[[VirtualUser], Any], iterations: int) -> Blocks:
    """Where a load of one user was blocked, on uvloop."""
    shape = closed(1, 60, iterations=iterations)
    load = Load(shape, body)
    load.loop.close()
    recorder = Recorder(S)
    run = LoadRun(shape, load, recorder, probe=GeneratorProbe())
    uvloop.run(run.run())
    return recorder.metrics.generator.blocked


def last_line_of(body: Callable[[VirtualUser], Any]) -> tuple[int, str]:
    """Its number and its source."""
    lines, first = inspect.getsourcelines(body)
    return first + len(lines) - 1, lines[-1].strip()


async def sleeps_async(vu: VirtualUser) -> None:
    await asyncio.sleep(0.01)
    time.sleep(BLOCK_S)  # noqa: ASYNC251 - what is to be found


def sleeps_in_greenlet(vu: VirtualUser) -> None:
    vu.think(0.01)
    time.sleep(BLOCK_S)


async def computes(vu: VirtualUser) -> None:
    await asyncio.sleep(0.01)
    until = time.thread_time() + BLOCK_S  # of the CPU: nobody is blamed for a time that others had it
    while time.thread_time() < until: inspect.cleandoc("a\n  b\n  c")  # fmt: skip # noqa: E701


async def waits_in_a_library(vu: VirtualUser) -> None:
    await asyncio.sleep(0.01)
    threading.Event().wait(BLOCK_S)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(sleeps_async, id="in a coroutine"),
        pytest.param(sleeps_in_greenlet, id="in a sync body"),
        pytest.param(computes, id="computing, with a library's help"),
        pytest.param(waits_in_a_library, id="a library that waits is the line that calls it"),
    ],
)
def test_the_line_is_named_with_how_often_and_how_long(body: Callable[[VirtualUser], Any]) -> None:
    blocked = blocks_of(body, [2])
    (place,) = blocked
    line, code = last_line_of(body)
    assert place == f"{HERE.relative_to(Path.cwd())}:{line} ({code[:60]})"
    assert blocked[place].count == 2
    assert 100 * MS <= blocked[place].longest_ns < 20 * S


def test_what_is_short_or_waits_properly_is_not_blocking() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(0.2)
        time.sleep(0.01)  # noqa: ASYNC251 - short enough

    assert blocks_of(body, []) == {}


def test_a_block_to_the_very_end_is_found_though_the_loop_never_reads_again() -> None:
    async def body(vu: VirtualUser) -> None:
        time.sleep(BLOCK_S)  # noqa: ASYNC251 - what is to be found

    assert [block.count for block in blocks_of(body, [1], iterations=1).values()] == [1]


def test_the_words_of_the_loop_decide_and_a_stale_sight_is_dropped() -> None:
    watch = BlockWatch(lambda: 0)
    watch._caught = 5, ("nowhere.py", 1)
    watch.moved_on(6, S, 0)
    assert dict(watch.places()) == {}
    watch._caught = 7, ("nowhere.py", 1)
    watch.moved_on(7, S, 0)
    watch.moved_on(7, 9 * S, 0)
    assert dict(watch.places()) == {"nowhere.py:1": BlockedPlace(1, S)}


def test_a_line_is_not_blamed_while_others_had_the_cpu() -> None:
    watch = BlockWatch(lambda: 0)
    for waited_ns in (S, S - BLOCKED_NS + 1):
        watch._caught = 7, ("innocent.py", 1)
        watch.moved_on(7, S, waited_ns)
    assert dict(watch.places()) == {}
    watch._caught = 7, ("guilty.py", 1)
    watch.moved_on(7, S, S - BLOCKED_NS)
    assert dict(watch.places()) == {"guilty.py:1": BlockedPlace(1, S)}


def test_a_line_with_a_secret_does_not_show_it(tmp_path: Path) -> None:
    source = tmp_path / "secret.py"
    source.write_text('get(url, token="abcdefgh12345")\n')
    watch = BlockWatch(lambda: 0)
    watch._caught = 7, (str(source), 1)
    watch.moved_on(7, S, 0)
    ((place, _),) = watch.places()
    assert place.startswith(f"{source}:1 (get(url")
    assert "abcdefgh12345" not in place
