"""The SQLite file: its schema, its connection, and the few ways in which it is asked.

Calls run directly on the event loop. A query of this platform takes 10-200 us, about what handing
it to a thread and back costs (50-100 us on two busy cores), and with one process there is nothing to
gain from a second connection: SQLite has one writer. This module knows no HTTP.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_salt BLOB NOT NULL,
    password_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    last_sign_in_at TEXT
) WITHOUT ROWID;

CREATE TABLE refresh_tokens (
    token TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    session_id TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE creators (
    username TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    avatar_url TEXT NOT NULL,
    links TEXT NOT NULL,                       -- a JSON array
    is_featured INTEGER NOT NULL,
    num_agents INTEGER NOT NULL DEFAULT 0,
    agent_runs INTEGER NOT NULL DEFAULT 0,
    agent_rating REAL NOT NULL DEFAULT 0,
    top_categories TEXT NOT NULL DEFAULT '[]'  -- a JSON array
) WITHOUT ROWID;

CREATE TABLE graphs (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    owner_id TEXT,                             -- a user; NULL: a creator of the store
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    search_text TEXT NOT NULL,                 -- lower case, what a search looks at
    input_schema TEXT NOT NULL,                -- JSON Schema
    output_schema TEXT NOT NULL,               -- JSON Schema
    forked_from TEXT,
    PRIMARY KEY (id, version)
) WITHOUT ROWID;

CREATE TABLE store_agents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    creator TEXT NOT NULL REFERENCES creators (username),
    store_listing_version_id TEXT NOT NULL UNIQUE,
    graph_id TEXT NOT NULL,
    graph_version INTEGER NOT NULL,
    name TEXT NOT NULL,
    sub_heading TEXT NOT NULL,
    description TEXT NOT NULL,
    search_text TEXT NOT NULL,                 -- lower case, what a search looks at
    image_url TEXT NOT NULL,
    video_url TEXT NOT NULL,
    categories TEXT NOT NULL,                  -- a JSON array
    runs INTEGER NOT NULL,
    rating REAL NOT NULL,
    is_featured INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (creator, slug),
    FOREIGN KEY (graph_id, graph_version) REFERENCES graphs (id, version)
);
CREATE INDEX store_agents_by_runs ON store_agents (runs DESC, number);
CREATE INDEX store_agents_featured ON store_agents (is_featured, runs DESC, number);

CREATE TABLE store_agent_categories (
    category TEXT NOT NULL,
    agent INTEGER NOT NULL REFERENCES store_agents (number),
    PRIMARY KEY (category, agent)
) WITHOUT ROWID;

CREATE TABLE library_agents (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    graph_id TEXT NOT NULL,
    graph_version INTEGER NOT NULL,
    creator_name TEXT NOT NULL,
    creator_image_url TEXT NOT NULL,
    image_url TEXT NOT NULL,
    is_favorite INTEGER NOT NULL DEFAULT 0,
    is_archived INTEGER NOT NULL DEFAULT 0,
    auto_update_version INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (user_id, graph_id, graph_version),
    FOREIGN KEY (graph_id, graph_version) REFERENCES graphs (id, version)
) WITHOUT ROWID;
CREATE INDEX library_agents_listed ON library_agents (user_id, is_archived, updated_at DESC, id);
CREATE INDEX library_agents_favorites
    ON library_agents (user_id, is_archived, is_favorite, updated_at DESC, id);
"""

# More than the distinct statements of the platform, so that each is compiled once.
CACHED_STATEMENTS = 256

Parameters = Sequence[Any]
Row = tuple[Any, ...]


class Database:
    """One connection to one file. Not for more than one thread."""

    def __init__(self, path: Path) -> None:
        # isolation_level None: statements commit on their own, transactions are opened where they are meant.
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=CACHED_STATEMENTS)
        self._connection.execute("PRAGMA journal_mode = WAL")
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
