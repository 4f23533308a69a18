"""Where the suite's load may go, and what an environment must say before any of it does."""

from __future__ import annotations

import pytest

from perf_tests.conftest import websocket_address
from pytest_loadtest import Environment
from tests.perf_tests.conftest import Suite


@pytest.mark.parametrize(
    ("sentence", "values", "address"),
    [
        ("beside the API", {"api": "http://127.0.0.1:8006"}, "ws://127.0.0.1:8006/ws"),
        ("encrypted as the API is", {"api": "https://api.example.com/"}, "wss://api.example.com/ws"),
        (
            "elsewhere",
            {"api": "https://api.example.com", "websocket_url": "wss://ws.example.com"},
            "wss://ws.example.com/ws",
        ),
    ],
)
def test_where_the_websocket_is(sentence: str, values: dict[str, str], address: str) -> None:
    assert websocket_address(Environment("TEST", values)) == address, sentence


def test_prod_needs_to_be_allowed(suite: Suite) -> None:
    result = suite.collect("--load-env=PROD", "-k", "public")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'PROD' is protected: load on it needs --load-allow PROD"])


def test_tests_with_tokens_need_the_secrets_that_make_them(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEV_SUPABASE_URL", raising=False)
    result = suite.collect("--load-env=DEV")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*DEV_SUPABASE_URL*"])


def test_the_service_key_is_not_needed_to_sign_in(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PROD_SUPABASE_ANON_KEY", "LOADTEST_PASSWORD"):
        monkeypatch.setenv(variable, "from-the-shell")
    monkeypatch.setenv("PROD_SUPABASE_URL", "https://prod.supabase.invalid")
    monkeypatch.delenv("SUPABASE_SERVICE_KEY", raising=False)
    assert suite.collect("--load-env=PROD", "--load-allow=PROD").ret == pytest.ExitCode.OK
    assert len(suite.names) == 14


def test_tests_without_tokens_do_without_secrets(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEV_SUPABASE_URL", raising=False)
    result = suite.collect("--load-env=DEV", "-k", "public")
    assert result.ret == pytest.ExitCode.OK
    assert len(suite.names) == 2
