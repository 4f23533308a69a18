"""A load that becomes longer while it runs: in every model, as often as somebody asks, but not too late."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_loadtest.core.shape import Arrivals, OpenShape, Shape
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed, opened, staged, staged_rate


async def one_second(vu: VirtualUser) -> None:
    await asyncio.sleep(1)


async def short(vu: VirtualUser) -> None:
    await asyncio.sleep(0.06)


async def endless(vu: VirtualUser) -> None:
    await asyncio.sleep(1e6)


def extending(load: Load, *extensions: tuple[float, float]) -> list[bool]:
    """Ask for (at this second, so many seconds more); what was answered."""
    answers: list[bool] = []
    for at_s, extra_s in extensions:
        load.at(at_s, lambda extra_s=extra_s: answers.append(load.run.extend(round(extra_s * S))))  # type: ignore[misc]
    return answers


paced = replace(closed(3, 10, up_s=3, down_s=6), pacing_ns=700_000_000)
poisson = opened(7, 10, 20, arrivals=Arrivals.POISSON)
MODELS: list[tuple[str, Shape]] = [
    ("users", closed(3, 10)),
    ("users with ramps", closed(3, 10, up_s=3, down_s=6)),
    ("users that come back after the hold",
     staged((0, 3), (4, 3), (0, 1), (9, 1), (0, 3), (3, 0), (2, 3), (3, 0))),
    ("paced users", paced),
    ("paced users whose next turn is after the old end", replace(closed(3, 10), pacing_ns=9 * S)),
    ("constant arrivals", opened(3, 10, 5)),
    ("arrivals less frequent than the load is long", opened(0.09, 10, 5)),
    ("arrivals with a ramp down", staged_rate((4, 5), (9, 5), (8, 0))),
    ("a hold, then more arrivals than before", staged_rate((0, 1), (12, 1), (3, 9), (3, 0))),
    ("Poisson arrivals", poisson),
    ("Poisson arrivals with ramps",
     OpenShape(staged_rate((4, 5), (9, 5), (8, 0)).profile, 20, Arrivals.POISSON)),
]  # fmt: skip


@pytest.mark.parametrize("extensions", [[(9, 7)], [(0.5, 3), (9.5, 4)]], ids=["once", "twice"])
@pytest.mark.parametrize("shape", [row[1] for row in MODELS], ids=[row[0] for row in MODELS])
def test_it_is_the_load_that_it_would_have_been_had_it_been_planned_so(
    shape: Shape, extensions: list[tuple[float, float]]
) -> None:
    planned = Load(shape.extended(7 * S), short)
    load = Load(shape, short)
    answers = extending(load, *extensions)
    end, planned_end = load.go(), planned.go()
    assert answers == [True] * len(extensions)
    assert load.run.shape == shape.extended(7 * S)
    assert sorted(load.starts) == sorted(planned.starts)
    assert load.counts == planned.counts
    assert end == planned_end
    assert not load.left_tasks
    assert not load.unhandled


@pytest.mark.parametrize("shape", [row[1] for row in MODELS], ids=[row[0] for row in MODELS])
@pytest.mark.parametrize("graceful_stop_s", [0, 2])
def test_what_still_runs_is_cut_later_too(shape: Shape, graceful_stop_s: int) -> None:
    shape = replace(shape, graceful_stop_ns=graceful_stop_s * S)
    planned, load = Load(shape.extended(7 * S), endless), Load(shape, endless)
    extending(load, (9, 7))
    assert load.go() == planned.go()
    assert load.counts == planned.counts
    assert load.counts[2] > 0


@pytest.mark.parametrize("shape", [row[1] for row in MODELS], ids=[row[0] for row in MODELS])
def test_timers_that_come_early_change_nothing(shape: Shape) -> None:
    def go(shape: Shape, *extensions: tuple[float, float]) -> Load:
        load = Load(shape, short, early_ns=50_000, look_ns=5_000)
        extending(load, *extensions)
        load.go()
        return load

    load, planned = go(shape, (9, 7)), go(shape.extended(7 * S))
    assert len(load.starts) == pytest.approx(len(planned.starts), rel=0.01)
    assert load.counts[2:] == (0, 0)


REFUSED: list[tuple[str, Shape, float]] = [
    # what, shape, when it is asked for
    ("at the end of the hold", closed(2, 10), 10),
    ("in the graceful stop", closed(2, 10), 10.2),
    ("in the ramp down", closed(2, 10, down_s=5), 12),
    ("after the last arrival", opened(2, 10, 5), 10.2),
    ("where nothing holds", staged((5, 3), (6, 0)), 3),
    ("where iterations are counted", closed(2, 10, iterations=15), 3),
    ("where iterations of each user are counted", closed(2, 10, iterations_per_vu=5), 3),
]


@pytest.mark.parametrize(("shape", "at_s"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_too_late_or_with_nothing_to_lengthen_it_is_refused(shape: Shape, at_s: float) -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1.3)

    planned, load = Load(shape, body), Load(shape, body)
    answers = extending(load, (at_s, 5))
    assert load.go() == planned.go()
    assert answers == [False]
    assert load.starts == planned.starts
    assert load.run.shape is shape


def test_before_and_after_the_load_it_is_refused() -> None:
    async def set_up(vu: VirtualUser) -> None:
        await asyncio.sleep(2)

    load = Load(closed(2, 3), one_second, set_up=set_up, tear_down=one_second)
    answers = extending(load, (1, 5), (5.5, 5))
    assert not load.run.extend(S)
    assert load.go().ran_ns == 3 * S
    assert answers == [False, False]
    assert not load.run.extend(S)


def test_a_load_that_is_being_stopped_is_not_lengthened() -> None:
    load = Load(closed(2, 60), endless)
    load.at(5, lambda: load.run.stop(Ending.ABORTED))
    answers = extending(load, (5, 5))
    assert load.go().ran_ns == 5 * S
    assert answers == [False]


@pytest.mark.parametrize("extra_ns", [0, -1])
def test_by_nothing_or_less_is_a_mistake(extra_ns: int) -> None:
    load = Load(closed(1, 5), one_second)
    said: list[str] = []

    def ask() -> None:
        with pytest.raises(ValueError, match="by more than nothing") as caught:
            load.run.extend(extra_ns)
        said.append(str(caught.value))

    load.at(2, ask)
    load.go()
    assert len(said) == 1


def test_the_deadline_stays() -> None:
    load = Load(closed(2, 5), one_second, deadline_s=8)
    assert extending(load, (4, 100)) == []
    end = load.go()
    assert (end.ending, end.ran_ns) == (Ending.TIMED_OUT, 8 * S)


def test_the_body_itself_may_ask_for_more() -> None:
    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(1)
        if vu.id == 1 and vu.iteration == 8:
            assert load.run.extend(3 * S)

    load = Load(closed(2, 10), body)
    assert load.go().ran_ns == 13 * S
    assert load.counts == (26, 0, 0, 0)


def test_it_may_go_on_for_as_long_as_somebody_asks_in_time() -> None:
    load = Load(closed(1, 2), one_second)
    answers = extending(load, *((1.5 + n, 1) for n in range(20)), (22.5, 1))
    assert load.go().ran_ns == 22 * S
    assert answers == [True] * 20


def test_a_queue_goes_on_to_be_served() -> None:
    load = Load(opened(2, 5, 1), one_second)  # twice as many arrivals as the user manages
    extending(load, (4.9, 5))
    load.go()
    assert load.counts == (10, 0, 0, 10)
    assert [load.metrics.iterations.dropped[second] for second in range(10)] == [0] * 5 + [2] * 5
