"""Ours: the benchmark's iteration as a user writes it, a marked test under pytest."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.load(vus=64, duration="5s")
async def test_browse(http: Any, vu: Any) -> None:
    response = await http.get("/api/store/agents", params={"page": 1, "page_size": 20}, name="agents")
    vu.check("status is 200", response.status_code == 200)
    vu.check("agents are listed", len(response.json()["agents"]) > 0)
