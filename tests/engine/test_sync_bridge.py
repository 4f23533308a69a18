"""Sync code on the event loop: results, exceptions, cancellation, and the life of its greenlet."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import greenlet
import pytest

from pytest_loadtest.engine.sync_bridge import SyncBody, await_only, in_sync_body
from tests.engine.sync_calls import as_coroutine, call, drive, later


class Ready(Awaitable[str]):
    """An awaitable of the plainest kind."""

    def __await__(self) -> Iterator[Any]:  # type: ignore[override]
        return iter(())


def task_of(value: object) -> Awaitable[object]:
    return asyncio.ensure_future(later(value))


def future_of(value: object) -> Awaitable[object]:
    future = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


AWAITABLES: list[tuple[str, Callable[[], Awaitable[object]], object]] = [
    ("a coroutine", lambda: later(1), 1),
    ("a coroutine that waits for nothing", lambda: asyncio.sleep(0, "done"), "done"),
    ("a task", lambda: task_of(2), 2),
    ("a future that is done", lambda: future_of(3), 3),
    ("a gathering", lambda: asyncio.gather(later(1), later(2)), [1, 2]),
    ("any other awaitable", Ready, None),
]


@pytest.mark.parametrize(("make", "value"), [row[1:] for row in AWAITABLES], ids=[r[0] for r in AWAITABLES])
def test_await_only_gives_the_result(make: Callable[[], Awaitable[object]], value: object) -> None:
    assert call(lambda: await_only(make())) == value


def test_arguments_and_result_pass_through() -> None:
    assert call(lambda a, *, b: (a, b, in_sync_body()), 1, b=2) == (1, 2, True)
    assert not in_sync_body()


def test_an_exception_reaches_the_caller_with_the_place_it_came_from() -> None:
    async def deep() -> None:
        await asyncio.sleep(1)
        raise ValueError("deep down")

    def users_code() -> None:
        await_only(deep())

    with pytest.raises(ValueError, match="deep down") as caught:
        call(users_code)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-3:] == ["users_code", "await_only", "deep"]
    assert "_serve_calls" not in names
    assert caught.value.__context__ is None


def test_an_exception_may_be_caught_where_it_arises_and_the_greenlet_is_used_again() -> None:
    def failing() -> str:
        try:
            await_only(asyncio.wait_for(later(1), 0.5))
        except TimeoutError:
            return "timed out"
        raise AssertionError

    async def main() -> None:
        body = SyncBody()
        assert await body(failing) == "timed out"
        with pytest.raises(ZeroDivisionError):
            await body(lambda: 1 / 0)
        assert await body(lambda: await_only(later(7))) == 7
        body.close()

    drive(main)


def test_one_greenlet_serves_all_calls_of_a_user() -> None:
    async def main() -> None:
        body, other = SyncBody(), SyncBody()
        mine = [await body(greenlet.getcurrent) for _ in range(3)]
        theirs = await other(greenlet.getcurrent)
        assert len(set(mine)) == 1
        assert theirs is not mine[0]
        body.close()
        other.close()
        assert mine[0].dead

    drive(main)


def test_a_cancellation_arrives_where_the_code_waits_and_its_finally_blocks_may_wait() -> None:
    events: list[str] = []

    async def inner() -> None:
        try:
            await asyncio.sleep(8)
        except asyncio.CancelledError:
            events.append("inner")
            raise

    def function() -> None:
        try:
            await_only(inner())
        finally:
            await_only(asyncio.sleep(1))
            events.append("finally")

    async def main() -> None:
        body = SyncBody()
        task = asyncio.ensure_future(as_coroutine(body(function)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert events == ["inner", "finally"]
        assert await body(lambda: 5) == 5
        body.close()

    drive(main)


def test_a_cancellation_that_is_swallowed_is_over() -> None:
    def function() -> int:
        try:
            await_only(asyncio.sleep(8))
        except asyncio.CancelledError:
            await_only(asyncio.sleep(1))
        return 3

    async def main() -> None:
        task = asyncio.ensure_future(as_coroutine(SyncBody()(function)))
        await asyncio.sleep(1)
        task.cancel()
        assert await task == 3

    drive(main)


def test_many_users_wait_at_the_same_time() -> None:
    async def main() -> None:
        bodies = [SyncBody() for _ in range(100)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        results = await asyncio.gather(
            *(as_coroutine(body(lambda n=n: await_only(later(n)))) for n, body in enumerate(bodies))
        )
        assert results == list(range(100))
        assert loop.time() - began == 1
        for body in bodies:
            body.close()

    drive(main)


def test_context_variables_are_those_of_the_task() -> None:
    name: ContextVar[str] = ContextVar("name")

    def function() -> str:
        before = name.get()
        name.set("sync code")
        await_only(asyncio.sleep(1))
        return before

    async def one_user(own: str) -> None:
        name.set(own)
        body = SyncBody()
        assert await body(function) == own
        assert name.get() == "sync code"
        name.set("task")
        assert await body(name.get) == "task"
        body.close()

    async def main() -> None:
        await asyncio.gather(one_user("first"), one_user("second"))

    drive(main)


def test_the_current_task_and_time_outs_work_in_sync_code() -> None:
    def function() -> tuple[object, str]:
        async def guarded() -> None:
            async with asyncio.timeout(1):
                await asyncio.sleep(8)

        task = asyncio.current_task()
        try:
            await_only(guarded())
        except TimeoutError:
            return task, "in time"
        return task, "too late"

    async def main() -> None:
        task, answer = await SyncBody()(function)
        assert task is asyncio.current_task()
        assert answer == "in time"

    drive(main)


def test_sync_code_inside_a_coroutine_inside_sync_code() -> None:
    async def middle() -> int:
        assert in_sync_body()
        value = await_only(later(20))  # a helper that is called from both kinds of code
        inner = SyncBody()
        value += await inner(lambda: await_only(later(1)))  # type: ignore[operator]
        inner.close()
        return value  # type: ignore[return-value]

    assert call(lambda: await_only(middle())) == 21
