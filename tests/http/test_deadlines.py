"""The sweeper: never early, however deadlines come and go, and no timer when nothing is watched."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns

from pytest_loadtest.http.wire.deadlines import NEVER, DeadlineSweeper
from tests.http.conftest import Run, until

MS = 1_000_000


class Waiting:
    def __init__(self, sweeper: DeadlineSweeper, after_ns: int) -> None:
        self.deadline_ns = self.due_ns = perf_counter_ns() + after_ns
        self.expired_ns = 0
        sweeper.watch(self)
        if self.deadline_ns < sweeper.next_sweep_ns:
            sweeper.sweep_by(self.deadline_ns)

    def expire(self) -> None:
        self.expired_ns = perf_counter_ns()
        self.deadline_ns = NEVER


def test_each_expires_at_its_time_in_whatever_order_they_come(run: Run) -> None:
    async def scenario() -> None:
        sweeper = DeadlineSweeper()
        items = [Waiting(sweeper, delay * MS) for delay in (40, 10, 10_000, 25, 1, 0)]
        await until(lambda: all(item.expired_ns for item in items if item is not items[2]))
        assert all(item.expired_ns >= item.due_ns for item in items if item.expired_ns)
        assert items[2].expired_ns == 0
        assert sweeper.next_sweep_ns >= items[2].due_ns
        for item in items:
            sweeper.forget(item)
        assert sweeper.next_sweep_ns == NEVER, "no timer is left"

    run(scenario())


def test_one_that_is_answered_in_time_does_not_expire(run: Run) -> None:
    async def scenario() -> None:
        sweeper = DeadlineSweeper()
        answered = Waiting(sweeper, 5 * MS)
        answered.deadline_ns = NEVER
        late = Waiting(sweeper, 10 * MS)
        await until(lambda: late.expired_ns > 0)
        assert answered.expired_ns == 0
        assert sweeper.next_sweep_ns == NEVER

    run(scenario())


def test_a_thousand_at_once_do_not_starve_the_loop(run: Run) -> None:
    async def scenario() -> None:
        sweeper = DeadlineSweeper()
        items = [Waiting(sweeper, index * MS // 20) for index in range(1000)]
        turns = 0
        while not all(item.expired_ns for item in items):
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        assert all(item.expired_ns >= item.due_ns for item in items)

    run(scenario())
