"""Sign-ins at the embedded platform, through the real supabase package."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from perf_tests.demo_platform import Platform, running_platform
from pytest_loadtest.auth import SupabaseTokens
from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.errors import ConfigurationError, MisuseError, TokenError


def pool_of(platform: Platform, **options: Any) -> SupabaseTokens:
    given: dict[str, Any] = {
        "url": platform.supabase_url,
        "anon_key": platform.supabase_anon_key,
        "users": "loadtest{4..50}@example.com",
        "password": platform.user_password,
        "cache": False,
    }
    return SupabaseTokens(**given | options)


def user_seen_by(platform: Platform, access_token: str) -> str:
    """Whom the platform takes the bearer for."""
    response = httpx.get(f"{platform.api}/api/auth/user", headers={"Authorization": f"Bearer {access_token}"})
    assert response.status_code == 200
    return str(response.json()["email"])


def test_160_tokens_for_47_users(platform: Platform) -> None:
    pool = pool_of(platform)
    progress: list[tuple[int, int]] = []
    asyncio.run(pool.prepare(160, valid_for_s=60, on_progress=lambda *done: progress.append(done)))
    assert progress == [(done, 160) for done in range(161)]
    assert len(pool) == 160
    users = [pool.token(number).user for number in range(1, 161)]
    assert users == [f"loadtest{4 + index % 47}@example.com" for index in range(160)]
    assert len({pool.token(number).access_token for number in range(1, 161)}) == 160
    for number in (1, 47, 48, 160):
        assert user_seen_by(platform, pool.token(number).access_token) == users[number - 1]
    done = pool.authentication
    assert (done.attempts, done.successes, done.throttled, done.reused, done.renewals) == (160, 160, 0, 0, 0)
    assert done.time_ns > 0


def test_a_count_of_tokens_is_shared(platform: Platform) -> None:
    pool = pool_of(platform, count=3)
    asyncio.run(pool.prepare(2, valid_for_s=60))
    assert len(pool) == 2, "more than the load has users for is not made"
    with pytest.raises(MisuseError, match="virtual user 3 has no token"):
        pool.token(3)
    asyncio.run(pool.prepare(5, valid_for_s=60))
    assert pool.token(4) is pool.token(1)
    assert pool.notes == ["5 virtual users and 3 tokens: some share one"]


def test_unique_tokens_are_asked_for_before_anything_is_sent(platform: Platform) -> None:
    pool = pool_of(platform, count=3, unique=True)
    with pytest.raises(ConfigurationError, match="4 virtual users and 3 tokens, though each user"):
        asyncio.run(pool.prepare(4, valid_for_s=60))
    assert pool.authentication.attempts == 0


def test_users_are_created_first(platform: Platform) -> None:
    options: dict[str, Any] = {"users": ["new{1..3}@example.com", "loadtest4@example.com"]}
    with pytest.raises(TokenError, match=r"new1@example\.com cannot sign in .* the option --create"):
        asyncio.run(pool_of(platform, at_once=1, **options).prepare(4, valid_for_s=60))
    creating = pool_of(platform, create=True, service_key=platform.supabase_service_key, **options)
    asyncio.run(creating.prepare(8, valid_for_s=60))
    assert creating.authentication.created == 3, "one was there"
    assert user_seen_by(platform, creating.token(1).access_token) == "new1@example.com"
    asyncio.run(pool_of(platform, **options).prepare(4, valid_for_s=60))


def test_the_anon_key_creates_nobody(platform: Platform) -> None:
    pool = pool_of(platform, users="nobody@example.com", create=True, service_key=platform.supabase_anon_key)
    with pytest.raises(TokenError, match=r"nobody@example\.com cannot be created .* refuses the service key"):
        asyncio.run(pool.prepare(1, valid_for_s=60))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"anon_key": "not.the.key"}, "Supabase refuses the anon key"),
        ({"password": "another one"}, "Invalid login credentials. Either the password is wrong"),
        ({"users": "stranger@example.com"}, "stranger@example.com cannot sign in"),
    ],
)
def test_what_the_platform_refuses(platform: Platform, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenError) as raised:
        asyncio.run(pool_of(platform, **options).prepare(5, valid_for_s=60))
    assert reason in str(raised.value)


def test_a_limit_of_the_service_is_obeyed() -> None:
    """40/s and 60 tokens, so that the test is short: a second and a half, few 429s."""
    with running_platform(sign_in_rate=40) as platform:
        unaware, aware = pool_of(platform), pool_of(platform, rate="35/s")
        asyncio.run(unaware.prepare(60, valid_for_s=60))
        asyncio.run(aware.prepare(20, valid_for_s=60))
    assert unaware.authentication.successes == 60
    assert unaware.authentication.throttled <= 24
    assert aware.authentication.throttled <= 8, "what the first pool has used up"


def test_tokens_of_a_few_seconds_are_renewed_in_time(tmp_path: Path) -> None:
    """With a clock that runs ten times as fast as the platform's, so that two of its seconds are enough."""

    async def hurried(seconds: float) -> None:
        await asyncio.sleep(seconds / 10)

    begun_s = time.time()
    clock = Clock(lambda: begun_s + 10 * (time.time() - begun_s), hurried)

    async def scenario(platform: Platform, pool: SupabaseTokens) -> None:
        await pool.prepare(4, valid_for_s=60)
        before = [pool.token(number).access_token for number in range(1, 5)]
        headers: dict[str, str] = {}
        with pool.token(1).authorizing(headers):
            keeper = asyncio.create_task(pool.keep_valid())
            async with asyncio.timeout(20):
                while pool.authentication.renewals < 4:  # noqa: ASYNC110 - of a pool nobody is told
                    await asyncio.sleep(0.01)
            keeper.cancel()
            assert headers["Authorization"] != f"Bearer {before[0]}"
        for number in range(1, 5):
            now = pool.token(number)
            assert now.access_token != before[number - 1]
            assert await asyncio.to_thread(user_seen_by, platform, now.access_token) == now.user

    with running_platform(token_lifetime_s=10) as platform:
        asyncio.run(scenario(platform, pool_of(platform, clock=clock, cache=tmp_path)))


def test_expiry_is_by_our_clock(platform: Platform) -> None:
    """A machine whose clock is an hour behind does not renew tokens an hour late."""
    pool = pool_of(platform, clock=Clock(lambda: time.time() - 3600))
    asyncio.run(pool.prepare(1, valid_for_s=60))
    token = pool.token(1)
    claims = jwt.decode(token.access_token, options={"verify_signature": False})
    assert (token.expires_at_s or 0) == pytest.approx(claims["exp"] - 3600, abs=5)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"url": "localhost:8000"}, "url of Supabase: 'localhost:8000' is not an address"),
        ({"url": "ftp://x.invalid"}, "is not an address"),
        ({"url": "http://x.invalid:port"}, "is not an address"),
        ({"url": "http://ann:hunter2@x.invalid"}, "'http://[redacted]@x.invalid' is not an address"),
        ({"url": 7}, "url of Supabase: 7 is not a text"),
        ({"anon_key": ""}, "anon_key of Supabase is empty"),
        ({"anon_key": "two words"}, "anon_key of Supabase is empty or not a key"),
        ({"rate": "fast"}, "rate of sign-ins: 'fast' is not a rate"),
        ({"at_once": 0}, "at_once of sign-ins: 0 is not a whole number, 1 or more"),
        ({"timeout": "0s"}, "timeout of sign-ins"),
        ({"timeout": "never"}, "timeout of sign-ins: 'never' is not a duration"),
        ({"password": None}, "loadtest4@example.com has no password"),
        ({"users": "ann"}, "'ann' is not an e-mail address"),
        ({"count": -1}, "count of tokens: -1"),
        ({"service_key": "a", "service_key_command": "b"}, "both given"),
    ],
)
def test_a_configuration_that_cannot_be(platform: Platform, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        pool_of(platform, **options)
    assert reason in str(raised.value)


@pytest.mark.parametrize("package", ["supabase", "filelock"])
def test_packages_that_are_not_installed(
    platform: Platform, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Callable[[str], object] = {package: None}.get
    monkeypatch.setattr(
        "pytest_loadtest.auth.extras.find_spec", lambda name: found(name) if name == package else 1
    )
    with pytest.raises(ConfigurationError, match=rf"needs {package}: python -m pip install .*\[supabase\]"):
        pool_of(platform)


@pytest.mark.parametrize(
    ("load_s", "is_needed"),
    [
        pytest.param(1799, False, id="no token is renewed in it"),
        pytest.param(1801, True, id="one is renewed in it"),
    ],
)
def test_tokens_of_the_cache_cost_the_import_only_where_one_will_be_renewed(
    tmp_path: Path, load_s: float, is_needed: bool
) -> None:
    """Then it is done before the load, which would stand while it is done."""
    write = f"""
import asyncio, sys
from tests.auth.clocks import NOW_S, JumpingClock
from tests.auth.fakes import FakePool, FakeService
clock = JumpingClock().clock()
def pool():
    return FakePool(FakeService(clock, lifetime_s=3600), cache={str(tmp_path)!r})
asyncio.run(pool().prepare(2, valid_for_s=10))
again = pool()
asyncio.run(again.prepare(2, valid_for_s={load_s}))
assert again.authentication.reused == 2
sys.exit("supabase" in sys.modules)
"""
    folder = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", write], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (ran.stderr, ran.returncode) == ("", int(is_needed))
