"""Turns evenly spaced, held back for all by one 429, and the rate that a service turns out to bear."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.auth.failures import Kind, SignInError
from pytest_loadtest.auth.pace import Pace
from tests.auth.clocks import NOW_S, in_virtual_time
from tests.auth.fakes import FakePool, FakeService


async def take_turns(pace: Pace, clock: Clock, turns: int) -> list[float]:
    """When each came, of so many that are asked for at once."""
    times: list[float] = []

    async def one() -> None:
        await pace.turn()
        times.append(clock.now_s() - NOW_S)
        pace.answered()

    await asyncio.gather(*(one() for _ in range(turns)))
    return times


def test_turns_are_evenly_spaced_without_a_burst() -> None:
    times = in_virtual_time(lambda clock: take_turns(Pace(10.0, clock), clock, 40))
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([0.1] * 39, rel=1e-3)


def test_without_a_rate_nobody_waits() -> None:
    times = in_virtual_time(lambda clock: take_turns(Pace(None, clock), clock, 40))
    assert max(times) < 0.01


@pytest.mark.parametrize("rate", [None, 10.0])
def test_one_429_holds_all_back(rate: float | None) -> None:
    async def scenario(clock: Clock) -> list[float]:
        pace = Pace(rate, clock)
        await pace.turn()
        waiting = asyncio.create_task(take_turns(pace, clock, 3))
        await asyncio.sleep(0.05)
        pace.throttled(30.0)
        return await waiting

    times = in_virtual_time(scenario)
    if rate is None:
        assert max(times) < 0.01, "they were sent before anybody was told to wait"
    else:
        assert min(times) >= 30
        assert min(later - earlier for earlier, later in pairwise(times)) >= 0.1 - 1e-9


def test_429_without_a_time_waits_longer_each_time() -> None:
    async def scenario(clock: Clock) -> list[float]:
        pace = Pace(None, clock)
        waits = []
        for _ in range(6):
            await pace.turn()
            pace.throttled(None)
            waits.append(pace.held_until_s - clock.now_s())
        return waits

    assert in_virtual_time(scenario) == pytest.approx([5, 10, 20, 40, 60, 60], rel=1e-3)


def test_answers_to_what_was_under_way_count_once() -> None:
    async def scenario(clock: Clock) -> float:
        pace = Pace(None, clock)
        for _ in range(8):
            pace.throttled(None)
        return pace.held_until_s - clock.now_s()

    assert in_virtual_time(scenario) == pytest.approx(5, abs=0.01)


class Bucket:
    """A service's limit: so many a second, and a few more to begin with."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst, self.level, self.last_s = rate, burst, float(burst), NOW_S

    def take(self, clock: Clock) -> None:
        now_s = clock.now_s()
        self.level = min(self.burst, self.level + (now_s - self.last_s) * self.rate)
        self.last_s = now_s
        if self.level < 1:
            raise SignInError(Kind.THROTTLED, "slow down", 1.0)
        self.level -= 1


@pytest.mark.parametrize("limit", [0.5, 10.0])
@pytest.mark.parametrize("asked", [None, "1000/s"])
def test_a_limit_that_nobody_configured_is_found_and_obeyed(limit: float, asked: str | None) -> None:
    """160 tokens need at least 159 / limit seconds less the burst; few of the requests are refused."""

    async def scenario(clock: Clock) -> tuple[int, float]:
        bucket = Bucket(limit, burst=10)
        pool = FakePool(FakeService(clock, rule=lambda what, user: bucket.take(clock)), rate=asked)
        await pool.prepare(160, valid_for_s=60)
        return pool.authentication.throttled, clock.now_s() - NOW_S

    throttled, took_s = in_virtual_time(scenario)
    assert throttled <= 32
    assert took_s <= 1.5 * 160 / limit


def test_the_configured_rate_is_obeyed() -> None:
    async def scenario(clock: Clock) -> list[float]:
        fake = FakeService(clock)
        await FakePool(fake, rate="2/s").prepare(20, valid_for_s=60)
        return fake.times_of("sign in")

    times = in_virtual_time(scenario)
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.5 - 1e-6
    assert times[-1] - times[0] == pytest.approx(9.5, rel=1e-3)


def test_a_pace_may_be_used_on_another_loop() -> None:
    async def first(clock: Clock) -> Pace:
        pace = Pace(10.0, clock)
        await take_turns(pace, clock, 2)
        return pace

    pace = in_virtual_time(first)
    assert len(in_virtual_time(lambda clock: take_turns(pace, clock, 2))) == 2
