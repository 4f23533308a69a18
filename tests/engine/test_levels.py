"""What the load tells the recorder about its level: active users and the queue, once a slice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_loadtest.core.shape import Shape
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed, opened


async def half(vu: VirtualUser) -> None:
    await asyncio.sleep(0.5)


async def endless(vu: VirtualUser) -> None:
    await asyncio.sleep(1e6)


LEVELS: list[tuple[str, Shape, list[int], list[int]]] = [
    # what, shape, users in each second, waiting arrivals in each second
    ("users", closed(3, 4), [3, 3, 3, 3], []),
    ("users of a ramp", closed(4, 2, up_s=3.6), [2, 3, 4, 4, 4, 4], []),
    ("users that leave count until they do", closed(2, 2, down_s=3), [2, 2, 2, 2, 1], []),
    ("paced users count while they wait", replace(closed(3, 4), pacing_ns=4 * S), [3, 3, 3, 3], []),
    ("a load of less than a slice", closed(3, 600, iterations_per_vu=1), [3], []),
    ("users with an iteration, and none waiting", opened(4, 3, 5), [2, 2, 2], [0, 0, 0]),
    ("arrivals that wait, until they are dropped", opened(4, 3, 1), [1, 1, 1], [2, 4, 6]),
]


@pytest.mark.parametrize(
    ("shape", "vus", "queued"), [row[1:] for row in LEVELS], ids=[row[0] for row in LEVELS]
)
def test_the_levels_of_each_second(shape: Shape, vus: list[int], queued: list[int]) -> None:
    load = Load(shape, half)
    load.go()
    assert [load.metrics.vus[second] for second in range(len(vus))] == vus
    assert [load.metrics.queued[second] for second in range(len(queued))] == queued
    assert load.metrics.queued.total() == sum(queued)


def test_iterations_that_are_over_between_two_looks_are_seen() -> None:
    async def short(vu: VirtualUser) -> None:
        await asyncio.sleep(0.01)

    load = Load(opened(2, 3, 5), short)
    load.go()
    assert [load.metrics.vus[second] for second in range(3)] == [1, 1, 1]


def test_a_load_that_is_stopped_in_a_slice_keeps_its_levels() -> None:
    load = Load(opened(10, 60, 2), endless)
    load.at(0.55, lambda: load.run.stop(Ending.ABORTED))
    load.go()
    assert (load.metrics.vus[0], load.metrics.queued[0]) == (2, 4)
