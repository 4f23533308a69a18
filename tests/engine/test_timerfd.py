"""The kernel's timers: on time, on every event loop, and no descriptor left open."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import pytest
import uvloop

from pytest_loadtest.engine import timerfd
from pytest_loadtest.engine.timerfd import TimerFd, is_supported, open_timer

MS = 1_000_000

needs_timerfd = pytest.mark.skipif(not is_supported(), reason="only Linux has timerfd")


def open_timers() -> int:
    """How many of this process's descriptors are timers."""
    links = list(Path("/proc/self/fd").iterdir())  # one is of the listing itself, and gone
    return sum(link.is_symlink() and "timerfd" in str(link.readlink()) for link in links)


async def readings(moments: list[int]) -> list[int]:
    """How late the loop reads a timer armed for each of these, in ns from now, one after the other."""
    loop, late = asyncio.get_running_loop(), []
    with TimerFd() as timer:
        fired = asyncio.Event()

        def fire() -> None:
            timer.acknowledge()
            fired.set()

        loop.add_reader(timer.fileno(), fire)
        for moment_ns in moments:
            due = perf_counter_ns() + moment_ns
            timer.arm(due)
            fired.clear()
            await fired.wait()
            late.append(perf_counter_ns() - due)
        loop.remove_reader(timer.fileno())
    return late


@needs_timerfd
@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_it_fires_in_time_and_never_early(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    before = open_timers()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        late = runner.run(readings([n * 137_911 for n in range(40)]))
    assert min(late) >= 0
    assert sorted(late)[4] < 20 * MS  # the machine may be busy, but not each time
    assert open_timers() == before


@needs_timerfd
def test_a_moment_that_is_past_fires_at_once() -> None:
    (late,) = uvloop.run(readings([-50 * MS]))
    assert late >= 50 * MS


@needs_timerfd
def test_arming_again_takes_back_an_expiry() -> None:
    with TimerFd() as timer:
        timer.arm(1)
        assert os.read(timer.fileno(), 8) == (1).to_bytes(8, "little")
        timer.arm(1)
        timer.arm(perf_counter_ns() + 3600 * 1000 * MS)
        with pytest.raises(BlockingIOError):
            os.read(timer.fileno(), 8)
        timer.acknowledge()  # which may come when there is nothing
        timer.arm(1)
        timer.acknowledge()
        with pytest.raises(BlockingIOError):
            os.read(timer.fileno(), 8)


@needs_timerfd
def test_closing_gives_the_descriptor_back_once() -> None:
    timer = TimerFd()
    assert repr(timer) == f"<TimerFd {timer.fileno()}>"
    assert Path(f"/proc/self/fd/{timer.fileno()}").exists()
    timer.close()
    timer.close()
    assert (timer.fileno(), repr(timer)) == (-1, "<TimerFd closed>")
    with pytest.raises(OSError, match="Bad file descriptor"):
        timer.arm(1)


@pytest.mark.parametrize("lacking", ["another clock", "another system", "no descriptors"])
def test_where_there_is_none_the_answer_is_none(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: int) -> int:
        raise OSError(24, "Too many open files")

    if lacking == "another clock":
        assert open_timer(time.monotonic_ns) is None
        return
    if lacking == "another system":
        monkeypatch.setattr(timerfd, "is_supported", lambda: False)
    else:
        monkeypatch.setattr(timerfd, "TimerFd", fails)
    assert open_timer() is None
