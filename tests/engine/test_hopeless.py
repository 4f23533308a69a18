"""A load that fails in one way only, from its first iterations on, is stopped; any other goes on."""

from __future__ import annotations

import asyncio

import pytest

from pytest_loadtest.core.shape import Shape
from pytest_loadtest.engine.ending import Ending, FirstIterations
from pytest_loadtest.engine.virtual_user import VirtualUser
from tests.engine.loads import Load, S, closed, opened

FIRST: list[tuple[str, int | None, list[tuple[str, int, str, float]], bool]] = [
    # what, users, [(event, user's iteration, error, seconds)], hopeless at the last event?
    ("one user, its first iteration failed", 1, [("b", 0, "", 0), ("f", 0, "E", 0)], True),
    ("two users, one still under way", 2, [("b", 0, "", 0), ("b", 0, "", 0), ("f", 0, "E", 0)], False),
    ("two users, both failed alike", 2,
     [("b", 0, "", 0), ("b", 0, "", 0), ("f", 0, "E", 0), ("f", 0, "E", 0)], True),
    ("two users, failed differently", 2,
     [("b", 0, "", 0), ("b", 0, "", 0), ("f", 0, "E", 0), ("f", 0, "F", 0)], False),
    ("five of a hundred are enough when no other is under way", 100,
     [("b", 0, "", 0), ("f", 0, "E", 0)] * 5, True),
    ("four are not", 100, [("b", 0, "", 0), ("f", 0, "E", 0)] * 4, False),
    ("one user of a slow ramp, again and again, but not for long", 5,
     [("b", 0, "", 0), ("f", 0, "E", 0), *[("b", 1, "", 1), ("f", 1, "E", 1)] * 9], False),
    ("one user of a slow ramp, for three seconds", 5,
     [("b", 0, "", 0), ("f", 0, "E", 0), *[("b", 1, "", 3), ("f", 1, "E", 3)] * 4], True),
    ("one user, few and slow iterations", 5,
     [("b", 0, "", 0), ("f", 0, "E", 60), *[("b", 1, "", 60), ("f", 1, "E", 120)] * 3], False),
    ("another user's first iteration is under way", 5,
     [("b", 0, "", 0), ("f", 0, "E", 0), ("b", 0, "", 0), *[("b", 1, "", 9), ("f", 1, "E", 9)] * 9], False),
    ("open model: the first five", None, [("b", 0, "", 0)] * 5 + [("f", 0, "E", 0)] * 5, True),
    ("open model: one user has all the turns", None,
     [step for n in range(5) for step in (("b", n, "", 0), ("f", n, "E", 0))], True),
    ("open model: fast failures before slow successes", None,
     [("b", 0, "", 0), *[("b", 0, "", 9), ("f", 0, "E", 9)] * 99], False),
]  # fmt: skip


@pytest.mark.parametrize(("users", "events", "hopeless"), [r[1:] for r in FIRST], ids=[r[0] for r in FIRST])
def test_first_iterations(
    users: int | None, events: list[tuple[str, int, str, float]], hopeless: bool
) -> None:
    first = FirstIterations(users)
    witnesses: list[bool] = []
    answers: list[bool] = []
    for event, iteration, error, seconds in events:
        if event == "b":
            witnesses.append(first.begins(iteration))
        else:
            answers.append(first.failed(error, round(seconds * S), is_witness=witnesses.pop()))
    assert answers[-1] is hopeless
    assert not any(answers[:-1])


class Refused(Exception):  # noqa: N818 - an error only by accident
    pass


async def refused(vu: VirtualUser) -> None:
    await asyncio.sleep(0.01)
    raise Refused("connection refused")


class TestHopeless:
    @pytest.mark.parametrize(
        ("shape", "within_s", "iterations"),
        [
            pytest.param(closed(30, 60), 0.01, 30, id="closed: every user once"),
            pytest.param(closed(1, 60), 0.01, 1, id="closed: one user"),
            pytest.param(closed(100, 60, up_s=60), 3, 700, id="closed: a ramp"),
            pytest.param(closed(5, 30, up_s=300), 3.1, 310, id="closed: a slow ramp of few users"),
            pytest.param(opened(50, 60, 100), 0.1, 5, id="open"),
            pytest.param(opened(1000, 60, 100), 0.03, 15, id="open, many under way"),
        ],
    )
    def test_a_load_that_only_fails_in_one_way_is_stopped(
        self, shape: Shape, within_s: float, iterations: int
    ) -> None:
        load = Load(shape, refused)
        end = load.go()
        assert (end.ending, end.reason) == (Ending.HOPELESS, "connection refused")
        assert end.ran_ns <= within_s * S
        finished, failed, _, dropped = load.counts
        assert 0 < finished == failed <= iterations
        assert dropped <= 1  # given to a user that was stopped before it could begin
        (group,) = load.metrics.failures.values()
        assert (group.count, group.traceback) == (failed, "traceback of Refused('connection refused')")
        assert len(load.torn_down) == shape.vus
        assert not load.left_tasks

    @pytest.mark.parametrize("shape", [closed(10, 5), closed(10, 5, up_s=3), opened(20, 5, 10)])
    def test_one_iteration_that_succeeds_lets_it_go_on(self, shape: Shape) -> None:
        async def body(vu: VirtualUser) -> None:
            if len(load.starts) != 3:
                await refused(vu)

        load = Load(shape, body)
        assert load.go().ending is Ending.COMPLETED
        assert load.finished > 90

    @pytest.mark.parametrize("shape", [closed(10, 5), opened(20, 5, 10)])
    def test_one_iteration_that_fails_differently_lets_it_go_on(self, shape: Shape) -> None:
        async def body(vu: VirtualUser) -> None:
            if len(load.starts) == 3:
                raise ValueError
            await refused(vu)

        load = Load(shape, body)
        assert load.go().ending is Ending.COMPLETED
        assert {group.type for group in load.metrics.failures.values()} == {"Refused", "ValueError"}
