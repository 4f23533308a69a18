"""Tokens of a list or a file: what is read, and what is said of those that end too early."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.auth import StaticTokens
from pytest_loadtest.errors import ConfigurationError, TokenError
from tests.auth.clocks import NOW_S, JumpingClock, in_virtual_time
from tests.plugin.supabase_server import token_for


def users_of(pool: StaticTokens) -> list[tuple[str, str, float | None]]:
    tokens = [pool.token(number) for number in range(1, len(pool) + 1)]
    return [(token.user, token.access_token, token.expires_at_s) for token in tokens]


def test_a_list_of_texts_and_objects() -> None:
    jwt = token_for("ann@example.com")
    pool = StaticTokens(["token-one", jwt, {"user": "bob", "access_token": "token-two", "expires_at": 5}])
    first, second, third = users_of(pool)
    assert first == ("token 1", "token-one", None)
    assert (second[0], second[1]) == ("ann@example.com", jwt)
    assert third == ("bob", "token-two", 5.0)
    assert repr(pool) == "<StaticTokens, 3 tokens>"


@pytest.mark.parametrize(
    "text",
    [
        "# of monday\ntoken-one\n\n  token-two  \n",
        '["token-one", "token-two"]',
        '\n [{"token": "token-one"}, {"access_token": "token-two"}]\n',
    ],
)
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_files(tmp_path: Path, text: str, mode: int) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text(text)
    path.chmod(mode)
    pool = StaticTokens(path)
    assert [each[1] for each in users_of(pool)] == ["token-one", "token-two"]
    asyncio.run(pool.prepare(2, valid_for_s=60))
    said = f"tokens file {path} can be read by others (its mode is 0644): chmod 600 {path}"
    assert pool.notes == ([said] if mode == 0o644 else [])


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "tokens: there are no tokens"),
        ([""], "tokens: number 1 is empty"),
        (["ok-token", 7], "number 2 is neither a text nor an object with user, token"),
        (["the secret\ntext"], "number 1 is not a token: it has spaces"),
        ([{"user": "a"}], "number 1 has neither token and access_token"),
        ([{"token": "secret-x", "access_token": "secret-y"}], "has both token and access_token"),
        ([{"token": "secret-x", "name": "a"}], "number 1 has name; there are user, token"),
        ([{"token": "secret-x", "expires_at": "monday"}], "expires_at is not a Unix time"),
        ([{"token": "secret-x", "user": 3}], "user is not a text"),
    ],
)
def test_what_is_no_token(entries: list[Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)) as raised:
        StaticTokens(entries)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'[\n"token-one",\n', ":3: this is not JSON"),
        (b"\xff\xfe", " is not text in UTF-8"),
        (b"# nothing\n", ": there are no tokens"),
    ],
)
def test_a_file_that_does_not_parse(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=re.escape(f"tokens file {path}{reason}")):
        StaticTokens(path)
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        StaticTokens(tmp_path / "none")


def expiring(*left_s: float) -> list[dict[str, Any]]:
    return [
        {"user": f"u{n}", "token": f"token-{n}", "expires_at": NOW_S + s} for n, s in enumerate(left_s, 1)
    ]


def test_tokens_that_end_before_the_load_does_are_an_error_before_it() -> None:
    pool = StaticTokens(expiring(60, 3600, -7200), command="try-them", clock=JumpingClock().clock())
    with pytest.raises(TokenError) as raised:
        asyncio.run(pool.prepare(3, valid_for_s=600))
    assert str(raised.value) == (
        "tokens: number 1 (u1) expires in 1m, number 3 (u3) expired 2h ago, but they are needed for 10m. "
        "Tokens of a list cannot be renewed: put new ones there, and try them with: try-them"
    )
    asyncio.run(pool.prepare(1, valid_for_s=30))
    with pytest.raises(TokenError, match=r"u5\) expires in 1 s and 4 more, but"):
        asyncio.run(StaticTokens(expiring(*[1] * 9), clock=JumpingClock().clock()).prepare(9, valid_for_s=9))


def test_a_token_that_ends_under_load_ends_the_load() -> None:
    async def scenario(clock: Any) -> float:
        pool = StaticTokens(expiring(90, 60, 30), clock=clock)
        await pool.prepare(2, valid_for_s=30)
        with pytest.raises(TokenError, match=r"number 2 \(u2\) has expired, but the load goes on"):
            await pool.keep_valid()
        return float(clock.now_s() - NOW_S)

    assert in_virtual_time(scenario) == pytest.approx(60)


def test_a_token_that_ends_never_is_kept_until_cancelled() -> None:
    async def scenario(clock: Any) -> None:
        async with asyncio.timeout(86_400):
            await StaticTokens(["token-one"], clock=clock).keep_valid()

    with pytest.raises(TimeoutError):
        in_virtual_time(scenario)


def test_fewer_tokens_than_virtual_users_is_said_or_an_error() -> None:
    progress: list[tuple[int, int]] = []
    pool = StaticTokens(["token-one", "token-two"])
    asyncio.run(pool.prepare(5, valid_for_s=1, on_progress=lambda *done: progress.append(done)))
    assert pool.notes == ["5 virtual users and 2 tokens: some share one"]
    assert progress == [(2, 2)]
    assert [pool.token(n).access_token for n in (1, 2, 3, 5)] == [
        "token-one",
        "token-two",
        "token-one",
        "token-one",
    ]
    asyncio.run(pool.prepare(2, valid_for_s=1))
    assert pool.notes == []
    unique = StaticTokens(["token-one"], unique=True)
    with pytest.raises(ConfigurationError, match=r"2 virtual users and 1 token, though .*unique"):
        asyncio.run(unique.prepare(2, valid_for_s=1))
