"""Signing in: GoTrue's answers over plain HTTP, and the real supabase clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import jwt
import pytest
from supabase import (
    AsyncClient,
    AsyncClientOptions,
    AuthApiError,
    Client,
    ClientOptions,
    acreate_client,
    create_client,
)

from perf_tests.demo_platform import Platform

TOKEN = "/auth/v1/token"


def post_token(
    api: httpx.Client, platform: Platform, body: object, grant_type: str | None = "password", **headers: str
) -> httpx.Response:
    params = {} if grant_type is None else {"grant_type": grant_type}
    sent = {
        "apikey": platform.supabase_anon_key,
        **{name.replace("_", "-"): headers[name] for name in headers},
    }
    return api.post(TOKEN, params=params, json=body, headers=sent)


def credentials(platform: Platform, **changes: object) -> dict[str, object]:
    return {"email": platform.user_emails[0], "password": platform.user_password, **changes}


def test_a_sign_in_answers_as_gotrue_does(api: httpx.Client, platform: Platform) -> None:
    response = post_token(api, platform, credentials(platform))
    assert response.status_code == 200
    session = response.json()
    assert set(session) == {
        "access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user", "weak_password",
    }  # fmt: skip
    assert (session["token_type"], session["expires_in"]) == ("bearer", 3600)
    user = session["user"]
    assert (user["email"], user["aud"], user["role"]) == (
        "loadtest4@example.com",
        "authenticated",
        "authenticated",
    )
    assert user["identities"][0]["identity_data"]["sub"] == user["id"]
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["exp"]) == (
        user["id"],
        "authenticated",
        session["expires_at"],
    )
    assert claims["iss"] == f"{platform.supabase_url}/auth/v1"


@pytest.mark.parametrize("email", ["LOADTEST50@example.com", " loadtest50@example.com "])
def test_an_address_is_the_same_in_other_letters(api: httpx.Client, platform: Platform, email: str) -> None:
    response = post_token(api, platform, credentials(platform, email=email))
    assert response.json()["user"]["email"] == "loadtest50@example.com"


@pytest.mark.parametrize(
    ("body", "grant_type", "code", "message"),
    [
        pytest.param(
            {"password": "wrong"},
            "password",
            "invalid_credentials",
            "Invalid login credentials",
            id="a password",
        ),
        pytest.param(
            {"email": "loadtest3@example.com"},
            "password",
            "invalid_credentials",
            "Invalid login credentials",
            id="an address that is not there",
        ),
        pytest.param({}, "magic", "invalid_credentials", "unsupported_grant_type", id="a grant type"),
        pytest.param({}, None, "invalid_credentials", "unsupported_grant_type", id="no grant type"),
        pytest.param(
            {"password": None},
            "password",
            "validation_failed",
            "password is required, as a string",
            id="none",
        ),
        pytest.param(
            {"refresh_token": "unknown"},
            "refresh_token",
            "refresh_token_not_found",
            "Invalid Refresh Token: Refresh Token Not Found",
            id="an unknown refresh token",
        ),
    ],
)
def test_a_refused_sign_in_answers_as_gotrue_does(
    api: httpx.Client,
    platform: Platform,
    body: dict[str, object],
    grant_type: str | None,
    code: str,
    message: str,
) -> None:
    sent = credentials(platform, **body)
    older = post_token(api, platform, sent, grant_type)
    assert older.status_code == 400
    assert older.json() == {"code": 400, "error_code": code, "msg": message}
    newer = post_token(api, platform, sent, grant_type, x_supabase_api_version="2024-01-01")
    assert newer.status_code == 400
    assert newer.headers["x-supabase-api-version"] == "2024-01-01"
    assert newer.json() == {"code": code, "message": message}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"email"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api: httpx.Client, platform: Platform, content: bytes) -> None:
    headers = {"apikey": platform.supabase_anon_key}
    response = api.post(TOKEN, params={"grant_type": "password"}, content=content, headers=headers)
    assert response.status_code == 400
    assert response.json()["error_code"] == "bad_json"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", TOKEN), ("GET", "/rest/v1/"), ("GET", "/rest/v1/users")]
)
@pytest.mark.parametrize(
    ("key", "message"),
    [
        pytest.param(lambda platform, token: None, "No API key found in request", id="no key"),
        pytest.param(lambda platform, token: "wrong", "Invalid API key", id="not a key"),
        pytest.param(lambda platform, token: token, "Invalid API key", id="a user's token"),
    ],
)
def test_supabase_needs_an_api_key(
    api: httpx.Client,
    platform: Platform,
    user: dict[str, str],
    method: str,
    path: str,
    key: Callable[[Platform, str], str | None],
    message: str,
) -> None:
    value = key(platform, user["Authorization"].split()[1])
    response = api.request(method, path, headers={} if value is None else {"apikey": value})
    assert response.status_code == 401
    assert response.json()["message"] == message


def test_the_rest_interface(api: httpx.Client, platform: Platform) -> None:
    for key in (platform.supabase_anon_key, platform.supabase_service_key):
        root = api.get("/rest/v1/", headers={"apikey": key})
        assert root.status_code == 200
        assert root.headers["content-type"] == "application/openapi+json"
        assert root.json()["swagger"] == "2.0"
    by_parameter = api.get("/rest/v1/", params={"apikey": platform.supabase_anon_key})
    assert by_parameter.status_code == 200
    table = api.get("/rest/v1/users", headers={"apikey": platform.supabase_anon_key})
    assert (table.status_code, table.json()["code"]) == (404, "PGRST205")


def test_a_refresh_token_is_good_once(api: httpx.Client, platform: Platform) -> None:
    session = post_token(api, platform, credentials(platform)).json()
    wish = {"refresh_token": session["refresh_token"]}
    renewed = post_token(api, platform, wish, "refresh_token")
    assert renewed.status_code == 200
    assert renewed.json()["user"]["id"] == session["user"]["id"]
    assert renewed.json()["refresh_token"] != session["refresh_token"]
    assert post_token(api, platform, wish, "refresh_token").status_code == 400


def library_status(platform: Platform, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{platform.api}/api/library/agents", headers=headers).status_code


def test_the_asynchronous_client_signs_in_and_refreshes(platform: Platform) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient() as connections:
            options = AsyncClientOptions(httpx_client=connections, auto_refresh_token=False)
            client: AsyncClient = await acreate_client(
                platform.supabase_url, platform.supabase_anon_key, options
            )
            answer = await client.auth.sign_in_with_password(
                {"email": platform.user_emails[3], "password": platform.user_password}
            )
            assert answer.session is not None
            assert answer.user is not None
            assert answer.user.email == platform.user_emails[3]
            assert library_status(platform, answer.session.access_token) == 200
            renewed = await client.auth.refresh_session()
            assert renewed.session is not None
            assert renewed.session.access_token != answer.session.access_token
            assert library_status(platform, renewed.session.access_token) == 200

    asyncio.run(scenario())


def test_the_asynchronous_client_is_refused(platform: Platform) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient() as connections:
            options = AsyncClientOptions(httpx_client=connections)
            client = await acreate_client(platform.supabase_url, platform.supabase_anon_key, options)
            with pytest.raises(AuthApiError) as raised:
                await client.auth.sign_in_with_password(
                    {"email": platform.user_emails[0], "password": "wrong"}
                )
            assert (raised.value.status, raised.value.code) == (400, "invalid_credentials")
            assert raised.value.message == "Invalid login credentials"

    asyncio.run(scenario())


def test_the_synchronous_client_signs_in(platform: Platform) -> None:
    with httpx.Client() as connections:
        options = ClientOptions(httpx_client=connections, auto_refresh_token=False)
        client: Client = create_client(platform.supabase_url, platform.supabase_service_key, options)
        answer = client.auth.sign_in_with_password(
            {"email": platform.user_emails[46], "password": platform.user_password}
        )
        assert answer.session is not None
        assert library_status(platform, answer.session.access_token) == 200
