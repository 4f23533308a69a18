"""Ours: virtual users that make one request each, then think with their connection open."""

from __future__ import annotations

import os
from typing import Any

import pytest

IDLE_SECONDS = 120  # longer than the benchmark takes to read the memory; it ends the run itself


@pytest.mark.load(vus=int(os.environ["BENCH_VUS"]), duration=IDLE_SECONDS)
async def test_idle(http: Any, vu: Any) -> None:
    response = await http.get("/api/store/agents", params={"page": 1, "page_size": 20}, name="agents")
    vu.check("status is 200", response.status_code == 200)
    await vu.think(IDLE_SECONDS, IDLE_SECONDS)
