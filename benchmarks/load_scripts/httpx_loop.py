"""Peer: 64 tasks on httpx and uvloop, as one writes it by hand: on one client, or (`per-vu`) a client each.

One client is what users write; httpcore's pool then scans all its connections for each of them on every
request, so a client per virtual user is several times faster. Default limits: a larger keep-alive limit makes
the scan dearer still. No generator verifies the TLS workload's self-signed certificate.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack

import httpx
import uvloop

from benchmarks.load_scripts.tally import NAME, PATH, QUERY, URL, VUS, Tally


async def virtual_user(client: httpx.AsyncClient, tally: Tally) -> None:
    async def iteration() -> None:
        started_ns = time.perf_counter_ns()
        response = await client.get(PATH, params=QUERY)
        tally.record(NAME, time.perf_counter_ns() - started_ns)
        tally.judge(response.status_code, response.content)

    await tally.run(iteration)


async def main(client_count: int) -> None:
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=URL, verify=False))
            for _ in range(client_count)
        ]
        tally = Tally()
        await asyncio.gather(*(virtual_user(clients[vu % client_count], tally) for vu in range(VUS)))
        tally.report()


if __name__ == "__main__":
    uvloop.run(main(VUS if "per-vu" in sys.argv[1:] else 1))
