"""Ours: one request per iteration against the server of known latencies, in the open or the closed model.

The service time is a trend: in the open model a result's latencies are response times. No warm-up is left
out: the server's truth is of all answers.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

SECONDS = os.environ["BENCH_SECONDS"] + "s"
VUS = int(os.environ["BENCH_VUS"])
RATE = os.environ.get("BENCH_RATE")
LOAD: dict[str, Any] = {"vus": VUS} if RATE is None else {"rate": f"{RATE}/s", "max_vus": VUS}


@pytest.mark.load(**LOAD, duration=SECONDS, warm_up=0)
@pytest.mark.budget(p99=os.environ["BENCH_P99_LIMIT"])
async def test_known_latency(http: Any, vu: Any) -> None:
    response = await http.get("/known", name="known")
    vu.trend("service", response.elapsed.total_seconds())
