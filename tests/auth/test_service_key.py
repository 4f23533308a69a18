"""Where the service key comes from, with real commands."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from pytest_loadtest.auth import SupabaseTokens
from pytest_loadtest.auth.service_key import ServiceKey
from pytest_loadtest.errors import ConfigurationError

KEY = "the-service-key-itself"


@pytest.mark.parametrize(
    ("value", "command", "environ", "origin"),
    [
        pytest.param(
            KEY, None, {"SUPABASE_SERVICE_KEY": "another"}, "service_key", id="a value is the nearest"
        ),
        pytest.param(
            None,
            f"echo {KEY} | tr -d x; echo",
            {"SUPABASE_SERVICE_KEY": "x"},
            "service_key_command",
            id="a pipe",
        ),
        pytest.param(
            None,
            None,
            {"SUPABASE_SERVICE_KEY": f"{KEY}\n"},
            "the environment variable SUPABASE_SERVICE_KEY",
            id="the environment",
        ),
    ],
)
def test_where_it_comes_from(
    value: str | None, command: str | None, environ: dict[str, str], origin: str
) -> None:
    key = ServiceKey(value, command, environ)
    assert asyncio.run(key.get()) == KEY
    assert key.origin == origin
    assert KEY not in repr(key)


def test_a_command_runs_once(tmp_path: Path) -> None:
    key = ServiceKey(command=f"echo x >> {tmp_path}/runs; echo {KEY}")
    assert {asyncio.run(key.get()), asyncio.run(key.get())} == {KEY}
    assert (tmp_path / "runs").read_text() == "x\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("exit 3", "service_key_command failed with exit status 3"),
        ("echo no such secret >&2; exit 1", "exit status 1: no such secret"),
        ("echo 'token=abcdefgh' >&2; exit 1", "exit status 1: token=[redacted]"),
        ("no-such-command-here", "exit status 127"),
        ("echo no cluster >&2 | cat", "service_key_command printed nothing: no cluster"),
        ("true", "service_key_command printed nothing"),
        ("echo one line; echo another", "service_key_command gives 2 lines or a text with spaces"),
    ],
)
def test_a_command_that_gives_no_key(command: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        asyncio.run(ServiceKey(command=command).get())


def test_a_command_that_hangs_is_ended_with_all_it_started() -> None:
    began_s = time.perf_counter()
    with pytest.raises(ConfigurationError, match=r"did not end within 0\.2 s"):
        asyncio.run(ServiceKey(command="sleep 30 | cat", timeout_s=0.2).get())
    assert time.perf_counter() - began_s < 20


def test_without_a_key_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address would not answer, and nobody asks it."""
    monkeypatch.delenv("SUPABASE_SERVICE_KEY", raising=False)
    pool = SupabaseTokens("http://127.0.0.1:9", "anon-key", "a@x.io", "password", create=True, cache=False)
    with pytest.raises(ConfigurationError) as raised:
        asyncio.run(pool.prepare(1, valid_for_s=1))
    for way in ("service_key", "service_key_command", "SUPABASE_SERVICE_KEY"):
        assert way in str(raised.value)
    assert pool.authentication.attempts == 0


def test_two_sources_are_one_too_many() -> None:
    with pytest.raises(ConfigurationError, match="both given"):
        ServiceKey("a key", "a command")
