"""The alarm on virtual time, where it has only the loop's timers; that of the kernel is in test_real_loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pytest_loadtest.engine.alarm import Alarm
from pytest_loadtest.engine.scheduling import LoadClock
from tests.engine.loads import S
from tests.engine.virtual_time import NothingWillHappenError, VirtualTimeLoop


def with_alarm(
    use: Callable[[Alarm, LoadClock], Awaitable[None]], *, early_ns: int = 0, look_ns: int = 0
) -> None:
    loop = VirtualTimeLoop(early_ns=early_ns, look_ns=look_ns)
    clock = LoadClock(loop.clock)

    async def main() -> None:
        clock.start()
        alarm = Alarm(clock)
        alarm.open()
        try:
            await use(alarm, clock)
        finally:
            alarm.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("early_ns", [0, 200_000])
def test_each_sleeper_is_woken_at_its_moment_whoever_came_first(early_ns: int) -> None:
    async def use(alarm: Alarm, clock: LoadClock) -> None:
        async def sleep_until(moment_ns: int) -> None:
            await alarm.sleep_until(moment_ns)
            woken.append((moment_ns, clock.elapsed_ns() - moment_ns))

        await asyncio.gather(*(sleep_until(second * S) for second in (5, 3, 9, 3, 1, 0)))

    woken: list[tuple[int, int]] = []
    with_alarm(use, early_ns=early_ns, look_ns=100)
    assert [moment_ns // S for moment_ns, _ in woken] == [0, 1, 3, 3, 5, 9]
    assert all(0 <= late_ns < 10_000 for _, late_ns in woken)


def test_an_earlier_moment_may_be_asked_for_while_others_sleep() -> None:
    async def use(alarm: Alarm, clock: LoadClock) -> None:
        late = asyncio.ensure_future(alarm.sleep_until(10 * S))
        await asyncio.sleep(1)
        await alarm.sleep_until(2 * S)
        assert clock.elapsed_ns() == 2 * S
        await late
        assert clock.elapsed_ns() == 10 * S

    with_alarm(use)


def test_a_sleeper_that_is_cancelled_keeps_nobody_from_being_woken() -> None:
    async def use(alarm: Alarm, clock: LoadClock) -> None:
        first = asyncio.ensure_future(alarm.sleep_until(2 * S))
        second = asyncio.ensure_future(alarm.sleep_until(3 * S))
        await asyncio.sleep(1)
        first.cancel()
        await second
        assert first.cancelled()
        assert clock.elapsed_ns() == 3 * S

    with_alarm(use)


def test_nobody_is_woken_after_the_end() -> None:
    async def use(alarm: Alarm, clock: LoadClock) -> None:
        sleeper = asyncio.ensure_future(alarm.sleep_until(2 * S))
        await asyncio.sleep(1)
        alarm.close()
        try:
            await sleeper
        finally:
            sleeper.cancel()

    with pytest.raises(NothingWillHappenError):
        with_alarm(use)
