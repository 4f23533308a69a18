"""Graphs and their executions over HTTP: made, listed, read, paid, and nobody else's."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from perf_tests.demo_platform.graphs import MOST_LISTED

SignIn = Callable[[int], dict[str, str]]
GRAPHS = "/api/graphs"
NODES = [
    {
        "id": "in",
        "name": "ignored",
        "block_id": "c0a8e994-ebf1-4a9c-a4d8-89d09c86741b",
        "input_default": {"name": "message"},
    },
    {"id": "out", "block_id": "363ae599-353e-4804-937e-b2ee3cef3da4", "input_default": {"name": "result"}},
]
LINKS = [{"source_id": "in", "source_name": "result", "sink_id": "out", "sink_name": "value"}]


def new_graph(**changes: Any) -> dict[str, Any]:
    return {
        "graph": {"name": "Echo", "description": "Says it again", "nodes": NODES, "links": LINKS, **changes}
    }


def create(api: httpx.Client, headers: dict[str, str]) -> dict[str, Any]:
    response = api.post(GRAPHS, json=new_graph(), headers=headers)
    assert response.status_code == 200
    return dict(response.json())


def test_a_new_graph_is_listed_and_read_back(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(10)
    before = api.get(GRAPHS, headers=headers).json()
    graph = create(api, headers)
    assert (graph["name"], graph["version"]) == ("Echo", 1)
    assert [node["id"] for node in graph["nodes"]] == ["in", "out"]
    assert graph["links"][0].items() >= LINKS[0].items()
    assert graph["input_schema"]["required"] == ["message"]
    listed = api.get(GRAPHS, headers=headers).json()
    assert [entry["id"] for entry in listed] == [graph["id"], *(entry["id"] for entry in before)]
    assert listed[0] == {key: value for key, value in graph.items() if key not in ("nodes", "links")}
    assert api.get(f"{GRAPHS}/{graph['id']}", headers=headers).json() == graph
    assert api.get(f"{GRAPHS}/{graph['id']}?version=1", headers=headers).json() == graph
    assert api.get(f"{GRAPHS}/{graph['id']}?version=2", headers=headers).status_code == 404


def test_a_new_graph_is_an_agent_of_the_library(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(11)
    graph = create(api, headers)
    agent = api.get(f"/api/library/agents/by-graph/{graph['id']}", headers=headers).json()
    assert (agent["name"], agent["can_access_graph"]) == ("Echo", True)


def test_a_fork_is_listed_among_ones_graphs_and_runs(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(12)
    agents = api.get("/api/library/agents?page_size=100", headers=headers).json()["agents"]
    store_agent = next(agent for agent in agents if not agent["can_access_graph"])
    original = api.get(f"{GRAPHS}/{store_agent['graph_id']}", headers=headers).json()
    fork = api.post(f"/api/library/agents/{store_agent['id']}/fork", headers=headers).json()
    listed = api.get(GRAPHS, headers=headers).json()
    assert (listed[0]["id"], listed[0]["forked_from_id"]) == (fork["graph_id"], original["id"])
    assert original["id"] not in {graph["id"] for graph in listed}
    copy = api.get(f"{GRAPHS}/{fork['graph_id']}", headers=headers).json()
    assert (copy["nodes"], copy["links"]) == (original["nodes"], original["links"])
    for graph_id in (fork["graph_id"], original["id"]):
        answer = api.post(f"{GRAPHS}/{graph_id}/execute/1", json={"inputs": {"topic": "x"}}, headers=headers)
        assert answer.status_code == 200


def test_only_the_newest_graphs_are_listed(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(13)
    made = [create(api, headers)["id"] for _ in range(MOST_LISTED)]
    listed = [graph["id"] for graph in api.get(GRAPHS, headers=headers).json()]
    assert listed == made[::-1]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "{id}", None),
        ("POST", "{id}/execute/1", {"inputs": {}}),
        ("GET", "{id}/executions", None),
        ("GET", "{id}/executions/{execution}", None),
        ("GET", "{id}/schedules", None),
        ("POST", "{id}/schedules", {"name": "x", "cron": "* * * * *"}),
    ],
)
@pytest.mark.parametrize("whose", ["another user's", "nobody's"])
def test_only_ones_own_graphs_are_there(
    api: httpx.Client, sign_in: SignIn, method: str, path: str, body: object, whose: str
) -> None:
    mine, theirs = sign_in(14), sign_in(15)
    graph = api.get(GRAPHS, headers=theirs).json()[-1]["id"]
    execution = api.get(f"{GRAPHS}/{graph}/executions", headers=theirs).json()["executions"][0]["id"]
    ids = {"id": graph, "execution": execution}
    if whose == "nobody's":
        ids = {"id": str(uuid.uuid4()), "execution": str(uuid.uuid4())}
    credits_before = api.get("/api/credits", headers=mine).json()
    response = api.request(method, f"{GRAPHS}/{path.format(**ids)}", json=body, headers=mine)
    assert response.status_code == 404
    assert response.json()["detail"].endswith("not found")
    assert api.get("/api/credits", headers=mine).json() == credits_before


@pytest.mark.parametrize(
    ("path", "body", "location", "kind"),
    [
        pytest.param("", {}, ["body", "graph"], "missing", id="no graph"),
        pytest.param("", {"graph": 1}, ["body", "graph"], "model_attributes_type", id="a number"),
        pytest.param("", {"graph": {}}, ["body", "graph", "name"], "missing", id="no name"),
        pytest.param(
            "", new_graph(name="x" * 201), ["body", "graph", "name"], "string_too_long", id="a long name"
        ),
        pytest.param(
            "", new_graph(nodes={}), ["body", "graph", "nodes"], "list_type", id="nodes that are no list"
        ),
        pytest.param(
            "",
            new_graph(nodes=NODES[:1]),
            ["body", "graph", "links", 0, "sink_id"],
            "value_error",
            id="no sink",
        ),
        pytest.param("/x/execute/0", {}, ["path", "graph_version"], "greater_than_equal", id="version 0"),
        pytest.param("/x/execute/one", {}, ["path", "graph_version"], "int_parsing", id="a word as version"),
        pytest.param(
            "/x/execute/1", {"inputs": []}, ["body", "inputs"], "model_attributes_type", id="inputs in a list"
        ),
        pytest.param("/x/execute/1", [], ["body"], "model_attributes_type", id="a body that is a list"),
    ],
)
def test_wrong_input_is_refused(
    api: httpx.Client, user: dict[str, str], path: str, body: Any, location: list[Any], kind: str
) -> None:
    response = api.post(GRAPHS + path, json=body, headers=user)
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert (error["loc"], error["type"]) == (location, kind)


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b'{"inputs": {"x": 1e999}}', b'{"a":' * 300 + b"1" + b"}" * 300]
)
def test_what_is_no_sound_json_is_refused(api: httpx.Client, user: dict[str, str], content: bytes) -> None:
    response = api.post(f"{GRAPHS}/x/execute/1", content=content, headers=user)
    assert (response.status_code, response.json()["detail"][0]["type"]) == (422, "json_invalid")


def test_what_is_deep_but_allowed_travels_through(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(16)
    deep: Any = "x"
    for _ in range(190):
        deep = [deep]
    graph = create(api, headers)
    path = f"{GRAPHS}/{graph['id']}/execute/1"
    assert api.post(path, json={"inputs": {"message": deep}}, headers=headers).status_code == 200
    assert api.get("/api/executions", headers=headers).status_code == 200


PRIVATE = [
    ("GET", "/api/graphs"),
    ("POST", "/api/graphs"),
    ("GET", "/api/graphs/x"),
    ("POST", "/api/graphs/x/execute/1"),
    ("GET", "/api/executions"),
    ("GET", "/api/graphs/x/executions"),
    ("GET", "/api/graphs/x/executions/x"),
    ("GET", "/api/blocks"),
    ("POST", "/api/blocks/x/execute"),
    ("GET", "/api/schedules"),
    ("GET", "/api/graphs/x/schedules"),
    ("POST", "/api/graphs/x/schedules"),
    ("DELETE", "/api/schedules/x"),
    ("GET", "/api/api-keys"),
    ("POST", "/api/api-keys"),
    ("GET", "/api/api-keys/x"),
    ("DELETE", "/api/api-keys/x"),
    ("GET", "/api/credits"),
    ("GET", "/api/auth/user"),
    ("GET", "/api/onboarding"),
    ("PATCH", "/api/onboarding"),
    ("GET", "/api/onboarding/enabled"),
]


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_nothing_of_a_user_is_there_without_its_token(api: httpx.Client, method: str, path: str) -> None:
    assert api.request(method, path, json={}).status_code == 401
