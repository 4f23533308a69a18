"""Peer: k9-load's Python script mode: `async def default()` on one event loop, requests sent by Rust."""

# mypy: disable-error-code="import-not-found"
# (k9-load is in the extra `bench`, not in `dev`)

from __future__ import annotations

import os

import k9

URL = os.environ["BENCH_URL"] + "/api/store/agents"


async def default() -> None:
    response = await k9.http.get(URL, params={"page": 1, "page_size": 20}, name="agents")
    k9.check(
        response,
        {
            "status is 200": response.status == 200,
            "agents are listed": len(response.json()["agents"]) > 0,
        },
    )
