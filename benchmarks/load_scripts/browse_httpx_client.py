"""Ours: the iteration of browse.py through httpx's own client, which sends on our connections."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.load(vus=64, duration="5s")
async def test_browse(httpx_client: Any, vu: Any) -> None:
    query = {"page": 1, "page_size": 20}
    response = await httpx_client.get("/api/store/agents", params=query, extensions={"name": "agents"})
    vu.check("status is 200", response.status_code == 200)
    vu.check("agents are listed", len(response.json()["agents"]) > 0)
