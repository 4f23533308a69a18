"""Load tests of one endpoint at a time: what it bears by itself.

    pytest perf_tests/test_single_endpoint.py --endpoint credits --concurrent-requests 3

Without ``--endpoint``, each of the four in its turn.
"""

from __future__ import annotations

import pytest

from perf_tests.checks import all_of, check_answer
from perf_tests.options import SuiteOptions
from pytest_loadtest import Client, VirtualUser

pytestmark = pytest.mark.basic

# Longest time of an answer that its check accepts: to a request alone, and to one of several at once.
ALONE_WITHIN_S = 3
TOGETHER_WITHIN_S = 5


@pytest.mark.load(vus=100, duration="3m", ramp_up="30s", ramp_down="30s")
@pytest.mark.budget(p95="60s", error_rate="50%", failure_rate="50%", check_rate="50%")
@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("credits", id="Credits_API_Max_Load"),
        pytest.param("graphs", id="Graphs_API_Max_Load"),
        pytest.param("blocks", id="Blocks_API_Max_Load"),
        pytest.param("executions", id="Executions_API_Max_Load"),
    ],
)
async def test_single_endpoint(
    signed_in_http: Client, vu: VirtualUser, suite: SuiteOptions, endpoint: str
) -> None:
    at_once = suite.concurrent_requests
    within_s = TOGETHER_WITHIN_S if at_once > 1 else ALONE_WITHIN_S
    await all_of(*(get_endpoint(signed_in_http, vu, endpoint, within_s) for _ in range(at_once)))


async def get_endpoint(http: Client, vu: VirtualUser, endpoint: str, within_s: float) -> None:
    response = await http.get(f"/api/{endpoint}", name=endpoint)
    check_answer(vu, response, {}, within_s=within_s)
