"""Ours: the iteration of browse.py at a rate, for a long time. The options say which and how long."""

from __future__ import annotations

from typing import Any

import pytest


# 500 users: nginx answers within a millisecond, so that they suffice for 0.1 s in which nothing moves.
@pytest.mark.load(rate="5000/s", duration="10m", max_vus=500)
async def test_soak(http: Any, vu: Any) -> None:
    response = await http.get("/api/store/agents", params={"page": 1, "page_size": 20}, name="agents")
    vu.check("status is 200", response.status_code == 200)
    vu.check("agents are listed", len(response.json()["agents"]) > 0)
