"""Set-up and tear-down of virtual users: outside of the measurement, and none is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter_ns

import pytest

from pytest_loadtest.core.recorder import NullRecorder, Recorder
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.program import Body
from pytest_loadtest.engine.runner import SET_UPS_AT_ONCE
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, Skipped, closed, opened


async def one_second(vu: VirtualUser) -> None:
    await asyncio.sleep(1)


def test_the_load_begins_when_the_last_user_is_set_up() -> None:
    async def set_up(vu: VirtualUser) -> None:
        await asyncio.sleep(vu.id)

    load = Load(closed(5, 3), one_second, set_up=set_up)
    end = load.go()
    assert {moment for _, moment in load.starts} == {0, 1, 2}
    assert end.ran_ns == 3 * S
    assert load.since_beginning == 8


def test_only_so_many_users_are_set_up_at_a_time() -> None:
    async def set_up(vu: VirtualUser) -> None:
        nonlocal at_once
        at_once += 1
        seen.append(at_once)
        await asyncio.sleep(1)
        at_once -= 1

    at_once = 0
    seen: list[int] = []
    load = Load(closed(SET_UPS_AT_ONCE + 10, 1), one_second, set_up=set_up)
    load.go()
    assert max(seen) == SET_UPS_AT_ONCE
    assert len(seen) == SET_UPS_AT_ONCE + 10


def test_measurements_in_set_up_and_tear_down_go_nowhere() -> None:
    async def measure(vu: VirtualUser) -> None:
        assert isinstance(vu.recorder, NullRecorder)
        vu.check("outside", False)

    async def body(vu: VirtualUser) -> None:
        assert isinstance(vu.recorder, Recorder)
        vu.check("inside", True)
        await asyncio.sleep(1)

    load = Load(closed(3, 2), body, set_up=measure, tear_down=measure)
    end = load.go()
    assert not end.tear_down_errors
    assert load.counts == (6, 0, 0, 0)
    assert list(load.metrics.checks) == ["inside"]
    assert load.metrics.checks["inside"].total() == 6


@pytest.mark.parametrize("shape", [closed(50, 10), closed(50, 10, up_s=5), opened(10, 10, 50)])
@pytest.mark.parametrize("error", [ValueError("no token"), Skipped("no server"), SystemExit(2)])
def test_a_set_up_that_fails_tears_the_others_down_before_any_load(
    shape: object, error: BaseException
) -> None:
    async def set_up(vu: VirtualUser) -> None:
        await asyncio.sleep(0.1)
        if vu.id == 40:  # 32 are set up by then, the others are under way or wait for their turn
            raise error
        await asyncio.sleep(0.5)

    load = Load(shape, one_second, set_up=set_up)  # type: ignore[arg-type]
    end = load.go()
    assert (end.ending, end.reason, end.error) == (Ending.SET_UP_FAILED, "virtual user 40", error)
    assert sorted(load.torn_down) == list(range(1, 33))
    assert load.starts == []
    assert end.ran_ns == 0
    assert load.since_beginning == pytest.approx(0.7)
    assert not end.tear_down_errors
    assert not load.left_tasks


def test_a_set_up_that_outlives_its_cancellation_is_torn_down_at_once() -> None:
    async def set_up(vu: VirtualUser) -> None:
        if vu.id == 1:
            await asyncio.sleep(1)
            raise ValueError
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(1)  # and is set up all the same

    load = Load(closed(3, 10), one_second, set_up=set_up)
    end = load.go()
    assert end.ending is Ending.SET_UP_FAILED
    assert sorted(load.torn_down) == [2, 3]
    assert load.since_beginning == 2


def test_tear_downs_that_fail_are_all_kept_and_nothing_measured_is_lost() -> None:
    async def tear_down(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if vu.id % 2:
            raise OSError(f"user {vu.id}")

    load = Load(closed(5, 3), one_second, tear_down=tear_down)
    end = load.go()
    assert end.ending is Ending.COMPLETED
    assert sorted((user, str(error)) for user, error in end.tear_down_errors) == [
        (1, "user 1"),
        (3, "user 3"),
        (5, "user 5"),
    ]
    assert load.counts == (15, 0, 0, 0)
    assert sorted(load.torn_down) == [1, 2, 3, 4, 5]
    assert not load.unhandled


def test_tear_downs_do_not_count_as_time_of_the_load() -> None:
    async def tear_down(vu: VirtualUser) -> None:
        await asyncio.sleep(5)

    load = Load(closed(2, 3), one_second, tear_down=tear_down)
    assert load.go().ran_ns == 3 * S
    assert load.since_beginning == 8


def test_a_tear_down_is_undisturbed_by_the_cut_before_it() -> None:
    async def endless(vu: VirtualUser) -> None:
        await asyncio.sleep(1e6)

    async def tear_down(vu: VirtualUser) -> None:
        task = asyncio.current_task()
        assert task is not None
        seen.append((vu.was_cut, task.cancelling()))
        await asyncio.sleep(20)  # longer than an iteration that was cut may take

    seen: list[tuple[bool, int]] = []
    load = Load(closed(3, 2, graceful_stop_s=0), endless, tear_down=tear_down)
    end = load.go()
    assert seen == [(False, 0)] * 3
    assert not end.tear_down_errors


def test_a_tear_down_that_hangs_is_ended_half_a_minute_after_the_deadline() -> None:
    async def tear_down(vu: VirtualUser) -> None:
        if vu.id == 2:
            await asyncio.sleep(1e6)

    load = Load(closed(3, 5), one_second, tear_down=tear_down, deadline_s=10)
    end = load.go()
    assert end.ending is Ending.COMPLETED
    assert [(user, str(error)) for user, error in end.tear_down_errors] == [
        (2, "not torn down 30 s after the test's deadline")
    ]
    assert load.since_beginning == 40


class _WithFixture(Load):
    """A load whose users hold something open around their iterations, as a fixture does."""

    @asynccontextmanager
    async def session(self, user: VirtualUser) -> AsyncIterator[Body]:
        async with asyncio.TaskGroup() as group:
            listener = group.create_task(self._listen(user))
            yield lambda: self._iterate(user, None)  # type: ignore[arg-type]
            listener.cancel()
        self.torn_down.append(user.id)

    async def _listen(self, user: VirtualUser) -> None:
        await asyncio.sleep(4.5)
        if user.id == 2:
            raise ConnectionError("the listener fell over")
        await asyncio.sleep(1e6)


def test_a_task_group_of_a_fixture_that_fails_ends_the_load_and_says_why() -> None:
    load = _WithFixture(closed(3, 60), one_second)
    end = load.go()
    assert end.ending is Ending.STOPPED
    assert end.reason == "virtual user 2"
    assert isinstance(end.error, ExceptionGroup)
    assert [str(error) for error in end.error.exceptions] == ["the listener fell over"]
    assert end.ran_ns == pytest.approx(4.5 * S)
    assert load.finished == 12
    assert not load.left_tasks


def test_a_task_group_of_a_fixture_outlives_the_cut_of_an_iteration() -> None:
    async def endless(vu: VirtualUser) -> None:
        await asyncio.sleep(1e6)

    load = _WithFixture(closed(3, 1, graceful_stop_s=1), endless)
    end = load.go()
    assert (end.ending, end.tear_down_errors) == (Ending.COMPLETED, [])
    assert sorted(load.torn_down) == [1, 2, 3]


def test_the_measuring_clock_is_the_default() -> None:
    assert VirtualUser(1)._clock is perf_counter_ns
