"""The library's endpoints: a user's agents, and nobody else's."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from perf_tests.demo_platform import Platform

SignIn = Callable[[int], dict[str, str]]
AGENTS = "/api/library/agents"
LIBRARY_KEYS = {
    "id", "graph_id", "graph_version", "image_url", "creator_name", "creator_image_url", "status",
    "created_at", "updated_at", "name", "description", "input_schema", "output_schema",
    "credentials_input_schema", "has_external_trigger", "trigger_setup_info", "new_output",
    "can_access_graph", "is_latest_version", "is_favorite", "is_archived", "auto_update_version",
}  # fmt: skip


def agents_of(api: httpx.Client, headers: dict[str, str], **query: object) -> list[dict[str, Any]]:
    response = api.get(AGENTS, params={"page_size": 100, **query}, headers=headers)
    assert response.status_code == 200
    return list(response.json()["agents"])


def new_store_agent(api: httpx.Client, headers: dict[str, str]) -> dict[str, Any]:
    """An agent of the store that the user does not have yet."""
    names = {agent["name"] for agent in agents_of(api, headers)}
    listed = api.get("/api/store/agents", params={"page_size": 100}).json()["agents"]
    return next(agent for agent in listed if agent["name"] not in names)


@pytest.mark.parametrize("index", [0, 23, 46])
def test_every_user_starts_with_a_library(api: httpx.Client, sign_in: SignIn, index: int) -> None:
    headers = sign_in(index)
    body = api.get(AGENTS, params={"page": 1, "page_size": 20}, headers=headers).json()
    assert {key for agent in body["agents"] for key in agent} == LIBRARY_KEYS
    assert len(body["agents"]) == body["pagination"]["total_items"] == 18
    favorites = api.get(f"{AGENTS}/favorites", params={"page": 1, "page_size": 10}, headers=headers).json()
    assert favorites["pagination"]["total_items"] == 5
    assert all(agent["is_favorite"] is True for agent in favorites["agents"])


@pytest.mark.parametrize("term", ["automation", "api", "data", "social", "productivity"])
def test_a_search_finds_agents_of_the_library(api: httpx.Client, user: dict[str, str], term: str) -> None:
    found = agents_of(api, user, search_term=term)
    assert 0 < len(found) < 18
    assert all(term in f"{agent['name']} {agent['description']}".lower() for agent in found)


def test_the_library_is_sorted_by_its_last_change(api: httpx.Client, user: dict[str, str]) -> None:
    changed = [agent["updated_at"] for agent in agents_of(api, user)]
    assert changed == sorted(changed, reverse=True)
    created = [agent["created_at"] for agent in agents_of(api, user, sort_by="createdAt")]
    assert created == sorted(created, reverse=True)


def test_an_agent_is_added_once(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(1)
    store_agent = new_store_agent(api, headers)
    wish = {"store_listing_version_id": store_agent["store_listing_version_id"]}
    first = api.post(AGENTS, json=wish, headers=headers)
    second = api.post(AGENTS, json=wish, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["name"] == store_agent["name"]
    assert first.json()["can_access_graph"] is False
    assert len(agents_of(api, headers)) == 19


def test_settings_are_changed_one_by_one(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(2)
    agent = next(agent for agent in agents_of(api, headers) if not agent["is_favorite"])
    path = f"{AGENTS}/{agent['id']}"
    changed = api.patch(path, json={"is_favorite": True, "auto_update_version": True}, headers=headers).json()
    assert (changed["is_favorite"], changed["auto_update_version"]) == (True, True)
    assert changed["updated_at"] > agent["updated_at"]
    again = api.patch(path, json={"is_favorite": False}, headers=headers).json()
    assert (again["is_favorite"], again["auto_update_version"]) == (False, True)
    assert api.get(path, headers=headers).json() == again


def test_an_archived_agent_is_not_listed(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(3)
    agent = agents_of(api, headers)[0]
    path = f"{AGENTS}/{agent['id']}"
    assert api.patch(path, json={"is_archived": True}, headers=headers).json()["is_archived"] is True
    assert agent["id"] not in {listed["id"] for listed in agents_of(api, headers)}
    assert api.get(path, headers=headers).status_code == 200


def test_a_fork_is_a_copy_of_the_users_own(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(4)
    original = agents_of(api, headers)[0]
    response = api.post(f"{AGENTS}/{original['id']}/fork", headers=headers)
    fork = response.json()
    assert response.status_code == 200
    assert fork["id"] != original["id"]
    assert fork["graph_id"] != original["graph_id"]
    assert (fork["name"], fork["description"]) == (original["name"], original["description"])
    assert (fork["can_access_graph"], fork["creator_name"]) == (True, "loadtest8")
    assert agents_of(api, headers)[0] == fork


def test_an_agent_is_found_by_its_graph(api: httpx.Client, user: dict[str, str]) -> None:
    for agent in agents_of(api, user):
        found = api.get(f"{AGENTS}/by-graph/{agent['graph_id']}", headers=user)
        assert found.json() == agent


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "{id}", None),
        ("PATCH", "{id}", {"is_favorite": True}),
        ("POST", "{id}/fork", None),
        ("GET", "by-graph/{graph_id}", None),
    ],
)
@pytest.mark.parametrize("whose", ["another user's", "nobody's"])
def test_only_ones_own_agents_are_there(
    api: httpx.Client, sign_in: SignIn, method: str, path: str, body: object, whose: str
) -> None:
    mine, theirs = sign_in(5), sign_in(6)
    own_graphs = {agent["graph_id"] for agent in agents_of(api, mine)}
    agent = next(agent for agent in agents_of(api, theirs) if agent["graph_id"] not in own_graphs)
    unknown: dict[str, Any] = {"id": uuid.uuid4(), "graph_id": uuid.uuid4()}
    ids = agent if whose == "another user's" else unknown
    response = api.request(method, f"{AGENTS}/{path.format(**ids)}", json=body, headers=mine)
    assert response.status_code == 404
    assert response.json()["detail"].endswith("not found")
    assert agent in agents_of(api, theirs)


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "kind"),
    [
        pytest.param("POST", "", b"{", 422, "json_invalid", id="not JSON"),
        pytest.param("POST", "", b"", 422, "json_invalid", id="no body"),
        pytest.param("POST", "", b"\xff", 422, "json_invalid", id="not UTF-8"),
        pytest.param("POST", "", b'{"a": NaN}', 422, "json_invalid", id="not a number is not JSON"),
        pytest.param("POST", "", b'{"a": "\\ud800"}', 422, "json_invalid", id="half of a surrogate pair"),
        pytest.param("POST", "", b"[" * 100_000, 422, "json_invalid", id="nested without end"),
        pytest.param("POST", "", b"[]", 422, "model_attributes_type", id="not an object"),
        pytest.param("POST", "", b"{}", 422, "missing", id="no version"),
        pytest.param("POST", "", b'{"store_listing_version_id": 1}', 422, "string_type", id="a number"),
        pytest.param("POST", "", b'{"store_listing_version_id": "x"}', 404, None, id="an unknown version"),
        pytest.param("PATCH", "/x", b'{"is_favorite": "yes"}', 422, "bool_type", id="a flag that is a word"),
        pytest.param("PATCH", "/x", b'{"is_favorite": true}', 404, None, id="an unknown agent"),
        pytest.param("GET", "?page=0", b"", 422, "greater_than_equal", id="page 0"),
        pytest.param("GET", "/favorites?page_size=x", b"", 422, "int_parsing", id="page size x"),
        pytest.param("GET", "?sort_by=color", b"", 422, "enum", id="an unknown order"),
    ],
)
def test_wrong_input_is_refused(
    api: httpx.Client,
    user: dict[str, str],
    method: str,
    path: str,
    content: bytes,
    status: int,
    kind: str | None,
) -> None:
    response = api.request(method, AGENTS + path, content=content, headers=user)
    assert response.status_code == status
    if kind is not None:
        assert response.json()["detail"][0]["type"] == kind


ENDPOINTS = [
    ("GET", ""),
    ("POST", ""),
    ("GET", "/favorites"),
    ("GET", "/x"),
    ("PATCH", "/x"),
    ("POST", "/x/fork"),
    ("GET", "/by-graph/x"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_every_endpoint_needs_a_token(api: httpx.Client, method: str, path: str) -> None:
    response = api.request(method, AGENTS + path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {"detail": "Authorization header is missing"}


def changed_claims(headers: dict[str, str], secret: str, **changes: object) -> str:
    """The user's token with other claims, signed with a secret that is not the platform's."""
    claims = jwt.decode(headers["Authorization"].split()[1], options={"verify_signature": False})
    return f"Bearer {jwt.encode(claims | changes, secret, 'HS256')}"


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        pytest.param(
            lambda user, platform: "Bearer", "Authorization header is missing", id="nothing behind it"
        ),
        pytest.param(lambda user, platform: "Bearer no.token.this", "Invalid token", id="not a token"),
        pytest.param(
            lambda user, platform: "Basic dTpw", "Authorization header is not a bearer token", id="a password"
        ),
        pytest.param(
            lambda user, platform: f"Bearer {platform.supabase_anon_key}", "Invalid token", id="the anon key"
        ),
        pytest.param(
            lambda user, platform: f"Bearer {platform.supabase_service_key}",
            "Invalid token",
            id="the service key",
        ),
        pytest.param(
            lambda user, platform: changed_claims(user, "another secret of thirty-two bytes"),
            "Invalid token",
            id="signed by somebody else",
        ),
        pytest.param(
            lambda user, platform: user["Authorization"][:-6] + "AAAAAA",
            "Invalid token",
            id="another signature",
        ),
        pytest.param(
            lambda user, platform: "Bearer " + jwt.encode({"sub": "x", "aud": "authenticated"}, "", "none"),
            "Invalid token",
            id="not signed",
        ),
    ],
)
def test_a_wrong_token_is_refused(
    api: httpx.Client,
    user: dict[str, str],
    platform: Platform,
    authorization: Callable[[dict[str, str], Platform], str],
    detail: str,
) -> None:
    response = api.get(AGENTS, headers={"Authorization": authorization(user, platform)})
    assert response.status_code == 401
    assert response.json() == {"detail": detail}


def test_tokens_last_an_hour(sign_in: SignIn) -> None:
    before_s = int(time.time())
    user = sign_in(0)
    claims = jwt.decode(user["Authorization"].split()[1], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 3600
    assert before_s <= claims["iat"] <= time.time()
