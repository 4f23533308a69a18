"""The store's endpoints, asked over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

AGENT_KEYS = {
    "id", "slug", "store_listing_version_id", "name", "agent_name", "sub_heading", "description",
    "creator", "creator_username", "creator_avatar", "runs", "rating", "is_featured", "agent_image",
}  # fmt: skip
DETAIL_KEYS = AGENT_KEYS | {
    "agent_video",
    "categories",
    "graph_id",
    "graph_version",
    "versions",
    "last_updated",
}


@pytest.mark.parametrize(
    ("query", "total", "listed"),
    [
        pytest.param({}, 500, 20, id="without parameters: the first 20 of all"),
        pytest.param({"page": 25, "page_size": 20}, 500, 20, id="the last page is full"),
        pytest.param({"page": 26, "page_size": 20}, 500, 0, id="behind the last page is nothing"),
        pytest.param({"page": 8, "page_size": 70}, 500, 10, id="a last page that is not full"),
        pytest.param({"page_size": 100}, 500, 100, id="the largest page"),
        pytest.param({"featured": "true", "page_size": 10}, 25, 10, id="featured agents"),
        pytest.param({"featured": "false"}, 500, 20, id="featured=false filters nothing"),
        pytest.param({"category": "NOWHERE"}, 0, 0, id="an unknown category has no agents"),
        pytest.param({"search_query": "no such words"}, 0, 0, id="a search without result"),
        pytest.param({"search_query": "100%_'\""}, 0, 0, id="a search for SQL's special characters"),
        pytest.param({"creator": "ada-bell"}, 8, 8, id="the agents of one creator"),
        pytest.param({"search_query": ""}, 500, 20, id="an empty search filters nothing"),
    ],
)
def test_agents_are_listed(api: httpx.Client, query: dict[str, Any], total: int, listed: int) -> None:
    response = api.get("/api/store/agents", params=query)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    size = query.get("page_size", 20)
    assert len(body["agents"]) == listed
    assert body["pagination"] == {
        "total_items": total,
        "total_pages": -(-total // size),
        "current_page": query.get("page", 1),
        "page_size": size,
    }


@pytest.mark.parametrize("category", ["AI", "PRODUCTIVITY", "COMMUNICATION", "DATA", "SOCIAL"])
def test_a_category_lists_its_agents(api: httpx.Client, category: str) -> None:
    agents = api.get("/api/store/agents", params={"category": category, "page_size": 15}).json()["agents"]
    assert len(agents) == 15
    agent = agents[-1]
    details = api.get(f"/api/store/agents/{agent['creator_username']}/{agent['slug']}").json()
    assert category in details["categories"]


@pytest.mark.parametrize(
    "term", ["automation", "social media", "data analysis", "productivity", "SOCIAL Media"]
)
def test_a_search_finds_agents_that_have_the_term(api: httpx.Client, term: str) -> None:
    body = api.get("/api/store/agents", params={"search_query": term, "page_size": 10}).json()
    assert len(body["agents"]) == 10
    for agent in body["agents"]:
        assert term.lower() in f"{agent['name']} {agent['sub_heading']} {agent['description']}".lower()


def test_filters_add_up(api: httpx.Client) -> None:
    query = {"featured": "true", "category": "DATA", "search_query": "data analysis"}
    together = api.get("/api/store/agents", params=query).json()["pagination"]["total_items"]
    alone = api.get("/api/store/agents", params={"category": "DATA"}).json()["pagination"]["total_items"]
    assert 0 < together < alone


def test_pages_do_not_overlap_and_leave_nothing_out(api: httpx.Client) -> None:
    seen: list[str] = []
    for page in range(1, 6):
        body = api.get("/api/store/agents", params={"page": page, "page_size": 100}).json()
        seen += [agent["id"] for agent in body["agents"]]
    assert len(seen) == len(set(seen)) == 500


@pytest.mark.parametrize(
    ("sorted_by", "key", "descending"),
    [("runs", "runs", True), ("rating", "rating", True), ("name", "name", False)],
)
def test_agents_are_sorted(api: httpx.Client, sorted_by: str, key: str, descending: bool) -> None:
    agents = api.get("/api/store/agents", params={"sorted_by": sorted_by, "page_size": 50}).json()["agents"]
    values = [agent[key] for agent in agents]
    assert values == sorted(values, reverse=descending)
    assert len(set(values)) > 1


def test_an_agent_of_the_list_has_details(api: httpx.Client) -> None:
    agent = api.get("/api/store/agents").json()["agents"][0]
    assert set(agent) == AGENT_KEYS
    details = api.get(f"/api/store/agents/{agent['creator_username']}/{agent['slug']}").json()
    assert set(details) == DETAIL_KEYS
    same = AGENT_KEYS - {"agent_image"}
    assert {key: details[key] for key in same} == {key: agent[key] for key in same}
    assert details["agent_image"] == [agent["agent_image"]]
    assert isinstance(details["is_featured"], bool)
    assert isinstance(details["rating"], float)


@pytest.mark.parametrize(
    ("query", "total", "listed"),
    [
        pytest.param({}, 60, 20, id="without parameters: the first 20 of all"),
        pytest.param({"featured": "true", "page_size": 10}, 12, 10, id="featured creators"),
        pytest.param({"search_query": "Ada Bell"}, 1, 1, id="a search by name"),
        pytest.param({"sorted_by": "num_agents", "page_size": 100}, 60, 60, id="all creators"),
    ],
)
def test_creators_are_listed(api: httpx.Client, query: dict[str, Any], total: int, listed: int) -> None:
    body = api.get("/api/store/creators", params=query).json()
    assert len(body["creators"]) == listed
    assert body["pagination"]["total_items"] == total


def test_a_creator_of_the_list_has_details(api: httpx.Client) -> None:
    creator = api.get("/api/store/creators").json()["creators"][0]
    details = api.get(f"/api/store/creator/{creator['username']}").json()
    same = ("name", "username", "description", "avatar_url", "agent_runs", "agent_rating")
    assert {key: details[key] for key in same} == {key: creator[key] for key in same}
    assert details["links"] == [f"https://{creator['username']}.example.com"]
    assert 1 <= len(details["top_categories"]) <= 3
    agents = api.get("/api/store/agents", params={"creator": creator["username"], "page_size": 100}).json()
    assert agents["pagination"]["total_items"] == creator["num_agents"]
    assert sum(agent["runs"] for agent in agents["agents"]) == creator["agent_runs"]


@pytest.mark.parametrize("path", ["/api/store/agents", "/api/store/creators"])
@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("page", "0", "greater_than_equal"),
        ("page", "-1", "greater_than_equal"),
        ("page", "one", "int_parsing"),
        ("page", "1.5", "int_parsing"),
        ("page", "", "int_parsing"),
        ("page", "9" * 5000, "less_than_equal"),
        ("page_size", "0", "greater_than_equal"),
        ("page_size", "101", "less_than_equal"),
        ("page_size", "1_0", "int_parsing"),
        ("featured", "perhaps", "bool_parsing"),
        ("sorted_by", "color", "enum"),
    ],
)
def test_a_wrong_parameter_is_refused(api: httpx.Client, path: str, name: str, value: str, kind: str) -> None:
    response = api.get(path, params={name: value})
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert (error["type"], error["loc"], error["input"]) == (kind, ["query", name], value)
    assert error["msg"].startswith("Input should be ")


@pytest.mark.parametrize(
    ("request_", "status", "detail"),
    [
        pytest.param(
            lambda api: api.get("/api/store/agents/ada-bell/no-such-agent"),
            404,
            "Agent ada-bell/no-such-agent not found",
            id="an unknown agent",
        ),
        pytest.param(
            lambda api: api.get("/api/store/creator/nobody"), 404, "Creator nobody not found", id="a creator"
        ),
        pytest.param(lambda api: api.get("/api/nothing"), 404, "Not Found", id="an unknown path"),
        pytest.param(
            lambda api: api.delete("/api/store/agents"),
            405,
            "Method Not Allowed",
            id="a method it does not have",
        ),
    ],
)
def test_what_is_not_there_is_a_json_error(
    api: httpx.Client, request_: Callable[[httpx.Client], httpx.Response], status: int, detail: str
) -> None:
    response = request_(api)
    assert response.status_code == status
    assert response.json() == {"detail": detail}


def test_health(api: httpx.Client) -> None:
    response = api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "healthy"})
