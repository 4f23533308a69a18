"""The platform journey's body, run by hand: its steps, and how often it takes those left to chance."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from perf_tests import test_platform_journey as journey
from perf_tests.demo_platform import Platform
from pytest_loadtest import Client, VirtualUser
from tests.perf_tests.bodies import HastyUser, answer, run, run_against

ALWAYS = {
    "onboarding enabled": 1, "onboarding": 1, "credits": 1, "graphs": 3, "blocks": 2, "executions": 2,
    "schedules": 1,
}  # fmt: skip
ITERATIONS = 300


async def visit(http: Client, vu: VirtualUser) -> None:
    await journey.test_comprehensive_platform(http, vu, "")


class Fate:
    """Random numbers that take every step, or none that is left to chance."""

    def __init__(self, value: float) -> None:
        self._value = value

    def random(self) -> float:
        return self._value

    def choice(self, values: list[object]) -> object:
        return values[0]

    def getrandbits(self, bits: int) -> int:
        return 0

    def uniform(self, low: float, high: float) -> float:
        return low


def user_with(fate: Fate) -> HastyUser:
    vu = HastyUser()
    vu._random = fate
    return vu


def test_a_visit_that_takes_every_step(platform: Platform, user: dict[str, str]) -> None:
    vu = user_with(Fate(0.0))
    notes = asyncio.run(run(visit, platform.api, user, user=vu))
    assert notes.failed_checks == []
    assert notes.failed_requests == []
    assert Counter(notes.requests) == {
        **ALWAYS, "update onboarding": 1, "create graph": 1, "graph details": 2, "execute graph": 2,
        "execution details": 1, "schedule graph": 1, "remove schedule": 1, "execute block": 1, "API keys": 1,
        "create API key": 1, "remove API key": 1,
    }  # fmt: skip
    assert notes.counts == {
        "graph creations": 1, "graph executions": 2, "schedule creations": 1, "block executions": 1,
        "API key creations": 1,
    }  # fmt: skip
    assert vu.thoughts == [("1s", "4s")] * 3


def test_a_visit_without_any_step_that_is_left_to_chance(platform: Platform, user: dict[str, str]) -> None:
    notes = asyncio.run(run(visit, platform.api, user, user=user_with(Fate(0.99)), iterations=2))
    assert notes.failed_checks == []
    # There is a graph: another test's, or one that the user has had from the beginning.
    optional = {"graph details", "update onboarding"}
    requests = Counter(name for name in notes.requests if name not in optional)
    assert requests == {name: 2 * count for name, count in ALWAYS.items()}
    assert notes.requests.count("update onboarding") == 1  # in its first iteration


def test_it_takes_each_step_as_often_as_intended() -> None:
    """Against answers that are always the same: what a user does then depends on its random numbers alone."""
    graph = b'{"id": "g", "version": 1}'
    sent = {
        "GET /api/onboarding/enabled": b"true",
        "GET /api/onboarding": b'{"completedSteps": []}',
        "PATCH /api/onboarding": b'{"completedSteps": ["WELCOME"]}',
        "GET /api/credits": b'{"credits": 1}',
        "GET /api/graphs": b"[%s]" % graph,
        "POST /api/graphs": graph,
        "GET /api/graphs/g": graph,
        "POST /api/graphs/g/execute/1": b'{"id": "e"}',
        "GET /api/graphs/g/executions/e": b'{"id": "e", "status": "QUEUED"}',
        "POST /api/graphs/g/schedules": b'{"id": "s"}',
        "DELETE /api/schedules/s": b'{"id": "s"}',
        "GET /api/schedules": b"[]",
        "GET /api/executions": b"[]",
        "GET /api/blocks": b'[{"id": "%s"}]' % next(iter(journey.HARMLESS_BLOCKS)).encode(),
        f"POST /api/blocks/{next(iter(journey.HARMLESS_BLOCKS))}/execute": b'{"output": ["hello"]}',
        "GET /api/api-keys": b"[]",
        "POST /api/api-keys": b'{"api_key": {"id": "k"}, "plain_text_key": "agpt_x"}',
        "DELETE /api/api-keys/k": b"{}",
    }
    answers = {request: answer("200 OK", body) for request, body in sent.items()}

    async def visits(http: Client, vu: VirtualUser) -> None:
        for vu.iteration in range(ITERATIONS):
            await visit(http, vu)

    notes = asyncio.run(run_against(answers, visits))
    assert notes.failed_checks == []
    counts = Counter(notes.requests)
    created = counts["create graph"]
    assert {name: counts[name] / ITERATIONS for name in ALWAYS} == ALWAYS
    assert created / ITERATIONS == pytest.approx(0.2, abs=0.06)
    assert counts["execution details"] / created == pytest.approx(0.5, abs=0.2)
    assert counts["schedule graph"] / created == pytest.approx(0.1, abs=0.1)
    assert (counts["execute graph"] - counts["execution details"]) / ITERATIONS == pytest.approx(
        0.3, abs=0.08
    )
    assert counts["execute block"] / ITERATIONS == pytest.approx(0.3, abs=0.08)
    assert counts["API keys"] / ITERATIONS == pytest.approx(0.1, abs=0.05)
    assert counts["create API key"] / ITERATIONS == pytest.approx(0.05, abs=0.04)
    assert counts["remove schedule"] == counts["schedule graph"] > 0
    assert counts["remove API key"] == counts["create API key"] > 0


def test_errors_everywhere_and_the_visit_goes_on_to_its_end() -> None:
    notes = asyncio.run(run_against(answer("503 Busy"), visit))
    assert notes.requests[-1] == "schedules"
    assert len(notes.failed_requests) == len(notes.requests)
    assert not notes.counts
