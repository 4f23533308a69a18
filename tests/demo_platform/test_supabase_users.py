"""Users beyond signing in: GoTrue's answers over plain HTTP, and the real client as administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from supabase import AsyncClientOptions, AuthApiError, AuthWeakPasswordError, acreate_client

from perf_tests.demo_platform import Platform, running_platform

SignIn = Callable[[int], dict[str, str]]
USERS = "/auth/v1/admin/users"


@pytest.fixture(scope="module")
def admin(platform: Platform) -> dict[str, str]:
    key = platform.supabase_service_key
    return {"apikey": key, "Authorization": f"Bearer {key}"}


def sign_in_status(api: httpx.Client, platform: Platform, email: str, password: str) -> tuple[int, str]:
    response = api.post(
        "/auth/v1/token",
        params={"grant_type": "password"},
        headers={"apikey": platform.supabase_anon_key},
        json={"email": email, "password": password},
    )
    return response.status_code, response.json().get("error_code", "")


def test_a_new_user_signs_in_and_has_credits(
    api: httpx.Client, platform: Platform, admin: dict[str, str]
) -> None:
    wish = {
        "email": " New.User@example.com ",
        "password": "long enough",
        "email_confirm": True,
        "user_metadata": {"team": "load"},
        "app_metadata": {"plan": "free"},
    }
    user = api.post(USERS, json=wish, headers=admin).json()
    assert (user["email"], user["role"]) == ("new.user@example.com", "authenticated")
    assert user["user_metadata"] == {"email_verified": True, "team": "load"}
    assert user["app_metadata"] == {"plan": "free", "provider": "email", "providers": ["email"]}
    session = api.post(
        "/auth/v1/token?grant_type=password",
        headers={"apikey": platform.supabase_anon_key},
        json={"email": "new.user@example.com", "password": "long enough"},
    ).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    assert api.get("/api/credits", headers=headers).json() == {"credits": 10_000}
    assert api.get("/api/graphs", headers=headers).json() == []
    assert api.get("/api/auth/user", headers=headers).json()["id"] == user["id"]


def test_who_has_not_confirmed_the_address_cannot_sign_in(
    api: httpx.Client, platform: Platform, admin: dict[str, str]
) -> None:
    wish = {"email": "unconfirmed@example.com", "password": "long enough"}
    assert api.post(USERS, json=wish, headers=admin).json()["email_confirmed_at"] is None
    status = sign_in_status(api, platform, wish["email"], wish["password"])
    assert status == (400, "email_not_confirmed")
    assert sign_in_status(api, platform, wish["email"], "wrong") == (400, "invalid_credentials")


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        pytest.param(
            {"email": "loadtest4@example.com", "password": "long enough"}, 422, "email_exists", id="twice"
        ),
        pytest.param({"email": "LoadTest4@Example.com"}, 422, "email_exists", id="in other letters"),
        pytest.param({"email": "x@example.com", "password": "short"}, 422, "weak_password", id="too short"),
        pytest.param(
            {"email": "x@example.com", "password": "x" * 73}, 400, "validation_failed", id="too long"
        ),
        pytest.param({"email": "x@example.com", "password": 123456}, 400, "validation_failed", id="a number"),
        pytest.param({"password": "long enough"}, 400, "validation_failed", id="no address"),
        pytest.param({"email": "x at example.com"}, 400, "validation_failed", id="no real address"),
        pytest.param({"email": 7}, 400, "validation_failed", id="an address that is a number"),
        pytest.param({"email": "x@example.com", "user_metadata": []}, 400, "validation_failed", id="a list"),
        pytest.param([], 400, "bad_json", id="no object"),
    ],
)
def test_a_user_that_cannot_be(
    api: httpx.Client, admin: dict[str, str], wish: Any, status: int, code: str
) -> None:
    before = api.get(USERS, headers=admin).headers["x-total-count"]
    response = api.post(USERS, json=wish, headers=admin)
    assert response.status_code == status
    assert (response.json()["code"], response.json()["error_code"]) == (status, code)
    newer = api.post(USERS, json=wish, headers={**admin, "X-Supabase-Api-Version": "2024-01-01"})
    assert newer.json()["code"] == code
    assert api.get(USERS, headers=admin).headers["x-total-count"] == before


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("bearer", "status", "code"),
    [
        ("none", 401, "no_authorization"),
        ("anon", 403, "not_admin"),
        ("user", 403, "not_admin"),
        ("x", 403, "bad_jwt"),
    ],
)
def test_only_the_service_key_administrates(
    api: httpx.Client,
    platform: Platform,
    user: dict[str, str],
    method: str,
    bearer: str,
    status: int,
    code: str,
) -> None:
    authorizations = {
        "none": {},
        "anon": {"Authorization": f"Bearer {platform.supabase_anon_key}"},
        "user": user,
    }
    headers = authorizations.get(bearer, {"Authorization": "Bearer x"})
    response = api.request(
        method,
        USERS,
        json={"email": "x@example.com"},
        headers={"apikey": platform.supabase_anon_key, **headers},
    )
    assert (response.status_code, response.json()["error_code"]) == (status, code)


def test_users_are_listed_by_page(api: httpx.Client, admin: dict[str, str]) -> None:
    def emails(query: str) -> list[str]:
        return [user["email"] for user in api.get(f"{USERS}?{query}", headers=admin).json()["users"]]

    everybody = emails("per_page=1000")
    assert everybody == sorted(everybody)
    assert {"loadtest4@example.com", "loadtest50@example.com"} <= set(everybody)
    assert emails("page=2&per_page=5") == everybody[5:10]
    assert len(emails("page=&per_page=")) == min(50, len(everybody))
    for wrong in ("page=0", "per_page=x", "page=-1", "page=99999999"):
        assert api.get(f"{USERS}?{wrong}", headers=admin).json()["error_code"] == "validation_failed"


def test_the_user_of_a_session(api: httpx.Client, platform: Platform, sign_in: SignIn) -> None:
    headers = {"apikey": platform.supabase_anon_key, **sign_in(7)}
    assert api.get("/auth/v1/user", headers=headers).json()["email"] == platform.user_emails[7]
    expired = jwt.encode({"sub": "x", "exp": 1}, platform.jwt_secret, "HS256")
    for bearer, status, code in (
        (None, 401, "no_authorization"),
        ("nonsense", 403, "bad_jwt"),
        (expired, 403, "bad_jwt"),
        (platform.supabase_anon_key, 403, "bad_jwt"),
    ):
        sent = {"apikey": platform.supabase_anon_key} | (
            {"Authorization": f"Bearer {bearer}"} if bearer else {}
        )
        response = api.get("/auth/v1/user", headers=sent)
        assert (response.status_code, response.json()["error_code"]) == (status, code)


@pytest.mark.parametrize(
    ("scope", "open_afterwards"),
    [("local", [False, True]), ("others", [True, False]), (None, [False, False])],
)
def test_signing_out_ends_sessions(
    api: httpx.Client, platform: Platform, sign_in: SignIn, scope: str | None, open_afterwards: list[bool]
) -> None:
    key = {"apikey": platform.supabase_anon_key}
    sessions = [{**key, **sign_in(8)} for _ in range(2)]
    response = api.post("/auth/v1/logout", params={"scope": scope} if scope else {}, headers=sessions[0])
    assert (response.status_code, response.content) == (204, b"")
    answers = [api.get("/auth/v1/user", headers=session) for session in sessions]
    assert [answer.status_code == 200 for answer in answers] == open_afterwards
    closed = [answer.json()["error_code"] for answer in answers if answer.status_code != 200]
    assert set(closed) == {"session_not_found"}
    assert api.get("/api/credits", headers=sessions[0]).status_code == 200  # until the token expires


def test_an_unknown_scope_of_signing_out(api: httpx.Client, platform: Platform, user: dict[str, str]) -> None:
    headers = {"apikey": platform.supabase_anon_key, **user}
    response = api.post("/auth/v1/logout?scope=all", headers=headers)
    assert (response.status_code, response.json()["error_code"]) == (400, "validation_failed")


def test_health(api: httpx.Client, platform: Platform) -> None:
    assert api.get("/auth/v1/health").status_code == 401
    headers = {"apikey": platform.supabase_anon_key}
    assert api.get("/auth/v1/health", headers=headers).json()["name"] == "GoTrue"


def test_the_real_client_administrates(platform: Platform) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient() as connections:
            options = AsyncClientOptions(httpx_client=connections, auto_refresh_token=False)
            service = await acreate_client(platform.supabase_url, platform.supabase_service_key, options)
            attributes = {"email": "made@example.com", "password": "long enough", "email_confirm": True}
            made = await service.auth.admin.create_user(attributes)  # type: ignore[arg-type]  # a TypedDict
            assert made.user.email == "made@example.com"
            listed = await service.auth.admin.list_users(per_page=1000)
            assert made.user.id in {user.id for user in listed}
            with pytest.raises(AuthApiError) as raised:
                await service.auth.admin.create_user(attributes)  # type: ignore[arg-type]  # a TypedDict
            assert (raised.value.status, raised.value.code) == (422, "email_exists")
            with pytest.raises(AuthWeakPasswordError) as weak:
                await service.auth.admin.create_user({"email": "weak@example.com", "password": "weak"})
            assert weak.value.reasons == ["length"]
            options = AsyncClientOptions(httpx_client=connections, auto_refresh_token=False)
            anon = await acreate_client(platform.supabase_url, platform.supabase_anon_key, options)
            with pytest.raises(AuthApiError) as refused:
                await anon.auth.admin.create_user({"email": "other@example.com"})
            assert (refused.value.status, refused.value.code) == (403, "not_admin")
            await anon.auth.sign_in_with_password({"email": "made@example.com", "password": "long enough"})
            current = await anon.auth.get_user()
            assert current is not None
            assert current.user.id == made.user.id
            await anon.auth.sign_out()

    asyncio.run(scenario())


def test_the_sign_in_limit_and_the_token_lifetime() -> None:
    with (
        running_platform(sign_in_rate=2, token_lifetime_s=90) as platform,
        httpx.Client(base_url=platform.api) as api,
    ):
        answers = [
            api.post(
                "/auth/v1/token?grant_type=password",
                headers={"apikey": platform.supabase_anon_key},
                json={"email": platform.user_emails[0], "password": platform.user_password},
            )
            for _ in range(8)
        ]
        assert api.get("/health").status_code == 200
    first, last = answers[0], next(answer for answer in reversed(answers) if answer.status_code == 429)
    assert (first.status_code, first.json()["expires_in"]) == (200, 90)
    claims = jwt.decode(first.json()["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 90
    assert last.headers["retry-after"] == "1"
    assert last.json() == {
        "code": 429,
        "error_code": "over_request_rate_limit",
        "msg": "Request rate limit reached",
    }
