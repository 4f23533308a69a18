"""The probes of the generator: on virtual time what they measure, on a real loop that they end."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import perf_counter_ns

import pytest
import uvloop

from pytest_loadtest.core.generator import GeneratorSeries
from pytest_loadtest.core.recorder import Recorder
from pytest_loadtest.core.shape import OpenShape, Shape
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.runner import LoadRun
from pytest_loadtest.engine.saturation import LONGEST_GAP_NS, GeneratorProbe
from pytest_loadtest.engine.scheduling import LoadClock
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed, opened

MS = 1_000_000
TENTH = S // 10


def watched(shape: Shape, body: Callable[[VirtualUser], object], *, slice_ns: int = S) -> Load:
    """A load on virtual time with a probe; its thread uses 10 ms of CPU between two looks at it."""
    load = Load(shape, body)
    load.recorder = Recorder(slice_ns, open_model=isinstance(shape, OpenShape))
    probe = GeneratorProbe(cpu_ns=count(0, 10 * MS).__next__)
    load.run = LoadRun(shape, load, load.recorder, clock=load.loop.clock, probe=probe)
    return load


def series(load: Load) -> GeneratorSeries:
    return load.metrics.generator


async def idle(vu: VirtualUser) -> None:
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("slice_ns", [S, TENTH])
def test_a_second_is_a_second_however_fine_the_slices(slice_ns: int) -> None:
    load = watched(closed(1, 5), idle, slice_ns=slice_ns)
    load.go()
    assert [round(each.begins_ns / S, 1) for each in series(load).seconds] == [0, 1, 2, 3, 4]
    assert [round(each.wall_ns / S, 1) for each in series(load).seconds] == [1] * 5
    assert [each.cpu_ns for each in series(load).seconds] == [10 * MS] * 5


@pytest.mark.parametrize(
    ("seconds", "measured"),
    [
        pytest.param(1.7, [1.0, 0.7], id="a rest of more than half a second counts"),
        pytest.param(1.3, [1.0], id="a smaller one does not"),
        pytest.param(0.3, [], id="nor does a load of less"),
    ],
)
def test_the_last_second(seconds: float, measured: list[float]) -> None:
    load = watched(closed(1, seconds), idle, slice_ns=TENTH)
    load.go()
    assert [round(each.wall_ns / S, 1) for each in series(load).seconds] == measured


def test_an_idle_loop_reads_at_once_forty_times_a_second() -> None:
    load = watched(closed(1, 60), idle)
    load.go()
    delays = series(load).read_delay.histogram()
    assert 60 * 35 < delays.n < 60 * 45
    assert delays.max == 0


def test_a_block_weighs_as_much_as_the_answers_that_would_have_come_in_it() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if vu.iteration == 3:
            load.loop.compute(2)

    load = watched(closed(1, 10), body)
    load.go()
    delays = series(load).read_delay
    late = delays.histogram()
    assert 2 * S - LONGEST_GAP_NS - MS <= late.max <= 2 * S
    assert late.mean == pytest.approx(0.2 * S, rel=0.2)  # a fifth of the time, a second on average
    assert delays.histogram(((0, 4),)).max == 0
    assert delays.histogram(((7, 10),)).max == 0


def test_only_starts_that_a_free_user_waited_for_count_as_the_generators() -> None:
    async def body(vu: VirtualUser) -> None:
        if len(load.starts) == 11:
            load.loop.compute(0.3)
        await asyncio.sleep(0.15)

    load = watched(opened(10, 3, 2), body)
    load.go()
    free, every = series(load).start_delay.histogram(), load.metrics.iterations.start_delay
    assert free.max == pytest.approx(0.2 * S, rel=0.01)  # due at 1.1 s, begun at 1.3 s
    assert free.n < every.n
    assert every.max > 0.2 * S  # those that waited for a user


def test_the_time_of_another_clock_is_looked_at_by_no_thread() -> None:
    seen = []
    load = watched(closed(1, 2), idle)
    load.at(1, lambda: seen.extend(thread.name for thread in threading.enumerate()))
    load.go()
    assert "load block watch" not in seen


@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
@pytest.mark.parametrize("timers", ["of the kernel", "of the loop"])
def test_a_real_loop_is_measured_and_nothing_is_left(
    new_loop: Callable[[], asyncio.AbstractEventLoop], timers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        clock = LoadClock(perf_counter_ns)
        clock.start()
        recorder.start(clock.at(0))
        probe.begin(clock, recorder)
        await asyncio.sleep(0.6)
        probe.end()
        probe.end()
        recorder.flush()

    if timers == "of the loop":
        monkeypatch.setattr("pytest_loadtest.engine.saturation.open_timer", lambda clock: None)
    recorder, probe = Recorder(S), GeneratorProbe()
    before = resources()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    assert resources() <= before
    generator = recorder.metrics.generator
    delays = generator.read_delay.histogram()
    assert delays.n >= 13  # 600 ms with gaps of at most 40 and the last one
    assert delays.min < 50 * MS  # the machine may be busy, but not each time
    (second,) = generator.seconds  # however long: nobody ticked
    assert second.wall_ns >= 0.59 * S
    assert 0 < second.cpu < 1
    assert second.waited_ns is None or second.waited_ns >= 0


def resources() -> Counter[str]:
    """Threads and descriptors of ours. Threads of earlier tests may end meanwhile."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    targets = [str(link.readlink()) for link in links]
    ours = [target for target in targets if "timerfd" in target or "schedstat" in target]
    return Counter([*ours, *(thread.name for thread in threading.enumerate())])


def test_a_probe_without_a_beginning_ends() -> None:
    GeneratorProbe().end()


def test_an_interrupted_load_leaves_nothing_behind() -> None:
    async def main() -> Ending:
        task = asyncio.ensure_future(run.run())
        while run.elapsed_ns < 100 * MS:  # noqa: ASYNC110 - of the load, however long it took to begin
            await asyncio.sleep(0.01)
        task.cancel()
        return (await task).ending

    load = Load(closed(3, 60), idle)
    load.loop.close()
    recorder = Recorder(TENTH)
    run = LoadRun(closed(3, 60), load, recorder, probe=GeneratorProbe())
    before = resources()
    assert uvloop.run(main()) is Ending.INTERRUPTED
    assert resources() <= before
    assert recorder.metrics.generator.read_delay.total() >= 2
