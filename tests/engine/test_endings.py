"""How a load ends, and that whatever was measured until then is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.engine.ending import Ending
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, Skipped, closed


class TestGracefulStop:
    def test_what_ends_within_it_is_finished(self) -> None:
        async def body(vu: VirtualUser) -> None:
            await asyncio.sleep(3)

        load = Load(closed(2, 5, graceful_stop_s=2), body)
        end = load.go()
        assert load.counts == (4, 0, 0, 0)
        assert end.ran_ns == 6 * S
        assert load.metrics.iterations.finished[3] == 2  # counted where they began

    def test_what_does_not_is_cut_and_open_requests_are_censored(self) -> None:
        async def request(vu: VirtualUser) -> None:
            """A client: it tells a cut from a time-out of the test's own by `was_cut`."""
            started_ns = load.loop.clock()
            try:
                await asyncio.sleep(8)
            except asyncio.CancelledError:
                outcome = Outcome.CENSORED if vu.was_cut else Outcome.CANCELLED
                vu.recorder.no_response("GET /", outcome, started_ns, load.loop.clock(), 100, 0)
                raise

        load = Load(closed(3, 2, graceful_stop_s=1), request)
        end = load.go()
        assert (end.ending, end.ran_ns) == (Ending.COMPLETED, 3 * S)
        assert load.counts == (0, 0, 3, 0)
        series = load.metrics.requests["GET /"]
        assert dict(series.outcomes) == {Outcome.CENSORED: 3}
        assert series.service.histogram().quantile(0.5) == pytest.approx(3 * S, rel=0.004)

    def test_a_time_out_of_the_tests_own_is_not_a_cut(self) -> None:
        async def body(vu: VirtualUser) -> None:
            try:
                await asyncio.wait_for(inner(vu), 0.5)
            except TimeoutError:
                await asyncio.sleep(0.5)

        async def inner(vu: VirtualUser) -> None:
            try:
                await asyncio.sleep(8)
            finally:
                seen.append(vu.was_cut)

        seen: list[bool] = []
        load = Load(closed(1, 3), body)
        load.go()
        assert seen == [False] * 3
        assert load.counts == (3, 0, 0, 0)

    def test_each_user_of_a_ramp_down_has_its_own(self) -> None:
        async def endless(vu: VirtualUser) -> None:
            try:
                await asyncio.sleep(1e6)
            finally:
                cut[vu.id] = load.now

        cut: dict[int, float] = {}
        load = Load(closed(3, 4, down_s=6, graceful_stop_s=1), endless)
        load.go()
        assert cut == {3: 7, 2: 9, 1: 11}
        assert load.counts == (0, 0, 3, 0)

    def test_none_at_all_cuts_at_the_end(self) -> None:
        async def body(vu: VirtualUser) -> None:
            await asyncio.sleep(2)

        load = Load(closed(2, 3, graceful_stop_s=0), body)
        assert load.go().ran_ns == 3 * S
        assert load.counts == (2, 0, 2, 0)


class TestEndedByTheBody:
    def test_abort_ends_the_load_with_its_reason(self) -> None:
        async def body(vu: VirtualUser) -> None:
            await asyncio.sleep(1)
            if load.now >= 3:
                vu.abort("the disk is full")

        load = Load(closed(4, 60), body)
        end = load.go()
        assert (end.ending, end.reason, end.error) == (Ending.ABORTED, "the disk is full", None)
        assert end.ran_ns == 3 * S
        assert load.counts == (8, 0, 3, 0)  # the one that aborted is neither finished nor failed
        assert len(load.torn_down) == 4

    def test_abort_in_a_sync_body(self) -> None:
        def body(vu: VirtualUser) -> None:
            vu.think(1)
            vu.abort("enough")

        load = Load(closed(4, 60), body)
        assert load.go().reason == "enough"

    def test_abort_in_a_task_of_the_body_is_found_in_its_group(self) -> None:
        async def aborting(vu: VirtualUser) -> None:
            await asyncio.sleep(1)
            vu.abort("from below")

        async def body(vu: VirtualUser) -> None:
            async with asyncio.TaskGroup() as outer:
                outer.create_task(asyncio.sleep(50))
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(aborting(vu))

        load = Load(closed(2, 60), body)
        end = load.go()
        assert (end.ending, end.reason) == (Ending.ABORTED, "from below")

    @pytest.mark.parametrize("in_group", [False, True])
    def test_an_exception_that_is_no_failure_ends_the_load(self, in_group: bool) -> None:
        async def skipping() -> None:
            await asyncio.sleep(1)
            raise Skipped("not on this machine")

        async def body(vu: VirtualUser) -> None:
            if not in_group:
                await skipping()
            async with asyncio.TaskGroup() as group:
                group.create_task(skipping())

        load = Load(closed(4, 60), body)
        end = load.go()
        assert (end.ending, repr(end.error)) == (Ending.STOPPED, "Skipped('not on this machine')")
        assert len(load.torn_down) == 4
        assert not load.left_tasks

    def test_system_exit_ends_the_load_in_good_order(self) -> None:
        async def body(vu: VirtualUser) -> None:
            await asyncio.sleep(1)
            raise SystemExit(3)

        load = Load(closed(4, 60), body)
        end = load.go()
        assert isinstance(end.error, SystemExit)
        assert len(load.torn_down) == 4

    def test_keyboard_interrupt_that_hits_a_body_is_an_interruption(self) -> None:
        async def body(vu: VirtualUser) -> None:
            await asyncio.sleep(1)
            if vu.id == 3 and vu.iteration == 2:
                raise KeyboardInterrupt

        load = Load(closed(4, 60), body)
        end = load.go()
        assert end.ending is Ending.INTERRUPTED
        assert load.finished >= 8
        assert sorted(load.torn_down) == [1, 2, 3, 4]

    def test_a_body_that_stops_the_load_and_goes_on_is_cut_like_the_others(self) -> None:
        async def body(vu: VirtualUser) -> None:
            await asyncio.sleep(1)
            load.run.stop(Ending.ABORTED, "by hand")
            await asyncio.sleep(1e6)

        load = Load(closed(3, 60), body)
        end = load.go()
        assert (end.ending, end.reason, end.ran_ns) == (Ending.ABORTED, "by hand", S)
        assert load.counts == (0, 0, 3, 0)


async def one_second(vu: VirtualUser) -> None:
    await asyncio.sleep(1)


STOPS: list[tuple[str, float, int]] = [
    # when it is stopped, after so many seconds, iterations that finished
    ("during the set-up", 1, 0),
    ("in the middle of an iteration", 3.5, 2),
    ("between two iterations", 3, 2),
    ("in the graceful stop", 12.5, 20),
]


@pytest.mark.parametrize(("moment", "finished"), [row[1:] for row in STOPS], ids=[row[0] for row in STOPS])
@pytest.mark.parametrize("how", ["timer", "interrupt", "deadline"])
def test_a_stop_from_outside_keeps_what_was_measured(how: str, moment: float, finished: int) -> None:
    async def set_up(vu: VirtualUser) -> None:
        await asyncio.sleep(2)

    async def body(vu: VirtualUser) -> None:
        await asyncio.sleep(100 if load.now >= 10 else 1)

    load = Load(closed(2, 10.5), body, set_up=set_up, deadline_s=moment if how == "deadline" else None)
    if how == "timer":
        load.at(moment, lambda: load.run.stop(Ending.ABORTED, "a budget"))
    elif how == "interrupt":
        load.at(moment, load.interrupt)
    end = load.go()
    endings = {"timer": Ending.ABORTED, "interrupt": Ending.INTERRUPTED, "deadline": Ending.TIMED_OUT}
    assert end.ending is endings[how]
    assert end.ran_ns == max(0, round((moment - 2) * S))
    assert abs(load.finished - finished) <= 2  # at the very moment either may come first
    assert load.finished + load.metrics.iterations.interrupted == len(load.starts)
    assert sorted(load.torn_down) == ([] if moment < 2 else [1, 2])
    assert not load.left_tasks
    assert not end.tear_down_errors
    assert not load.unhandled


class TestStop:
    def test_only_the_first_counts(self) -> None:
        load = Load(closed(2, 10), one_second)
        load.at(2, lambda: load.run.stop(Ending.ABORTED, "first"))
        load.at(2, lambda: load.run.stop(Ending.TIMED_OUT, "second"))
        end = load.go()
        assert (end.ending, end.reason) == (Ending.ABORTED, "first")

    def test_before_the_load_nothing_is_set_up(self) -> None:
        load = Load(closed(2, 10), one_second)
        load.run.stop(Ending.ABORTED, "too early")
        assert load.go().reason == "too early"
        assert load.torn_down == []

    def test_before_the_users_tasks_have_begun_leaves_no_timer(self) -> None:
        timers: list[asyncio.TimerHandle] = []
        load = Load(closed(3, 10), one_second, deadline_s=60).at(0, lambda: load.run.stop(Ending.ABORTED))
        call_at = load.loop.call_at

        def remember(*args: Any, **options: Any) -> asyncio.TimerHandle:
            timers.append(call_at(*args, **options))
            return timers[-1]

        load.loop.call_at = remember  # type: ignore[method-assign]
        assert load.go().ending is Ending.ABORTED
        waiting = [timer for timer in timers if timer.when() > load.loop.time()]
        assert len(waiting) == 5  # of three cuts and two deadlines
        assert all(timer.cancelled() for timer in waiting)

    def test_in_the_tear_down_comes_too_late(self) -> None:
        load = Load(closed(2, 10), one_second, tear_down=one_second)
        load.at(10.5, lambda: load.run.stop(Ending.ABORTED, "too late"))
        end = load.go()
        assert (end.ending, end.reason) == (Ending.COMPLETED, "")
        assert load.since_beginning == 11


def test_the_end_says_what_it_is() -> None:
    load = Load(closed(1, 1), one_second)
    end: Any = load.go()
    assert repr(end) == (
        "LoadEnd(ending=<Ending.COMPLETED: 'completed'>, reason='', error=None, ran_ns=1000000000, "
        "tear_down_errors=[], stuck=[])"
    )
