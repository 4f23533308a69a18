"""Nothing secret in representations, errors, logs, or files that others can read."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from pathlib import Path

import pytest

from perf_tests.demo_platform import Platform
from pytest_loadtest.auth import SignedTokens, StaticTokens, SupabaseTokens
from pytest_loadtest.auth.cache import TokenCache
from pytest_loadtest.auth.clock import Clock
from pytest_loadtest.core.redaction import redact
from pytest_loadtest.errors import TokenError


def test_nothing_secret_is_shown(
    platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pool = SupabaseTokens(
        platform.supabase_url,
        platform.supabase_anon_key,
        "loadtest{4..6}@example.com",
        platform.user_password,
        create=True,
        service_key=platform.supabase_service_key,
        cache=tmp_path,
    )
    asyncio.run(pool.prepare(5, valid_for_s=60))
    refused = SupabaseTokens(
        platform.supabase_url,
        platform.supabase_anon_key,
        "nobody@example.com",
        platform.user_password,
        cache=False,
    )
    with pytest.raises(TokenError) as raised:
        asyncio.run(refused.prepare(1, valid_for_s=60))

    cache = TokenCache(tmp_path, platform.supabase_url, platform.supabase_anon_key, Clock())
    sessions = asyncio.run(cache.load())
    assert len(sessions) == 5
    secrets = [platform.supabase_anon_key, platform.supabase_service_key, platform.user_password]
    secrets += [text for each in sessions.values() for text in (each.access_token, each.refresh_token)]

    shown = [
        repr(pool),
        str(pool),
        repr(sessions),
        repr(pool.authentication),
        caplog.text,
        *capfd.readouterr(),
    ]
    shown += [repr(pool.token(number)) for number in range(1, 6)]
    shown += ["".join(traceback.format_exception(raised.value)), *(path.name for path in tmp_path.iterdir())]
    for text in shown:
        assert [secret for secret in secrets if secret in text] == []
    for secret in secrets:
        assert redact(f"found {secret} here") == "found [redacted] here", "every secret is declared"
    assert pickle.loads(pickle.dumps(raised.value)).args == raised.value.args


def test_secrets_of_the_other_pools_are_declared() -> None:
    StaticTokens(["an-opaque-token"])
    signed = SignedTokens(jwt_secret="the-secret-to-sign-with", users="ann")
    asyncio.run(signed.prepare(1, valid_for_s=60))
    for secret in ("an-opaque-token", "the-secret-to-sign-with", signed.token(1).access_token):
        assert secret not in redact(f"found {secret} here")
