"""Load tests of the core API: credits, graphs and blocks, read at once by signed-in users.

    pytest perf_tests -m core_api

``-m "core_api and not stress and not endurance"`` leaves the longest two out.
"""

from __future__ import annotations

import pytest

from perf_tests.checks import all_of
from perf_tests.core_api import get_credits, list_blocks, list_graphs
from pytest_loadtest import Client, VirtualUser

pytestmark = pytest.mark.core_api

STRESS = (pytest.mark.stress, pytest.mark.load(vus=500, duration="2m", ramp_up="1m", ramp_down="1m"))
ENDURANCE = (pytest.mark.endurance, pytest.mark.load(vus=100, duration="10m", ramp_up="1m", ramp_down="1m"))


@pytest.mark.load(vus=100, duration="5m", ramp_up="1m", ramp_down="1m")
@pytest.mark.budget(p95="2s", p99="5s", error_rate="5%", failure_rate="5%", check_rate="95%")
@pytest.mark.parametrize(
    "scenario",
    [
        "Core_API_Max_Load",
        pytest.param("Core_API_Stress_Test", marks=STRESS),
        pytest.param("Long_Duration_Core_API_Test", marks=ENDURANCE),
    ],
)
async def test_core_api(signed_in_http: Client, vu: VirtualUser, scenario: str) -> None:
    await all_of(
        get_credits(signed_in_http, vu),
        list_graphs(signed_in_http, vu),
        list_blocks(signed_in_http, vu),
    )
