"""Ours: BENCH_REQUESTS iterations shared by 64 VUs, to see whether memory grows with requests."""

from __future__ import annotations

import os
from typing import Any

import pytest


@pytest.mark.load(vus=64, iterations=int(os.environ["BENCH_REQUESTS"]), duration="2h")
async def test_endurance(http: Any, vu: Any) -> None:
    response = await http.get("/api/store/agents", params={"page": 1, "page_size": 20}, name="agents")
    vu.check("status is 200", response.status_code == 200)
    vu.check("agents are listed", len(response.json()["agents"]) > 0)
