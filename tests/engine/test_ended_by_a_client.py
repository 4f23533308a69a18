"""A mistake of configuration that shows only under load ends all of it, whatever the test makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from pytest_loadtest.core.shape import Shape
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.errors import ConfigurationError
from tests.engine.loads import Load, S, closed, opened

MISTAKE = ConfigurationError("nothing is sent to http://elsewhere.example")
SHAPES = {
    "closed": closed(3, 60),
    "shared iterations": closed(3, 60, iterations=90),
    "open": opened(3, 60, 3),
}


def end(vu: VirtualUser) -> None:
    """What a client does when it is to send where nothing may be sent."""
    vu.end_load(MISTAKE)


async def plainly(vu: VirtualUser) -> None:
    end(vu)


async def caught(vu: VirtualUser) -> None:
    """The test goes on."""
    with suppress(Exception):
        end(vu)
    await asyncio.sleep(50)


async def caught_again_and_again(vu: VirtualUser) -> None:
    for _ in range(1000):
        with suppress(Exception):
            end(vu)
        await asyncio.sleep(0.5)


async def caught_and_at_once_over(vu: VirtualUser) -> None:
    with suppress(BaseException):
        end(vu)


async def in_a_group(vu: VirtualUser) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(50))
        group.create_task(plainly(vu))


async def among_results(vu: VirtualUser) -> None:
    await asyncio.gather(plainly(vu), asyncio.sleep(50), return_exceptions=True)


async def in_a_task_that_nobody_waits_for(vu: VirtualUser) -> None:
    task = asyncio.create_task(plainly(vu))
    await asyncio.sleep(50)
    await task


def in_a_plain_body(vu: VirtualUser) -> None:
    vu.think(1)
    if load_time(vu) >= 3:
        end(vu)


def caught_in_a_plain_body(vu: VirtualUser) -> None:
    vu.think(1)
    if load_time(vu) >= 3:
        with suppress(Exception):
            end(vu)
        vu.think(50)


def load_time(vu: VirtualUser) -> float:
    """Whole seconds, as each iteration takes one."""
    return vu.iteration + 1


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    "ends",
    [
        plainly,
        caught,
        caught_again_and_again,
        caught_and_at_once_over,
        in_a_group,
        among_results,
        in_a_task_that_nobody_waits_for,
    ],
)
def test_the_load_ends_at_once_with_the_mistake(ends: Callable[[VirtualUser], Any], shape: Shape) -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if load.now >= 3:
            await ends(vu)

    load = Load(shape, body)
    over = load.go()
    assert (over.ending, over.error) == (Ending.STOPPED, MISTAKE)
    assert over.ran_ns < 3.6 * S
    finished, failed, _, dropped = load.counts
    assert finished > 0, "what was measured before is kept"
    assert (failed, dropped) == (0, 0), "it is no failure of an iteration"
    assert sorted(load.torn_down) == [1, 2, 3]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("body", [in_a_plain_body, caught_in_a_plain_body])
def test_of_a_plain_body(body: Callable[[VirtualUser], None], shape: Shape) -> None:
    load = Load(shape, body)
    over = load.go()
    assert (over.ending, over.error) == (Ending.STOPPED, MISTAKE)
    assert over.ran_ns < 4 * S
    assert load.counts[1] == 0
    assert sorted(load.torn_down) == [1, 2, 3]


def test_nothing_is_counted_for_the_iteration_that_met_it() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if vu.id == 2 and vu.iteration == 2:
            end(vu)

    load = Load(closed(2, 60), body)
    assert load.go().error is MISTAKE
    assert load.counts == (5, 0, 1, 0)  # of user 1 three had ended, and its fourth was cut


def test_any_mistake_of_configuration_that_a_body_raises_ends_the_load() -> None:
    """Not only what a client refuses: files, a library that is missing. Every iteration would meet it."""

    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        raise MISTAKE

    load = Load(closed(1, 60), body)
    over = load.go()
    assert (over.ending, over.error, over.ran_ns) == (Ending.STOPPED, MISTAKE, S)
    assert load.counts == (0, 0, 0, 0)


def test_in_the_set_up_no_load_begins() -> None:
    async def body(_: VirtualUser) -> None:
        pytest.fail("no iteration may begin")

    async def set_up(vu: VirtualUser) -> None:
        if vu.id == 2:
            with suppress(Exception):
                end(vu)

    load = Load(closed(3, 60), body, set_up=set_up)
    over = load.go()
    assert (over.ending, over.error, over.ran_ns) == (Ending.STOPPED, MISTAKE, 0)
    assert load.starts == []


def test_in_the_tear_down_it_is_an_error_of_that_and_nothing_measured_is_lost() -> None:
    async def body(_: VirtualUser) -> None:
        await asyncio.sleep(1)

    async def tear_down(vu: VirtualUser) -> None:
        end(vu)

    load = Load(closed(1, 3), body, tear_down=tear_down)
    over = load.go()
    assert over.tear_down_errors == [(1, MISTAKE)]
    assert load.counts == (3, 0, 0, 0)


def test_a_user_without_a_load_only_raises() -> None:
    with pytest.raises(ConfigurationError, match="nothing is sent"):
        VirtualUser(1).end_load(MISTAKE)
