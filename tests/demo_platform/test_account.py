"""What a user has beside agents and graphs: schedules, API keys, onboarding, itself."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from perf_tests.demo_platform import Platform, running_platform

SignIn = Callable[[int], dict[str, str]]


@pytest.fixture(scope="module")
def a_graph(api: httpx.Client, user: dict[str, str]) -> str:
    return str(api.get("/api/graphs", headers=user).json()[0]["id"])


def test_a_schedule_is_made_listed_and_removed(api: httpx.Client, user: dict[str, str], a_graph: str) -> None:
    wish = {"name": "Daily", "cron": "0 9 * * 1-5", "inputs": {"a": 1}, "credentials": {}, "graph_version": 1}
    schedule = api.post(f"/api/graphs/{a_graph}/schedules", json=wish, headers=user).json()
    assert (schedule["name"], schedule["cron"]) == ("Daily", "0 9 * * 1-5")
    assert (schedule["graph_id"], schedule["graph_version"], schedule["input_data"]) == (a_graph, 1, {"a": 1})
    assert api.get("/api/schedules", headers=user).json()[0] == schedule
    assert api.get(f"/api/graphs/{a_graph}/schedules", headers=user).json()[0] == schedule
    path = f"/api/schedules/{schedule['id']}"
    assert api.delete(path, headers=user).json() == {"id": schedule["id"]}
    assert schedule not in api.get("/api/schedules", headers=user).json()
    assert api.delete(path, headers=user).status_code == 404


def test_every_user_starts_with_a_schedule_that_others_cannot_remove(
    api: httpx.Client, user: dict[str, str], sign_in: SignIn
) -> None:
    (theirs,) = api.get("/api/schedules", headers=sign_in(20)).json()
    assert api.delete(f"/api/schedules/{theirs['id']}", headers=user).status_code == 404
    assert api.get("/api/schedules", headers=sign_in(20)).json() == [theirs]


@pytest.mark.parametrize(
    ("body", "status", "location", "kind"),
    [
        ({"cron": "* * * * *"}, 422, ["body", "name"], "missing"),
        ({"name": "x"}, 422, ["body", "cron"], "missing"),
        ({"name": "x", "cron": "every day"}, 422, ["body", "cron"], "value_error"),
        ({"name": "x", "cron": "* * * * *", "inputs": 1}, 422, ["body", "inputs"], "model_attributes_type"),
        (
            {"name": "x", "cron": "* * * * *", "graph_version": True},
            422,
            ["body", "graph_version"],
            "int_type",
        ),
        (
            {"name": "x", "cron": "* * * * *", "graph_version": 0},
            422,
            ["body", "graph_version"],
            "greater_than_equal",
        ),
        (
            {"name": "x", "cron": "* * * * *", "graph_version": 2**63},  # more than SQLite has
            422,
            ["body", "graph_version"],
            "less_than_equal",
        ),
        (
            {"name": "x", "cron": "* * * * *", "graph_version": "1"},
            422,
            ["body", "graph_version"],
            "int_type",
        ),
        ({"name": "x", "cron": "* * * * *", "graph_version": 2}, 404, None, None),
    ],
)
def test_a_wrong_schedule_is_refused(
    api: httpx.Client, user: dict[str, str], a_graph: str, body: Any, status: int, location: Any, kind: Any
) -> None:
    response = api.post(f"/api/graphs/{a_graph}/schedules", json=body, headers=user)
    assert response.status_code == status
    if status == 422:
        assert (response.json()["detail"][0]["loc"], response.json()["detail"][0]["type"]) == (location, kind)


def new_key(api: httpx.Client, headers: dict[str, str]) -> dict[str, Any]:
    wish = {"name": "ci", "permissions": ["READ_GRAPH", "EXECUTE_GRAPH"], "description": "For tests"}
    return dict(api.post("/api/api-keys", json=wish, headers=headers).json())


def test_a_key_is_shown_once(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(21)
    made = new_key(api, headers)
    key, plain = made["api_key"], made["plain_text_key"]
    assert plain.startswith(key["head"])
    assert plain.endswith(key["tail"])
    assert (key["status"], key["permissions"]) == ("ACTIVE", ["READ_GRAPH", "EXECUTE_GRAPH"])
    listed = api.get("/api/api-keys", headers=headers)
    assert listed.json() == [key]
    assert plain not in listed.text
    assert api.get(f"/api/api-keys/{key['id']}", headers=headers).json() == key


def test_a_key_is_kept_as_a_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_platform(credits=7) as platform, httpx.Client(base_url=platform.api) as api:
        headers = {"apikey": platform.supabase_anon_key}
        credentials = {"email": platform.user_emails[0], "password": platform.user_password}
        session = api.post("/auth/v1/token?grant_type=password", json=credentials, headers=headers).json()
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        assert api.get("/api/credits", headers=headers).json() == {"credits": 7}
        plain = new_key(api, headers)["plain_text_key"]
        (path,) = tmp_path.glob("demo-platform-*/platform.sqlite3")
        database = sqlite3.connect(path)
        ((kept,),) = database.execute("SELECT hash FROM api_keys").fetchall()
        dump = "\n".join(database.iterdump())
        database.close()
    assert kept == hashlib.sha256(plain.encode()).digest()
    assert plain not in dump


def test_a_revoked_key_stays_listed_and_is_its_users_alone(
    api: httpx.Client, user: dict[str, str], sign_in: SignIn
) -> None:
    headers = sign_in(22)
    key = new_key(api, headers)["api_key"]
    path = f"/api/api-keys/{key['id']}"
    for method in ("GET", "DELETE"):
        assert api.request(method, path, headers=user).status_code == 404
    assert api.get("/api/api-keys", headers=headers).json()[0]["status"] == "ACTIVE"
    revoked = api.delete(path, headers=headers).json()
    assert revoked["status"] == "REVOKED"
    assert api.delete(path, headers=headers).json() == revoked
    assert api.get("/api/api-keys", headers=headers).json() == [revoked]


@pytest.mark.parametrize(
    ("body", "location", "kind"),
    [
        ({"permissions": []}, ["body", "name"], "missing"),
        ({"name": "x"}, ["body", "permissions"], "missing"),
        ({"name": "x", "permissions": "READ_GRAPH"}, ["body", "permissions"], "list_type"),
        ({"name": "x", "permissions": ["READ_GRAPH", "FLY"]}, ["body", "permissions", 1], "enum"),
        ({"name": "x", "permissions": [{}]}, ["body", "permissions", 0], "enum"),
        ({"name": "x", "permissions": [], "description": 1}, ["body", "description"], "string_type"),
    ],
)
def test_a_wrong_key_is_refused(
    api: httpx.Client, user: dict[str, str], body: Any, location: Any, kind: str
) -> None:
    response = api.post("/api/api-keys", json=body, headers=user)
    assert response.status_code == 422
    assert (response.json()["detail"][0]["loc"], response.json()["detail"][0]["type"]) == (location, kind)


def test_onboarding_remembers_what_was_done(api: httpx.Client, sign_in: SignIn) -> None:
    headers = sign_in(23)
    assert api.get("/api/onboarding/enabled", headers=headers).json() is True
    assert api.get("/api/onboarding", headers=headers).json()["completedSteps"] == []
    api.patch("/api/onboarding", json={"completedSteps": ["WELCOME"], "usageReason": "load"}, headers=headers)
    changed = api.patch(
        "/api/onboarding",
        json={"completedSteps": ["USAGE_REASON", "WELCOME"], "walletShown": True, "usageReason": None},
        headers=headers,
    ).json()
    assert changed["completedSteps"] == ["WELCOME", "USAGE_REASON"]
    assert (changed["usageReason"], changed["walletShown"]) == ("load", True)
    assert api.get("/api/onboarding", headers=headers).json() == changed
    assert api.get("/api/onboarding", headers=sign_in(24)).json()["completedSteps"] == []


@pytest.mark.parametrize(
    ("body", "location", "kind"),
    [
        ({"completedSteps": "WELCOME"}, ["body", "completedSteps"], "list_type"),
        ({"completedSteps": ["WELCOME", "NAP"]}, ["body", "completedSteps", 1], "enum"),
        ({"walletShown": "yes"}, ["body", "walletShown"], "bool_type"),
        ({"usageReason": "x" * 1001}, ["body", "usageReason"], "string_too_long"),
        ({"agentInput": []}, ["body", "agentInput"], "model_attributes_type"),
    ],
)
def test_a_wrong_change_of_the_onboarding_is_refused(
    api: httpx.Client, user: dict[str, str], body: Any, location: Any, kind: str
) -> None:
    response = api.patch("/api/onboarding", json=body, headers=user)
    assert response.status_code == 422
    assert (response.json()["detail"][0]["loc"], response.json()["detail"][0]["type"]) == (location, kind)


def test_the_user_itself(api: httpx.Client, platform: Platform, user: dict[str, str]) -> None:
    me = api.get("/api/auth/user", headers=user).json()
    assert (me["id"], me["email"], me["name"]) == (platform.user_ids[0], "loadtest4@example.com", "loadtest4")
