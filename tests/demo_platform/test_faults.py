"""Failures on purpose: late and wrong answers in this process, and a frozen platform beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perf_tests.demo_platform import Faults, running_platform
from perf_tests.demo_platform.app import create_app
from perf_tests.demo_platform.database import Database
from perf_tests.demo_platform.faults import FaultyAnswers
from perf_tests.demo_platform.seed import seed
from perf_tests.demo_platform.settings import Settings
from perf_tests.demo_platform.signing import TokenSigner

SIGNER = TokenSigner("a secret for this test, and long enough")
CREATOR = "/api/store/creator/ada-bell"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(Path(tmp_path_factory.mktemp("database")) / "platform.sqlite3")
    seed(database)
    yield database
    database.close()


def answers(database: Database, faults: Faults, paths: list[str]) -> list[httpx.Response]:
    """The answers to these requests, one after the other."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app(database, SIGNER, Settings(faults)))
        async with httpx.AsyncClient(transport=transport, base_url="http://platform") as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("faults", "is_there"),
    [
        (Faults(), False),
        (Faults(freeze_s=1), False),
        (Faults(latency_s=0.1), True),
        (Faults(error_rate=0.1), True),
    ],
)
def test_the_middleware_is_only_there_when_it_has_something_to_do(
    database: Database, faults: Faults, is_there: bool
) -> None:
    app = create_app(database, SIGNER, Settings(faults))
    classes = [middleware.cls for middleware in app.user_middleware]
    assert classes == ([FaultyAnswers] if is_there else [])


def test_some_answers_are_errors_and_the_same_ones_each_time(database: Database) -> None:
    def statuses() -> list[int]:
        return [answer.status_code for answer in answers(database, Faults(error_rate=0.2), [CREATOR] * 300)]

    first = statuses()
    assert set(first) == {200, 500, 503}
    assert 30 <= 300 - first.count(200) <= 90  # 60 expected, with a deviation of 7
    assert statuses() == first


def test_an_error_is_json(database: Database) -> None:
    seen = {answer.json()["detail"] for answer in answers(database, Faults(error_rate=1), [CREATOR] * 20)}
    assert seen == {"Internal Server Error", "Service Unavailable"}


def test_health_and_signing_in_are_spared(database: Database) -> None:
    paths = ["/health", "/rest/v1/", "/auth/v1/user"]
    statuses = [answer.status_code for answer in answers(database, Faults(error_rate=1), paths)]
    assert statuses == [200, 401, 401]


def test_answers_are_late(database: Database) -> None:
    started = time.perf_counter()
    answers(database, Faults(latency_s=0.1), [CREATOR, CREATOR])
    assert time.perf_counter() - started >= 0.2


def test_the_whole_platform_stands_still_again_and_again() -> None:
    faults = Faults(freeze_s=0.3, freeze_every_s=0.6)
    with running_platform(faults=faults) as platform, httpx.Client(base_url=platform.api) as client:
        until = time.perf_counter() + 20.0
        slow = 0
        while slow < 2 and time.perf_counter() < until:
            answer = client.get("/health")
            assert answer.status_code == 200
            slow += answer.elapsed.total_seconds() > 0.2
    assert slow == 2
