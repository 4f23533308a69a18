"""The table `tokens` of an environment: which pool it becomes, and what is said of one that is wrong."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_loadtest.auth import SignedTokens, StaticTokens, SupabaseTokens, TokenPool, pool_of
from pytest_loadtest.auth.configuration import keys_of
from pytest_loadtest.errors import ConfigurationError

WHERE = "[tool.pytest-loadtest] environments.DEV.tokens"
SUPABASE = {
    "url": "http://localhost:8000/",
    "anon_key": "the-anon-key",
    "users": "loadtest{4..50}@example.com",
    "password": "the-password",
}


def pool_from(values: dict[str, Any], folder: Path = Path()) -> TokenPool:
    return pool_of(values, where=WHERE, command="make-tokens", folder=folder)


def test_each_source_has_its_pool(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("a@x.io,own-password\n")
    (tmp_path / "tokens.txt").write_text("token-one\ntoken-two\n")
    every = {
        "count": 9,
        "unique": True,
        "rate": "2/s",
        "at_once": 3,
        "create": True,
        "timeout": "5s",
        "cache": False,
    }
    supabase = pool_from({**SUPABASE, **every, "service_key_command": "echo key"})
    assert isinstance(supabase, SupabaseTokens)
    assert (supabase.count, supabase.unique, supabase.url) == (9, True, "http://localhost:8000")
    from_file = {name: value for name, value in SUPABASE.items() if name not in ("users", "password")}
    assert isinstance(pool_from({**from_file, "users_file": "users.csv"}, tmp_path), SupabaseTokens)
    signed = {
        "source": "signed",
        "jwt_secret": "secret-to-sign",
        "users": ["ann"],
        "lifetime": "5m",
        "claims": {},
    }
    assert isinstance(pool_from(signed), SignedTokens)
    static = pool_from({"source": "static", "file": "tokens.txt"}, tmp_path)
    assert isinstance(static, StaticTokens)
    assert static.count == 2
    assert pool_from({"source": "static", "tokens": ["token-one"]}).count == 1


def test_the_command_is_named_in_errors() -> None:
    pool = pool_from({"source": "static", "tokens": [{"token": "token-one", "expires_at": 1}]})
    with pytest.raises(Exception, match="make-tokens"):
        asyncio.run(pool.prepare(1, valid_for_s=1))


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SUPABASE.items() if key != name}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"source": "ldap"}, "source = 'ldap': there are supabase, signed, static"),
        ({"source": ["a"]}, "source = ['a']: there are"),
        ({**SUPABASE, "user": "x"}, "source 'supabase' has no key 'user'; it has url, anon_key, users"),
        ({**SUPABASE, "command": "x"}, "has no key 'command'"),
        (
            {"source": "static", "rate": "2/s"},
            "source 'static' has no key 'rate'; it has tokens, unique, file",
        ),
        (without("url"), "source 'supabase' needs url"),
        (without("anon_key"), "source 'supabase' needs anon_key"),
        (without("users"), "source 'supabase' needs users (or users_file)"),
        ({"source": "static"}, "source 'static' needs tokens (or file)"),
        ({"source": "signed", "users": "a"}, "source 'signed' needs jwt_secret"),
        ({**SUPABASE, "users_file": "x"}, "users and users_file are both given"),
        ({**SUPABASE, "password": 12345678}, "password is not a text"),
        ({**SUPABASE, "create": "yes"}, "create is not true or false"),
        ({**SUPABASE, "users": 3}, "users is not a pattern or a list"),
        ({**SUPABASE, "rate": "2"}, "rate of sign-ins: '2' is not a rate"),
        ({"source": "static", "file": "none.txt"}, "cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_with_where_it_stands(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        pool_from(values)
    assert str(raised.value).startswith(f"{WHERE}: ")
    assert re.search(re.escape(reason), str(raised.value))
    assert "12345678" not in str(raised.value)


def test_keys() -> None:
    assert keys_of("signed") == (
        *("jwt_secret", "users", "lifetime", "algorithm", "claims", "count", "unique"),
        "users_file",
    )
    assert keys_of("static") == ("tokens", "unique", "file")


@pytest.mark.parametrize(
    ("source", "title"), [("supabase", "Supabase"), ("signed", "Tokens signed by the test")]
)
def test_the_page_on_tokens_lists_every_key(source: str, title: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text("utf-8")
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    listed = {
        key
        for cell in re.findall(r"^\|([^|]*)\|", section, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", cell)
    }
    assert listed - {"source"} == set(keys_of(source))
