"""Load tests of the marketplace: anybody browsing the store, and signed-in users at work in their libraries.

    pytest perf_tests -m marketplace

Each test below is one iteration of one virtual user. A check that fails is counted and the journey goes
on; a request without any answer raises, and ends the iteration. ``failure_rate`` allows as many
such iterations as ``error_rate`` allows failed requests.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from perf_tests.checks import (
    Json,
    check_answer,
    first_page,
    has_list,
    has_values,
    items,
    json_object,
    segment,
)
from perf_tests.options import SuiteOptions
from pytest_loadtest import Client, Response, VirtualUser

pytestmark = pytest.mark.marketplace

# Journeys of one iteration of the library test, unless --requests-per-vu says how many.
JOURNEYS = 5

STORE_SEARCHES = ("automation", "social media", "data analysis", "productivity")
LIBRARY_SEARCHES = ("automation", "api", "data", "social", "productivity")
CATEGORIES = ("AI", "PRODUCTIVITY", "COMMUNICATION", "DATA", "SOCIAL")

# Longest time of an answer, in seconds, that its check accepts.
LIBRARY_WITHIN_S = 10
LIBRARY_WRITE_WITHIN_S = 15  # adding and forking copy a graph

STRESS = (pytest.mark.stress, pytest.mark.load(vus=500, duration="2m", ramp_up="1m", ramp_down="1m"))


@pytest.mark.load(vus=314, duration="3m", ramp_up="30s", ramp_down="30s")
@pytest.mark.budget(p95="5s", p99="10s", error_rate="5%", failure_rate="5%", check_rate="95%")
@pytest.mark.parametrize(
    "scenario",
    ["Marketplace_Public_Access_Max_Load", pytest.param("Marketplace_Stress_Test", marks=STRESS)],
)
async def test_marketplace_public_access(http: Client, vu: VirtualUser, scenario: str) -> None:
    await list_featured_agents(http, vu)
    agents = await list_agents(http, vu)
    await search_agents(http, vu)
    await list_category(http, vu)
    if agents:
        await open_agent(http, vu, vu.random.choice(agents))
    creators = await list_creators(http, vu)
    await list_featured_creators(http, vu)
    if creators:
        await open_creator(http, vu, vu.random.choice(creators))


@pytest.mark.load(vus=157, duration="3m", ramp_up="30s", ramp_down="30s")
@pytest.mark.budget(p95="10s", p99="20s", error_rate="10%", failure_rate="10%", check_rate="85%")
@pytest.mark.parametrize("scenario", ["Marketplace_Authenticated_Access_Max_Load"])
async def test_marketplace_library_access(
    signed_in_http: Client, vu: VirtualUser, suite: SuiteOptions, scenario: str
) -> None:
    for _ in range(suite.requests_per_vu or JOURNEYS):
        try:
            await library_journey(signed_in_http, vu)
        except httpx.RequestError:  # without an answer; what has one is counted where it is checked
            count_library_request(vu, good=False)
            raise


async def library_journey(http: Client, vu: VirtualUser) -> None:
    agents = await list_library(http, vu)
    await list_favorites(http, vu)
    store_agents = await list_store_agents(http, vu)
    if store_agents:
        await add_and_use_agent(http, vu, vu.random.choice(store_agents))
    await search_library(http, vu)
    if agents:
        await find_by_graph(http, vu, vu.random.choice(agents))


async def add_and_use_agent(http: Client, vu: VirtualUser, store_agent: Json) -> None:
    agent_id = await add_agent(http, vu, store_agent)
    if agent_id:
        await mark_as_favorite(http, vu, agent_id)
        await open_library_agent(http, vu, agent_id)
        await fork_agent(http, vu, agent_id)


# -- the store ----------------------------------------------------------------------------------------


async def list_featured_agents(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, featured="true")
    response = await http.get("/api/store/agents", params=params, name="featured agents")
    check_store(vu, response, "lists agents", has_list(json_object(response), "agents"))


async def list_agents(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/store/agents", params=first_page(20), name="all agents")
    agents = items(json_object(response), "agents")
    check_store(vu, response, "lists at least one agent", len(agents) > 0)
    return agents


async def search_agents(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, search_query=vu.random.choice(STORE_SEARCHES))
    response = await http.get("/api/store/agents", params=params, name="search agents")
    check_store(vu, response, "lists agents", has_list(json_object(response), "agents"))


async def list_category(http: Client, vu: VirtualUser) -> None:
    params = first_page(15, category=vu.random.choice(CATEGORIES))
    response = await http.get("/api/store/agents", params=params, name="agents of a category")
    check_store(vu, response, "lists agents", has_list(json_object(response), "agents"))


async def open_agent(http: Client, vu: VirtualUser, agent: Json) -> None:
    path = f"/api/store/agents/{segment(agent['creator_username'])}/{segment(agent['slug'])}"
    response = await http.get(path, name="agent details")
    has_data = has_values(json_object(response), "id", "name", "description")
    check_store(vu, response, "has id, name and description", has_data)


async def list_creators(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/store/creators", params=first_page(20), name="all creators")
    body = json_object(response)
    check_store(vu, response, "lists creators", has_list(body, "creators"))
    return items(body, "creators")


async def list_featured_creators(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, featured="true")
    response = await http.get("/api/store/creators", params=params, name="featured creators")
    check_store(vu, response, "lists creators", has_list(json_object(response), "creators"))


async def open_creator(http: Client, vu: VirtualUser, creator: Json) -> None:
    path = f"/api/store/creator/{segment(creator['username'])}"
    response = await http.get(path, name="creator details")
    body = json_object(response)
    has_data = bool(body.get("username")) and "description" in body
    check_store(vu, response, "has username and description", has_data)


# -- the library --------------------------------------------------------------------------------------


async def list_library(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/library/agents", params=first_page(20), name="library agents")
    body = json_object(response)
    check_library(vu, response, "lists agents", has_list(body, "agents"))
    return items(body, "agents")


async def list_favorites(http: Client, vu: VirtualUser) -> None:
    response = await http.get("/api/library/agents/favorites", params=first_page(10), name="favorite agents")
    check_library(vu, response, "lists agents", has_list(json_object(response), "agents"))


async def list_store_agents(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/store/agents", params=first_page(5), name="store agents")
    agents = items(json_object(response), "agents")
    check_library(vu, response, "lists at least one agent", len(agents) > 0)
    return agents


async def add_agent(http: Client, vu: VirtualUser, store_agent: Json) -> str | None:
    """The agent's id in the library, where it may have been before; None when it could not be added."""
    wish = {"store_listing_version_id": store_agent["store_listing_version_id"]}
    response = await http.post("/api/library/agents", json=wish, name="add agent", expect={200, 201})
    agent_id: str | None = json_object(response).get("id")
    added = check_library(
        vu, response, "has an id", bool(agent_id), LIBRARY_WRITE_WITHIN_S, statuses=(200, 201)
    )
    return agent_id if added else None


async def mark_as_favorite(http: Client, vu: VirtualUser, agent_id: str) -> None:
    settings = {"is_favorite": True, "auto_update_version": True}
    path = f"/api/library/agents/{segment(agent_id)}"
    response = await http.patch(path, json=settings, name="update library agent")
    body = json_object(response)
    check_library(vu, response, "is a favorite now", bool(body.get("id")) and body.get("is_favorite") is True)


async def open_library_agent(http: Client, vu: VirtualUser, agent_id: str) -> None:
    path = f"/api/library/agents/{segment(agent_id)}"
    response = await http.get(path, name="library agent details")
    has_data = has_values(json_object(response), "id", "name", "graph_id")
    check_library(vu, response, "has id, name and graph_id", has_data)


async def fork_agent(http: Client, vu: VirtualUser, agent_id: str) -> None:
    path = f"/api/library/agents/{segment(agent_id)}/fork"
    response = await http.post(path, name="fork library agent")
    fork_id = json_object(response).get("id")
    is_another = bool(fork_id) and fork_id != agent_id
    check_library(vu, response, "has an id of its own", is_another, LIBRARY_WRITE_WITHIN_S)


async def search_library(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, search_term=vu.random.choice(LIBRARY_SEARCHES))
    response = await http.get("/api/library/agents", params=params, name="search library")
    check_library(vu, response, "lists agents", has_list(json_object(response), "agents"))


async def find_by_graph(http: Client, vu: VirtualUser, agent: Json) -> None:
    path = f"/api/library/agents/by-graph/{segment(agent['graph_id'])}"
    response = await http.get(path, name="library agent by graph")
    body = json_object(response)
    is_of_graph = bool(body.get("id")) and body.get("graph_id") == agent["graph_id"]
    check_library(vu, response, "is of the graph", is_of_graph)


# -- checks and counts ----------------------------------------------------------------------------------


def check_store(vu: VirtualUser, response: Response, what: str, has_data: bool) -> None:
    if not check_answer(vu, response, {what: has_data}):
        vu.count(f"failed {response.name}: status {response.status_code}")


def check_library(
    vu: VirtualUser,
    response: Response,
    what: str,
    has_data: bool,
    within_s: float = LIBRARY_WITHIN_S,
    statuses: Sequence[int] = (200,),
) -> bool:
    good = check_answer(vu, response, {what: has_data}, within_s=within_s, statuses=statuses)
    count_library_request(vu, good=good)
    return good


def count_library_request(vu: VirtualUser, *, good: bool) -> None:
    vu.count("library requests")
    vu.count("successful requests" if good else "failed requests")
