"""Ctrl-C, once and twice; and users' code that does not let go."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed


async def one_second(vu: VirtualUser) -> None:
    await asyncio.sleep(1)


class TestInterruption:
    def test_twice_leaves_at_once_but_no_task_behind(self) -> None:
        load = Load(closed(3, 60), one_second, tear_down=self.slow)
        load.at(5.5, load.interrupt).at(6, load.interrupt)
        with pytest.raises(asyncio.CancelledError):
            load.go()
        assert load.finished == 15
        assert not load.left_tasks
        assert load.since_beginning < 8

    @staticmethod
    async def slow(vu: VirtualUser) -> None:
        await asyncio.sleep(1000)

    def test_twice_while_iterations_clean_up(self) -> None:
        async def body(vu: VirtualUser) -> None:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                await asyncio.sleep(1000)

        load = Load(closed(3, 60), body)
        load.at(5.75, load.interrupt).at(6.25, load.interrupt)
        with pytest.raises(asyncio.CancelledError):
            load.go()
        assert load.finished == 15
        assert not load.left_tasks
        assert load.since_beginning < 8

    def test_in_the_tear_down_lets_it_end(self) -> None:
        load = Load(closed(3, 2), one_second, tear_down=one_second)
        load.at(2.5, load.interrupt)
        end = load.go()
        assert end.ending is Ending.INTERRUPTED
        assert load.since_beginning == 3
        assert load.finished == 6

    def test_outranks_what_the_load_was_ending_for(self) -> None:
        async def body(vu: VirtualUser) -> None:
            try:
                await asyncio.sleep(1e6)
            finally:
                await asyncio.sleep(2)

        load = Load(closed(3, 60), body)
        load.at(1, lambda: load.run.stop(Ending.ABORTED, "a budget")).at(2, load.interrupt)
        end = load.go()
        assert (end.ending, end.reason) == (Ending.INTERRUPTED, "a budget")

    def test_leaves_the_callers_task_as_it_was(self) -> None:
        async def caller() -> tuple[Ending, int]:
            task = asyncio.current_task()
            assert task is not None
            load.loop.call_later(3, task.cancel)
            end = await load.run.run()
            return end.ending, task.cancelling()

        load = Load(closed(3, 60), one_second)
        with asyncio.Runner(loop_factory=lambda: load.loop) as runner:
            assert runner.run(caller()) == (Ending.INTERRUPTED, 0)


class TestStuck:
    def test_a_body_that_ignores_every_cancellation_is_given_up_and_named(self) -> None:
        async def body(vu: VirtualUser) -> None:
            until = load.loop.time() + 100
            while load.loop.time() < until:
                try:
                    await asyncio.sleep(1)
                except asyncio.CancelledError:
                    cancellations[vu.id] = cancellations.get(vu.id, 0) + 1
                    if vu.id != 2:
                        raise

        cancellations: dict[int, int] = {}
        load = Load(closed(3, 5, graceful_stop_s=0), body)
        end = load.go()
        assert (end.ending, end.stuck) == (Ending.COMPLETED, [2])
        assert cancellations == {1: 1, 2: 3 + 1, 3: 1}  # its last when the loop was closed
        assert load.counts == (0, 0, 3, 0)
        assert [task.get_name() for task in load.left_tasks] == ["virtual user 2"]
        assert end.ran_ns == 20 * S  # three times 5 s to clean up

    def test_a_set_up_that_ignores_cancellation_does_not_hold_up_the_end(self) -> None:
        async def set_up(vu: VirtualUser) -> None:
            while vu.id == 1 and load.since_beginning < 100:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(1)

        ended_at: list[float] = []
        load = Load(closed(2, 5), one_second, set_up=set_up, deadline_s=10)
        load.when_over = lambda: ended_at.append(load.since_beginning)
        end = load.go()
        assert (end.ending, end.stuck) == (Ending.TIMED_OUT, [1])
        assert ended_at == [25]
        assert load.counts == (0, 0, 0, 0)

    def test_a_clean_up_within_its_time_is_not_cancelled_again(self) -> None:
        async def body(vu: VirtualUser) -> None:
            try:
                await asyncio.sleep(1e6)
            finally:
                await asyncio.sleep(4)
                cleaned_up.append(vu.id)

        cleaned_up: list[int] = []
        load = Load(closed(3, 5, graceful_stop_s=0), body)
        load.go()
        assert sorted(cleaned_up) == [1, 2, 3]
        assert load.counts == (0, 0, 3, 0)
