"""The closed model: when each user's iterations start, and when the load is over."""

from __future__ import annotations

import asyncio

import pytest

from pytest_loadtest.core.shape import ClosedShape, Shape
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed, opened, staged


async def one_second(vu: VirtualUser) -> None:
    await asyncio.sleep(1)


def sync_second(vu: VirtualUser) -> None:
    vu.think(1)


@pytest.mark.parametrize("body", [one_second, sync_second])
def test_each_user_starts_its_next_iteration_when_the_last_has_ended(body: object) -> None:
    load = Load(closed(3, 10), body)  # type: ignore[arg-type]
    end = load.go()
    assert (end.ending, end.ran_ns) == (Ending.COMPLETED, 10 * S)
    assert load.counts == (30, 0, 0, 0)
    assert all(load.starts_of(user) == list(range(10)) for user in (1, 2, 3))
    assert sorted(load.torn_down) == [1, 2, 3]
    assert not load.left_tasks


RAMPS: list[tuple[str, ClosedShape, dict[int, tuple[float, float]]]] = [
    # what, shape, {user: (first start, last start)} with iterations of one second
    ("without a ramp all start at once", closed(4, 5), {1: (0, 4), 4: (0, 4)}),
    ("a ramp up brings the k-th user when the level passes k - 1", closed(4, 4, up_s=8),
     {1: (0, 11), 2: (2, 11), 3: (4, 11), 4: (6, 11)}),
    ("a ramp down sends the last user home first", closed(4, 4, down_s=8),
     {1: (0, 11), 2: (0, 9), 3: (0, 7), 4: (0, 5)}),
    ("a level between whole numbers needs one more user", closed(1.5, 3), {1: (0, 2), 2: (0, 2)}),
    ("stages start at no user unless they say so", staged((10, 2), (5, 2)), {1: (0, 14), 2: (5, 14)}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "expected"), [row[1:] for row in RAMPS], ids=[row[0] for row in RAMPS])
def test_users_come_and_go_as_the_shape_says(
    shape: ClosedShape, expected: dict[int, tuple[float, float]]
) -> None:
    load = Load(shape, one_second)
    load.go()
    assert {user: (load.starts_of(user)[0], load.starts_of(user)[-1]) for user in expected} == expected


def test_a_profile_that_falls_and_rises_again_brings_its_users_back() -> None:
    load = Load(staged((0, 2), (3, 2), (0, 1), (4, 1), (0, 2), (3, 2), (0, 0)), one_second)
    load.go()
    assert load.starts_of(1) == list(range(10))
    assert load.starts_of(2) == [0, 1, 2, 7, 8, 9]
    assert sorted(load.torn_down) == [1, 2]  # set up once, torn down once


@pytest.mark.parametrize("graceful_stop_s", [0, 2])
def test_a_user_that_is_cut_in_a_valley_comes_back_after_it(graceful_stop_s: float) -> None:
    async def slow(vu: VirtualUser) -> None:
        await asyncio.sleep(100)

    shape = staged((0, 1), (10, 1), (0, 0), (20, 0), (0, 1), (10, 1), graceful_stop_s=graceful_stop_s)
    load = Load(shape, slow)
    end = load.go()
    assert load.starts_of(1) == [0, 30]
    assert load.counts == (0, 0, 2, 0)
    assert end.ran_ns == (40 + graceful_stop_s) * S


@pytest.mark.parametrize("shape", [closed(2, 5, graceful_stop_s=0), opened(2, 5, 2, graceful_stop_s=0)])
def test_a_timer_that_comes_a_little_early_cuts_nobody_before_the_end(shape: Shape) -> None:
    async def endless(vu: VirtualUser) -> None:
        await asyncio.sleep(1_000_000)

    load = Load(shape, endless, early_ns=200_000, look_ns=1_000)
    end = load.go()
    assert 5 * S <= end.ran_ns < 5.001 * S
    assert load.counts[2] == 2


def test_a_user_that_is_cut_between_two_iterations_comes_back_too() -> None:
    """Without a graceful stop the cut may find a user that has just ended an iteration."""
    shape = staged((0, 1), (1, 1), (0, 0), (20, 0), (0, 1), (1, 1), graceful_stop_s=0)

    async def lasting_to_the_end(vu: VirtualUser) -> None:
        load.loop.compute(1)
        await asyncio.sleep(0)  # the cut is due now, but has its turn just after this iteration

    load = Load(shape, lasting_to_the_end)
    load.go()
    assert load.starts_of(1) == [0, 21]
    assert load.counts == (2, 0, 0, 0)


def test_shared_iterations_are_as_many_as_were_asked_for() -> None:
    load = Load(closed(3, 100, iterations=10), one_second)
    end = load.go()
    assert load.counts == (10, 0, 0, 0)
    assert end.ran_ns == 4 * S


def test_shared_iterations_that_are_used_up_end_the_load_before_its_ramp_does() -> None:
    load = Load(closed(3, 100, up_s=90, iterations=5), one_second)
    end = load.go()
    assert load.counts == (5, 0, 0, 0)
    assert end.ran_ns == 5 * S
    assert sorted(load.torn_down) == [1, 2, 3]
    assert not end.tear_down_errors


def test_shared_iterations_end_at_the_latest_with_the_profile() -> None:
    load = Load(closed(2, 5, iterations=1000), one_second)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (10, 0, 0, 0)


def test_iterations_per_user_are_counted_for_each_user() -> None:
    load = Load(closed(3, 100, up_s=6, iterations_per_vu=2), one_second)
    end = load.go()
    assert [load.starts_of(user) for user in (1, 2, 3)] == [[0, 1], [2, 3], [4, 5]]
    assert end.ran_ns == 6 * S


def test_a_user_that_has_had_its_iterations_does_not_wait_for_its_next_span() -> None:
    shape = staged((0, 1), (5, 1), (0, 0), (50, 0), (0, 1), (5, 1), iterations_per_vu=2)
    load = Load(shape, one_second)
    assert load.go().ran_ns == 2 * S


def test_failed_iterations_count_as_iterations() -> None:
    async def every_second_fails(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        assert vu.iteration % 2 == 0, "odd"

    load = Load(closed(2, 100, iterations_per_vu=4), every_second_fails)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (8, 4, 0, 0)
    (group,) = load.metrics.failures.values()
    assert (group.type, group.count) == ("AssertionError", 4)


def test_a_user_counts_as_active_inside_its_time_only() -> None:
    load = Load(closed(4, 4, up_s=8, down_s=8, graceful_stop_s=0), one_second)
    seen: dict[int, int] = {}
    for moment in (1, 3, 5, 7, 10, 15, 19):
        load.at(moment, lambda moment=moment: seen.update({moment: load.run.active}))  # type: ignore[misc]
    load.go()
    assert seen == {1: 1, 3: 2, 5: 3, 7: 4, 10: 4, 15: 3, 19: 1}
    assert load.run.active == 0


def test_bodies_that_wait_for_nothing_do_not_starve_the_others() -> None:
    async def empty(vu: VirtualUser) -> None:
        pass

    load = Load(closed(5, 0.01), empty, look_ns=1000)
    load.go()
    shares = [len(load.starts_of(user)) for user in range(1, 6)]
    assert min(shares) > 100
    assert max(shares) - min(shares) <= 1


def test_bodies_that_only_compute_do_not_starve_the_others() -> None:
    async def computing(vu: VirtualUser) -> None:
        load.loop.compute(0.05)

    load = Load(closed(4, 10, graceful_stop_s=0), computing)
    end = load.go()
    shares = [len(load.starts_of(user)) for user in range(1, 5)]
    assert max(shares) - min(shares) <= 1
    assert end.ran_ns == pytest.approx(10 * S, rel=0.02)


def test_every_user_has_one_task() -> None:
    tasks: dict[int, set[object]] = {}

    async def body(vu: VirtualUser) -> None:
        tasks.setdefault(vu.id, set()).add(asyncio.current_task())
        await asyncio.sleep(1)

    load = Load(closed(20, 5), body)
    load.go()
    assert sorted(tasks) == list(range(1, 21))
    assert all(len(own) == 1 for own in tasks.values())
    assert len(set.union(*tasks.values())) == 20
    assert not load.left_tasks


def test_the_same_seed_gives_every_user_the_same_random_numbers() -> None:
    def numbers(seed: int | str) -> dict[int, list[float]]:
        seen: dict[int, list[float]] = {}

        async def body(vu: VirtualUser) -> None:
            seen.setdefault(vu.id, []).append(vu.random.random())
            await vu.think(1, 2)

        Load(closed(5, 10), body, seed=seed).go()
        return seen

    first = numbers("a")
    assert first == numbers("a")
    assert first != numbers("b")
    assert len({tuple(own) for own in first.values()}) == 5


def test_a_load_without_users_is_over_at_once() -> None:
    load = Load(ClosedShape(closed(1, 10).profile.scaled(peak=0)), one_second)
    assert load.go().ending is Ending.COMPLETED
    assert load.counts == (0, 0, 0, 0)


def test_state_reads_as_progress_while_it_runs() -> None:
    load = Load(closed(2, 10), one_second)
    seen: list[tuple[int, int, int]] = []
    load.at(3, lambda: seen.append((load.run.elapsed_ns, load.run.active, load.run.queued)))
    assert load.run.elapsed_ns == 0
    load.go()
    assert seen == [(3 * S, 2, 0)]
