"""The token pool of the load tests, against the platform and through the real supabase package."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import jwt
import pytest

from perf_tests.conftest import USERS
from perf_tests.demo_platform import Platform
from perf_tests.tokens import SignInError, SupabaseProject, Token, TokenPool

Result = TypeVar("Result")


def with_pool(
    platform: Platform,
    use: Callable[[TokenPool], Awaitable[Result]],
    password: str | None = None,
    url: str | None = None,
) -> Result:
    async def scenario() -> Result:
        async with httpx.AsyncClient() as connections:
            project = SupabaseProject(
                url or platform.supabase_url, platform.supabase_anon_key, password or platform.user_password
            )
            return await use(TokenPool(project, USERS, connections))

    return asyncio.run(scenario())


def test_virtual_users_share_the_users(platform: Platform, api: httpx.Client) -> None:
    async def use(pool: TokenPool) -> list[Token]:
        tokens = await asyncio.gather(*(pool.token(vu_id) for vu_id in (1, 2, 47, 48, 95)))
        assert repr(pool) == f"<TokenPool {platform.supabase_url} 3 of 47 users signed in>"
        return tokens

    first, second, last, again_first, third_time = with_pool(platform, use)
    assert (first.user, second.user, last.user) == (USERS[0], USERS[1], USERS[46])
    assert again_first is first
    assert third_time is first
    for token in (first, second, last):
        claims = jwt.decode(token.access_token, options={"verify_signature": False})
        assert claims["email"] == token.user
        headers = {"Authorization": f"Bearer {token.access_token}"}
        assert api.get("/api/library/agents", headers=headers).status_code == 200


def test_nothing_secret_is_shown(platform: Platform) -> None:
    async def use(pool: TokenPool) -> str:
        token = await pool.token(1)
        shown = f"{pool!r} {pool} {token!r} {token} {pool._project!r}"
        secrets = (token.access_token, platform.user_password, platform.supabase_anon_key)
        assert not any(secret in shown for secret in secrets)
        return repr(token)

    assert with_pool(platform, use) == "Token(user='loadtest4@example.com')"


@pytest.mark.parametrize(
    ("password", "url", "reason"),
    [
        pytest.param("wrong", None, "Invalid login credentials", id="a wrong password"),
        pytest.param(None, "http://127.0.0.1:9", "connection attempts failed", id="nobody listens"),
    ],
)
def test_a_failed_sign_in_is_an_error(
    platform: Platform, password: str | None, url: str | None, reason: str
) -> None:
    with pytest.raises(SignInError, match=reason) as raised:
        with_pool(platform, lambda pool: pool.token(1), password, url)
    assert str(raised.value).startswith(
        f"loadtest4@example.com cannot sign in at {url or platform.supabase_url}"
    )


def test_each_run_has_its_own_session(platform: Platform) -> None:
    async def session_id(pool: TokenPool) -> str:
        return pool.session_id

    assert with_pool(platform, session_id) != with_pool(platform, session_id)
