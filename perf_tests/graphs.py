"""Creating, reading and executing graphs: steps of the graph execution test and of the platform journey.

They measure what the reports of both name: counters "graph creations", "graph executions" and "out of
credits", trends "graph creation" and "graph execution", the rate "execution errors".
"""

from __future__ import annotations

import httpx

from perf_tests.checks import Json, check_answer, has_values, is_not_refused, json_object, segment
from pytest_loadtest import Client, VirtualUser

# The platform's own blocks for what goes into a graph and what comes out of it.
INPUT_BLOCK = "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b"
OUTPUT_BLOCK = "363ae599-353e-4804-937e-b2ee3cef3da4"
INPUT_NAME = "message"

OUT_OF_CREDITS = 402  # expected: load tests spend what their users have


def new_graph(vu: VirtualUser) -> Json:
    """A graph that hands its input on to its output. Its name says who made it."""
    return {
        "name": f"Load test {vu.id}-{vu.iteration}-{vu.random.getrandbits(32):08x}",
        "description": "Made by a load test; may be deleted.",
        "nodes": [
            {
                "id": "input",
                "block_id": INPUT_BLOCK,
                "input_default": {"name": INPUT_NAME},
                "metadata": {"position": {"x": 100, "y": 100}},
            },
            {
                "id": "output",
                "block_id": OUTPUT_BLOCK,
                "input_default": {"name": "result"},
                "metadata": {"position": {"x": 500, "y": 100}},
            },
        ],
        "links": [{"source_id": "input", "sink_id": "output", "source_name": "result", "sink_name": "value"}],
    }


async def create_graph(http: Client, vu: VirtualUser) -> Json | None:
    """A new graph as the platform answered it; None when it could not be created."""
    response = await http.post("/api/graphs", json={"graph": new_graph(vu)}, name="create graph")
    graph = json_object(response)
    content = {"has an id and a version": has_values(graph, "id", "version")}
    created = check_answer(vu, response, {**is_not_refused(response), **content})
    vu.trend("graph creation", response.elapsed.total_seconds())
    if created:
        vu.count("graph creations")
    return graph if created else None


async def open_graph(http: Client, vu: VirtualUser, graph: Json) -> None:
    response = await http.get(f"/api/graphs/{segment(graph['id'])}", name="graph details")
    check_answer(vu, response, {"is the graph": json_object(response).get("id") == graph["id"]})


async def execute_graph(http: Client, vu: VirtualUser, graph: Json) -> str | None:
    """The execution's id; None when there is none, also because the user is out of credits."""
    try:
        response = await http.post(
            f"/api/graphs/{segment(graph['id'])}/execute/{graph['version']}",
            json={"inputs": {INPUT_NAME: "hello"}, "credentials_inputs": {}},
            name="execute graph",
            expect={200, OUT_OF_CREDITS},
        )
    except httpx.RequestError:  # without an answer it is an execution error, too
        vu.rate("execution errors", True)
        raise
    execution_id: str | None = execution_id_of(json_object(response))
    is_out = response.status_code == OUT_OF_CREDITS
    content = {"has an id, or is out of credits": bool(execution_id) or is_out}
    good = check_answer(vu, response, content, statuses=(200, OUT_OF_CREDITS))
    vu.rate("execution errors", not good)
    if is_out:
        vu.count("out of credits")
        return None
    vu.trend("graph execution", response.elapsed.total_seconds())
    if good:
        vu.count("graph executions")
    return execution_id if good else None


def execution_id_of(execution: Json) -> str | None:
    """Platforms of different age say it under different names."""
    return execution.get("id") or execution.get("graph_exec_id")


async def open_execution(http: Client, vu: VirtualUser, graph: Json, execution_id: str) -> None:
    path = f"/api/graphs/{segment(graph['id'])}/executions/{segment(execution_id)}"
    response = await http.get(path, name="execution details")
    execution = json_object(response)
    content = {
        "is the execution": execution_id_of(execution) == execution_id,
        "has a status": has_values(execution, "status"),
    }
    check_answer(vu, response, content)
