"""The virtual user, as a test sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from pytest_loadtest.core.recorder import NullRecorder, Recorder
from pytest_loadtest.engine.sync_bridge import SyncBody, await_only
from pytest_loadtest.engine.virtual_user import VirtualUser
from pytest_loadtest.errors import AbortRun, MisuseError
from tests.engine.loads import S
from tests.engine.virtual_time import VirtualTimeLoop


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder(S)
    recorder.start(0)
    return recorder


@pytest.fixture
def vu(recorder: Recorder, clock: Clock) -> VirtualUser:
    vu = VirtualUser(7, seed=1, clock=clock)
    vu.recorder = recorder
    return vu


@pytest.mark.parametrize(
    ("ok", "held"), [(True, True), (False, False), (1, True), ([], False), ("text", True), (None, False)]
)
def test_check_counts_what_is_true_and_what_is_not(
    vu: VirtualUser, recorder: Recorder, ok: object, held: bool
) -> None:
    assert vu.check("agents are listed", ok) is held
    recorder.flush()
    series = recorder.metrics.checks["agents are listed"]
    assert (series.yes.total(), series.no.total()) == ((1, 0) if held else (0, 1))


def test_rate_is_apart_from_checks(vu: VirtualUser, recorder: Recorder) -> None:
    for ok in (1, 0, "yes"):
        vu.rate("execution errors", ok)
    recorder.flush()
    series = recorder.metrics.rates["execution errors"]
    assert (series.yes.total(), series.no.total()) == (2, 1)
    assert not recorder.metrics.checks


def test_count_adds_up(vu: VirtualUser, recorder: Recorder) -> None:
    vu.count("graphs")
    vu.count("graphs", 4)
    vu.count("graphs", True)
    recorder.flush()
    assert recorder.metrics.counters["graphs"].total() == 6


def test_trend_has_percentiles_in_seconds(vu: VirtualUser, recorder: Recorder) -> None:
    for seconds in (0, 0.1, 0.2, 3):
        vu.trend("creation", seconds)
    recorder.flush()
    histogram = recorder.metrics.trends["creation"].histogram()
    assert histogram.quantile(1) == pytest.approx(3 * S, rel=0.004)
    assert histogram.quantile(0.5) == pytest.approx(0.1 * S, rel=0.004)


def test_measure_times_its_block(vu: VirtualUser, recorder: Recorder, clock: Clock) -> None:
    with vu.measure("checkout"):
        clock.now_ns += 2 * S
    with suppress(ValueError), vu.measure("checkout"):
        clock.now_ns += 50 * S
        raise ValueError
    recorder.flush()
    histogram = recorder.metrics.trends["checkout"].histogram()
    assert histogram.n == 1
    assert histogram.quantile(1) == pytest.approx(2 * S, rel=0.004)


MISUSES: list[tuple[Callable[[VirtualUser], object], str]] = [
    (lambda vu: vu.trend("t", -0.1), r"vu.trend\('t', -0.1\): a duration is zero or more seconds"),
    (lambda vu: vu.trend("t", float("nan")), "zero or more seconds"),
    (lambda vu: vu.trend("t", float("inf")), "zero or more seconds"),
    (lambda vu: vu.trend("t", 1e12), "zero or more seconds"),
    (lambda vu: vu.trend("iteration_duration", 1), "that trend is built in.*use another name"),
    (lambda vu: vu.measure("iteration_duration").__enter__(), "vu.measure.*that trend is built in"),
    (lambda vu: vu.count("n", 0.5), r"vu.count\('n', 0.5\): a counter counts whole numbers"),  # type: ignore[arg-type]
    (lambda vu: vu.count("n", "3"), "whole numbers"),  # type: ignore[arg-type]
    (lambda vu: vu.think("3 sheep"), r"vu.think: .*3 sheep"),
    (lambda vu: vu.think(-1), "vu.think: "),
    (lambda vu: vu.think("3s", "1s"), r"vu.think\('3s', '1s'\): the longest is shorter than the shortest"),
]


@pytest.mark.parametrize(("misuse", "words"), MISUSES)
def test_misuse_is_an_error_that_names_the_value(
    vu: VirtualUser, recorder: Recorder, misuse: Callable[[VirtualUser], object], words: str
) -> None:
    with pytest.raises(MisuseError, match=words):
        misuse(vu)
    recorder.flush()
    assert not recorder.metrics.trends
    assert not recorder.metrics.counters


PAUSES: list[tuple[tuple[Any, ...], float, float]] = [
    # arguments, shortest, longest pause in seconds
    (("1500ms",), 1.5, 1.5),
    ((2,), 2, 2),
    ((0,), 0, 0),
    ((timedelta(seconds=3),), 3, 3),
    (("1s", "3s"), 1, 3),
    ((1, 1), 1, 1),
]


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(("arguments", "shortest", "longest"), PAUSES)
def test_think_pauses(arguments: tuple[Any, ...], shortest: float, longest: float, sync: bool) -> None:
    vu = VirtualUser(1)

    async def main() -> list[float]:
        loop, body = asyncio.get_running_loop(), SyncBody()
        pauses = []
        for _ in range(50):
            before = loop.time()
            if sync:
                await body(vu.think, *arguments)
            else:
                await vu.think(*arguments)
            pauses.append(loop.time() - before)
        body.close()
        return pauses

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        pauses = runner.run(main())
    assert min(pauses) >= shortest - 1e-6
    assert max(pauses) <= longest + 1e-6
    assert len({round(pause, 6) for pause in pauses}) == (1 if shortest == longest else 50)


def test_think_in_a_coroutine_that_sync_code_waits_for() -> None:
    """A helper that awaits its think time works in both kinds of bodies."""
    vu = VirtualUser(1)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await SyncBody()(sync_code)
        return loop.time() - before

    def sync_code() -> None:
        await_only(helper())

    async def helper() -> None:
        await vu.think("2s")

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == pytest.approx(2)


def test_abort_raises_with_its_reason(vu: VirtualUser) -> None:
    with pytest.raises(AbortRun, match="the disk is full"):
        vu.abort("the disk is full")


def test_random_is_reproducible_for_each_user_and_seed() -> None:
    def numbers(user: int, seed: int | str) -> list[float]:
        vu = VirtualUser(user, seed=seed)
        return [vu.random.random() for _ in range(3)]

    assert numbers(1, 5) == numbers(1, 5)
    assert len({tuple(numbers(user, seed)) for user in (1, 2, 11) for seed in (1, 11, "a")}) == 9
    vu = VirtualUser(1)
    assert vu.random is vu.random


def test_state_is_the_users_own_and_lasts() -> None:
    first, second = VirtualUser(1), VirtualUser(2)
    first.state.cart = [1]
    assert first.state.cart == [1]
    assert not hasattr(second.state, "cart")
    with pytest.raises(AttributeError):
        first.cart = 1  # type: ignore[attr-defined]  # a slip of the pen must not pass unnoticed


def test_it_begins_outside_of_the_measurement_and_says_who_it_is() -> None:
    vu = VirtualUser(3)
    assert isinstance(vu.recorder, NullRecorder)
    assert (vu.id, vu.iteration, vu.start_delay_ns, vu.was_cut) == (3, 0, 0, False)
    assert repr(vu) == "<VirtualUser 3 iteration 0>"
    vu.check("nobody listens", True)
    vu.count("nobody listens")
    vu.trend("nobody listens", 1)
    vu.rate("nobody listens", True)
