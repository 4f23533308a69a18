"""Paced users: intended starts on absolute times, catching up, what is dropped and what is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_loadtest.core.shape import ClosedShape
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed, staged

MS = 1_000_000


def paced(pacing_s: float, shape: ClosedShape) -> ClosedShape:
    """The same users, with intended starts."""
    return replace(shape, pacing_ns=round(pacing_s * S))


async def short(vu: VirtualUser) -> None:
    await asyncio.sleep(0.1)


async def endless(vu: VirtualUser) -> None:
    await asyncio.sleep(1e6)


def delays_s(load: Load) -> tuple[float, float]:
    """(shortest, longest) start delay of iterations."""
    delay = load.metrics.iterations.start_delay
    return delay.quantile(0.0001) / S, delay.quantile(1) / S


STARTS: list[tuple[str, ClosedShape, dict[int, list[float]]]] = [
    ("one user starts every interval, whatever its iterations take", paced(1, closed(1, 4)),
     {1: [0, 1, 2, 3]}),
    ("users that begin together are spread over one interval", paced(1, closed(4, 2)),
     {1: [0, 1], 2: [0.25, 1.25], 3: [0.5, 1.5], 4: [0.75, 1.75]}),
    ("users of a ramp count from when they come", paced(3, closed(3, 6, up_s=3)),
     {1: [0, 3, 6], 2: [2, 5, 8], 3: [4, 7]}),
    ("users that leave in a ramp down start nothing more", paced(1, closed(2, 2, down_s=2)),
     {1: [0, 1, 2, 3], 2: [0.5, 1.5, 2.5]}),
    ("users that come back begin anew", paced(1, staged((0, 1), (1.5, 1), (0, 0), (2, 0), (0, 1), (2, 1))),
     {1: [0, 1, 3.5, 4.5]}),
    ("an interval longer than the load leaves those whose turn comes in time", paced(10, closed(4, 6)),
     {1: [0], 2: [2.5], 3: [5], 4: []}),
    ("shared iterations go to whose turn it is", paced(1, closed(2, 60, iterations=5)),
     {1: [0, 1, 2], 2: [0.5, 1.5]}),
    ("iterations of each user", paced(1, closed(2, 60, iterations_per_vu=2)), {1: [0, 1], 2: [0.5, 1.5]}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "starts"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_when_iterations_start(shape: ClosedShape, starts: dict[int, list[float]]) -> None:
    load = Load(shape, short)
    end = load.go()
    assert {user: load.starts_of(user) for user in starts} == starts
    assert load.counts == (sum(map(len, starts.values())), 0, 0, 0)
    assert end.ending is Ending.COMPLETED
    assert delays_s(load) == (0, 0)
    assert not load.left_tasks
    assert not load.unhandled


def test_users_stay_until_the_end_of_their_time_although_nothing_more_starts() -> None:
    load = Load(paced(10, closed(2, 25)), short)
    seen: list[int] = []
    load.at(24.9, lambda: seen.append(load.run.active))
    assert load.go().ran_ns == 25 * S
    assert seen == [2]


def test_users_do_not_wait_for_a_turn_when_all_iterations_have_begun() -> None:
    load = Load(paced(9, closed(9, 600, iterations=3)), short)
    assert load.go().ran_ns == 2.1 * S  # of the third user, at 2 s
    assert load.counts == (3, 0, 0, 0)


def test_a_user_that_has_had_its_iterations_does_not_wait_for_another_turn() -> None:
    load = Load(paced(9, closed(1, 600, iterations_per_vu=2)), short)
    assert load.go().ran_ns == 9.1 * S


def test_a_slow_iteration_delays_the_next_ones_and_none_is_skipped() -> None:
    async def body(vu: VirtualUser) -> None:
        delays.append(vu.start_delay_ns / S)
        await asyncio.sleep(3.5 if vu.iteration == 1 else 0.5)

    delays: list[float] = []
    load = Load(paced(1, closed(1, 10)), body)
    load.go()
    assert load.starts_of(1) == [0, 1, 4.5, 5, 5.5, 6, 6.5, 7, 8, 9]
    assert delays == [0, 0, 2.5, 2, 1.5, 1, 0.5, 0, 0, 0]
    its = load.metrics.iterations
    assert load.counts == (10, 0, 0, 0)
    assert its.service.histogram().quantile(1) == pytest.approx(3.5 * S, rel=0.004)
    assert its.response.histogram().quantile(0.9) == pytest.approx(3 * S, rel=0.004)  # 0.5 after 2.5
    assert [its.finished[second] for second in range(10)] == [1] * 10  # where each was to start
    assert its.dropped.total() == 0


def test_a_start_that_is_due_before_the_end_begins_after_it_when_the_user_was_busy() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(4 if vu.iteration == 0 else 0.5)

    load = Load(paced(1, closed(1, 3, graceful_stop_s=3)), body)
    end = load.go()
    assert load.starts_of(1) == [0, 4, 4.5]
    assert load.counts == (3, 0, 0, 0)
    assert end.ran_ns == 5 * S


DROPS: list[tuple[str, ClosedShape, tuple[int, int, int, int], list[int]]] = [
    # what, shape, (finished, failed, interrupted, dropped), dropped in each second
    ("starts that the graceful stop has no time for are dropped where they should have been",
     paced(1, closed(1, 4, graceful_stop_s=2)), (0, 0, 1, 3), [0, 1, 1, 1]),
    ("several of one second", paced(0.25, closed(1, 2, graceful_stop_s=0)), (0, 0, 1, 7), [3, 4]),
    ("each user has its own", paced(1, closed(2, 3, graceful_stop_s=0)), (0, 0, 2, 4), [0, 2, 2]),
    ("only those before the user's own end", paced(1, closed(2, 2, down_s=2, graceful_stop_s=0)),
     (0, 0, 2, 3 + 2), [0, 2, 2, 1]),
    ("in each span of a user's time",
     paced(1, staged((0, 1), (2, 1), (0, 0), (3, 0), (0, 1), (3, 1), graceful_stop_s=1)),
     (0, 0, 2, 1 + 2), [0, 1, 0, 0, 0, 0, 1, 1]),
    ("a thousand a second are counted as quickly as one",
     paced(0.001, closed(1, 3, graceful_stop_s=0)), (0, 0, 1, 2999), [999, 1000, 1000]),
    ("counted iterations are not dropped: their number says what is missing",
     paced(1, closed(1, 4, iterations=3, graceful_stop_s=0)), (0, 0, 1, 0), [0, 0, 0, 0]),
    ("counted iterations of each user neither",
     paced(1, closed(1, 4, iterations_per_vu=3, graceful_stop_s=0)), (0, 0, 1, 0), [0, 0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "counts", "dropped"), [row[1:] for row in DROPS], ids=[row[0] for row in DROPS]
)
def test_what_is_dropped(shape: ClosedShape, counts: tuple[int, int, int, int], dropped: list[int]) -> None:
    load = Load(shape, endless)
    load.go()
    assert load.counts == counts
    assert [load.metrics.iterations.dropped[second] for second in range(len(dropped))] == dropped


@pytest.mark.parametrize("how", ["stop", "interrupt", "abort"])
def test_a_load_that_is_stopped_early_drops_nothing(how: str) -> None:
    async def body(vu: VirtualUser) -> None:
        if how == "abort" and load.now >= 3:
            vu.abort("enough")
        await asyncio.sleep(2.5)

    load = Load(paced(1, closed(3, 60)), body)
    if how == "stop":
        load.at(3.2, lambda: load.run.stop(Ending.ABORTED))
    elif how == "interrupt":
        load.at(3.2, load.interrupt)
    end = load.go()
    assert end.ran_ns < 6 * S
    assert load.counts[0] > 0
    assert load.counts[3] == 0
    assert not load.left_tasks


def test_a_stop_reaches_users_that_wait_for_their_turn() -> None:
    load = Load(paced(1000, closed(3, 5000)), short)
    load.at(10, lambda: load.run.stop(Ending.ABORTED))
    assert load.go().ran_ns == 10 * S
    assert load.counts == (1, 0, 0, 0)
    assert sorted(load.torn_down) == [1, 2, 3]


def test_lateness_of_the_generator_is_told_apart_from_that_of_busy_users() -> None:
    async def body(vu: VirtualUser) -> None:
        if vu.id == 1 and vu.iteration == 1:
            load.loop.compute(0.75)  # from 1.0 s on nobody has a turn: user 2 waits for 1.5 s
        await asyncio.sleep(1.2 if vu.iteration == 3 else 0.1)

    load = Load(paced(1, closed(2, 6)), body)
    load.go()
    assert load.starts_of(2)[:3] == [0.5, 1.75, 2.5]
    late = load.metrics.generator.start_delay.histogram()
    assert late.quantile(1) == pytest.approx(0.25 * S, rel=0.004)
    # All but user 1's first, which was due when the load began, and each user's fifth, due while it was busy.
    assert late.n == 12 - 1 - 2
    assert delays_s(load)[1] == pytest.approx(0.25, rel=0.004)


def test_a_start_that_a_standing_loop_let_pass_is_dropped_not_lost() -> None:
    """User 2 was free, but until the graceful stop was over nobody had a turn."""

    async def body(vu: VirtualUser) -> None:
        if vu.iteration == 3:
            load.loop.compute(3)
        await asyncio.sleep(0.1)

    load = Load(paced(1, closed(2, 4, graceful_stop_s=1)), body)
    load.go()
    finished, failed, interrupted, dropped = load.counts
    assert finished + failed + interrupted + dropped == 8


def test_a_user_that_is_cut_between_two_iterations_drops_the_rest() -> None:
    async def lasting_to_the_end(vu: VirtualUser) -> None:
        load.loop.compute(1)
        await asyncio.sleep(0)  # the cut is due now, but has its turn just after this iteration

    load = Load(paced(0.25, closed(1, 1, graceful_stop_s=0)), lasting_to_the_end)
    load.go()
    assert load.counts == (1, 0, 0, 3)


@pytest.mark.parametrize("graceful_stop_s", [0, 0.05, 5])
def test_every_intended_start_begins_or_is_dropped(graceful_stop_s: float) -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(vu.random.choice([0, 0.05, 0.3]))

    shape = paced(0.1, closed(7, 10, up_s=3, down_s=3, graceful_stop_s=graceful_stop_s))
    load = Load(shape, body, early_ns=50_000, look_ns=1_000, seed=3)
    load.go()
    finished, failed, interrupted, dropped = load.counts
    assert finished + failed + interrupted == len(load.starts)
    intended = 0
    for vu in range(1, 8):
        for begins_ns, ends_ns in shape.lifetimes(vu):
            intended += -((shape.first_start_ns(vu, begins_ns) - ends_ns) // (100 * MS))
    assert len(load.starts) + dropped == intended
    assert (dropped > 0) == (graceful_stop_s < 5)


def test_bodies_that_wait_for_nothing_catch_up_without_starving_others() -> None:
    async def empty(vu: VirtualUser) -> None:
        pass

    load = Load(paced(0.001, closed(5, 2)), empty)
    load.at(0.5, lambda: load.loop.compute(1))
    load.go()
    assert load.counts == (10_000, 0, 0, 0)
    after = [user for user, moment in load.starts if 1.4999 < moment < 1.5001]
    assert {user: after.count(user) for user in range(1, 6)} == {
        user: pytest.approx(1000, abs=2) for user in range(1, 6)
    }
    assert len(set(after[:50])) == 5
