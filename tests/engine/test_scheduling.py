"""Waiting for moments and for the last of many; the cutter's ladder is in test_endings.py."""

from __future__ import annotations

import asyncio

import pytest

from pytest_loadtest.engine.scheduling import Countdown, LoadClock
from tests.engine.loads import S
from tests.engine.virtual_time import BEGINNING_S, NothingWillHappenError, VirtualTimeLoop


def test_a_clock_stands_at_zero_until_the_load_begins() -> None:
    now = 500
    clock = LoadClock(lambda: now)
    assert (clock.elapsed_ns(), clock.at(3)) == (0, 3)
    assert clock.start() == 500
    now = 700
    assert (clock.elapsed_ns(), clock.now(), clock.at(3)) == (200, 700, 503)


def test_a_timer_that_fires_early_is_waited_for_again() -> None:
    loop = VirtualTimeLoop()
    slow = LoadClock(lambda: round((loop.time() - BEGINNING_S) * 0.9 * S))  # it lags behind the loop's

    async def main() -> int:
        slow.start()
        await slow.sleep_until(S)
        return slow.elapsed_ns()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert S <= runner.run(main()) < S + 10


@pytest.mark.parametrize(
    ("members", "reports", "over"),
    [
        ([], [], True),
        ([1], [], False),
        ([1], [1], True),
        ([1, 2], [1], False),
        ([1, 2], [1, 1], False),
        ([1, 2], [2, 1], True),
        ([1, 2], [3, 1], False),
    ],
)
def test_a_countdown_is_over_when_all_its_members_have_reported(
    members: list[int], reports: list[int], over: bool
) -> None:
    countdown = Countdown(members)
    for member in reports:
        countdown.report(member)
    assert countdown.over.is_set() is over
    assert [member in countdown for member in members] == [member not in reports for member in members]


def test_virtual_time_says_so_when_nothing_will_happen() -> None:
    loop = VirtualTimeLoop()
    future = loop.create_future()
    with pytest.raises(NothingWillHappenError):
        loop.run_until_complete(future)
    loop.close()
