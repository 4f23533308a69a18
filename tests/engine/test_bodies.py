"""Bodies of every kind: what their exceptions, tasks and context variables may and may not do."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import ContextVar

import anyio
import pytest

from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, Skipped, closed


async def in_task_group(vu: VirtualUser) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(asyncio.sleep(8))


async def in_anyio_task_group(vu: VirtualUser) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(anyio.sleep, 8)


async def in_gather(vu: VirtualUser) -> None:
    await asyncio.gather(*(asyncio.sleep(8) for _ in range(3)), return_exceptions=True)


async def in_timeout(vu: VirtualUser) -> None:
    async with asyncio.timeout(8):
        await asyncio.sleep(9)


async def in_anyio_timeout(vu: VirtualUser) -> None:
    with anyio.fail_after(8):
        await asyncio.sleep(9)


async def turning_it_into_an_error(vu: VirtualUser) -> None:
    try:
        await asyncio.sleep(8)
    except asyncio.CancelledError:
        raise ConnectionError("closed under me") from None


async def turning_it_into_an_error_of_a_group(vu: VirtualUser) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(turning_it_into_an_error(vu))


async def swallowing_it(vu: VirtualUser) -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(8)


async def cleaning_up_with_awaits(vu: VirtualUser) -> None:
    try:
        await asyncio.sleep(8)
    finally:
        await asyncio.sleep(1)
        async with asyncio.timeout(1):
            await asyncio.sleep(0)


async def skipping_late(vu: VirtualUser) -> None:
    try:
        await asyncio.sleep(8)
    except asyncio.CancelledError:
        raise Skipped from None


def sync(vu: VirtualUser) -> None:
    vu.think(8)


def sync_swallowing_it(vu: VirtualUser) -> None:
    with suppress(asyncio.CancelledError):
        vu.think(8)


def sync_cleaning_up(vu: VirtualUser) -> None:
    try:
        vu.think(8)
    finally:
        vu.think(1)


CUT_BODIES = [
    in_task_group,
    in_anyio_task_group,
    in_gather,
    in_timeout,
    in_anyio_timeout,
    turning_it_into_an_error,
    turning_it_into_an_error_of_a_group,
    swallowing_it,
    cleaning_up_with_awaits,
    skipping_late,
    sync,
    sync_swallowing_it,
    sync_cleaning_up,
]


@pytest.mark.parametrize("body", CUT_BODIES)
def test_an_iteration_that_was_cut_is_interrupted_whatever_its_code_makes_of_it(body: object) -> None:
    async def tear_down(vu: VirtualUser) -> None:
        task = asyncio.current_task()
        assert task is not None
        assert (task.cancelling(), vu.was_cut) == (0, False)
        with pytest.raises(TimeoutError):  # a tear-down may use time-outs of its own
            await asyncio.wait_for(asyncio.sleep(2), 1)
        with pytest.raises(ExceptionGroup):  # and task groups that fail
            async with asyncio.TaskGroup() as group:
                group.create_task(raising())

    async def raising() -> None:
        raise ValueError

    load = Load(closed(3, 2, graceful_stop_s=1), body, tear_down=tear_down)  # type: ignore[arg-type]
    end = load.go()
    assert end.ending is Ending.COMPLETED
    assert load.counts == (0, 0, 3, 0)
    assert not load.metrics.failures
    assert not end.tear_down_errors
    assert not load.left_tasks
    assert not load.unhandled


FAILING: list[tuple[str, BaseException, str]] = [
    ("an assertion", AssertionError("no"), "AssertionError"),
    ("an exception", OSError("no"), "OSError"),
    ("a group of failures", ExceptionGroup("both", [OSError(), ValueError()]), "ExceptionGroup"),
    ("something it waited for was cancelled", asyncio.CancelledError(), "CancelledError"),
    ("a cancellation among failures", BaseExceptionGroup("both", [asyncio.CancelledError(), OSError()]),
     "BaseExceptionGroup"),
    ("the end of an iterator", StopAsyncIteration(), "StopAsyncIteration"),
]  # fmt: skip


@pytest.mark.parametrize("sync_body", [False, True])
@pytest.mark.parametrize(("error", "kind"), [row[1:] for row in FAILING], ids=[row[0] for row in FAILING])
def test_an_exception_fails_its_iteration_and_the_user_goes_on(
    error: BaseException, kind: str, sync_body: bool
) -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if vu.iteration == 1:
            raise error

    def body_in_sync(vu: VirtualUser) -> None:
        vu.think(1)
        if vu.iteration == 1:
            raise error

    load = Load(closed(2, 4), body_in_sync if sync_body else body)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (8, 2, 0, 0)
    assert [group.type for group in load.metrics.failures.values()] == [kind]


def test_an_awaited_task_that_was_cancelled_fails_the_iteration() -> None:
    async def body(vu: VirtualUser) -> None:
        task = asyncio.ensure_future(asyncio.sleep(5))
        await asyncio.sleep(1)
        if vu.iteration == 1:
            task.cancel()
            await task
        task.cancel()

    load = Load(closed(2, 4), body)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (8, 2, 0, 0)


def test_code_that_swallows_a_cancellation_without_saying_so_does_not_confuse_later_iterations() -> None:
    async def body(vu: VirtualUser) -> None:
        task = asyncio.current_task()
        assert task is not None
        if vu.iteration == 0:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        await asyncio.sleep(1)
        if vu.iteration == 2:
            raise asyncio.CancelledError

    load = Load(closed(2, 4), body)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (8, 2, 0, 0)


def test_a_body_that_cancels_its_own_task_ends_the_load_and_is_named() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        task = asyncio.current_task()
        assert task is not None
        if vu.id == 2:
            task.cancel()
        await asyncio.sleep(1)

    load = Load(closed(3, 60), body)
    end = load.go()
    assert (end.ending, end.reason) == (Ending.STOPPED, "virtual user 2")
    assert isinstance(end.error, asyncio.CancelledError)
    assert sorted(load.torn_down) == [1, 2, 3]
    assert not load.left_tasks


def test_a_failure_is_timed_before_its_traceback_is_kept() -> None:
    async def failing(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if vu.iteration == 1:
            raise ValueError

    load = Load(closed(1, 3), failing)
    describe = load.describe

    def slowly(error: BaseException) -> tuple[str, str]:
        load.loop.compute(0.5)
        return describe(error)

    load.describe = slowly  # type: ignore[method-assign]
    load.go()
    assert load.metrics.iterations.service.histogram().quantile(1) == pytest.approx(S, rel=0.004)


def test_context_variables_belong_to_their_user_and_last_as_long_as_it() -> None:
    number: ContextVar[int] = ContextVar("number")
    number.set(0)

    async def set_up(vu: VirtualUser) -> None:
        number.set(vu.id)

    async def body(vu: VirtualUser) -> None:
        seen.append((vu.id, number.get()))
        number.set(number.get() + 10)
        await asyncio.sleep(1)

    def body_in_sync(vu: VirtualUser) -> None:
        seen.append((vu.id, number.get()))
        number.set(number.get() + 10)
        vu.think(1)

    for each in (body, body_in_sync):
        seen: list[tuple[int, int]] = []
        Load(closed(2, 3), each, set_up=set_up).go()
        assert sorted(seen) == [(1, 1), (1, 11), (1, 21), (2, 2), (2, 12), (2, 22)]
    assert number.get() == 0


def test_a_wrong_program_ends_the_load_and_says_why() -> None:
    async def failing(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        raise ValueError

    def signature(error: BaseException) -> tuple[str, str]:
        raise LookupError("no place")

    load = Load(closed(3, 60), failing)
    load.signature = signature  # type: ignore[method-assign]
    end = load.go()
    assert (end.ending, repr(end.error)) == (Ending.STOPPED, "LookupError('no place')")
