"""The tables of the platform, as SQL. What is asked of them is beside the endpoints that ask."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_salt BLOB NOT NULL,
    password_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    email_confirmed_at TEXT,                   -- NULL: must not sign in yet
    last_sign_in_at TEXT,
    user_metadata TEXT NOT NULL DEFAULT '{}',  -- JSON objects
    app_metadata TEXT NOT NULL DEFAULT '{}',
    credits INTEGER NOT NULL CHECK (credits >= 0)
) WITHOUT ROWID;

CREATE TABLE refresh_tokens (
    token TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    session_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (user_id, session_id);

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
    number INTEGER PRIMARY KEY,                -- in the order in which they were made
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    owner_id TEXT,                             -- a user; NULL: a creator of the store
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    search_text TEXT NOT NULL,                 -- lower case, what a search looks at
    input_schema TEXT NOT NULL,                -- JSON Schema
    output_schema TEXT NOT NULL,               -- JSON Schema
    forked_from TEXT,
    created_at TEXT NOT NULL,
    nodes TEXT NOT NULL,                       -- JSON arrays, as clients get them
    links TEXT NOT NULL,
    UNIQUE (id, version)
);
CREATE INDEX graphs_of_owner ON graphs (owner_id, number DESC);

CREATE TABLE executions (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    graph_id TEXT NOT NULL,
    graph_version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    runs_at TEXT NOT NULL,                     -- QUEUED before
    ends_at TEXT NOT NULL,                     -- RUNNING before
    cost INTEGER NOT NULL,
    nodes_run INTEGER NOT NULL,
    error TEXT,                                -- NULL: COMPLETED, else FAILED
    inputs TEXT NOT NULL,                      -- JSON objects
    outputs TEXT NOT NULL,
    FOREIGN KEY (graph_id, graph_version) REFERENCES graphs (id, version)
);
CREATE INDEX executions_of_user ON executions (user_id, number DESC);
CREATE INDEX executions_of_graph ON executions (user_id, graph_id, number DESC);

CREATE TABLE schedules (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    graph_id TEXT NOT NULL,
    graph_version INTEGER NOT NULL,
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    inputs TEXT NOT NULL,                      -- JSON objects
    credentials TEXT NOT NULL,
    created_at TEXT NOT NULL,
    FOREIGN KEY (graph_id, graph_version) REFERENCES graphs (id, version)
);
CREATE INDEX schedules_of_user ON schedules (user_id, number DESC);

CREATE TABLE api_keys (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    description TEXT,
    head TEXT NOT NULL,                        -- the first and the last characters, to tell keys apart
    tail TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    permissions TEXT NOT NULL,                 -- a JSON array
    created_at TEXT NOT NULL,
    revoked_at TEXT                            -- NULL: active
);
CREATE INDEX api_keys_of_user ON api_keys (user_id, number DESC);

CREATE TABLE onboarding (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    state TEXT NOT NULL,                       -- a JSON object: what the user has changed
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
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
CREATE INDEX library_agents_by_creation ON library_agents (user_id, is_archived, created_at DESC, id);
CREATE INDEX library_agents_favorites
    ON library_agents (user_id, is_archived, is_favorite, updated_at DESC, id);
"""
