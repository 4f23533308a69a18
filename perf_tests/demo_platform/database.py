"""The SQLite file: its connection, and the few ways in which it is asked.

Calls run directly on the event loop. A query of this platform takes 10-200 us, about what handing
it to a thread and back costs (50-100 us on two busy cores), and with one process there is nothing to
gain from a second connection: SQLite has one writer. This module knows no HTTP.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .schema import SCHEMA

# More than the distinct statements of the platform, so that each is compiled once.
CACHED_STATEMENTS = 256

Parameters = Sequence[Any] | Mapping[str, Any]
# What a load test of some minutes writes fits in: a search of 500 agents among 10 000 takes 1.7 ms, where it
# takes 2.6 ms with the 2 MB that SQLite would have.
CACHE_KIB = 64 * 1024

Row = tuple[Any, ...]


class Database:
    """One connection to one file. Not for more than one thread."""

    def __init__(self, path: Path) -> None:
        # isolation_level None: statements commit on their own, transactions are opened where they are meant.
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=CACHED_STATEMENTS)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # The file is thrown away with the process, so an fsync would only measure this machine's disk.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def create_schema(self) -> None:
        self._connection.executescript(SCHEMA)

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a statement that changes rows; how many it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Iterator[Row] | Sequence[Row]) -> None:
        self._connection.executemany(sql, rows)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        found: Row | None = self._connection.execute(sql, parameters).fetchone()
        return found

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, parameters)
        return None if found is None else found[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def dump(self) -> list[str]:
        """Schema and content as SQL statements: two databases are equal when their dumps are."""
        return list(self._connection.iterdump())

    def close(self) -> None:
        self._connection.close()
