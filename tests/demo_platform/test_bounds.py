"""What a list costs does not grow with what a load has made: it is found by index, and counted so far."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perf_tests.demo_platform import executions, library
from perf_tests.demo_platform.app import create_app
from perf_tests.demo_platform.database import Database
from perf_tests.demo_platform.seed import USER_EMAILS, seed, user_id_of
from perf_tests.demo_platform.settings import Settings
from perf_tests.demo_platform.signing import TokenSigner

SIGNER = TokenSigner("a secret for this test, and long enough")
USER_ID = user_id_of(USER_EMAILS[0])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "platform.sqlite3")
    seed(database)
    yield database
    database.close()


def get(database: Database, path: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        transport = httpx.ASGITransport(create_app(database, SIGNER, Settings()))
        headers = {"Authorization": f"Bearer {SIGNER.access_token(USER_ID, USER_EMAILS[0], 's', 'i')}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://platform") as client:
            return dict((await client.get(path, headers=headers)).json())

    return asyncio.run(ask())


def test_totals_are_counted_so_far(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/library/agents?page_size=5"
    assert get(database, path)["pagination"]["total_items"] == 18
    monkeypatch.setattr(library, "MOST_COUNTED", 7)
    assert get(database, path)["pagination"]["total_items"] == 7
    graph_id = database.value(
        "SELECT graph_id FROM executions WHERE user_id = ? GROUP BY graph_id HAVING count(*) = 2", (USER_ID,)
    )
    monkeypatch.setattr(executions, "MOST_COUNTED", 1)
    page = get(database, f"/api/graphs/{graph_id}/executions")
    assert (page["pagination"]["total_items"], len(page["executions"])) == (1, 2)


def test_a_search_looks_at_what_was_changed_last(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/library/agents?search_term=a&page_size=100"
    everything = get(database, path)["agents"]
    assert len(everything) == 18
    monkeypatch.setattr(library, "MOST_SEARCHED", 4)
    found = get(database, path)
    assert found["agents"] == everything[:4]
    assert found["pagination"]["total_items"] == 4
    second = get(database, "/api/library/agents?search_term=a&page_size=3&page=2")
    assert second["agents"] == everything[3:4]


@pytest.mark.parametrize(
    "query",
    [
        "FROM graphs WHERE owner_id = ? ORDER BY number DESC LIMIT 50",
        "FROM executions WHERE user_id = ? ORDER BY number DESC LIMIT 50",
        "FROM executions WHERE user_id = ? AND graph_id = 'x' ORDER BY number DESC LIMIT 50",
        "FROM schedules WHERE user_id = ? ORDER BY number DESC LIMIT 50",
        "FROM api_keys WHERE user_id = ? ORDER BY number DESC LIMIT 50",
        *(
            f"FROM {library.LIBRARY_WITH_GRAPHS} WHERE {where} ORDER BY {order} LIMIT 20"
            for where, order in (
                (library.LISTED, library.ORDERS["updatedAt"]),
                (library.LISTED, library.ORDERS["createdAt"]),
                (library.FAVORITE, library.ORDERS["updatedAt"]),
            )
        ),
    ],
)
def test_a_list_is_read_in_the_order_of_an_index(database: Database, query: str) -> None:
    plan = [row[-1] for row in database.rows(f"EXPLAIN QUERY PLAN SELECT 1 {query}", (USER_ID,))]
    assert all(step.startswith("SEARCH") for step in plan), plan
