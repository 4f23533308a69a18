"""Load test of graphs: users who create graphs and execute them until their credits are spent.

    pytest perf_tests -m graphs --requests-per-vu 3

An execution that is refused because the user has no credits left (402) is expected: it is counted under
"out of credits" and is no error.
"""

from __future__ import annotations

import pytest

from perf_tests.checks import all_of
from perf_tests.graphs import create_graph, execute_graph
from perf_tests.options import SuiteOptions
from pytest_loadtest import Client, VirtualUser

pytestmark = pytest.mark.graphs

# Of one iteration: the graphs created unless --requests-per-vu says how many, and the most that are executed.
GRAPHS = 1
MOST_EXECUTED = 5


@pytest.mark.load(vus=100, duration="5m", ramp_up="1m", ramp_down="1m")
@pytest.mark.budget(p95="5s", p99="10s", error_rate="5%", failure_rate="5%", check_rate="95%")
@pytest.mark.budget(max_rate="5%", metric="execution errors")
@pytest.mark.parametrize("scenario", ["Graph_Execution_Max_Load"])
async def test_graph_execution(
    signed_in_http: Client, vu: VirtualUser, suite: SuiteOptions, scenario: str
) -> None:
    number = suite.requests_per_vu or GRAPHS
    answers = await all_of(*(create_graph(signed_in_http, vu) for _ in range(number)))
    graphs = [graph for graph in answers if graph is not None]
    await all_of(*(execute_graph(signed_in_http, vu, graph) for graph in graphs[:MOST_EXECUTED]))
    await vu.think("1s", "3s")
