"""The load tests whose reports the gallery shows: one passes, three do not, each for its own reason.

    python -m docs.gallery.make

runs them on the demo platform and makes the pictures anew. The loads are modest, so that a machine with
other work has time for them too: else each of them would say that the generator was the bottleneck.
"""

from __future__ import annotations

import pytest

from perf_tests.demo_platform import Platform
from pytest_loadtest import Client, VirtualUser


async def browse(http: Client, vu: VirtualUser, platform: Platform) -> None:
    """Look at a page of the store, and at one of its agents."""
    page = await http.get(
        f"{platform.api}/api/store/agents", params={"page": vu.random.randint(1, 20)}, name="list agents"
    )
    if not vu.check("agents are listed", page.status_code == 200 and bool(page.json()["agents"])):
        return
    agent = vu.random.choice(page.json()["agents"])
    details = await http.get(
        f"{platform.api}/api/store/agents/{agent['creator']}/{agent['slug']}", name="agent details"
    )
    vu.check("agent has a description", details.status_code == 200 and bool(details.json()["description"]))


@pytest.mark.faults(latency_s=0.05)  # what a service that is not on this machine takes
@pytest.mark.load(vus=6, duration="20s", ramp_up="4s", ramp_down="4s")
@pytest.mark.budget(p95="250ms", p99="500ms", error_rate="1%", check_rate="99%")
async def test_browsing_passes(http: Client, vu: VirtualUser, platform: Platform) -> None:
    await browse(http, vu, platform)
    await vu.think("100ms", "300ms")


@pytest.mark.faults(latency_s=0.2, error_rate=0.04)
@pytest.mark.load(vus=10, duration="20s", ramp_up="4s", ramp_down="4s")
@pytest.mark.budget(p95="150ms", error_rate="1%", check_rate="99%")
@pytest.mark.budget(p95="1s", request="agent details")
async def test_a_slow_and_faulty_platform_fails(http: Client, vu: VirtualUser, platform: Platform) -> None:
    await browse(http, vu, platform)
    await vu.think("100ms", "300ms")


@pytest.mark.load(vus=20, duration="20s")
@pytest.mark.budget(p95="30ms")
async def test_a_busy_generator_is_no_verdict(http: Client, vu: VirtualUser, platform: Platform) -> None:
    await browse(http, vu, platform)
    sum(range(200_000))  # what an expensive check of an answer does to the event loop, and to every latency


@pytest.mark.faults(freeze_s=2.0, freeze_every_s=10.0)
@pytest.mark.load(rate="20/s", duration="30s", max_vus=100)
@pytest.mark.budget(p95="500ms", p99="1s")
async def test_an_open_model_sees_freezes(http: Client, vu: VirtualUser, platform: Platform) -> None:
    await browse(http, vu, platform)
