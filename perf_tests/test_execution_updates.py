"""Load test of the platform's WebSocket: signed-in users who watch the executions of one of their graphs.

    pytest perf_tests -m updates

Each iteration is one visit: list the library, open the WebSocket with the token, subscribe to a graph, send a
few heartbeats as the application does while its page is open, unsubscribe, leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from perf_tests.options import SuiteOptions
from pytest_loadtest import Client, VirtualUser, WebSocket

if TYPE_CHECKING:
    from pytest_loadtest import Token

pytestmark = pytest.mark.updates

ANSWER_WITHIN_S = 10


@pytest.mark.load(vus=100, duration="3m", ramp_up="30s", ramp_down="30s")
@pytest.mark.budget(p95="5s", p99="10s", error_rate="5%", failure_rate="5%", check_rate="95%")
@pytest.mark.budget(metric="heartbeat", p95="2s")
async def test_execution_updates(
    signed_in_http: Client, vu: VirtualUser, token: Token, updates_url: str, suite: SuiteOptions
) -> None:
    http = signed_in_http
    graph_id = await a_graph_of_the_library(http, vu)
    async with http.websocket(updates_url, params={"token": token.access_token}, name="updates") as ws:
        await change_subscription(ws, vu, "subscribe_graph_executions", graph_id)
        for _ in range(suite.heartbeats_per_visit):
            with vu.measure("heartbeat"):
                answer = await ask(ws, {"method": "heartbeat", "data": "ping"})
            vu.check("heartbeat: is answered", answer.get("data") == "pong")
            await vu.think("100ms", "500ms")
        await change_subscription(ws, vu, "unsubscribe", graph_id)


async def a_graph_of_the_library(http: Client, vu: VirtualUser) -> str:
    response = await http.get(
        "/api/library/agents",
        params={"page": 1, "page_size": 20},
        name="library agents",
    )
    graph_id: str = vu.random.choice(response.json()["agents"])["graph_id"]
    return graph_id


async def change_subscription(ws: WebSocket, vu: VirtualUser, method: str, graph_id: str) -> None:
    answer = await ask(ws, {"method": method, "data": {"graph_id": graph_id}})
    vu.check(f"{method}: succeeds", answer.get("success") is True)
    vu.check(f"{method}: names the graph", graph_id in answer.get("channel", ""))


async def ask(ws: WebSocket, message: dict[str, Any]) -> dict[str, Any]:
    """The answer to a message, which is the next that comes."""
    await ws.send_json(message)
    answer: dict[str, Any] = await ws.recv_json(timeout=ANSWER_WITHIN_S)
    return answer
