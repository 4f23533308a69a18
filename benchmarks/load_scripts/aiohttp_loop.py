"""Peer: 64 tasks on one aiohttp session and uvloop, as one writes it by hand."""

# mypy: disable-error-code="import-not-found"
# (aiohttp is in the extra `bench`, not in `dev`)

from __future__ import annotations

import asyncio
import time

import aiohttp
import uvloop

from benchmarks.load_scripts.tally import NAME, PATH, QUERY, URL, VUS, Tally


async def main() -> None:
    # No generator verifies the TLS workload's self-signed certificate.
    connector = aiohttp.TCPConnector(limit=VUS, ssl=False)
    async with aiohttp.ClientSession(URL, connector=connector) as session:
        tally = Tally()

        async def iteration() -> None:
            started_ns = time.perf_counter_ns()
            async with session.get(PATH, params=QUERY) as response:
                body = await response.read()
            tally.record(NAME, time.perf_counter_ns() - started_ns)
            tally.judge(response.status, body)

        await asyncio.gather(*(tally.run(iteration) for _ in range(VUS)))
        tally.report()


if __name__ == "__main__":
    uvloop.run(main())
