"""The open model: arrivals on absolute times, the queue whose clock runs, what is dropped."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from pytest_loadtest.core.shape import Arrivals
from pytest_loadtest.engine import arrivals
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, opened, staged_rate

TENTH = 0.1


async def tenth(vu: VirtualUser) -> None:
    await asyncio.sleep(TENTH)


async def endless(vu: VirtualUser) -> None:
    await asyncio.sleep(1e6)


def moments(load: Load) -> list[float]:
    return [moment for _, moment in load.starts]


def test_a_constant_rate_starts_iterations_at_even_distances() -> None:
    load = Load(opened(10, 5, 5), tenth)
    end = load.go()
    assert moments(load) == [round(n * 0.1, 6) for n in range(50)]
    assert load.counts == (50, 0, 0, 0)
    assert (end.ending, end.ran_ns) == (Ending.COMPLETED, 5 * S)
    assert load.metrics.iterations.start_delay.quantile(1) == 0
    assert not load.left_tasks


def test_a_staged_rate_has_as_many_arrivals_as_its_area() -> None:
    load = Load(staged_rate((10, 10), (10, 10), (10, 0)), tenth)
    load.go()
    starts = moments(load)
    by_stage = [sum(low <= moment < low + 10 for moment in starts) for low in (0, 10, 20)]
    assert by_stage == pytest.approx([50, 100, 50], abs=1)
    assert len(starts) == 200


def test_poisson_arrivals_are_reproducible_and_uneven() -> None:
    def starts(seed: int) -> list[float]:
        load = Load(opened(20, 20, 50, arrivals=Arrivals.POISSON), tenth, seed=seed)
        load.go()
        return moments(load)

    first = starts(1)
    assert first == starts(1)
    assert first != starts(2)
    assert 320 < len(first) < 480  # 400 and four standard deviations of 20
    gaps = {round(after - before, 3) for before, after in pairwise(first)}
    assert len(gaps) > 50


def test_an_iteration_that_finds_no_free_user_waits_and_its_clock_runs() -> None:
    async def half_a_second(vu: VirtualUser) -> None:
        delays.append(vu.start_delay_ns / S)
        await asyncio.sleep(0.5)

    delays: list[float] = []
    load = Load(opened(4, 2, 1), half_a_second)  # 8 arrivals, 1 user who manages 2 a second
    load.go()
    assert delays == [pytest.approx(0.25 * n) for n in range(4)]
    # 2 a second for 2 seconds; the other four are unsent when the load ends
    assert load.counts == (4, 0, 0, 4)
    its = load.metrics.iterations
    assert its.start_delay.quantile(1) == pytest.approx(0.75 * S, rel=0.004)
    assert its.service.histogram().quantile(1) == pytest.approx(0.5 * S, rel=0.004)
    assert its.response.histogram().quantile(1) == pytest.approx(1.25 * S, rel=0.004)


def test_dropped_iterations_count_where_they_should_have_started() -> None:
    load = Load(opened(1, 5, 1, graceful_stop_s=0), endless)
    load.go()
    assert load.counts == (0, 0, 1, 4)
    assert [load.metrics.iterations.dropped[second] for second in range(6)] == [0, 1, 1, 1, 1, 0]


def test_the_queue_is_seen_while_it_grows() -> None:
    load = Load(opened(10, 5, 2), endless)
    seen: list[tuple[int, int]] = []
    load.at(3.05, lambda: seen.append((load.run.queued, load.run.active)))
    load.go()
    assert seen == [(29, 2)]  # arrivals at 0.0 ... 3.0 but for the two under way
    assert load.run.queued == 0


def test_what_the_queue_cannot_hold_is_dropped_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST_QUEUED", 20)
    load = Load(opened(10, 5, 1, graceful_stop_s=0), endless)
    seen: list[tuple[int, int]] = []
    load.at(4.95, lambda: seen.append((load.run.queued, load.metrics.iterations.dropped.total())))
    load.go()
    assert seen == [(20, 29)]  # of 50 arrivals one is under way
    assert load.counts == (0, 0, 1, 49)


def test_a_late_wake_up_catches_up_and_skips_nothing() -> None:
    async def body(vu: VirtualUser) -> None:
        if len(load.starts) == 11:
            load.loop.compute(1)  # the generator itself is busy from 1.0 to 2.0 s
        await asyncio.sleep(0.01)

    load = Load(opened(10, 3, 20), body)
    load.go()
    assert load.counts == (30, 0, 0, 0)
    late = [moment for moment in moments(load) if 1.05 < moment < 2.05]
    assert late == [2.0] * 10  # those of 1.1 ... 2.0, together
    delay = load.metrics.iterations.start_delay
    assert delay.quantile(1) == pytest.approx(0.9 * S, rel=0.004)


def test_a_burst_leaves_turns_for_the_others() -> None:
    order: list[str] = []

    async def body(vu: VirtualUser) -> None:
        order.append("begins")
        await asyncio.sleep(0)
        order.append("ends")

    load = Load(opened(1000, 2, 2000), body)
    load.at(0.5, lambda: load.loop.compute(1))
    load.go()
    assert load.counts == (2000, 0, 0, 0)
    burst = order[2 * 501 : 2 * 1501]
    first_end = burst.index("ends")
    assert first_end < 200  # not after the whole burst of 1000


def test_the_user_that_became_free_last_is_next() -> None:
    load = Load(opened(1, 20, 10), tenth)
    load.go()
    assert len({user for user, _ in load.starts}) == 1


def test_more_users_are_used_only_when_all_others_are_busy() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(0.25)

    load = Load(opened(10, 5, 10), body)
    load.go()
    assert len({user for user, _ in load.starts}) == 3


def test_iterations_that_run_at_the_end_get_the_graceful_stop() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1.5 if len(load.starts) == 3 else 10)

    load = Load(opened(1, 3, 5, graceful_stop_s=2), body)
    end = load.go()
    assert load.counts == (1, 0, 2, 0)
    assert end.ran_ns == 5 * S


def test_a_stop_cuts_what_waits_and_forgets_what_would_have_come() -> None:
    async def cleaning_up(vu: VirtualUser) -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            await asyncio.sleep(3)  # arrivals of these 3 s belong to no load any more

    load = Load(opened(10, 60, 1), cleaning_up)
    load.at(1.05, lambda: load.run.stop(Ending.ABORTED, "enough"))
    end = load.go()
    assert load.counts == (0, 0, 11, 0)
    assert end.ran_ns == pytest.approx(4.05 * S)


def test_an_arrival_given_to_a_user_as_the_load_is_stopped_is_cut_as_those_that_wait() -> None:
    load = Load(opened(1, 10, 1), tenth)
    # Before the arrival of 3 s in the same turn of the loop would be too early, after it too late.
    arrive = load.run._arrivals._hand_over  # type: ignore[union-attr]

    def hand_over(intended_ns: int | None) -> bool:
        handed = arrive(intended_ns)
        if intended_ns == 3 * S:
            load.run.stop(Ending.ABORTED)
        return handed

    load.run._arrivals._hand_over = hand_over  # type: ignore[method-assign, union-attr]
    load.go()
    assert load.counts == (3, 0, 1, 0)


def test_every_iteration_of_an_empty_body_is_done() -> None:
    async def empty(vu: VirtualUser) -> None:
        pass

    load = Load(opened(500, 2, 1), empty)
    load.go()
    assert load.counts == (1000, 0, 0, 0)


def test_an_error_in_the_engine_ends_the_load_instead_of_silencing_it() -> None:
    load = Load(opened(10, 60, 2), tenth)

    def broken(now_ns: int) -> None:
        raise OverflowError("does not fit")

    load.recorder.tick = broken  # type: ignore[method-assign]
    end = load.go()
    assert (end.ending, repr(end.error)) == (Ending.STOPPED, "OverflowError('does not fit')")
    assert end.ran_ns < 2 * S
