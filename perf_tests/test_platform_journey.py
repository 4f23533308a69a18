"""Load test of a whole visit to the platform: what a signed-in user does there, with the odds of each step.

    pytest perf_tests -m journey

Schedules and API keys that a visit makes are removed by it: they would act, or be valid, long after the load.
"""

from __future__ import annotations

import pytest

from perf_tests.checks import (
    Json,
    all_of,
    check_answer,
    has_list,
    has_values,
    json_body,
    json_object,
    segment,
)
from perf_tests.core_api import get_credits, list_blocks, list_executions, list_graphs
from perf_tests.graphs import OUT_OF_CREDITS, create_graph, execute_graph, open_execution, open_graph
from pytest_loadtest import Client, VirtualUser

pytestmark = pytest.mark.journey

# How likely a user takes a step.
CREATES_GRAPH = 0.2
EXECUTES_NEW_GRAPH = 0.5
SCHEDULES_NEW_GRAPH = 0.1
EXECUTES_EXISTING_GRAPH = 0.3
EXECUTES_BLOCK = 0.3
LOOKS_AT_API_KEYS = 0.1
CREATES_API_KEY = 0.05

THINK = ("1s", "4s")

# Blocks that may be executed anywhere with these inputs, as they only hand on what they are given.
HARMLESS_BLOCKS = {
    "1ff065e9-88e8-4358-9d82-8dc91f622ba9": {"input": "hello"},  # StoreValueBlock
    "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b": {"name": "message", "value": "hello"},  # AgentInputBlock
}

YEARLY = "0 0 1 1 *"  # a schedule that could not be removed does as little as it can


@pytest.mark.load(vus=100, duration="3m", ramp_up="30s", ramp_down="30s")
@pytest.mark.budget(p95="60s", p99="60s", error_rate="50%", failure_rate="50%", check_rate="50%")
@pytest.mark.parametrize("scenario", ["Comprehensive_Platform_Max_Load"])
async def test_comprehensive_platform(signed_in_http: Client, vu: VirtualUser, scenario: str) -> None:
    await take_onboarding(signed_in_http, vu)
    await look_around(signed_in_http, vu)
    await vu.think(*THINK)
    await work_with_new_graph(signed_in_http, vu)
    await work_with_existing_graph(signed_in_http, vu)
    await vu.think(*THINK)
    await try_blocks(signed_in_http, vu)
    await look_at_results(signed_in_http, vu)
    await look_at_api_keys(signed_in_http, vu)
    await vu.think(*THINK)


def decides(vu: VirtualUser, odds: float) -> bool:
    return vu.random.random() < odds


# -- onboarding and overview ------------------------------------------------------------------------------


async def take_onboarding(http: Client, vu: VirtualUser) -> None:
    """The application asks at each visit; a user completes it once."""
    response = await http.get("/api/onboarding/enabled", name="onboarding enabled")
    check_answer(vu, response, {"says yes or no": isinstance(json_body(response), bool)})
    response = await http.get("/api/onboarding", name="onboarding")
    check_answer(vu, response, {"lists completed steps": has_list(json_object(response), "completedSteps")})
    if vu.iteration == 0:
        update = {"completedSteps": ["WELCOME"]}
        response = await http.patch("/api/onboarding", json=update, name="update onboarding")
        check_answer(vu, response, {"step is completed": is_completed(json_object(response), "WELCOME")})


def is_completed(state: Json, step: str) -> bool:
    steps = state.get("completedSteps")
    return isinstance(steps, list) and step in steps


async def look_around(http: Client, vu: VirtualUser) -> None:
    await all_of(
        get_credits(http, vu), list_graphs(http, vu), list_blocks(http, vu), list_executions(http, vu)
    )


# -- graphs -------------------------------------------------------------------------------------------------


async def work_with_new_graph(http: Client, vu: VirtualUser) -> None:
    await list_graphs(http, vu)
    graph = await create_graph(http, vu) if decides(vu, CREATES_GRAPH) else None
    if graph is None:
        return
    await open_graph(http, vu, graph)
    if decides(vu, EXECUTES_NEW_GRAPH):
        execution_id = await execute_graph(http, vu, graph)
        if execution_id:
            await open_execution(http, vu, graph, execution_id)
    if decides(vu, SCHEDULES_NEW_GRAPH):
        await schedule_graph(http, vu, graph)


async def work_with_existing_graph(http: Client, vu: VirtualUser) -> None:
    graphs = await list_graphs(http, vu)
    if not graphs:
        return  # a user who has none yet
    graph = vu.random.choice(graphs)
    await open_graph(http, vu, graph)
    if decides(vu, EXECUTES_EXISTING_GRAPH):
        await execute_graph(http, vu, graph)


async def schedule_graph(http: Client, vu: VirtualUser, graph: Json) -> None:
    path = f"/api/graphs/{segment(graph['id'])}/schedules"
    wish = {
        "name": "Load test",
        "cron": YEARLY,
        "inputs": {},
        "credentials": {},
        "graph_version": graph["version"],
    }
    response = await http.post(path, json=wish, name="schedule graph")
    schedule_id: str | None = json_object(response).get("id")
    if check_answer(vu, response, {"has an id": bool(schedule_id)}) and schedule_id:
        vu.count("schedule creations")
        response = await http.delete(f"/api/schedules/{segment(schedule_id)}", name="remove schedule")
        check_answer(vu, response, {})


# -- blocks ------------------------------------------------------------------------------------------------


async def try_blocks(http: Client, vu: VirtualUser) -> None:
    blocks = await list_blocks(http, vu)
    harmless = [block["id"] for block in blocks if block.get("id") in HARMLESS_BLOCKS]
    vu.check("blocks: there is one to be tried", bool(harmless))
    if harmless and decides(vu, EXECUTES_BLOCK):
        await execute_block(http, vu, vu.random.choice(harmless))


async def execute_block(http: Client, vu: VirtualUser, block_id: str) -> None:
    response = await http.post(
        f"/api/blocks/{segment(block_id)}/execute",
        json=HARMLESS_BLOCKS[block_id],
        name="execute block",
        expect={200, OUT_OF_CREDITS},
    )
    is_out = response.status_code == OUT_OF_CREDITS
    content = {"has outputs, or is out of credits": is_out or bool(json_object(response))}
    good = check_answer(vu, response, content, statuses=(200, OUT_OF_CREDITS))
    if is_out:
        vu.count("out of credits")
    elif good:
        vu.count("block executions")


# -- executions, schedules, API keys -----------------------------------------------------------------------


async def look_at_results(http: Client, vu: VirtualUser) -> None:
    await list_executions(http, vu)
    response = await http.get("/api/schedules", name="schedules")
    check_answer(vu, response, {"body is an array": isinstance(json_body(response), list)})


async def look_at_api_keys(http: Client, vu: VirtualUser) -> None:
    if decides(vu, LOOKS_AT_API_KEYS):
        response = await http.get("/api/api-keys", name="API keys")
        check_answer(vu, response, {"body is an array": isinstance(json_body(response), list)})
    if decides(vu, CREATES_API_KEY):
        await create_api_key(http, vu)


async def create_api_key(http: Client, vu: VirtualUser) -> None:
    wish = {
        "name": f"Load test {vu.id}-{vu.iteration}",
        "permissions": ["READ_GRAPH"],
        "description": "Made by a load test; may be deleted.",
    }
    response = await http.post("/api/api-keys", json=wish, name="create API key")
    body = json_object(response)
    key = body.get("api_key")
    has_key = isinstance(key, dict) and has_values(key, "id") and has_values(body, "plain_text_key")
    if check_answer(vu, response, {"has an id and the key": has_key}) and isinstance(key, dict):
        vu.count("API key creations")
        response = await http.delete(f"/api/api-keys/{segment(key['id'])}", name="remove API key")
        check_answer(vu, response, {})
