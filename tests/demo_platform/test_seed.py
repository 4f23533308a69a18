"""The first content: always the same."""

from __future__ import annotations

from pathlib import Path

from perf_tests.demo_platform.database import Database
from perf_tests.demo_platform.seed import seed


def seeded(path: Path) -> tuple[list[str], dict[str, int]]:
    database = Database(path)
    seed(database)
    tables = [
        "store_agents",
        "creators",
        "users",
        "library_agents",
        "graphs",
        "executions",
        "schedules",
        "refresh_tokens",
    ]
    counts = {table: database.value(f"SELECT count(*) FROM {table}") for table in tables}
    dump = database.dump()
    database.close()
    return dump, counts


def test_two_seeds_are_equal(tmp_path: Path) -> None:
    first, counts = seeded(tmp_path / "first.sqlite3")
    second, _ = seeded(tmp_path / "second.sqlite3")
    assert first == second
    assert counts == {
        "store_agents": 500,
        "creators": 60,
        "users": 47,
        "library_agents": 47 * (15 + 3),
        "graphs": 500 + 47 * 3,
        "executions": 47 * 5,
        "schedules": 47,
        "refresh_tokens": 0,
    }


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "platform.sqlite3")
    seed(database)
    before = database.dump()
    try:
        with database.transaction():
            database.execute("DELETE FROM library_agents")
            raise KeyError("changed its mind")
    except KeyError:
        pass
    assert database.dump() == before
    database.close()
