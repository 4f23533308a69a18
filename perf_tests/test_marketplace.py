"""Load tests of the marketplace: anybody browsing the store, and signed-in users at work in their libraries.

    pytest perf_tests -m marketplace

Each test below is one iteration of one virtual user. A check that fails is counted and the journey goes
on; a request without any answer raises, and ends the iteration. ``failure_rate`` allows as many
such iterations as ``error_rate`` allows failed requests.
"""

from __future__ import annotations

import os
from collections.abc import Container
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from pytest_loadtest import Client, Response, VirtualUser

if TYPE_CHECKING:
    from perf_tests.tokens import Token, TokenPool  # imports supabase, which only the library test needs

pytestmark = pytest.mark.marketplace

# Journeys of one iteration of the library test.
REQUESTS_PER_VU = int(os.environ.get("REQUESTS_PER_VU", "5"))

STORE_SEARCHES = ("automation", "social media", "data analysis", "productivity")
LIBRARY_SEARCHES = ("automation", "api", "data", "social", "productivity")
CATEGORIES = ("AI", "PRODUCTIVITY", "COMMUNICATION", "DATA", "SOCIAL")

# Longest time of an answer, in seconds, that its check accepts.
STORE_WITHIN_S = 60
LIBRARY_WITHIN_S = 10
LIBRARY_WRITE_WITHIN_S = 15  # adding and forking copy a graph

Json = dict[str, Any]


@pytest.mark.load(vus=314, duration="3m", ramp_up="30s", ramp_down="30s")
@pytest.mark.budget(p95="5s", p99="10s", error_rate="5%", failure_rate="5%", check_rate="95%")
async def test_marketplace_public_access(http: Client, vu: VirtualUser) -> None:
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
async def test_marketplace_library_access(signed_in_http: Client, vu: VirtualUser) -> None:
    for _ in range(REQUESTS_PER_VU):
        await library_journey(signed_in_http, vu)


@pytest.fixture
async def signed_in_http(http: Client, vu: VirtualUser, token: Token, token_pool: TokenPool) -> Client:
    """This virtual user's client, which from now on says who it is."""
    http.headers.update(
        {
            "Authorization": f"Bearer {token.access_token}",
            "X-Load-Test-Session": token_pool.session_id,
            "X-Load-Test-VU": str(vu.id),
            "X-Load-Test-User": token.user,
        }
    )
    return http


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
    check_store(vu, response, has_list(json_object(response), "agents"))


async def list_agents(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/store/agents", params=first_page(20), name="all agents")
    agents = items(json_object(response), "agents")
    check_store(vu, response, len(agents) > 0)
    return agents


async def search_agents(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, search_query=vu.random.choice(STORE_SEARCHES))
    response = await http.get("/api/store/agents", params=params, name="search agents")
    check_store(vu, response, has_list(json_object(response), "agents"))


async def list_category(http: Client, vu: VirtualUser) -> None:
    params = first_page(15, category=vu.random.choice(CATEGORIES))
    response = await http.get("/api/store/agents", params=params, name="agents of a category")
    check_store(vu, response, has_list(json_object(response), "agents"))


async def open_agent(http: Client, vu: VirtualUser, agent: Json) -> None:
    path = f"/api/store/agents/{segment(agent['creator_username'])}/{segment(agent['slug'])}"
    response = await http.get(path, name="agent details")
    check_store(vu, response, has_values(json_object(response), "id", "name", "description"))


async def list_creators(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/store/creators", params=first_page(20), name="all creators")
    body = json_object(response)
    check_store(vu, response, has_list(body, "creators"))
    return items(body, "creators")


async def list_featured_creators(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, featured="true")
    response = await http.get("/api/store/creators", params=params, name="featured creators")
    check_store(vu, response, has_list(json_object(response), "creators"))


async def open_creator(http: Client, vu: VirtualUser, creator: Json) -> None:
    path = f"/api/store/creator/{segment(creator['username'])}"
    response = await http.get(path, name="creator details")
    body = json_object(response)
    check_store(vu, response, bool(body.get("username")) and "description" in body)


# -- the library --------------------------------------------------------------------------------------


async def list_library(http: Client, vu: VirtualUser) -> list[Json]:
    vu.count("authentication attempts")
    response = await http.get("/api/library/agents", params=first_page(20), name="library agents")
    if response.status_code not in (401, 403):
        vu.count("authentication successes")
    body = json_object(response)
    check_library(vu, response, has_list(body, "agents"))
    return items(body, "agents")


async def list_favorites(http: Client, vu: VirtualUser) -> None:
    response = await http.get("/api/library/agents/favorites", params=first_page(10), name="favorite agents")
    check_library(vu, response, has_list(json_object(response), "agents"))


async def list_store_agents(http: Client, vu: VirtualUser) -> list[Json]:
    response = await http.get("/api/store/agents", params=first_page(5), name="store agents")
    agents = items(json_object(response), "agents")
    check_library(vu, response, len(agents) > 0)
    return agents


async def add_agent(http: Client, vu: VirtualUser, store_agent: Json) -> str | None:
    """The agent's id in the library, where it may have been before; None when it could not be added."""
    wish = {"store_listing_version_id": store_agent["store_listing_version_id"]}
    response = await http.post("/api/library/agents", json=wish, name="add agent", expect={200, 201})
    agent_id: str | None = json_object(response).get("id")
    added = check_library(vu, response, bool(agent_id), LIBRARY_WRITE_WITHIN_S, statuses=(200, 201))
    return agent_id if added else None


async def mark_as_favorite(http: Client, vu: VirtualUser, agent_id: str) -> None:
    settings = {"is_favorite": True, "auto_update_version": True}
    path = f"/api/library/agents/{segment(agent_id)}"
    response = await http.patch(path, json=settings, name="update library agent")
    body = json_object(response)
    check_library(vu, response, bool(body.get("id")) and body.get("is_favorite") is True)


async def open_library_agent(http: Client, vu: VirtualUser, agent_id: str) -> None:
    path = f"/api/library/agents/{segment(agent_id)}"
    response = await http.get(path, name="library agent details")
    check_library(vu, response, has_values(json_object(response), "id", "name", "graph_id"))


async def fork_agent(http: Client, vu: VirtualUser, agent_id: str) -> None:
    path = f"/api/library/agents/{segment(agent_id)}/fork"
    response = await http.post(path, name="fork library agent")
    fork_id = json_object(response).get("id")
    check_library(vu, response, bool(fork_id) and fork_id != agent_id, LIBRARY_WRITE_WITHIN_S)


async def search_library(http: Client, vu: VirtualUser) -> None:
    params = first_page(10, search_term=vu.random.choice(LIBRARY_SEARCHES))
    response = await http.get("/api/library/agents", params=params, name="search library")
    check_library(vu, response, has_list(json_object(response), "agents"))


async def find_by_graph(http: Client, vu: VirtualUser, agent: Json) -> None:
    path = f"/api/library/agents/by-graph/{segment(agent['graph_id'])}"
    response = await http.get(path, name="library agent by graph")
    body = json_object(response)
    check_library(vu, response, bool(body.get("id")) and body.get("graph_id") == agent["graph_id"])


# -- requests and checks --------------------------------------------------------------------------------


def first_page(size: int, **filters: str) -> dict[str, str | int]:
    return {**filters, "page": 1, "page_size": size}


def check_store(vu: VirtualUser, response: Response, has_data: bool) -> None:
    check_answer(vu, response, has_data, STORE_WITHIN_S, (200,))


def check_library(
    vu: VirtualUser,
    response: Response,
    has_data: bool,
    within_s: float = LIBRARY_WITHIN_S,
    statuses: Container[int] = (200,),
) -> bool:
    good = check_answer(vu, response, has_data, within_s, statuses)
    vu.count("library requests")
    vu.count("successful requests" if good else "failed requests")
    return good


def check_answer(
    vu: VirtualUser, response: Response, has_data: bool, within_s: float, statuses: Container[int]
) -> bool:
    """The three checks that every answer gets, named after its request."""
    checks = {
        "status is right": response.status_code in statuses,
        "has its data": has_data,
        f"within {within_s} s": response.elapsed.total_seconds() < within_s,
    }
    for what, ok in checks.items():
        vu.check(f"{response.name}: {what}", ok)
    return all(checks.values())


def json_object(response: Response) -> Json:
    """The body as a JSON object; empty when it is none, so that the check fails and the journey goes on."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def has_list(body: Json, key: str) -> bool:
    return isinstance(body.get(key), list)


def items(body: Json, key: str) -> list[Json]:
    found = body.get(key)
    return found if isinstance(found, list) else []


def has_values(body: Json, *keys: str) -> bool:
    return all(body.get(key) for key in keys)


def segment(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")
