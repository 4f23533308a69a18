"""The few things that only a real loop and a real clock show: timers, greenlets on uvloop, signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns

import pytest
import uvloop

from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.shape import ClosedShape, Shape
from pytest_loadtest.engine.alarm import Alarm
from pytest_loadtest.engine.ending import Ending, LoadEnd
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.engine.saturation import GeneratorProbe
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, closed, opened

MS, S = 1_000_000, 1_000_000_000
ROOT = Path(__file__).parents[2]


class RealLoad(Load):
    """The same program on uvloop."""

    def __init__(self, shape: Shape, body: object) -> None:
        super().__init__(shape, body)  # type: ignore[arg-type]
        self.loop.close()
        self.recorder = Recorder(100 * MS, open_model=shape.has_schedule)
        self.run = LoadRun(shape, self, self.recorder, probe=GeneratorProbe())

    def go(self) -> LoadEnd:
        async def main() -> LoadEnd:
            end = await self.run.run()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return end

        return uvloop.run(main())


def test_nothing_starts_before_its_time() -> None:
    async def main() -> list[int]:
        clock = LoadClock(perf_counter_ns)
        clock.start()
        early = []
        for n in range(100):
            moment = n * 700_123  # no whole milliseconds, which are the ticks of the loop's own clock
            await clock.sleep_until(moment)
            early.append(min(0, clock.elapsed_ns() - moment))
        return early

    assert uvloop.run(main()) == [0] * 100


@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_an_alarm_wakes_in_time_and_not_before(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def sleepers() -> list[int]:
        clock = LoadClock(perf_counter_ns)
        clock.start()
        late: list[int] = []

        async def sleep_until(moment: int) -> None:
            await alarm.sleep_until(moment)
            late.append(clock.elapsed_ns() - moment)

        alarm = Alarm(clock)
        alarm.open()
        await asyncio.gather(*(sleep_until((100 - n) * 700_123) for n in range(100)))  # the last one first
        await alarm.sleep_until(0)  # past: at once
        alarm.close()
        return sorted(late)

    medians = []
    with asyncio.Runner(loop_factory=new_loop) as runner:
        while len(medians) < 10 and min(medians, default=S) >= 20 * MS:  # the machine may be busy
            late = runner.run(sleepers())
            assert late[0] >= 0
            medians.append(late[50])
    assert min(medians) < 20 * MS


def test_arrivals_start_in_time_or_late_but_never_early() -> None:
    async def body(vu: VirtualUser) -> None:
        early.append(load.run.elapsed_ns - round(len(early) * 5 * MS))
        await asyncio.sleep(0)

    early: list[int] = []
    load = RealLoad(opened(200, 0.3, 5), body)
    end = load.go()
    assert end.ending is Ending.COMPLETED
    dropped = load.recorder.metrics.iterations.dropped.total()  # when this machine stands still at the end
    assert len(early) + dropped == 60
    assert min(early) >= 0
    assert end.ran_ns >= 300 * MS


def test_paced_users_start_in_time_or_late_but_never_early() -> None:
    async def body(vu: VirtualUser) -> None:
        intended = (vu.id - 1) * 2 * MS + vu.iteration * 10 * MS
        early.append(load.run.elapsed_ns - intended)
        told.append(vu.start_delay_ns)

    early: list[int] = []
    told: list[int] = []
    load = RealLoad(replace(closed(5, 0.3), pacing_ns=10 * MS), body)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (150, 0, 0, 0)
    assert min(early) >= 0
    # The body begins a little after its delay was taken.
    between = sorted(actual - delay for actual, delay in zip(early, told, strict=True))
    assert between[0] >= 0
    assert between[75] < 5 * MS
    # Of all but the first user's first, which was due at 0; fewer where the machine stood still.
    assert load.metrics.generator.start_delay.histogram().n > 20


@pytest.mark.parametrize(
    "shape", [opened(200, 0.3, 5), replace(closed(2, 0.3), pacing_ns=10 * MS)], ids=["rate", "paced"]
)
def test_a_load_becomes_longer_while_it_runs(shape: Shape) -> None:
    async def body(vu: VirtualUser) -> None:
        if load.run.elapsed_ns > 100 * MS and not extended:
            extended.append(load.run.extend(200 * MS))
            asked_ns.append(load.run.elapsed_ns)
        await asyncio.sleep(0)

    for _ in range(5):
        extended: list[bool] = []
        asked_ns: list[int] = []
        load = RealLoad(shape, body)
        end = load.go()
        if asked_ns and asked_ns[0] < 300 * MS:
            break  # else this machine stood still until it was too late to ask
    assert extended == [True]
    finished, failed, interrupted, dropped = load.counts
    assert (finished + dropped, failed, interrupted) == (100, 0, 0)
    assert end.ran_ns >= 500 * MS


def test_two_hundred_sync_users_wait_at_the_same_time() -> None:
    def body(vu: VirtualUser) -> None:
        vu.think(0.05)
        vu.check("still the same user", vu.state.__dict__.setdefault("me", vu.id) == vu.id)

    load = RealLoad(ClosedShape(closed(200, 60).profile, iterations_per_vu=3), body)
    end = load.go()
    assert load.counts == (600, 0, 0, 0)
    assert load.metrics.checks["still the same user"].yes.total() == 600
    assert end.ran_ns < 200 * 3 * 50 * MS / 4  # far less than one after the other


def test_sync_and_async_users_are_cut_on_uvloop_too() -> None:
    def body(vu: VirtualUser) -> None:
        vu.think(60)

    load = RealLoad(closed(20, 0.3, graceful_stop_s=0.05), body)  # a user that begins later has no time
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (0, 0, 20, 0)


@pytest.fixture
def thawed() -> Iterator[None]:
    """As in a session whose plugins and tests freeze nothing."""
    gc.unfreeze()
    yield
    gc.freeze()


def frozen_in_a_load() -> int:
    async def body(vu: VirtualUser) -> None:
        frozen.append(gc.get_freeze_count())
        await asyncio.sleep(0.01)

    frozen: list[int] = []
    RealLoad(closed(2, 60, iterations_per_vu=3), body).go()
    return min(frozen)


@pytest.mark.usefixtures("thawed")
def test_what_existed_before_is_not_collected_while_the_load_runs() -> None:
    assert frozen_in_a_load() > 10_000
    assert gc.get_freeze_count() == 0


def test_what_somebody_froze_before_stays_frozen() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    assert abs(frozen_in_a_load() - before) < 1000  # frozen ones that die are gone
    assert abs(gc.get_freeze_count() - before) < 1000


PROGRAM = """
    import asyncio, os, signal, sys, threading
    import uvloop
    from pytest_loadtest.engine.virtual_user import VirtualUser
    from tests.engine.loads import closed
    from tests.engine.test_real_loop import RealLoad

    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(0.01)
        if vu.iteration == 5 and vu.id == 1:
            os.kill(os.getpid(), signal.SIGINT)

    async def tear_down(vu: VirtualUser) -> None:
        if sys.argv[1] == "twice":
            if vu.id == 1:
                os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)

    load = RealLoad(closed(3, 60), body)
    load._tear_down = tear_down
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            end = runner.run(load.run.run())
            said = end.ending
        except KeyboardInterrupt:
            load.recorder.flush()
            said = "KeyboardInterrupt"
    print(said, load.finished > 10, len(load.torn_down), threading.active_count())
"""


@pytest.mark.parametrize(
    ("times", "said"), [("once", "interrupted True 3 1\n"), ("twice", "KeyboardInterrupt True 3 1\n")]
)
def test_ctrl_c(times: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM), times],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
