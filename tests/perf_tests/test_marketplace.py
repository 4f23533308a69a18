"""The marketplace load tests' bodies, run once by hand: their requests, checks and counters.

What the plugin makes of them is tested in ``test_real_loads``.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from perf_tests import test_marketplace as marketplace
from perf_tests.demo_platform import Platform
from pytest_loadtest import Client, VirtualUser
from tests.perf_tests.bodies import (
    Body,
    HastyUser,
    answer,
    run,
    run_against,
    run_against_nobody,
    suite_options,
)

STORE_STEPS = [
    "featured agents", "all agents", "search agents", "agents of a category", "agent details",
    "all creators", "featured creators", "creator details",
]  # fmt: skip
LIBRARY_STEPS = [
    "library agents", "favorite agents", "store agents", "add agent", "update library agent",
    "library agent details", "fork library agent", "search library", "library agent by graph",
]  # fmt: skip
# What is left of them when nothing can be read from the lists.
STORE_STEPS_ALONE = [step for step in STORE_STEPS if "details" not in step]
LIBRARY_STEPS_ALONE = ["library agents", "favorite agents", "store agents", "search library"]


async def browse(http: Client, vu: VirtualUser) -> None:
    await marketplace.test_marketplace_public_access(http, vu, "")


def work(**options: Any) -> Body:
    async def body(http: Client, vu: VirtualUser) -> None:
        await marketplace.test_marketplace_library_access(http, vu, suite_options(**options), "")

    return body


@pytest.mark.parametrize("seed", range(5))
def test_browsing_the_store(platform: Platform, seed: int) -> None:
    notes = asyncio.run(run(browse, platform.api, user=HastyUser(seed)))
    assert notes.requests == STORE_STEPS
    assert notes.failed_checks == []
    assert len(notes.checks) == 2 * len(STORE_STEPS)
    assert not notes.counts


@pytest.mark.parametrize("seed", range(5))
def test_working_in_the_library(platform: Platform, user: dict[str, str], seed: int) -> None:
    notes = asyncio.run(run(work(), platform.api, user, user=HastyUser(seed)))
    assert notes.requests == LIBRARY_STEPS * 5
    assert notes.failed_checks == []
    assert len(notes.checks) == 3 * len(notes.requests)
    assert notes.counts == {"library requests": 45, "successful requests": 45}


def test_as_many_journeys_as_asked_for(platform: Platform, user: dict[str, str]) -> None:
    notes = asyncio.run(run(work(requests_per_vu=2), platform.api, user))
    assert notes.requests == LIBRARY_STEPS * 2


def test_without_a_token_the_library_counts_failures(platform: Platform) -> None:
    notes = asyncio.run(run(marketplace.library_journey, platform.api))
    assert notes.requests == [*LIBRARY_STEPS[:4], "search library"]
    assert notes.counts == {"library requests": 5, "successful requests": 1, "failed requests": 4}


def test_a_library_request_without_an_answer_is_counted_and_ends_the_iteration() -> None:
    async def body(http: Client, vu: VirtualUser) -> None:
        with pytest.raises(httpx.ConnectError):
            await work()(http, vu)

    notes = asyncio.run(run_against_nobody(body))
    assert notes.counts == {"library requests": 1, "failed requests": 1}


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        pytest.param(browse, STORE_STEPS_ALONE, id="store"),
        pytest.param(marketplace.library_journey, LIBRARY_STEPS_ALONE, id="library"),
    ],
)
@pytest.mark.parametrize(
    ("sent", "failed_per_step"),
    [
        pytest.param(answer("500 Oops", b"<html>sorry</html>"), 2, id="an error page: status and data"),
        pytest.param(answer("200 OK", b"<html>sorry</html>"), 1, id="no JSON: data"),
        pytest.param(answer("200 OK", b"[]"), 1, id="JSON, but no object: data"),
        pytest.param(answer("200 OK", b'{"agents": 1, "creators": null}'), 1, id="no lists: data"),
    ],
)
def test_a_bad_answer_fails_checks_and_the_journey_goes_on(
    sent: bytes, failed_per_step: int, body: Body, steps: list[str]
) -> None:
    notes = asyncio.run(run_against(sent, body))
    assert notes.requests == steps
    assert len(notes.failed_checks) == failed_per_step * len(steps)


def test_failures_of_the_store_are_counted_by_request_and_status() -> None:
    notes = asyncio.run(run_against(answer("503 Busy"), browse))
    assert notes.counts == {f"failed {step}: status 503": 1 for step in STORE_STEPS_ALONE}
