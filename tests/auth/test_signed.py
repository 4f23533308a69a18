"""Tokens signed here: their claims, their renewal, and secrets that cannot sign."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import jwt
import pytest

from pytest_loadtest.auth import SignedTokens
from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.errors import ConfigurationError, MisuseError
from tests.auth.clocks import NOW_S, JumpingClock, in_virtual_time

SECRET = "a secret of at least thirty-two bytes"


def pool_of(**options: Any) -> SignedTokens:
    given: dict[str, Any] = {"jwt_secret": SECRET, "users": "u{1..2}@x.io", "clock": JumpingClock().clock()}
    return SignedTokens(**given | options)


def claims_of(pool: SignedTokens, number: int) -> dict[str, Any]:
    text = pool.token(number).access_token
    options = {"verify_exp": False, "verify_iat": False}
    claims: dict[str, Any] = jwt.decode(text, SECRET, ["HS256"], options, audience="authenticated")  # type: ignore[arg-type]  # its TypedDict
    return claims


def test_claims_are_those_of_supabase() -> None:
    pool = pool_of(lifetime="10m")
    asyncio.run(pool.prepare(3, valid_for_s=60))
    first, third = claims_of(pool, 1), claims_of(pool, 3)
    assert (first["email"], first["role"]) == ("u1@x.io", "authenticated")
    assert (first["iat"], first["exp"]) == (NOW_S, NOW_S + 600)
    assert pool.token(1).expires_at_s == NOW_S + 600
    assert third["sub"] == first["sub"], "the third token is the first user's again"
    assert third["session_id"] != first["session_id"]
    assert pool.token(3).user == "u1@x.io"
    assert (pool.authentication.attempts, pool.authentication.successes) == (3, 3)


def test_every_process_makes_the_same_users() -> None:
    ours, theirs = pool_of(), pool_of()
    for pool in (ours, theirs):
        asyncio.run(pool.prepare(4, valid_for_s=60))
    assert claims_of(ours, 4) == claims_of(theirs, 4)


def test_claims_may_name_the_user() -> None:
    pool = pool_of(claims={"sub": "{user}", "app": {"tags": ["of {user}", 7]}, "role": "admin"})
    asyncio.run(pool.prepare(2, valid_for_s=60))
    claims = claims_of(pool, 2)
    assert (claims["sub"], claims["role"]) == ("u2@x.io", "admin")
    assert claims["app"] == {"tags": ["of u2@x.io", 7]}


def test_tokens_are_minted_anew_before_they_expire() -> None:
    async def scenario(clock: Clock) -> list[float]:
        pool = pool_of(clock=clock, lifetime="100s")
        await pool.prepare(2, valid_for_s=60)
        headers: dict[str, str] = {}
        left_s: list[float] = []
        with pool.token(2).authorizing(headers):
            keeper = asyncio.create_task(pool.keep_valid())
            for _ in range(1000):
                await asyncio.sleep(1)
                left_s.append((pool.token(2).expires_at_s or 0) - clock.now_s())
                assert headers["Authorization"] == f"Bearer {pool.token(2).access_token}"
            keeper.cancel()
        assert 25 <= pool.authentication.renewals <= 40
        return left_s

    assert min(in_virtual_time(scenario)) >= 30


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"jwt_secret": ""}, "jwt_secret is empty"),
        ({"algorithm": "HS257"}, "algorithm 'HS257' and these claims: Algorithm not supported"),
        ({"algorithm": "RS256"}, "algorithm 'RS256'"),
        ({"lifetime": "soon"}, "lifetime of tokens: 'soon' is not a duration"),
        ({"lifetime": "1s"}, "is shorter than 2 s"),
        ({"claims": {"x": object()}}, "is not JSON serializable"),
        ({"claims": {"exp": 1}}, "exp come from `lifetime`"),
        ({"claims": ["a"]}, "is not a table"),
        ({"users": []}, "there are no users"),
        ({"count": 0}, "count of tokens: 0 is not a whole number, 1 or more"),
    ],
)
def test_what_cannot_sign_is_said_at_once(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)) as raised:
        pool_of(**options)
    assert SECRET not in str(raised.value)


def test_a_short_secret_signs_too() -> None:
    pool = pool_of(jwt_secret="short")
    asyncio.run(pool.prepare(1, valid_for_s=1))
    assert jwt.decode(pool.token(1).access_token, options={"verify_signature": False})["email"] == "u1@x.io"


def test_a_pool_that_is_not_prepared_has_no_tokens() -> None:
    with pytest.raises(MisuseError, match=r"virtual user 1 has no token: .* await pool\.prepare"):
        pool_of().token(1)
