"""What the hand-written loops record, as a load test tool must: latencies by name and checks by name.

Owns the workload's numbers as the loops read them. Must not know which client sends the requests.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from collections.abc import Awaitable, Callable

URL = os.environ["BENCH_URL"]
SECONDS = float(os.environ["BENCH_SECONDS"])
VUS = int(os.environ["BENCH_VUS"])
PATH = "/api/store/agents"
QUERY = {"page": 1, "page_size": 20}
NAME = "agents"


class Tally:
    """Latencies and checks of one run, and the moment it ends."""

    def __init__(self) -> None:
        self.latencies_ns: dict[str, array[int]] = {}
        self.checks: dict[str, list[int]] = {}
        self.started_ns = time.perf_counter_ns()
        self.ends_ns = self.started_ns + int(SECONDS * 1e9)

    def goes_on(self) -> bool:
        return time.perf_counter_ns() < self.ends_ns

    def record(self, name: str, latency_ns: int) -> None:
        latencies = self.latencies_ns.get(name)
        if latencies is None:
            latencies = self.latencies_ns[name] = array("q")
        latencies.append(latency_ns)

    def check(self, name: str, ok: bool) -> None:
        outcomes = self.checks.get(name)
        if outcomes is None:
            outcomes = self.checks[name] = [0, 0]
        outcomes[ok] += 1

    def judge(self, status: int, body: bytes) -> None:
        """The two checks every generator makes."""
        self.check("status is 200", status == 200)
        self.check("agents are listed", len(json.loads(body)["agents"]) > 0)

    async def run(self, iteration: Callable[[], Awaitable[None]]) -> None:
        """One virtual user: iterations until the end."""
        while self.goes_on():
            await iteration()

    def report(self) -> None:
        """Prints the one line benchmarks.reports reads."""
        seconds = (time.perf_counter_ns() - self.started_ns) / 1e9
        requests = sum(len(latencies) for latencies in self.latencies_ns.values())
        failed_checks = sum(failed for failed, _ in self.checks.values())
        print(json.dumps({"requests": requests, "seconds": seconds, "failed_checks": failed_checks}))
